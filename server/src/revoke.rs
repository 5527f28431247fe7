//! Token revocation (RFC 7009).

use placet_oauth::id::Secret;
use serde_json::json;

use crate::{
    client::{AuthenticatedClient, Client},
    events,
    outcome::{Fault, Outcome},
    server::Server,
    store::Event,
    token::{
        ACCESS_TOKEN, authorization_of_jti, is_signed, read_signed,
        refresh::{self, Presented},
    },
};

/// Revokes a token of `caller` (RFC 7009 section 2.1): a refresh token with its whole authorization, an access token
/// alone.
///
/// A token that is unknown or over is revoked already (section 2.2). A token of another client is answered alike and
/// stays as it is, so that the answer does not tell who has which token.
pub async fn revoke(server: &Server, caller: &AuthenticatedClient, token: &Secret) -> Outcome<()> {
    if let Some(presented) = refresh::read(server, token) {
        refresh_token(server, caller, &presented).await
    } else if is_signed(token) {
        signed_token(server, caller, token).await
    } else {
        stored_token(server, caller, token).await
    }
}

/// Any token of the family will do, also one that was replaced: its holder wants an end of it.
async fn refresh_token(server: &Server, caller: &Client, presented: &Presented) -> Outcome<()> {
    let authorization = match &presented.cargo {
        Some(cargo) => cargo.authorization.clone(),
        None => match server.store().family(&presented.family_id).await? {
            Some((_, authorization)) => authorization,
            None => return Ok(()),
        },
    };
    if !is_own(caller, &authorization.client_id) {
        return Ok(());
    }
    let data = json!({ "client_id": caller.id, "reason": "revocation" });
    let event = events::event(server, "authorization.revoked", &authorization.id, &data)?;
    server.store().revoke_authorization(&authorization.id, server.now(), vec![event]).await?;
    server.policies().flush_subject(&authorization.sub);
    Ok(())
}

/// Nothing is asked about the authorization: a token whose authorization is over can be revoked too.
async fn signed_token(server: &Server, caller: &Client, token: &Secret) -> Outcome<()> {
    let Some(signed) = read_signed(server, token).await? else { return Ok(()) };
    if !is_own(caller, &signed.client_id) {
        return Ok(());
    }
    let event = revoked(server, caller, authorization_of_jti(&signed.jti).as_deref())?;
    server.store().revoke_jti(&signed.jti, server.now(), signed.expires_at, vec![event]).await?;
    Ok(())
}

/// An opaque or an encrypted one.
async fn stored_token(server: &Server, caller: &Client, token: &Secret) -> Outcome<()> {
    let digest = server.root().digest(ACCESS_TOKEN, token);
    let Some(state) = server.store().token(&digest).await? else { return Ok(()) };
    if !is_own(caller, &state.token.client_id) {
        return Ok(());
    }
    let event = revoked(server, caller, state.token.authorization_id.as_deref())?;
    server.store().revoke_token(&digest, server.now(), vec![event]).await?;
    Ok(())
}

fn revoked(server: &Server, caller: &Client, authorization_id: Option<&str>) -> Result<Event, Fault> {
    let data = json!({ "what": "access_token", "client_id": caller.id });
    events::event(server, "token.revoked", authorization_id.unwrap_or(&caller.id), &data)
}

fn is_own(caller: &Client, owner: &str) -> bool {
    let own = caller.id == owner;
    if !own {
        tracing::warn!(caller = %caller.id, client = %owner, "a client tried to revoke a token of another client");
    }
    own
}
