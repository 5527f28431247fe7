//! The refresh token grant (RFC 6749 section 6, RFC 9700 section 4.14).

use placet_oauth::{error::OAuthError, id::Secret, scope::Scope, token_request::TokenResponse};
use placet_sdk::grant::Rotation as RotationMode;

use crate::{
    client::Client,
    outcome::Outcome,
    server::Server,
    store::{AuthorizationRecord, Rotate, Rotation},
    token::{
        Authorized, IssueRequest, authorize_issue,
        refresh::{self, REFRESH_TOKEN},
    },
};

pub(super) async fn exchange(
    server: &Server,
    client: &Client,
    token: &Secret,
    scope: Option<Scope>,
) -> Outcome<TokenResponse> {
    let unknown = || OAuthError::invalid_grant("the refresh token is unknown, expired or revoked");
    let presented = refresh::read(server.root(), token).ok_or_else(unknown)?;
    let Some((family, authorization)) = server.store().family(&presented.family_id).await? else {
        return Err(unknown().into());
    };
    if family.client_id != client.id {
        return Err(unknown().into());
    }
    let now = server.now();
    if !family.is_live(now) || !authorization.is_live(now) {
        return Err(unknown().into());
    }
    let authorized = Authorized::read(&authorization)?;
    let mut minted = authorize_issue(
        server,
        &IssueRequest {
            client,
            authorization: &authorization,
            authorized: &authorized,
            narrowed: scope,
            nonce: None,
            first_refresh: false,
            id_token: reissues(server, &authorization, &authorized).await?,
        },
    )?;
    let (child, kept) = if rotates(client, &authorized) {
        let (token, child) = refresh::child(server, &presented)?;
        (Some(token), Some(child))
    } else {
        (None, None)
    };
    let rotate = Rotate {
        family_id: presented.family_id.clone(),
        presented: server.root().digest(REFRESH_TOKEN, token),
        child: kept,
        grace: grace(server, client, &authorized),
        now,
    };
    let issued = std::mem::take(&mut minted.issued);
    minted.response.refresh_token = match server.store().rotate(rotate, issued).await? {
        Rotation::Rotated => child,
        Rotation::Kept => Some(token.clone()),
        Rotation::Repeated { salt, .. } => Some(refresh::derive(server.root(), &presented, &salt)?),
        Rotation::Replayed => {
            tracing::warn!(client = %client.id, authorization = %authorization.id, "a refresh token was used again");
            return Err(OAuthError::invalid_grant(
                "the refresh token was used before; its authorization is revoked",
            )
            .into());
        }
        Rotation::Dead => return Err(unknown().into()),
    };
    Ok(minted.response)
}

/// A new ID token says that the session lives, so none is issued once it ended (unless access is offline).
async fn reissues(
    server: &Server,
    authorization: &AuthorizationRecord,
    authorized: &Authorized,
) -> Outcome<bool> {
    let wanted = authorized.grant.id_token.as_ref().and_then(|s| s.reissue_on_refresh).unwrap_or(true);
    if !wanted || authorization.offline {
        return Ok(wanted);
    }
    let Some(session_id) = &authorization.session_id else { return Ok(true) };
    let session = server.store().session(session_id).await?;
    Ok(session.is_some_and(|s| s.is_live(server.now())))
}

fn rotates(client: &Client, authorized: &Authorized) -> bool {
    let set = authorized.grant.refresh_token.as_ref().and_then(|s| s.rotation);
    match set.or(client.settings.refresh_token.rotation).unwrap_or(RotationMode::Always) {
        // A public client's refresh token is a bearer token: it has to rotate (RFC 9700 section 4.14.2).
        RotationMode::Never | RotationMode::Auto => client.is_public(),
        RotationMode::Always => true,
    }
}

fn grace(server: &Server, client: &Client, authorized: &Authorized) -> i64 {
    let set = authorized.grant.refresh_token.as_ref().and_then(|s| s.grace);
    let grace = set.or(client.settings.refresh_token.grace);
    i64::from(grace.unwrap_or(server.config().lifetimes.refresh_token_grace).min(300))
}
