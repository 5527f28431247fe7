//! What an answer makes of resources and authorization details, beyond the limits.

use placet_oauth::rar::locations;
use placet_sdk::{
    decision::Proposal,
    grant::{Grant, Object},
};

use super::failure::{Failed, FailureCode};
use crate::details::DetailsTypes;

/// Details that an answer enriched are still what their types demand.
pub(super) fn check(types: &DetailsTypes, before: &Proposal, after: &Proposal) -> Result<(), Failed> {
    let of = |proposal: &Proposal| proposal.grant.as_ref().and_then(|g| g.authorization_details.clone());
    let (before, after) = (of(before), of(after));
    if before == after {
        return Ok(());
    }
    types.check(&after.unwrap_or_default()).map_err(|unfit| {
        let pointer = format!("/grant/authorization_details{}", unfit.pointer);
        Failed::new(FailureCode::Limit, format!("`{pointer}`: {}", unfit.reason))
    })
}

/// A resource that is no longer granted is no audience any more, nor is a location that no detail names any more,
/// unless the answer says who is.
pub(super) fn follow(set: Option<&Object>, before: &Proposal, after: &mut Proposal) -> Result<(), Failed> {
    let Some(set) = set.and_then(|set| set.get("grant")?.as_object()) else { return Ok(()) };
    let named = set.get("access_token").is_some_and(|token| token.get("audience").is_some());
    let touched = set.contains_key("resources") || set.contains_key("authorization_details");
    if named || !touched {
        return Ok(());
    }
    let (Some(before), Some(after)) = (&before.grant, &mut after.grant) else { return Ok(()) };
    let (then, now) = (named_by(before), named_by(after));
    let gone = |uri: &String| then.contains(&uri.as_str()) && !now.contains(&uri.as_str());
    let Some(mut audience) = after.access_token.as_ref().and_then(|token| token.audience.clone()) else {
        return Ok(());
    };
    audience.retain(|uri| !gone(uri));
    if audience.is_empty() {
        return Err(Failed::new(FailureCode::Limit, "`/grant/resources`: no audience is left"));
    }
    if let Some(token) = &mut after.access_token {
        token.audience = Some(audience);
    }
    Ok(())
}

/// Whom the resources and the details of a grant name.
fn named_by(grant: &Grant) -> Vec<&str> {
    let details = grant.authorization_details.iter().flatten().flat_map(locations);
    grant.resources.iter().flatten().map(String::as_str).chain(details).collect()
}
