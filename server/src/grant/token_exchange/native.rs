//! Applications of one vendor on one device share a sign-in (OpenID Connect Native SSO for Mobile Apps 1.0 section 4): one
//! has an ID token and a device secret, another one gets tokens of its own for them.

use placet_oauth::{
    claims::scope_claims,
    error::OAuthError,
    grant_type::GrantType,
    id::Secret,
    jwt::VerifyProfile,
    native_sso::{self, DS_HASH},
    scope::Scope,
    token_request::{ExchangeRequest, TokenType},
};
use placet_sdk::grant::{Grant, GrantedClaims};
use serde_json::Value;

use super::{
    Exchange, delegation,
    presented::{self, Presented, Who},
    reachable,
};
use crate::{
    client::{AuthenticatedClient, Client},
    config::ConsentMode,
    interaction::{consent, session},
    outcome::Outcome,
    server::Server,
    token::{DeviceSecret, is_for, read_id_token},
};

/// What an application that shares a sign-in gets besides the access token.
pub(super) struct Shared {
    /// The device secret, which binds its ID token too: the next application may present that.
    pub(super) device_secret: DeviceSecret,
    /// The claims that the user consented to, or that the operator vouches for.
    pub(super) claims: GrantedClaims,
    /// Whether its tokens live in the session, which must be live when they are stored.
    pub(super) in_session: bool,
}

/// One answer for whatever is wrong with the ID token, the secret or the session (section 4.3).
fn unacceptable() -> OAuthError {
    OAuthError::invalid_grant(
        "the ID token or the device secret is unknown, expired or revoked, they do not belong together, the session is \
         over, or this client does not share sign-ins with the one they were issued to",
    )
}

/// The checks of section 4.3, before a policy is asked.
pub(super) async fn verify(
    server: &Server,
    client: &AuthenticatedClient,
    request: ExchangeRequest,
) -> Outcome<Exchange> {
    let Some(group) = client.settings.native_sso.as_deref().filter(|_| server.config().native_sso.is_on())
    else {
        return Err(OAuthError::unauthorized_client("this client shares sign-ins with no other one").into());
    };
    native_sso::check(&request, server.issuer())?;
    let secret = request.actor.as_ref().map(|actor| &actor.token).ok_or_else(unacceptable)?;
    let (subject, device_secret) =
        read(server, (&request.subject.token, secret), group).await?.ok_or_else(unacceptable)?;
    let Some((home, _)) = &subject.home else { return Err(unacceptable().into()) };
    // Offline access goes on without the session; what ends it ends the authorization (section 4.3, 3).
    if !home.offline && !is_live(server, home.session_id.as_deref()).await? {
        return Err(unacceptable().into());
    }
    if client.settings.token_exchange.enforce_may_act {
        delegation::check_may_act(server, client, &subject, None)?;
    }
    let mut resources = request.asked.resources.clone();
    server.config().check_resources(&client.settings, &resources)?;
    resources.sort_unstable();
    resources.dedup();
    let (permitted, claims) = consented(server, client, &home.sub, &resources).await?;
    let scope = match &request.asked.scope {
        None => permitted.difference(&Scope::from_values(["offline_access"])),
        Some(asked) if asked.is_subset(&permitted) => asked.clone(),
        Some(asked) => {
            let more = asked.difference(&permitted);
            let text = format!("`{more}` cannot be had without the consent of the user");
            return Err(OAuthError::invalid_scope(text).into());
        }
    };
    let wanted = TokenType::AccessToken;
    let scope = reachable(server, client, (wanted, &request.asked), (scope, &resources, &[]))?;
    let shared =
        Shared { device_secret, claims: of_scope(claims.as_deref(), &scope), in_session: !home.offline };
    Ok(Exchange {
        act: subject.act.clone(),
        until: subject.expires_at,
        actor: None,
        wanted,
        asked: request.asked,
        scope,
        resources,
        details: None,
        audience: request.audience,
        shared: Some(shared),
        subject,
    })
}

/// The ID token, if it is one of this server to a client of this group, its authorization lives, and the secret is the
/// one that it is bound to. It may have expired: it says who is meant, and the secret says that it counts.
async fn read(
    server: &Server,
    (token, secret): (&Secret, &Secret),
    group: &str,
) -> Outcome<Option<(Presented, DeviceSecret)>> {
    let profile = VerifyProfile::id_token_hint(server.issuer());
    let Some(claims) = read_id_token(server, token.expose(), &profile).await? else { return Ok(None) };
    let Some(bound) = claims.get(DS_HASH).and_then(Value::as_str).map(str::to_owned) else {
        return Ok(None);
    };
    let Some(subject) = presented::of_id_token(server, claims).await? else { return Ok(None) };
    let Some((home, authorized)) = &subject.home else { return Ok(None) };
    let Some(owner) = server.client(&home.client_id).await? else { return Ok(None) };
    let together = is_for(&subject.claims, &owner.id) && owner.settings.native_sso.as_deref() == Some(group);
    if !together || !matches!(subject.who, Who::User(_)) {
        tracing::warn!(issued_to = %owner.id, group, "a client of another group presented an ID token");
        return Ok(None);
    }
    let kept = authorized.device_secret.clone();
    let kept = kept.filter(|kept| kept.hash == bound && kept.matches(secret, server.now()));
    Ok(kept.map(|kept| (subject, kept)))
}

async fn is_live(server: &Server, session_id: Option<&str>) -> Outcome<bool> {
    match session_id {
        Some(id) => Ok(session::live(server, id).await?.is_some()),
        None => Ok(false),
    }
}

/// What needs no question to the user (section 4.3, 5): what is remembered of an answer to this very client, or all that
/// it is registered for if the operator answers for it. A client whose users are always asked gets nothing here.
async fn consented(
    server: &Server,
    client: &Client,
    sub: &str,
    resources: &[String],
) -> Outcome<(Scope, Option<Vec<String>>)> {
    let registered = client.registered_scope().unwrap_or_default().difference(&client.denied_scope());
    let (scope, claims) = match client.settings.consent {
        ConsentMode::Always => (Scope::empty(), Some(Vec::new())),
        ConsentMode::Implicit if client.settings.first_party => (registered, None),
        ConsentMode::Implicit | ConsentMode::Explicit => {
            let offer = Grant { resources: Some(resources.to_vec()), ..Grant::default() };
            match consent::remembered(server, client, &offer, sub).await? {
                Some(remembered) => {
                    (registered.intersect(&Scope::from_values(remembered.scope)), Some(remembered.claims))
                }
                None => (Scope::empty(), Some(Vec::new())),
            }
        }
    };
    let offline = client.may_use(GrantType::RefreshToken);
    let beyond = (!offline).then_some("offline_access");
    Ok((scope.difference(&Scope::from_values(beyond)), claims))
}

/// The claims of the scope, as far as the user consented to them; `None` are all.
fn of_scope(consented: Option<&[String]>, scope: &Scope) -> GrantedClaims {
    let names = scope.iter().flat_map(|value| scope_claims(value).iter().copied());
    let permitted = |name: &&str| consented.is_none_or(|all| all.iter().any(|one| one == name));
    GrantedClaims {
        userinfo: Some(names.filter(permitted).map(str::to_owned).collect()),
        ..GrantedClaims::default()
    }
}
