//! Authorization details in a consent (RFC 9396): which were granted before, and how they are shown.

use std::collections::{BTreeMap, BTreeSet};

use placet_oauth::{authorization::AuthorizationRequest, rar::canonical};
use placet_sdk::{
    details::{Enrichable, assign, still_enrichable, type_of},
    grant::{Grant, Object},
    interaction::DetailInfo,
};

use super::localised;
use crate::{
    problem::{ApiResult, capability_missing, invalid_answer},
    server::Server,
    store::ConsentRecord,
};

/// The members of what is offered that are still free: those that no policy has set.
pub(in crate::interaction) fn enrichable(
    server: &Server,
    request: &AuthorizationRequest,
    offer: &Grant,
) -> Enrichable {
    let offered = offer.authorization_details.as_deref().unwrap_or_default();
    still_enrichable(&request.authorization_details, &server.details().enrichable(), offered)
}

/// For each detail that is offered the one that was granted before, if it was.
pub(in crate::interaction) fn granted_before(
    server: &Server,
    request: &AuthorizationRequest,
    (offer, remembered): (&Grant, Option<&ConsentRecord>),
) -> Vec<Option<Object>> {
    let offered = offer.authorization_details.as_deref().unwrap_or_default();
    let known: Vec<Object> = remembered.into_iter().flat_map(ConsentRecord::authorization_details).collect();
    server.details().remembered(offered, &enrichable(server, request, offer), &known)
}

/// What is granted without asking: what was granted before, and where nobody has to be asked what is offered.
pub(in crate::interaction) fn silently(
    server: &Server,
    request: &AuthorizationRequest,
    (offer, remembered): (&Grant, Option<&ConsentRecord>),
) -> Option<Vec<Object>> {
    let offered = offer.authorization_details.as_ref()?;
    let before = granted_before(server, request, (offer, remembered));
    Some(
        offered.iter().zip(before).map(|(detail, before)| before.unwrap_or_else(|| detail.clone())).collect(),
    )
}

/// The details of a prompt, each with its status, and how to show them.
pub(super) fn shown(
    server: &Server,
    request: &AuthorizationRequest,
    (offer, remembered): (&Grant, Option<&ConsentRecord>),
) -> (Vec<Object>, Vec<DetailInfo>) {
    let free = enrichable(server, request, offer);
    let before = granted_before(server, request, (offer, remembered));
    let offered = offer.authorization_details.iter().flatten();
    offered.zip(before).map(|(detail, before)| one(server, request, (detail, before), &free)).unzip()
}

fn one(
    server: &Server,
    request: &AuthorizationRequest,
    (detail, before): (&Object, Option<Object>),
    free: &Enrichable,
) -> (Object, DetailInfo) {
    let status = if before.is_some() { "granted" } else { "new" };
    // What was granted before is shown as it was granted.
    let mut shown = before.unwrap_or_else(|| detail.clone());
    shown.insert("status".to_owned(), status.into());
    let locales = &request.ui_locales;
    let Some(kind) = server.details().settings(type_of(detail)) else {
        return (shown, DetailInfo::default());
    };
    let labels: BTreeMap<String, String> = kind
        .labels
        .iter()
        .filter_map(|(pointer, texts)| Some((pointer.clone(), localised(texts, locales)?)))
        .collect();
    let info = DetailInfo {
        title: localised(&kind.title, locales),
        description: localised(&kind.description, locales),
        labels,
        enrichable: free.get(type_of(detail)).cloned().unwrap_or_default(),
        one_time: kind.one_time,
    };
    (shown, info)
}

/// Takes what prompts add to details away again.
pub(in crate::interaction) fn without_status(details: &mut [Object]) {
    for detail in details {
        detail.remove("status");
    }
}

/// Refuses details that are no enrichment of what is offered, or not what their types demand.
pub(in crate::interaction) fn check(
    server: &Server,
    (offered, free): (&[Object], &Enrichable),
    granted: &[Object],
) -> ApiResult<()> {
    const POINTER: &str = "/grant/authorization_details";
    for count in 1..=granted.len() {
        // Those before this one may be granted together.
        if assign(offered, &granted[..count], free).is_none() {
            return Err(capability_missing(
                &format!("{POINTER}/{}", count - 1),
                "more details than requested",
            ));
        }
    }
    server
        .details()
        .check(granted)
        .map_err(|unfit| invalid_answer(&format!("{POINTER}{}", unfit.pointer), "invalid", &unfit.reason))
}

/// Details as a consent keeps them: each as one text, and none that is good for one time.
pub(in crate::interaction) fn to_remember(server: &Server, granted: &[Object]) -> Vec<String> {
    let texts: BTreeSet<String> = server.details().memorable(granted).iter().map(canonical).collect();
    texts.into_iter().collect()
}
