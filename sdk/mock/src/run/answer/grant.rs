//! Whether a consent stays within what its prompt offers and what its app may do.

use std::collections::BTreeSet;

use placet_sdk::{
    details::{Enrichable, assign, type_of},
    grant::{Grant, Object, RESERVED_CLAIMS},
    interaction::{ClaimTarget, ConsentAnswer, ConsentPrompt, Prompt},
};

use super::{Capabilities, MAX_DATA, is_subject, sized};
use crate::problem::{Outcome, capability_missing, invalid_answer};

/// Context for claims sources, in bytes of JSON.
const MAX_CONTEXT: usize = 4 * 1024;

/// Checks a consent.
pub(super) fn check(
    answer: &ConsentAnswer,
    offered: &ConsentPrompt,
    prompt: &Prompt,
    may: &Capabilities,
) -> Outcome<()> {
    let empty = Grant::default();
    let grant = answer.grant.as_ref().unwrap_or(&empty);
    if answer.accept_all == Some(true) {
        if grant.scope.is_some() || grant.claims.is_some() || grant.authorization_details.is_some() {
            let detail = "not together with `grant.scope`, `claims` or `authorization_details`";
            return Err(invalid_answer("/accept_all", "ambiguous", detail));
        }
    } else if grant.scope.is_none() {
        let detail = "name what is granted, or send `accept_all`";
        return Err(invalid_answer("/grant/scope", "missing", detail));
    }
    subject(grant, may)?;
    scope(grant, offered, may)?;
    lists(grant, offered, prompt)?;
    settings(grant, may)
}

fn subject(grant: &Grant, may: &Capabilities) -> Outcome<()> {
    for (pointer, set) in [
        ("/grant/sub", grant.sub.is_some()),
        ("/grant/act", grant.act.is_some()),
        ("/grant/may_act", grant.may_act.is_some()),
    ] {
        if set && !may.allow("allow_impersonation") {
            return Err(capability_missing(pointer, "allow_impersonation"));
        }
    }
    if grant.sub.as_deref().is_some_and(|sub| !is_subject(sub)) {
        let detail = "1 to 255 characters without control characters";
        return Err(invalid_answer("/grant/sub", "invalid", detail));
    }
    if grant.authentication.is_some() {
        let detail = "the server saw the authentication itself";
        return Err(invalid_answer("/grant/authentication", "not_settable", detail));
    }
    Ok(())
}

fn scope(grant: &Grant, offered: &ConsentPrompt, may: &Capabilities) -> Outcome<()> {
    let asked = grant.scope.as_deref().unwrap_or_default();
    let is_value = |value: &str| {
        !value.is_empty() && value.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5B | 0x5D..=0x7E))
    };
    let distinct: BTreeSet<&String> = asked.iter().collect();
    if distinct.len() != asked.len() || !asked.iter().all(|value| is_value(value)) {
        let detail = "a value is repeated or not a scope value";
        return Err(invalid_answer("/grant/scope", "invalid", detail));
    }
    let more = |value: &&String| !offered.scope.iter().any(|item| item.value == **value);
    if asked.iter().any(|value| more(&value)) && !may.allow("widen_scope") {
        return Err(capability_missing("/grant/scope", "widen_scope"));
    }
    if asked.iter().any(|value| value == "offline_access") && !offered.offline.allowed {
        let detail = "this client cannot have that scope";
        return Err(invalid_answer("/grant/scope", "not_grantable", detail));
    }
    Ok(())
}

fn lists(grant: &Grant, offered: &ConsentPrompt, prompt: &Prompt) -> Outcome<()> {
    let resources = prompt.request.as_ref().map(|r| r.resources.as_slice()).unwrap_or_default();
    if grant.resources.iter().flatten().any(|resource| !resources.contains(resource)) {
        return Err(capability_missing("/grant/resources", "more resources than requested"));
    }
    details(grant, offered)?;
    let empty = placet_sdk::grant::GrantedClaims::default();
    let claims = grant.claims.as_ref().unwrap_or(&empty);
    for (pointer, granted, target) in [
        ("/grant/claims/id_token", &claims.id_token, ClaimTarget::IdToken),
        ("/grant/claims/userinfo", &claims.userinfo, ClaimTarget::Userinfo),
        ("/grant/claims/access_token", &claims.access_token, ClaimTarget::AccessToken),
    ] {
        let listed =
            |name: &String| offered.claims.iter().any(|c| c.name == *name && c.targets.contains(&target));
        if !granted.iter().flatten().all(listed) {
            return Err(capability_missing(pointer, "more claims than requested"));
        }
    }
    Ok(())
}

/// Each is one of those offered, or says more in the members that the prompt names.
fn details(grant: &Grant, offered: &ConsentPrompt) -> Outcome<()> {
    let listed: Vec<Object> = offered.authorization_details.iter().map(without_status).collect();
    let granted: Vec<Object> = grant.authorization_details.iter().flatten().map(without_status).collect();
    let marked = listed.iter().zip(&offered.authorization_details_info);
    let enrichable: Enrichable =
        marked.map(|(detail, info)| (type_of(detail).to_owned(), info.enrichable.clone())).collect();
    for count in 1..=granted.len() {
        if assign(&listed, &granted[..count], &enrichable).is_none() {
            let pointer = format!("/grant/authorization_details/{}", count - 1);
            return Err(capability_missing(&pointer, "more details than requested"));
        }
    }
    Ok(())
}

fn without_status(detail: &Object) -> Object {
    detail.iter().filter(|(name, _)| *name != "status").map(|(n, v)| (n.clone(), v.clone())).collect()
}

fn settings(grant: &Grant, may: &Capabilities) -> Outcome<()> {
    for (pointer, set) in [
        ("/grant/access_token", grant.access_token.is_some()),
        ("/grant/refresh_token", grant.refresh_token.is_some()),
        ("/grant/id_token", grant.id_token.is_some()),
        ("/grant/userinfo", grant.userinfo.is_some()),
        ("/grant/data", grant.data.is_some()),
        ("/grant/claims_context", grant.claims_context.is_some()),
    ] {
        if set && !may.allow("set_tokens") {
            return Err(capability_missing(pointer, "set_tokens"));
        }
    }
    sized("/grant/data", grant.data.as_ref(), MAX_DATA)?;
    sized("/grant/claims_context", grant.claims_context.as_ref(), MAX_CONTEXT)?;
    for (pointer, claims) in [
        ("/grant/access_token/claims", grant.access_token.as_ref().and_then(|t| t.claims.as_ref())),
        ("/grant/id_token/claims", grant.id_token.as_ref().and_then(|t| t.claims.as_ref())),
        ("/grant/userinfo/claims", grant.userinfo.as_ref().and_then(|t| t.claims.as_ref())),
    ] {
        sized(pointer, claims, MAX_DATA)?;
        let reserved = claims.and_then(|c| c.keys().find(|name| RESERVED_CLAIMS.contains(&name.as_str())));
        if let Some(name) = reserved {
            let detail = "the server alone writes this claim";
            return Err(invalid_answer(&format!("{pointer}/{name}"), "reserved", detail));
        }
    }
    Ok(())
}
