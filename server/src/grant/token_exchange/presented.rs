//! Tokens that are presented for an exchange: what they are, whether they count, and whether this client may exchange
//! them.

use placet_oauth::{
    confirmation::Confirmation,
    error::OAuthError,
    jwt::VerifyProfile,
    scope::Scope,
    token_request::{TokenType, TypedToken},
};
use placet_sdk::grant::{Actor, Object, SenderConstraint};
use serde_json::Value;

use crate::{
    actors,
    client::{AuthenticatedClient, Client},
    config::ExchangeBound,
    outcome::{Failure, Outcome},
    possession::Bound,
    server::Server,
    store::{AuthorizationRecord, JwtHome, Parent},
    token::{
        ACCESS_TOKEN, ActiveToken, Authorized, active, authorization_of_jti, home_of_jwt, is_for, is_signed,
        read_id_token,
        refresh::{self, Found},
    },
    trusted,
};

/// What a token is presented as.
#[derive(Clone, Copy, Debug)]
pub(super) enum Role {
    Subject,
    Actor,
}

impl Role {
    const fn parameter(self) -> &'static str {
        match self {
            Self::Subject => "subject_token",
            Self::Actor => "actor_token",
        }
    }

    /// One answer for whatever is wrong with a token: it tells nothing about tokens of others.
    fn unacceptable(self) -> OAuthError {
        OAuthError::invalid_request(format!(
            "the `{}` is unknown, expired or revoked, or not for this client to exchange",
            self.parameter()
        ))
    }
}

/// Whom a token is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// A user of this server, by the local subject.
    User(String),
    /// A client of this server.
    Client(String),
    /// Somebody of another issuer.
    External { sub: String, issuer: String },
}

/// A token that counts and that this client may exchange.
#[derive(Clone, Debug)]
pub(super) struct Presented {
    pub(super) token_type: TokenType,
    pub(super) who: Who,
    /// The client of this server that it was issued to.
    pub(super) client_id: Option<String>,
    /// The authorization that it belongs to.
    pub(super) home: Option<(AuthorizationRecord, Authorized)>,
    /// What it says; subjects of this server are local ones.
    pub(super) claims: Object,
    pub(super) act: Option<Actor>,
    pub(super) may_act: Option<Object>,
    /// What it is good for.
    pub(super) scope: Scope,
    /// And beyond the scope.
    pub(super) details: Vec<Object>,
    pub(super) expires_at: i64,
    /// The key or certificate that it is bound to.
    pub(super) confirmation: Option<Confirmation>,
    /// Nothing that is issued for it may be less than bound: it is bound itself, or what it belongs to has to be.
    pub(super) bound: bool,
    /// What is derived from it dies with these.
    pub(super) parents: Vec<Parent>,
    /// And with these clients.
    pub(super) clients: Vec<String>,
}

/// Verifies a token that is presented.
///
/// # Errors
///
/// `invalid_request` (RFC 8693 section 2.2.2).
pub(super) async fn verify(
    server: &Server,
    client: &AuthenticatedClient,
    (typed, role): (&TypedToken, Role),
) -> Outcome<Presented> {
    let found = match typed.token_type {
        TokenType::AccessToken => access_token(server, client, typed).await?,
        TokenType::RefreshToken => refresh_token(server, client, typed).await?,
        TokenType::IdToken => id_token(server, client, typed).await?,
        TokenType::Jwt => Some(foreign(server, client, (typed, role)).await?),
        TokenType::Saml1 | TokenType::Saml2 => {
            let text = format!("`{}` cannot be a SAML assertion", role.parameter());
            return Err(OAuthError::invalid_request(text).into());
        }
        // As an actor token it was seen before.
        TokenType::DeviceSecret => {
            return Err(OAuthError::invalid_request("a device secret stands beside an ID token").into());
        }
    };
    let found = found.filter(|found| server.now() < found.expires_at).ok_or_else(|| role.unacceptable())?;
    if let Some(asked) = &found.confirmation
        && !client.possession().meets(asked)
        && !is_left_to_audience(client, &found, role)
    {
        let text = format!("the `{}` is bound to a key whose proof is not given", role.parameter());
        return Err(OAuthError::invalid_request(text).into());
    }
    Ok(found)
}

