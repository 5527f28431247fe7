//! What a user can prove, against what is demanded.

use placet_sdk::interaction::{Answer, AuthPrompt, AuthReason, Candidate, DenyAnswer, DenyError, Reason};

use crate::{app::Means, directory::User};

/// Methods of RFC 8176 that a password and a one-time password make together.
pub(super) const BOTH: [&str; 3] = ["pwd", "otp", "mfa"];

/// What nobody here can prove, or not this user.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unmet;

/// What it takes to meet a demand, and the class that is then asserted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need<'a> {
    /// A password.
    Password(Option<&'a str>),
    /// A password and a second factor.
    Both(&'a str),
}

/// What somebody has besides the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Second {
    /// A second factor.
    Enrolled,
    /// None yet, but one can be set up.
    Possible,
    /// None.
    Missing,
}

impl Second {
    /// What this user has.
    pub(super) fn of(user: &User, means: &Means) -> Self {
        match (&user.totp, &means.vault) {
            (Some(_), _) => Self::Enrolled,
            (None, Some(_)) if means.enrolment => Self::Possible,
            _ => Self::Missing,
        }
    }
}

/// Whether a demand can be met by anybody: asked before it is known who comes.
pub(super) fn anybody<'a>(auth: &AuthPrompt, means: &'a Means) -> Result<Need<'a>, Unmet> {
    need(auth, means, if means.vault.is_some() { Second::Enrolled } else { Second::Missing })
}

/// What it takes of somebody who has `second`: for the first demanded class that is within reach. Nobody is made to set
/// up a second factor for a wish, nor where a password will do as well.
pub(super) fn need<'a>(auth: &AuthPrompt, means: &'a Means, second: Second) -> Result<Need<'a>, Unmet> {
    let methods = auth.amr.as_ref().map_or(&[][..], |demand| &demand.values);
    if methods.iter().any(|method| !BOTH.contains(&method.as_str())) {
        return Err(Unmet);
    }
    let both = methods.iter().any(|method| method != "pwd");
    let values = auth.acr.as_ref().map_or(&[][..], |demand| &demand.values);
    let essential = auth.acr.as_ref().is_some_and(|demand| demand.essential) && !values.is_empty();
    let among = |classes: &'a [String], wanted: &String| {
        classes.iter().find(|own| *own == wanted).map(String::as_str)
    };
    // Who has two factors has one, too: a class that a password reaches can be asserted with both.
    let with_both = |wanted: &String| {
        among(&means.both, wanted).or_else(|| among(&means.password, wanted).filter(|_| both))
    };
    let met = values.iter().find_map(|wanted| {
        let password = among(&means.password, wanted).filter(|_| !both);
        let stronger = || with_both(wanted).filter(|_| second == Second::Enrolled);
        password.map(|class| Need::Password(Some(class))).or_else(|| stronger().map(Need::Both))
    });
    let default = || means.both.first().map(String::as_str).ok_or(Unmet);
    let need = match met {
        Some(need) => need,
        None if (essential || both)
            && second == Second::Possible
            && values.iter().any(|v| with_both(v).is_some()) =>
        {
            Need::Both(values.iter().find_map(with_both).ok_or(Unmet)?)
        }
        None if essential => return Err(Unmet),
        None if both && second == Second::Missing => return Err(Unmet),
        None if both => Need::Both(default()?),
        None => Need::Password(means.password.first().map(String::as_str)),
    };
    // Where it is the rule, whoever has a second factor uses it at every sign-in.
    Ok(match need {
        Need::Password(class) if means.always && second == Second::Enrolled => {
            let demanded = class.filter(|class| values.iter().any(|value| value == class));
            Need::Both(demanded.map_or_else(default, Ok)?)
        }
        need => need,
    })
}

/// The class to assert where what this user gave before is enough: the password, or the second factor, too.
pub(crate) fn of_pass<'a>(
    auth: &AuthPrompt,
    means: &'a Means,
    (user, both): (&User, bool),
) -> Result<Option<&'a str>, Unmet> {
    match need(auth, means, Second::of(user, means))? {
        Need::Password(class) => Ok(class),
        Need::Both(class) if both => Ok(Some(class)),
        Need::Both(_) => Err(Unmet),
    }
}

/// The methods of who gave the password, or the second factor, too.
pub(crate) fn methods(both: bool) -> Vec<String> {
    if both { &BOTH[..] } else { &["pwd"] }.iter().map(|m| (*m).to_owned()).collect()
}

/// The answer of a user who does not go on: it names the demand if that is the reason.
pub(super) fn refusal(auth: &AuthPrompt, means: &Means) -> Answer {
    if anybody(auth, means).is_ok() { super::declined() } else { unmet() }
}

/// The answer where the user cannot meet the demand.
pub(super) fn unmet() -> Answer {
    Answer::Deny(DenyAnswer {
        error: Some(DenyError::UnmetAuthenticationRequirements),
        error_description: Some("the demanded authentication is not available".to_owned()),
        reason: Some(Reason { code: "out_of_reach".to_owned(), detail: None }),
    })
}

/// Whether the session of an account answers the demand as it is, without a password.
pub(super) fn suffices(candidate: &Candidate, auth: &AuthPrompt) -> bool {
    let again = [
        AuthReason::AnswerInsufficient,
        AuthReason::PromptLogin,
        AuthReason::AcrInsufficient,
        AuthReason::AmrInsufficient,
        AuthReason::PolicyStepUp,
    ];
    let fresh = auth.not_before.is_none_or(|limit| candidate.authenticated_at >= limit);
    let strong = auth.acr.as_ref().is_none_or(|demand| {
        !demand.essential || candidate.acr.as_ref().is_some_and(|acr| demand.values.contains(acr))
    });
    let methods =
        auth.amr.as_ref().is_none_or(|demand| demand.values.iter().all(|m| candidate.amr.contains(m)));
    fresh && strong && methods && !auth.reasons.iter().any(|reason| again.contains(reason))
}

/// Whether strength alone is missing: then a session with the first factor needs the second one only. A password that is
/// too old, or was asked for again, does not count.
pub(super) fn only_strength(auth: &AuthPrompt) -> bool {
    let strength = [AuthReason::AcrInsufficient, AuthReason::AmrInsufficient, AuthReason::PolicyStepUp];
    !auth.reasons.is_empty() && auth.reasons.iter().all(|reason| strength.contains(reason))
}

#[cfg(test)]
mod tests;
