//! The grant of devices (RFC 8628 section 3.4): until somebody decided, they are told to wait.

use placet_oauth::{
    error::{ErrorCode, OAuthError},
    id::Secret,
    token_request::{Asked, TokenResponse},
};
use placet_sdk::decision::{HookType, RequestFacts};

use super::redeem::{Redeem, redeem};
use crate::{
    client::AuthenticatedClient,
    device::{DEVICE_CODE, DeviceRequest, KIND},
    ledger::note,
    outcome::{Failure, Outcome},
    possession,
    server::Server,
    store::{AuthorizationRecord, Digest, Issued, Polled, PolledRecord, Redemption},
};

/// What a polled request is worth now.
enum Standing {
    /// Somebody granted it.
    Granted(Box<AuthorizationRecord>),
    /// Nobody decided yet.
    Undecided,
}

pub(super) async fn exchange(
    server: &Server,
    client: &AuthenticatedClient,
    (device_code, asked): (&Secret, &Asked),
    asking: &RequestFacts,
) -> Outcome<TokenResponse> {
    let digest = server.root().digest(DEVICE_CODE, device_code);
    let (record, authorization) = find(server, client, &digest).await?;
    note(|noted| noted.hidden(&digest));
    let device = DeviceRequest::open(server, &record)?;
    check_key(client, &device)?;
    possession::meet_registration(client, client.possession())?;
    // From here on the request comes from the device's own client, with the key that it began with.
    let authorization = match look(server, &record, authorization).await? {
        Standing::Granted(authorization) => authorization,
        Standing::Undecided => return Err(wait(server, client, &digest).await?.into()),
    };
    let redemption = Redeem {
        hook: HookType::GrantDeviceCode,
        asking,
        asked,
        nonce: device.request.nonce.as_deref(),
        auth_req_id: None,
    };
    let (mut minted, extra) = redeem(server, client, redemption, &authorization).await?;
    match server.store().redeem_polled(&digest, server.now(), std::mem::take(&mut minted.issued)).await? {
        Redemption::First => {
            minted.response.extra = extra;
            Ok(minted.response)
        }
        Redemption::Replayed => Err(replayed()),
        Redemption::Dead => {
            Err(OAuthError::invalid_grant("the device code or its authorization is over").into())
        }
    }
}

/// A code of somebody else is as good as none, and nothing is noted of the question.
async fn find(
    server: &Server,
    client: &AuthenticatedClient,
    digest: &Digest,
) -> Outcome<(PolledRecord, Option<AuthorizationRecord>)> {
    let found = server.store().polled(digest).await?;
    found.filter(|(record, _)| record.kind == KIND && record.client_id == client.id).ok_or_else(|| {
        OAuthError::invalid_grant("the device code is unknown, or it was issued to another client").into()
    })
}

fn check_key(client: &AuthenticatedClient, device: &DeviceRequest) -> Result<(), OAuthError> {
    if device.instance.is_some() && device.instance.as_ref() != client.possession().instance() {
        return Err(OAuthError::invalid_grant("another instance of the client asked for the device code"));
    }
    match &device.request.dpop_jkt {
        Some(jkt) if Some(jkt) != client.possession().jkt() => Err(OAuthError::invalid_grant(
            "the device authorization request proved a key (`DPoP`), and this request does not prove it",
        )),
        _ => Ok(()),
    }
}

async fn look(
    server: &Server,
    record: &PolledRecord,
    authorization: Option<AuthorizationRecord>,
) -> Outcome<Standing> {
    if record.redeemed_at.is_some() {
        // The store knows it for a replay, and ends what the first redemption got.
        server.store().redeem_polled(&record.digest, server.now(), Issued::default()).await?;
        tracing::warn!(client = %record.client_id, "a device code was used twice");
        return Err(replayed());
    }
    if server.now() >= record.expires_at {
        return Err(expired().into());
    }
    if let Some(refusal) = &record.refusal {
        return Err(OAuthError::new(ErrorCode::AccessDenied, refusal.clone()).into());
    }
    match (record.decided_at, authorization) {
        (None, _) => Ok(Standing::Undecided),
        (Some(_), Some(authorization)) => Ok(Standing::Granted(Box::new(authorization))),
        // It was revoked so long ago that it is gone.
        (Some(_), None) => Err(OAuthError::invalid_grant("the authorization is over").into()),
    }
}

/// Notes the question, and tells the device to wait, if it asks too often longer than before (RFC 8628 section 3.5).
async fn wait(server: &Server, client: &AuthenticatedClient, digest: &Digest) -> Outcome<OAuthError> {
    Ok(match server.store().poll(digest, server.now()).await? {
        Polled::Pending => pending(),
        Polled::TooFast => OAuthError::new(
            ErrorCode::SlowDown,
            "this device asks too often: wait five seconds longer than before between two requests",
        ),
        // Somebody decided in this very moment: the next question learns it.
        Polled::Over => match find(server, client, digest).await?.0 {
            record if server.now() >= record.expires_at => expired(),
            _ => pending(),
        },
    })
}

fn pending() -> OAuthError {
    OAuthError::new(ErrorCode::AuthorizationPending, "the user has not answered yet")
}

fn expired() -> OAuthError {
    OAuthError::new(ErrorCode::ExpiredToken, "the device code has expired: begin again")
}

fn replayed() -> Failure {
    OAuthError::invalid_grant("the device code was used before; its authorization is revoked").into()
}
