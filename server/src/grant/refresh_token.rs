//! The refresh token grant (RFC 6749 section 6, RFC 9700 section 4.14).

use placet_oauth::{error::OAuthError, id::Secret, scope::Scope, token_request::TokenResponse};
use placet_sdk::{
    Instant,
    decision::{HookType, OriginalGrant, RefreshTokenSection, RequestFacts},
    grant::Rotation as RotationMode,
};

use super::narrow::{Asked, narrow};
use crate::{
    client::{AuthenticatedClient, Client},
    config::MAX_GRACE,
    outcome::Outcome,
    possession::Bound,
    server::Server,
    store::{AuthorizationRecord, Rotate, Rotation},
    token::{
        Authorized, IssueRequest, authorize_issue,
        refresh::{self, REFRESH_TOKEN},
    },
};

pub(super) async fn exchange(
    server: &Server,
    client: &AuthenticatedClient,
    token: &Secret,
    scope: Option<Scope>,
    asking: &RequestFacts,
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
    let mut authorized = Authorized::read(&authorization)?;
    let bound = Bound::read(family.bound.as_deref())?;
    if let Some(bound) = &bound {
        bound.demand(client.possession(), &mut authorized.grant)?;
    }
    let session_active = session_active(server, &authorization).await?;
    let rotates = rotates(client, &authorized, bound.as_ref());
    let granted = authorized.grant.clone();
    let asked = Asked {
        hook: HookType::GrantRefreshToken,
        asking,
        requested: scope.as_ref().map(Scope::to_vec),
        refresh: Some(RefreshTokenSection {
            first_issued_at: Instant(family.created_at),
            last_used_at: Instant(family.last_used_at),
            count: u32::try_from(family.generation - 1).unwrap_or(u32::MAX),
            rotation: rotates,
            original: OriginalGrant {
                scope: granted.scope.clone().unwrap_or_default(),
                resources: granted.resources.clone().unwrap_or_default(),
            },
            session_active,
            data: granted.data.clone(),
        }),
        family: true,
    };
    check_narrowed(client, &authorized, scope.as_ref())?;
    let (authorized, extra) = narrow(server, client, asked, (&authorization, authorized)).await?;
    let mut minted = authorize_issue(
        server,
        &IssueRequest {
            client,
            authorization: &authorization,
            authorized: &authorized,
            narrowed: if server.policies().asks(HookType::GrantRefreshToken) { None } else { scope },
            nonce: None,
            first_refresh: false,
            id_token: reissues(&authorization, &authorized, session_active),
            holder: client.possession(),
        },
    )
    .await?;
    minted.response.extra = extra;
    let (child, kept) = if rotates {
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
fn reissues(authorization: &AuthorizationRecord, authorized: &Authorized, session_active: bool) -> bool {
    let wanted = authorized.grant.id_token.as_ref().and_then(|s| s.reissue_on_refresh).unwrap_or(true);
    wanted && (authorization.offline || authorization.session_id.is_none() || session_active)
}

async fn session_active(server: &Server, authorization: &AuthorizationRecord) -> Outcome<bool> {
    let Some(session_id) = &authorization.session_id else { return Ok(false) };
    if authorization.offline && !server.policies().asks(HookType::GrantRefreshToken) {
        // Nobody looks at it: the read can be spared.
        return Ok(false);
    }
    let session = server.store().session(session_id).await?;
    Ok(session.is_some_and(|s| s.is_live(server.now())))
}

/// More than was granted is refused before anybody is asked.
fn check_narrowed(client: &Client, authorized: &Authorized, scope: Option<&Scope>) -> Result<(), OAuthError> {
    let granted = authorized.scope().difference(&client.denied_scope());
    match scope {
        Some(asked) if !asked.is_subset(&granted) => {
            let more = asked.difference(&granted);
            Err(OAuthError::invalid_scope(format!("`{more}` was not granted")))
        }
        _ => Ok(()),
    }
}

fn rotates(client: &Client, authorized: &Authorized, bound: Option<&Bound>) -> bool {
    let held = bound.is_some_and(|bound| bound.confirmation().is_some());
    let set = authorized.grant.refresh_token.as_ref().and_then(|s| s.rotation);
    match set.or(client.settings.refresh_token.rotation).unwrap_or(RotationMode::Always) {
        // A public client's refresh token is a bearer token, unless it is bound: it has to rotate (RFC 9700 section
        // 4.14.2).
        RotationMode::Never | RotationMode::Auto => client.is_public() && !held,
        RotationMode::Always => true,
    }
}

fn grace(server: &Server, client: &Client, authorized: &Authorized) -> i64 {
    let set = authorized.grant.refresh_token.as_ref().and_then(|s| s.grace);
    let grace = set.or(client.settings.refresh_token.grace);
    i64::from(grace.unwrap_or(server.config().lifetimes.refresh_token_grace).min(MAX_GRACE))
}
