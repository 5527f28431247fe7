//! What may be granted, and how what a policy, the login app and the client's settings say becomes one grant.

use std::borrow::Cow;

use placet_oauth::{authorization::AuthorizationRequest, rar::locations, scope::Scope};
use placet_sdk::grant::{Grant, Object};

use crate::{
    client::Client,
    interaction::{consent, state::State},
    outcome::Fault,
    policy,
};

/// What may be granted: everything that was asked for, or what policies left of it. Token settings are those that
/// policies set.
pub(in crate::interaction) fn offer<'a>(state: &'a State, request: &AuthorizationRequest) -> Cow<'a, Grant> {
    let steered = state.steered.as_ref();
    let evaluated = steered.and_then(|steered| steered.evaluated.as_ref()).map(|evaluated| &evaluated.offer);
    match evaluated.or_else(|| steered.and_then(|steered| steered.offer.as_ref())) {
        Some(offer) => Cow::Borrowed(offer),
        None => Cow::Owned(consent::everything(request)),
    }
}

/// What is granted of an offer: the lists of the consent, its settings, and where it has none those of the offer. What
/// a policy set as claims or data stays, whatever the consent says. The client gets the scope that its operator assigns,
/// without what a policy took away.
pub(super) fn combined(
    client: &Client,
    request: &AuthorizationRequest,
    offer: &Grant,
    consented: &Grant,
) -> Result<Grant, Fault> {
    let sections = Grant {
        access_token: offer.access_token.clone(),
        refresh_token: offer.refresh_token.clone(),
        id_token: offer.id_token.clone(),
        userinfo: offer.userinfo.clone(),
        data: offer.data.clone(),
        claims_context: offer.claims_context.clone(),
        ..Grant::default()
    };
    let mut grant =
        if sections == Grant::default() { consented.clone() } else { policy::filled(consented, &sections)? };
    let granted = Scope::from_values(grant.scope.take().unwrap_or_default());
    let offered = Scope::from_values(offer.scope.clone().unwrap_or_default());
    let taken = request.scope.difference(&offered);
    if !request.authorization_details.is_empty() {
        // The client learns that none of those it asked for was granted.
        grant.authorization_details.get_or_insert_default();
    }
    let kept = grant.authorization_details.clone();
    if let Some(audience) = grant.access_token.as_mut().and_then(|token| token.audience.as_mut()) {
        forget_locations(audience, offer, kept.as_deref().unwrap_or_default());
    }
    grant.sub = grant.sub.or_else(|| offer.sub.clone());
    grant.act = grant.act.or_else(|| offer.act.clone());
    grant.may_act = grant.may_act.or_else(|| offer.may_act.clone());
    // What is offered no more may still have been granted beyond the request, by an app with `widen_scope`.
    grant.scope = Some(client.assign(&granted).difference(&taken).to_vec());
    Ok(grant)
}

/// A location of details that are not granted is no audience, unless it is one for something else.
fn forget_locations(audience: &mut Vec<String>, offer: &Grant, granted: &[Object]) {
    let names = |details: &[Object], uri: &String| details.iter().flat_map(locations).any(|one| one == uri);
    let offered = offer.authorization_details.as_deref().unwrap_or_default();
    let gone = |uri: &String| {
        names(offered, uri) && !names(granted, uri) && !offer.resources.iter().flatten().any(|one| one == uri)
    };
    if audience.iter().any(|uri| !gone(uri)) {
        audience.retain(|uri| !gone(uri));
    }
}
