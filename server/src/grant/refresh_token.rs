//! The refresh token grant (RFC 6749 section 6, RFC 9700 section 4.14).

use placet_oauth::{
    error::OAuthError,
    id::Secret,
    token_request::{Asked, TokenResponse},
};
use placet_sdk::{
    Instant,
    decision::{HookType, OriginalGrant, RefreshTokenSection, RequestFacts},
    grant::{RefreshTokenSettings, Rotation as RotationMode},
};

use super::narrow::{Narrow, narrow};
use crate::{
    client::{AuthenticatedClient, Client},
    outcome::Outcome,
    policy::ceiling,
    possession::Bound,
    server::Server,
    store::{AuthorizationRecord, FamilyRecord, Rotate, Rotation},
    token::{
        Authorized, IssueRequest, authorize_issue,
        refresh::{self, REFRESH_TOKEN},
    },
};

pub(super) async fn exchange(
    server: &Server,
    client: &AuthenticatedClient,
    (token, asked): (&Secret, &Asked),
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
    let granted = authorized.grant.clone();
    let settings = current(server, client, &authorized, (&family, bound.as_ref()));
    let asked = Narrow {
        hook: HookType::GrantRefreshToken,
        asking,
        asked,
        refresh: Some((
            RefreshTokenSection {
                first_issued_at: Instant(family.created_at),
                last_used_at: Instant(family.last_used_at),
                count: u32::try_from(family.generation - 1).unwrap_or(u32::MAX),
                rotation: rotates(&settings),
                original: OriginalGrant {
                    scope: granted.scope.clone().unwrap_or_default(),
                    resources: granted.resources.clone().unwrap_or_default(),
                },
                session_active,
                data: granted.data.clone(),
            },
            settings,
        )),
        family: true,
    };
    let left = narrow(server, client, asked, (&authorization, authorized)).await?;
    let (authorized, settings) = (&left.authorized, &left.refresh_token);
    let mut minted = authorize_issue(
        server,
        &IssueRequest {
            client,
            authorization: &authorization,
            authorized,
            nonce: None,
            first_refresh: false,
            id_token: reissues(&authorization, authorized, session_active),
            holder: client.possession(),
            auth_req_id: None,
        },
    )
    .await?;
    minted.response.extra = left.extra;
    let ends = family.created_at + settings.lifetime.map_or(0, i64::from);
    let goes_on = settings.issue != Some(false) && ends > now;
    let (child, kept) = if goes_on && rotates(settings) {
        let (token, child) = refresh::child(server, &presented)?;
        (Some(token), Some(child))
    } else {
        (None, None)
    };
    let rotate = Rotate {
        family_id: presented.family_id.clone(),
        presented: server.root().digest(REFRESH_TOKEN, token),
        child: kept,
        grace: settings.grace.map_or(0, i64::from),
        expires_at: if goes_on { ends } else { now },
        idle_seconds: settings.max_idle.filter(|idle| *idle > 0).map(i64::from),
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
    }
    .filter(|_| goes_on);
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

/// The refresh token that comes of a refresh if no policy makes it less: its family goes on.
fn current(
    server: &Server,
    client: &Client,
    authorized: &Authorized,
    (family, bound): (&FamilyRecord, Option<&Bound>),
) -> RefreshTokenSettings {
    let seconds = |value: i64| u32::try_from(value.max(0)).unwrap_or(u32::MAX);
    let held = bound.is_some_and(|bound| bound.confirmation().is_some());
    let settings = ceiling::refresh_token(server, client, authorized.grant.refresh_token.clone());
    RefreshTokenSettings {
        // Counted from its beginning: a time that runs out would make another question of each refresh.
        lifetime: Some(seconds(family.expires_at - family.created_at)),
        max_idle: Some(family.idle_seconds.map_or(0, seconds)),
        // A public client's refresh token is a bearer token, unless it is bound: it has to rotate (RFC 9700 section
        // 4.14.2).
        rotation: if client.is_public() && !held { Some(RotationMode::Always) } else { settings.rotation },
        ..settings
    }
}

fn rotates(settings: &RefreshTokenSettings) -> bool {
    settings.rotation.unwrap_or(RotationMode::Always) == RotationMode::Always
}
