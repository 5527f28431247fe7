//! What has to happen next before an authorization request can be answered. One pure function decides it, for the
//! first look at the session as well as after every answer of the user.

use crate::error::ErrorCode;

/// How old a fresh authentication may be even if `max_age` is smaller, in seconds: `max_age=0` asks for a new
/// authentication, and the way back from it takes some time.
const FRESH_FOR: i64 = 60;

/// What is known of the user's authentication.
#[derive(Clone, Debug)]
pub struct AuthFacts {
    /// Who the user is.
    pub sub: String,
    /// When the user authenticated, in seconds since 1970.
    pub authenticated_at: i64,
    /// The authentication context class that was reached.
    pub acr: Option<String>,
    /// The methods that were used (RFC 8176).
    pub amr: Vec<String>,
    /// Until when the authentication satisfies ordinary requests, in seconds since 1970; `None` is as long as the
    /// session lasts.
    pub satisfies_until: Option<i64>,
}

/// What a request demands of the authentication.
#[derive(Clone, Debug, Default)]
pub struct Demand {
    /// How old it may be, in seconds.
    pub max_age: Option<u64>,
    /// The authentication context classes that will do, best first; empty is any.
    pub acr_values: Vec<String>,
    /// Whether one of `acr_values` is needed, not just wished for (OpenID Connect Core section 5.5.1.1, RFC 9470
    /// section 5).
    pub acr_essential: bool,
    /// The authentication context classes that whoever can be asked may assert; `None` is any.
    pub acr_reach: Option<Vec<String>>,
    /// Who the user must be.
    pub sub: Option<String>,
    /// When it may have happened at the earliest, in seconds since 1970 (`prompt=login`, `prompt=create`).
    pub not_before: Option<i64>,
    /// Whether the user must choose an account.
    pub select_account: bool,
    /// Whether the user must create an account.
    pub create: bool,
    /// The methods that must have been used.
    pub amr: Vec<String>,
    /// A policy asks for an authentication in this interaction that did not happen before this, in seconds since 1970.
    pub step_up: Option<i64>,
}

/// Whether the user has to consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentState {
    /// Nothing to ask: the client is trusted or consent was recorded before.
    NotNeeded,
    /// The user has to be asked.
    Needed,
    /// The user was asked in this interaction, and agreed.
    Given,
}

/// How far an authorization request has come.
#[derive(Clone, Debug)]
pub struct Progress<'a> {
    /// Whether the user may be asked anything; not with `prompt=none`.
    pub prompts_allowed: bool,
    /// What is known of the user, if anything.
    pub facts: Option<&'a AuthFacts>,
    /// Whether the facts come from an answer in this interaction and not from the session, so that the user has
    /// chosen or created the account just now.
    pub fresh: bool,
    /// Why there are no facts although there was a session.
    pub session_over: Option<AuthReason>,
    /// What the request demands.
    pub demand: &'a Demand,
    /// Whether the user has to consent.
    pub consent: ConsentState,
    /// The time, in seconds since 1970.
    pub now: i64,
}

/// Why the user has to authenticate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthReason {
    /// This browser has no session.
    NoSession,
    /// The session was unused for too long.
    SessionIdle,
    /// The session is over.
    SessionExpired,
    /// The authentication is older than the request allows.
    MaxAgeExceeded,
    /// `prompt=login`.
    PromptLogin,
    /// `prompt=select_account`.
    PromptSelectAccount,
    /// `prompt=create`.
    PromptCreate,
    /// The authentication context class does not suffice.
    AcrInsufficient,
    /// A demanded method is missing.
    AmrInsufficient,
    /// Another user is demanded than the one signed in.
    SubjectMismatch,
    /// A policy asks for more.
    PolicyStepUp,
    /// The last answer did not meet the demand.
    AnswerInsufficient,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Have the user authenticate, for these reasons; there is at least one.
    Authenticate(Vec<AuthReason>),
    /// Ask for consent.
    AskConsent,
    /// Issue the response.
    Respond,
    /// Send this error and description.
    Refuse(ErrorCode, &'static str),
}