/// A resource server cannot prove the key of the client that called it. Where the operator says so, it may exchange what
/// is meant for it all the same; what it gets is bound to its own key.
fn is_left_to_audience(client: &Client, found: &Presented, role: Role) -> bool {
    let meant = |name: &String| is_for(&found.claims, name);
    matches!(role, Role::Subject)
        && found.token_type == TokenType::AccessToken
        && found.client_id.as_ref() != Some(&client.id)
        && client.settings.token_exchange.exchange_bound == ExchangeBound::Audience
        && !client.is_public()
        && (meant(&client.id) || client.settings.resources.iter().any(meant))
}

/// A client may exchange its own access tokens, those that are meant for it, and those of clients that the operator
/// named.
fn may_exchange(client: &Client, token: &ActiveToken) -> bool {
    let meant = || token.is_for(&client.id) || client.settings.resources.iter().any(|own| token.is_for(own));
    let named = || client.settings.token_exchange.may_exchange_of.contains(&token.client_id);
    // Who does not authenticate could claim to be any resource server.
    token.client_id == client.id || (!client.is_public() && (meant() || named()))
}

async fn access_token(server: &Server, client: &Client, typed: &TypedToken) -> Outcome<Option<Presented>> {
    let Some(found) = active(server, &typed.token).await? else { return Ok(None) };
    if !may_exchange(client, &found) {
        tracing::warn!(client = %client.id, issued_to = %found.client_id, "a client may not exchange this token");
        return Ok(None);
    }
    let (scope, details, claims) = (found.scope(), found.details(), found.claims);
    let expires_at = claims.get("exp").and_then(Value::as_i64).unwrap_or(0);
    let own = if is_signed(&typed.token) {
        let jti = claims.get("jti").and_then(Value::as_str).unwrap_or_default().to_owned();
        let of_client = match home_of_jwt(&jti, &found.client_id) {
            JwtHome::Client(of) => Some(of),
            JwtHome::Authorization(_) => None,
        };
        Parent::SignedToken { jti, expires_at, of_client }
    } else {
        Parent::OpaqueToken(server.root().digest(ACCESS_TOKEN, &typed.token))
    };
    let (mut parents, mut clients) = (vec![own], Vec::new());
    let home = if let Some(authorization) = found.authorization {
        parents.push(Parent::Authorization(authorization.id.clone()));
        let authorized = Authorized::read(&authorization)?;
        Some((authorization, authorized))
    } else {
        // It is the client's own, and has nothing but the client to die with.
        clients.push(found.client_id.clone());
        None
    };
    let issued_to = found.client_id;
    // What this server cannot check, nobody can prove.
    let Ok(confirmation) = Confirmation::of_claims(&claims) else { return Ok(None) };
    let bound = confirmation.is_some();
    let parts = Parts { home, claims, scope, details, expires_at, confirmation, bound, parents, clients };
    Ok(Some(local(TokenType::AccessToken, issued_to, parts)))
}

