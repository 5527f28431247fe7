//! The grant of an authentication on another device (CIBA Core sections 10.1 and 11).

use placet_oauth::{
    ciba::DeliveryMode,
    error::{ErrorCode, OAuthError},
    id::Secret,
    token_request::{Asked, TokenResponse},
};
use placet_sdk::decision::{HookType, RequestFacts};
use serde_json::Value;

use super::redeem::{Redeem, redeem};
use crate::{
    ciba::{AUTH_REQ_ID, notify::CallBack},
    client::AuthenticatedClient,
    interaction::backchannel::PolledDoc,
    ledger::note,
    outcome::Outcome,
    possession,
    server::Server,
    store::{AuthorizationRecord, Digest, Issued, Polled, PolledRecord, Redemption},
};

pub(super) async fn exchange(
    server: &Server,
    client: &AuthenticatedClient,
    (auth_req_id, asked): (&Secret, &Asked),
    asking: &RequestFacts,
) -> Outcome<TokenResponse> {
    // Section 10.1: in this mode tokens come by themselves, and only so.
    if client.metadata.backchannel_token_delivery_mode == Some(DeliveryMode::Push) {
        let text = "tokens are sent to this client: it must not ask for them";
        return Err(OAuthError::unauthorized_client(text).into());
    }
    possession::meet_registration(client, client.possession())?;
    let digest = server.root().digest(AUTH_REQ_ID, auth_req_id);
    // A request of another client is none: neither its state nor its interval is touched.
    let found = server.store().polled(&digest).await?;
    let Some((request, authorization)) =
        found.filter(|(request, _)| request.kind == AUTH_REQ_ID && request.client_id == client.id)
    else {
        return Err(OAuthError::invalid_grant("the auth_req_id is unknown, or is over").into());
    };
    note(|noted| noted.hidden(&digest));
    let instance = PolledDoc::open(server, &request)?.instance;
    if instance.is_some() && instance.as_ref() != client.possession().instance() {
        return Err(OAuthError::invalid_grant("another instance of the client asked for the user").into());
    }
    // The client asks over and over by design, so that a question which crosses the answer is no theft: nothing is
    // revoked.
    if request.redeemed_at.is_some() {
        return Err(used().into());
    }
    if server.now() >= request.expires_at {
        return Err(OAuthError::new(ErrorCode::ExpiredToken, "the user did not answer in time").into());
    }
    if let Some(refusal) = &request.refusal {
        return Err(OAuthError::new(ErrorCode::AccessDenied, refusal.clone()).into());
    }
    let Some(authorization) = authorization else {
        return Err(pending(server, &digest, &request).await?.into());
    };
    let redemption = Redeem { hook: HookType::GrantCiba, asking, asked, nonce: None, auth_req_id: None };
    let (mut minted, extra) = redeem(server, client, redemption, &authorization).await?;
    match server.store().redeem_polled(&digest, server.now(), std::mem::take(&mut minted.issued)).await? {
        Redemption::First => {
            minted.response.extra = extra;
            Ok(minted.response)
        }
        Redemption::Replayed => Err(used().into()),
        Redemption::Dead => {
            Err(OAuthError::invalid_grant("the auth_req_id or its authorization is over").into())
        }
    }
}

/// Nobody has answered yet.
async fn pending(server: &Server, digest: &Digest, request: &PolledRecord) -> Outcome<OAuthError> {
    Ok(match server.store().poll(digest, server.now()).await? {
        Polled::TooFast => {
            let text = format!("ask once in {} seconds at most", request.poll_interval + 5);
            OAuthError::new(ErrorCode::SlowDown, text)
        }
        // The user answers right now: the next question finds it.
        Polled::Pending | Polled::Over => {
            OAuthError::new(ErrorCode::AuthorizationPending, "the user has not answered yet")
        }
    })
}

fn used() -> OAuthError {
    OAuthError::invalid_grant("the auth_req_id was used before")
}

/// Mints the tokens that are sent to a client under an authorization; nothing is stored. Gives what is sent, and what the
/// store has to record before that.
pub(crate) async fn push(
    server: &Server,
    client: &AuthenticatedClient,
    asking: RequestFacts,
    (authorization, call_back): (&AuthorizationRecord, &CallBack),
) -> Outcome<(Value, Issued)> {
    let redemption = Redeem {
        hook: HookType::GrantCiba,
        asking: &asking,
        asked: &Asked::default(),
        nonce: None,
        auth_req_id: Some(&call_back.auth_req_id),
    };
    let (mut minted, extra) = redeem(server, client, redemption, authorization).await?;
    minted.response.extra = extra;
    Ok((minted.response.to_json(), minted.issued))
}
