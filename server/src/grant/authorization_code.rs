//! The authorization code grant (RFC 6749 section 4.1.3, RFC 7636 section 4.6).

use placet_oauth::{
    confirmation::Thumbprint,
    error::OAuthError,
    id::Secret,
    pkce::Challenge,
    token_request::{Asked, TokenResponse},
};
use placet_sdk::decision::{HookType, RequestFacts};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::redeem::{Redeem, redeem};
use crate::{
    client::AuthenticatedClient,
    events,
    ledger::note,
    outcome::{Fault, Outcome},
    server::Server,
    store::{CodeRecord, Redemption},
};

/// Kind of the digests of codes.
pub const CODE: &str = "code";

/// What a code is bound to.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct CodeBinding {
    /// The redirect URI that the authorization request named, if it did.
    pub redirect_uri: Option<String>,
    /// The PKCE challenge.
    pub challenge: Option<Challenge>,
    /// The `nonce`.
    pub nonce: Option<String>,
    /// The key that was announced (RFC 9449 section 10).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dpop_jkt: Option<Thumbprint>,
    /// The instance of an attested client that pushed the request (Attestation-Based Client Authentication, "Binding of
    /// OAuth protocol artifacts").
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<Thumbprint>,
}

/// What the client presents.
#[derive(Debug)]
pub(super) struct Presented {
    pub(super) code: Secret,
    pub(super) redirect_uri: Option<String>,
    pub(super) code_verifier: Option<Secret>,
}

pub(super) async fn exchange(
    server: &Server,
    client: &AuthenticatedClient,
    (presented, asked): (&Presented, &Asked),
    asking: &RequestFacts,
) -> Outcome<TokenResponse> {
    let digest = server.root().digest(CODE, &presented.code);
    let Some((code, authorization)) = server.store().code(&digest).await? else {
        return Err(OAuthError::invalid_grant("the code is unknown or has expired").into());
    };
    let binding: CodeBinding = serde_json::from_str(&code.doc).map_err(|e| Fault::new("code record", e))?;
    check_binding(client, presented, &code, &binding)?;
    note(|noted| noted.flow(&code.authorization_id));
    // From here on the request comes from the code's own client with everything the code was bound to.
    if code.redeemed_at.is_some() {
        revoke_replayed(server, &code).await?;
        return Err(replayed());
    }
    if server.now() >= code.expires_at {
        return Err(OAuthError::invalid_grant("the code has expired").into());
    }
    let redemption = Redeem {
        hook: HookType::GrantAuthorizationCode,
        asking,
        asked,
        nonce: binding.nonce.as_deref(),
        auth_req_id: None,
    };
    let (mut minted, extra) = redeem(server, client, redemption, &authorization).await?;
    match server.store().redeem_code(&digest, server.now(), std::mem::take(&mut minted.issued)).await? {
        Redemption::First => {
            minted.response.extra = extra;
            Ok(minted.response)
        }
        Redemption::Replayed => Err(replayed()),
        Redemption::Dead => Err(OAuthError::invalid_grant("the code or its authorization is over").into()),
    }
}

/// A mismatch changes nothing: else whoever saw a code could burn it.
fn check_binding(
    client: &AuthenticatedClient,
    presented: &Presented,
    code: &CodeRecord,
    binding: &CodeBinding,
) -> Result<(), OAuthError> {
    if code.client_id != client.id {
        return Err(OAuthError::invalid_grant("the code was issued to another client"));
    }
    match (&binding.redirect_uri, &presented.redirect_uri) {
        (Some(bound), Some(given)) if bound == given => {}
        (None, None) => {}
        (Some(_), None) => {
            return Err(OAuthError::invalid_grant(
                "missing `redirect_uri`: it was part of the authorization request, so it must be repeated here",
            ));
        }
        _ => {
            return Err(OAuthError::invalid_grant(
                "`redirect_uri` differs from the one in the authorization request",
            ));
        }
    }
    if binding.dpop_jkt.is_some() && binding.dpop_jkt.as_ref() != client.possession().jkt() {
        return Err(OAuthError::invalid_grant(
            "the authorization request announced a key (`dpop_jkt`), and this request does not prove it",
        ));
    }
    if binding.instance.is_some() && binding.instance.as_ref() != client.possession().instance() {
        return Err(OAuthError::invalid_grant("another instance of the client asked for the code"));
    }
    match (&binding.challenge, &presented.code_verifier) {
        (Some(challenge), Some(verifier)) => challenge.verify(verifier.expose()),
        (None, None) => Ok(()),
        (Some(_), None) => Err(OAuthError::invalid_grant("missing `code_verifier` (RFC 7636 section 4.5)")),
        // Else an attacker could strip the challenge from the request (RFC 9700 section 4.8.2).
        (None, Some(_)) => Err(OAuthError::invalid_grant(
            "`code_verifier` without a `code_challenge` in the authorization request",
        )),
    }
}

async fn revoke_replayed(server: &Server, code: &CodeRecord) -> Outcome<()> {
    let event = events::event(
        server,
        "token.reuse_detected",
        &code.authorization_id,
        &json!({ "artefact": "code", "client_id": code.client_id }),
    )?;
    server.store().revoke_authorization(&code.authorization_id, server.now(), vec![event]).await?;
    tracing::warn!(authorization = %code.authorization_id, client = %code.client_id, "a code was used twice");
    Ok(())
}

fn replayed() -> crate::outcome::Failure {
    OAuthError::invalid_grant("the code was used before; its authorization is revoked").into()
}
