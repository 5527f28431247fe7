//! The refresh token grant (RFC 6749 section 6, RFC 9700 section 4.14).

use placet_oauth::{
    error::OAuthError,
    id::Secret,
    token_request::{Asked, TokenResponse},
};
use placet_sdk::{
    Instant,
    decision::{HookType, OriginalGrant, RefreshTokenSection, RequestFacts},
    grant::{RefreshTokenSettings, Rotation as RotationMode, Tokens},
};

use super::narrow::{Narrow, narrow};
use crate::{
    client::{AuthenticatedClient, Client},
    outcome::Outcome,
    policy::ceiling,
    possession::Bound,
    server::Server,
    store::{AuthorizationRecord, FamilyRecord, Issued, Known, Rotate, Rotation},
    token::{
        Authorized, IssueRequest, authorize_issue,
        refresh::{self, Found, Presented},
    },
};

pub(super) async fn exchange(
    server: &Server,
    client: &AuthenticatedClient,
    (token, asked): (&Secret, &Asked),
    asking: &RequestFacts,
) -> Outcome<TokenResponse> {
    let presented = refresh::read(server, token).ok_or_else(unknown)?;
    let Some(Found { family, authorization, carried }) = refresh::find(server, &presented).await? else {
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
    let session_active = session_active(server, &authorization, &authorized).await?;
    let granted = authorized.grant.clone();
    let tokens = if carried.is_some() { Tokens::Stateless } else { Tokens::Stored };
    let settings = RefreshTokenSettings {
        tokens: Some(tokens),
        ..current(server, client, &authorized, (&family, bound.as_ref()))
    };
    let proposed = settings.clone();
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
    let used = Used { presented: &presented, family: &family, authorization: &authorization, carried };
    let issued = std::mem::take(&mut minted.issued);
    minted.response.refresh_token = used.go_on(server, &client.id, (&proposed, settings), issued).await?;
    Ok(minted.response)
}

/// A refresh token in use.
struct Used<'a> {
    presented: &'a Presented,
    family: &'a FamilyRecord,
    authorization: &'a AuthorizationRecord,
    /// Of one that carries everything itself: what is known of revocations, and whether it is good again and again.
    carried: Option<(Known, bool)>,
}

impl Used<'_> {
    /// Uses it: gives the refresh token that comes of it, if one does, and records what was issued.
    async fn go_on(
        &self,
        server: &Server,
        client_id: &str,
        (proposed, settings): (&RefreshTokenSettings, &RefreshTokenSettings),
        issued: Issued,
    ) -> Outcome<Option<Secret>> {
        let now = server.now();
        let ends = self.family.created_at + settings.lifetime.map_or(0, i64::from);
        let goes_on = settings.issue != Some(false) && ends > now;
        let lasts = (settings.lifetime, settings.max_idle) == (proposed.lifetime, proposed.max_idle);
        if let Some((known, true)) = &self.carried
            && goes_on
            && lasts
            && !rotates(settings)
        {
            record(server, issued).await?;
            let told = (self.family, self.authorization);
            return Ok(Some(refresh::carrying(server, self.presented.token(), told, (known, true))?));
        }
        let (child, kept) = if goes_on && rotates(settings) {
            let (token, child) = refresh::child(server, self.presented)?;
            (Some(token), Some(child))
        } else {
            (None, None)
        };
        let idle_seconds = settings.max_idle.filter(|idle| *idle > 0).map(i64::from);
        let rotate = Rotate {
            family_id: self.presented.family_id.clone(),
            presented: self.presented.digest(server.root()),
            child: kept,
            grace: settings.grace.map_or(0, i64::from),
            expires_at: if goes_on { ends } else { now },
            idle_seconds,
            now,
            begins: self.presented.cargo.as_ref().map(|cargo| cargo.begins()),
        };
        let next = match server.store().rotate(rotate, issued).await? {
            Rotation::Rotated => child,
            Rotation::Kept => Some(self.presented.token().clone()),
            Rotation::Repeated { salt, .. } => Some(refresh::derive(server.root(), self.presented, &salt)?),
            Rotation::Replayed => {
                let authorization = &self.authorization.id;
                tracing::warn!(client = client_id, %authorization, "a refresh token was used again");
                return Err(OAuthError::invalid_grant(
                    "the refresh token was used before; its authorization is revoked",
                )
                .into());
            }
            Rotation::Dead => return Err(unknown().into()),
        };
        match (next.filter(|_| goes_on), &self.carried) {
            (Some(next), Some((known, _))) => {
                let family = shortened(self.family, ends, idle_seconds);
                let told = (&family, self.authorization);
                Ok(Some(refresh::carrying(server, &next, told, (known, false))?))
            }
            (next, _) => Ok(next),
        }
    }
}

/// A family as its token tells of it once it may have been made to end sooner.
fn shortened(family: &FamilyRecord, ends: i64, idle: Option<i64>) -> FamilyRecord {
    let idle_seconds = match (family.idle_seconds, idle) {
        (Some(before), Some(now)) => Some(before.min(now)),
        (before, now) => before.or(now),
    };
    FamilyRecord { expires_at: family.expires_at.min(ends), idle_seconds, ..family.clone() }
}

fn unknown() -> OAuthError {
    OAuthError::invalid_grant("the refresh token is unknown, expired or revoked")
}

/// What a refresh issues that changes nothing of its family. It is nothing, unless the resource of an access token wants
/// to be asked about it.
async fn record(server: &Server, issued: Issued) -> Outcome<()> {
    if let Some(token) = issued.token {
        server.store().insert_token(token).await?;
    }
    Ok(())
}

/// A new ID token says that the session lives, so none is issued once it ended (unless access is offline).
fn reissues(authorization: &AuthorizationRecord, authorized: &Authorized, session_active: bool) -> bool {
    wants_id_token(authorized)
        && (authorization.offline || authorization.session_id.is_none() || session_active)
}

fn wants_id_token(authorized: &Authorized) -> bool {
    authorized.grant.id_token.as_ref().and_then(|s| s.reissue_on_refresh).unwrap_or(true)
}

/// Whether the session lives, for whoever looks at it; where nobody does, the read is spared.
async fn session_active(
    server: &Server,
    authorization: &AuthorizationRecord,
    authorized: &Authorized,
) -> Outcome<bool> {
    let Some(session_id) = &authorization.session_id else { return Ok(false) };
    let for_id_token =
        !authorization.offline && authorized.scope().contains("openid") && wants_id_token(authorized);
    if !for_id_token && !server.policies().asks(HookType::GrantRefreshToken) {
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
    let settings = ceiling::refresh_token(server, client, authorized.grant.refresh_token.clone());
    RefreshTokenSettings {
        // Counted from its beginning: a time that runs out would make another question of each refresh.
        lifetime: Some(seconds(family.expires_at - family.created_at)),
        max_idle: Some(family.idle_seconds.map_or(0, seconds)),
        rotation: if refresh::rotates(client, bound, &settings) {
            Some(RotationMode::Always)
        } else {
            settings.rotation
        },
        ..settings
    }
}

fn rotates(settings: &RefreshTokenSettings) -> bool {
    settings.rotation.unwrap_or(RotationMode::Always) == RotationMode::Always
}
