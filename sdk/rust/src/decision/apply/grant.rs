//! The limits of a grant.

use super::{
    super::{
        limits::{Freedom, GrantLimits},
        violation::Violation,
    },
    rules::{member, quoted, unstated},
    tokens,
};
use crate::{
    details::{assign, type_of},
    grant::{Actor, Grant, GrantedClaims},
};

/// The longest actor chain.
const MAX_ACTORS: usize = 5;
/// The longest subject, in characters.
pub(super) const MAX_SUB: usize = 255;

type Checked = Result<(), Violation>;

pub(super) fn check(old: Option<&Grant>, new: Option<&Grant>, limits: Option<&GrantLimits>) -> Checked {
    let nothing = Grant::default();
    let (old, new) = (old.unwrap_or(&nothing), new.unwrap_or(&nothing));
    if old == new {
        return Ok(());
    }
    let limits = limits.ok_or_else(|| unstated("grant"))?;
    parties(old, new, limits)?;
    let text = |value: &String| quoted(value);
    member("/grant/scope", old.scope.as_ref(), new.scope.as_ref()).among(&limits.scope, text)?;
    member("/grant/resources", old.resources.as_ref(), new.resources.as_ref())
        .among(&limits.resources, text)?;
    authorization_details(old, new, limits)?;
    claim_names(old.claims.as_ref(), new.claims.as_ref(), &limits.claims)?;
    member("/grant/authentication", old.authentication.as_ref(), new.authentication.as_ref())
        .free(limits.authentication)?;
    tokens::check(old, new, limits)?;
    member("/grant/data", old.data.as_ref(), new.data.as_ref()).sized(limits.max_data_bytes)?;
    member("/grant/claims_context", old.claims_context.as_ref(), new.claims_context.as_ref())
        .sized(limits.max_claims_context_bytes)
}

/// Each is one of those allowed, or an enrichment of it, and none is there more often than it is allowed.
fn authorization_details(old: &Grant, new: &Grant, limits: &GrantLimits) -> Checked {
    const POINTER: &str = "/grant/authorization_details";
    let (old, new) = (old.authorization_details.as_ref(), new.authorization_details.as_ref());
    let Some(granted) = member(POINTER, old, new).replaced()? else { return Ok(()) };
    let allowed = &limits.authorization_details;
    for count in 1..=granted.len() {
        // Those before this one may be there together.
        if assign(allowed, &granted[..count], &limits.enrichable).is_none() {
            let (at, shown) = (count - 1, quoted(type_of(&granted[count - 1])));
            let detail = format!(
                "{shown} at {at} is not among what is allowed, is there twice, or differs where it must not"
            );
            return Err(Violation::limit(POINTER, detail));
        }
    }
    Ok(())
}

/// Who the tokens are about, and who acts.
fn parties(old: &Grant, new: &Grant, limits: &GrantLimits) -> Checked {
    member("/grant/sub", old.sub.as_deref(), new.sub.as_deref()).free(limits.sub)?;
    if old.sub != new.sub {
        subject("/grant/sub", new.sub.as_deref())?;
    }
    member("/grant/act", old.act.as_ref(), new.act.as_ref()).free(limits.act)?;
    let (before, after) = (length(old.act.as_ref()), length(new.act.as_ref()));
    if after < before && limits.sub != Freedom::Settable {
        let detail =
            "to remove or shorten the chain of actors is to change the subject, which is not allowed here";
        return Err(Violation::limit("/grant/act", detail));
    }
    if old.act != new.act {
        if after > MAX_ACTORS {
            return Err(Violation::limit("/grant/act", format!("there are at most {MAX_ACTORS} actors")));
        }
        let mut actor = new.act.as_ref();
        while let Some(one) = actor {
            subject("/grant/act", Some(&one.sub))?;
            actor = one.act.as_deref();
        }
    }
    member("/grant/may_act", old.may_act.as_ref(), new.may_act.as_ref()).free(limits.may_act)
}

/// A subject is there, and of a length that an ID token may show (OpenID Connect Core section 2).
pub(super) fn subject(pointer: &str, sub: Option<&str>) -> Checked {
    match sub {
        None => Err(Violation::limit(pointer, "the subject cannot be removed")),
        Some(sub) if sub.is_empty() || sub.chars().count() > MAX_SUB || sub.chars().any(char::is_control) => {
            Err(Violation::limit(pointer, format!("a subject has 1 to {MAX_SUB} characters")))
        }
        Some(_) => Ok(()),
    }
}

fn length(act: Option<&Actor>) -> usize {
    std::iter::successors(act, |actor| actor.act.as_deref()).count()
}

fn claim_names(old: Option<&GrantedClaims>, new: Option<&GrantedClaims>, limits: &GrantedClaims) -> Checked {
    let nothing = GrantedClaims::default();
    let (old, new) = (old.unwrap_or(&nothing), new.unwrap_or(&nothing));
    for (pointer, old, new, limit) in [
        ("/grant/claims/id_token", &old.id_token, &new.id_token, &limits.id_token),
        ("/grant/claims/userinfo", &old.userinfo, &new.userinfo, &limits.userinfo),
        ("/grant/claims/access_token", &old.access_token, &new.access_token, &limits.access_token),
    ] {
        let allowed = limit.as_deref().unwrap_or_default();
        member(pointer, old.as_ref(), new.as_ref()).covered(allowed)?;
    }
    Ok(())
}