/// Only the current one of its family, and only for its client. To present another one is no replay here: it changes
/// nothing.
async fn refresh_token(
    server: &Server,
    client: &AuthenticatedClient,
    typed: &TypedToken,
) -> Outcome<Option<Presented>> {
    let Some(presented) = refresh::read(server, &typed.token) else { return Ok(None) };
    let Some(Found { family, authorization, carried }) = refresh::find_current(server, &presented).await?
    else {
        return Ok(None);
    };
    let now = server.now();
    if family.client_id != client.id || !family.is_live(now) || !authorization.is_live(now) {
        return Ok(None);
    }
    let authorized = Authorized::read(&authorization)?;
    let scope = authorized.scope().difference(&client.denied_scope());
    let idle_at = family.idle_seconds.map_or(i64::MAX, |idle| family.last_used_at.saturating_add(idle));
    let expires_at = family.expires_at.min(authorization.expires_at).min(idle_at);
    let mut claims = Object::new();
    claims.insert("iss".to_owned(), server.issuer().into());
    claims.insert("client_id".to_owned(), client.id.clone().into());
    claims.insert("iat".to_owned(), family.rotated_at.into());
    claims.insert("exp".to_owned(), expires_at.into());
    claims.insert("scope".to_owned(), scope.to_string().into());
    let bound = Bound::read(family.bound.as_deref())?;
    if bound.as_ref().is_some_and(|bound| !bound.is_of_instance(client.possession())) {
        return Ok(None);
    }
    let confirmation = bound.as_ref().and_then(Bound::confirmation);
    let bound = bound.as_ref().is_some_and(Bound::binds_tokens);
    let mut parents = vec![Parent::Authorization(authorization.id.clone())];
    // One that is good again and again stands and falls with its authorization alone.
    if carried.is_none_or(|(_, kept)| !kept) {
        parents.push(Parent::RefreshToken {
            family_id: family.id,
            presented: family.current,
            begins: presented.cargo.as_ref().map(|cargo| Box::new(cargo.begins())),
        });
    }
    let details = authorized.details().to_vec();
    let home = Some((authorization, authorized));
    let parts =
        Parts { home, claims, scope, details, expires_at, confirmation, bound, parents, clients: Vec::new() };
    Ok(Some(local(TokenType::RefreshToken, client.id.clone(), parts)))
}

/// It is good as long as its authorization, which its `jti` names.
async fn id_token(server: &Server, client: &Client, typed: &TypedToken) -> Outcome<Option<Presented>> {
    let profile =
        VerifyProfile { accept_expired: false, leeway: 0, ..VerifyProfile::id_token_hint(server.issuer()) };
    let Some(claims) = read_id_token(server, typed.token.expose(), &profile).await? else { return Ok(None) };
    if !is_for(&claims, &client.id) {
        return Ok(None);
    }
    let ends = claims.get("exp").and_then(Value::as_i64).unwrap_or(0);
    let found = of_id_token(server, claims).await?;
    Ok(found.map(|found| Presented { expires_at: found.expires_at.min(ends), ..found }))
}

/// What an ID token says whose authorization lives, which counts as long as that.
pub(super) async fn of_id_token(server: &Server, claims: Object) -> Outcome<Option<Presented>> {
    let named = claims.get("jti").and_then(Value::as_str).and_then(authorization_of_jti);
    let Some(id) = named else { return Ok(None) };
    let Some(authorization) = server.store().authorization(&id).await? else { return Ok(None) };
    if !authorization.is_live(server.now()) {
        return Ok(None);
    }
    let authorized = Authorized::read(&authorization)?;
    let expires_at = authorization.expires_at;
    let (scope, issued_to) = (authorized.scope(), authorization.client_id.clone());
    let parents = vec![Parent::Authorization(id)];
    let details = authorized.details().to_vec();
    let home = Some((authorization, authorized));
    let (confirmation, bound) = (None, false);
    let parts =
        Parts { home, claims, scope, details, expires_at, confirmation, bound, parents, clients: Vec::new() };
    Ok(Some(local(TokenType::IdToken, issued_to, parts)))
}

/// What the kinds of local tokens differ in.
struct Parts {
    home: Option<(AuthorizationRecord, Authorized)>,
    claims: Object,
    scope: Scope,
    details: Vec<Object>,
    expires_at: i64,
    confirmation: Option<Confirmation>,
    bound: bool,
    parents: Vec<Parent>,
    clients: Vec<String>,
}

