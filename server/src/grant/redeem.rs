//! What was granted before is redeemed by something that is good once: a code, a device code.

use placet_oauth::token_request::Asked;
use placet_sdk::{
    decision::{HookType, RequestFacts},
    grant::{Object, Tokens},
};

use super::narrow::{Narrow, narrow};
use crate::{
    client::AuthenticatedClient,
    outcome::Outcome,
    server::Server,
    store::{AuthorizationRecord, Narrowed},
    token::{Authorized, DeviceSecret, IssueRequest, Minted, authorize_issue, family_wanted},
};

/// A redemption.
#[derive(Debug)]
pub(super) struct Redeem<'a> {
    /// The decision point.
    pub(super) hook: HookType,
    /// The request.
    pub(super) asking: &'a RequestFacts,
    /// What the request names, if it asks for less than was granted.
    pub(super) asked: &'a Asked,
    /// `nonce` of the first request.
    pub(super) nonce: Option<&'a str>,
    /// The authentication request whose client gets tokens without asking for them.
    pub(super) auth_req_id: Option<&'a str>,
}

/// Mints the first tokens of an authorization, as far as request and policies leave it. Nothing is stored: the caller
/// hands what is issued to the store together with the use of its artefact, and then adds the members that policies want
/// in the answer.
pub(super) async fn redeem(
    server: &Server,
    client: &AuthenticatedClient,
    redeem: Redeem<'_>,
    authorization: &AuthorizationRecord,
) -> Outcome<(Minted, Object)> {
    let authorized = Authorized::read(authorization)?;
    let granted = authorized.clone();
    let asked = Narrow {
        hook: redeem.hook,
        asking: redeem.asking,
        asked: redeem.asked,
        refresh: None,
        family: family_wanted(client, &authorized),
    };
    let mut left = narrow(server, client, asked, (authorization, authorized)).await?;
    let of_code = redeem.hook == HookType::GrantAuthorizationCode;
    let device = if of_code { DeviceSecret::mint(server, authorization, &left.authorized)? } else { None };
    let device_secret = device.map(|(secret, kept)| {
        left.authorized.device_secret = Some(kept.clone());
        // It is kept with the authorization, in the step that redeems the code.
        left.narrowed.get_or_insert(granted).device_secret = Some(kept);
        secret
    });
    let self_contained = left.chosen.map(|chosen| chosen == Tokens::Stateless);
    let narrowed = match &left.narrowed {
        Some(rest) => Some(Narrowed {
            authorization_id: authorization.id.clone(),
            offline: authorization.offline && rest.scope().contains("offline_access"),
            doc: rest.write()?,
            self_contained,
        }),
        None => None,
    };
    // A refresh token carries what the authorization holds from now on.
    let kept = narrowed.as_ref().map(|narrowed| AuthorizationRecord {
        offline: narrowed.offline,
        doc: narrowed.doc.clone(),
        self_contained: self_contained.unwrap_or(authorization.self_contained),
        ..authorization.clone()
    });
    let request = IssueRequest {
        client,
        authorization: kept.as_ref().unwrap_or(authorization),
        authorized: &left.authorized,
        nonce: redeem.nonce,
        first_refresh: true,
        id_token: true,
        holder: client.possession(),
        auth_req_id: redeem.auth_req_id,
    };
    let mut minted = authorize_issue(server, &request).await?;
    minted.response.device_secret = device_secret;
    minted.issued.narrowed = narrowed;
    Ok((minted, left.extra))
}