/// Why an authentication does not meet a demand; empty if it does. `fresh` says that it comes from an answer in this
/// interaction.
///
/// Values of `acr` that are not essential are asked for once: a fresh authentication that did not reach them will do.
pub fn shortfalls(facts: &AuthFacts, demand: &Demand, fresh: bool, now: i64) -> Vec<AuthReason> {
    // A session never meets `prompt=login`, also when it began within the same second: seconds are not an order.
    let early = demand.not_before.is_some_and(|earliest| !fresh || facts.authenticated_at < earliest);
    let step_up = demand.step_up.is_some_and(|earliest| !fresh || facts.authenticated_at < earliest);
    let over = facts.satisfies_until.is_some_and(|until| until <= now);
    let wrong_subject = demand.sub.as_ref().is_some_and(|sub| *sub != facts.sub);
    let wrong_acr = !demand.acr_values.is_empty()
        && !facts.acr.as_ref().is_some_and(|acr| demand.acr_values.contains(acr));
    let findings = [
        (over && !fresh, AuthReason::SessionExpired),
        (demand.max_age.is_some_and(|limit| too_old(facts, limit, fresh, now)), AuthReason::MaxAgeExceeded),
        (early && !demand.create, AuthReason::PromptLogin),
        (demand.select_account && !fresh, AuthReason::PromptSelectAccount),
        (demand.create && (early || !fresh), AuthReason::PromptCreate),
        (step_up, AuthReason::PolicyStepUp),
        (wrong_acr && (demand.acr_essential || !fresh), AuthReason::AcrInsufficient),
        (demand.amr.iter().any(|method| !facts.amr.contains(method)), AuthReason::AmrInsufficient),
        (wrong_subject, AuthReason::SubjectMismatch),
    ];
    findings.into_iter().filter_map(|(found, reason)| found.then_some(reason)).collect()
}

/// `max_age=0` is never met by a session, whatever the resolution of the clock (OpenID Connect Core section 3.1.2.1).
fn too_old(facts: &AuthFacts, limit: u64, fresh: bool, now: i64) -> bool {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let age = now.saturating_sub(facts.authenticated_at);
    if fresh { age > limit.max(FRESH_FOR) } else { limit == 0 || age > limit }
}

/// Decides what has to happen next.
///
/// With `prompt=none` nothing can be asked, so that everything that is still needed is refused with the codes of
/// OpenID Connect Core section 3.1.2.6, and values of `acr` that are not essential are waived. Where what is needed
/// cannot be reached, nobody is asked in vain.
pub fn next_step(progress: &Progress<'_>) -> Step {
    let reasons = outstanding(progress);
    let demand = progress.demand;
    let short = progress.facts.is_none() || reasons.contains(&AuthReason::AcrInsufficient);
    let out_of_reach = demand
        .acr_reach
        .as_ref()
        .is_some_and(|reach| !demand.acr_values.iter().any(|value| reach.contains(value)));
    if demand.acr_essential && !demand.acr_values.is_empty() && out_of_reach && short {
        return Step::Refuse(
            ErrorCode::UnmetAuthenticationRequirements,
            "the demanded authentication cannot be had here",
        );
    }
    if !reasons.is_empty() {
        return if progress.prompts_allowed { Step::Authenticate(reasons) } else { refusal(&reasons) };
    }
    match progress.consent {
        ConsentState::NotNeeded | ConsentState::Given => Step::Respond,
        ConsentState::Needed if progress.prompts_allowed => Step::AskConsent,
        ConsentState::Needed => Step::Refuse(ErrorCode::ConsentRequired, "the user has to consent"),
    }
}

fn outstanding(progress: &Progress<'_>) -> Vec<AuthReason> {
    let demand = progress.demand;
    let Some(facts) = progress.facts else {
        let asked = [
            (demand.select_account, AuthReason::PromptSelectAccount),
            (demand.create, AuthReason::PromptCreate),
        ];
        let mut reasons = vec![progress.session_over.unwrap_or(AuthReason::NoSession)];
        reasons.extend(asked.into_iter().filter_map(|(found, reason)| found.then_some(reason)));
        return reasons;
    };
    let mut reasons = shortfalls(facts, demand, progress.fresh, progress.now);
    if !progress.prompts_allowed && !demand.acr_essential {
        reasons.retain(|reason| *reason != AuthReason::AcrInsufficient);
    }
    if progress.fresh && !reasons.is_empty() {
        reasons.insert(0, AuthReason::AnswerInsufficient);
    }
    reasons
}

fn refusal(reasons: &[AuthReason]) -> Step {
    if reasons == [AuthReason::PromptSelectAccount] {
        return Step::Refuse(ErrorCode::AccountSelectionRequired, "the user has to choose an account");
    }
    Step::Refuse(ErrorCode::LoginRequired, "the user has to authenticate")
}

#[cfg(test)]
mod tests;