/// A token of this server. Whom it is about and who acts is read from its authorization: what it shows its client may
/// be the subjects of a sector.
fn local(token_type: TokenType, client_id: String, parts: Parts) -> Presented {
    let Parts { home, mut claims, scope, details, expires_at, confirmation, bound, parents, clients } = parts;
    let required = |authorized: &Authorized| {
        let set = authorized.grant.access_token.as_ref().and_then(|set| set.sender_constraint);
        set == Some(SenderConstraint::Required)
    };
    let bound = bound || home.as_ref().is_some_and(|(_, authorized)| required(authorized));
    let (who, act, may_act) = match &home {
        None => (Who::Client(client_id.clone()), None, None),
        Some((authorization, authorized)) => {
            let sub = authorization.sub.clone();
            let who = if authorized.client_subject { Who::Client(sub) } else { Who::User(sub) };
            (who, authorized.grant.act.clone(), authorized.grant.may_act.clone())
        }
    };
    let (Who::User(sub) | Who::Client(sub) | Who::External { sub, .. }) = &who;
    claims.insert("sub".to_owned(), sub.clone().into());
    for (name, value) in [("act", serde_json::to_value(&act)), ("may_act", serde_json::to_value(&may_act))] {
        match value {
            Ok(value) if !value.is_null() => claims.insert(name.to_owned(), value),
            _ => claims.remove(name),
        };
    }
    let client_id = Some(client_id);
    Presented {
        token_type,
        who,
        client_id,
        home,
        claims,
        act,
        may_act,
        scope,
        details,
        expires_at,
        confirmation,
        bound,
        parents,
        clients,
    }
}

/// A JWT of a trusted issuer, or of the client about itself.
async fn foreign(
    server: &Server,
    client: &AuthenticatedClient,
    (typed, role): (&TypedToken, Role),
) -> Outcome<Presented> {
    let refused = |text: String| Failure::from(OAuthError::invalid_request(text));
    let verified = match trusted::verify(server, client, typed.token.expose()).await {
        Ok(verified) => verified,
        Err(Failure::Refused(error)) => {
            let named = format!("the `{}`", role.parameter());
            return Err(refused(error.description.replace("the assertion", &named)));
        }
        Err(failure) => return Err(failure),
    };
    let sub = verified.sub().to_owned();
    if verified.own && sub != client.id {
        return Err(refused(format!(
            "the `{}` is of the client itself about somebody else",
            role.parameter()
        )));
    }
    let (issuer, claims) = (verified.issuer, verified.claims);
    let act = match claims.get("act") {
        None => None,
        Some(act) => Some(foreign_actor(act, &issuer, actors::MAX_ACTORS).ok_or_else(|| {
            refused(format!("the claim `act` of the `{}` is not a chain of actors", role.parameter()))
        })?),
    };
    let may_act = match claims.get("may_act") {
        None => None,
        Some(Value::Object(may_act)) => Some(may_act.clone()),
        Some(_) => {
            return Err(refused(format!("the claim `may_act` of the `{}` is no object", role.parameter())));
        }
    };
    let scope = claims.get("scope").and_then(Value::as_str).unwrap_or_default();
    let scope = Scope::parse(scope).unwrap_or_default();
    Ok(Presented {
        token_type: TokenType::Jwt,
        client_id: verified.own.then(|| client.id.clone()),
        who: if verified.own { Who::Client(sub) } else { Who::External { sub, issuer } },
        home: None,
        claims,
        act,
        may_act,
        scope,
        // What another issuer calls by the name of a type need not be the same.
        details: Vec::new(),
        expires_at: verified.expires_at,
        bound: verified.confirmation.is_some(),
        confirmation: verified.confirmation,
        parents: Vec::new(),
        clients: Vec::new(),
    })
}

/// The actors that another issuer names: each is one of that issuer unless it says otherwise.
fn foreign_actor(act: &Value, issuer: &str, depth: usize) -> Option<Actor> {
    let depth = depth.checked_sub(1)?;
    let text = |name: &str| act.get(name).and_then(Value::as_str).map(str::to_owned);
    let next = match act.get("act") {
        None => None,
        Some(next) => Some(Box::new(foreign_actor(next, issuer, depth)?)),
    };
    let iss = text("iss").unwrap_or_else(|| issuer.to_owned());
    let actor = Actor { sub: text("sub")?, iss: Some(iss), client_id: text("client_id"), act: next };
    actors::is_sound(&actor).then_some(actor)
}
