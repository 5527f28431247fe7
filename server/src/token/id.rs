//! ID tokens (OpenID Connect Core section 2).

use placet_oauth::{
    ciba::{AUTH_REQ_ID_CLAIM, RT_HASH_CLAIM},
    client::JwtResponse,
    id::Secret,
    jwt::half_hash,
    native_sso::DS_HASH,
};
use placet_sdk::{
    InstantMillis,
    decision::RequestFacts,
    grant::{Object, is_reserved_claim},
};
use serde_json::{Value, json};

use super::{Authorized, access::jti};
use crate::{
    actors,
    claims::{Target, Wanted, gather, presets},
    client::Client,
    outcome::{Fault, Outcome},
    possession::Possession,
    secured,
    server::Server,
    store::AuthorizationRecord,
};

/// What an ID token shall say.
#[derive(Debug)]
pub struct IdRequest<'a> {
    /// The client it is for.
    pub client: &'a Client,
    /// The authorization it is issued under.
    pub authorization: &'a AuthorizationRecord,
    /// What was granted.
    pub authorized: &'a Authorized,
    /// `nonce` of the request.
    pub nonce: Option<&'a str>,
    /// `state` of the request, if it is issued at the authorization endpoint: its hash goes into `s_hash`.
    pub state: Option<&'a str>,
    /// The access token issued beside it: its hash goes into `at_hash`.
    pub access_token: Option<&'a Secret>,
    /// The code issued beside it: its hash goes into `c_hash`.
    pub code: Option<&'a Secret>,
    /// The authentication request that it answers without being asked for, and the refresh token sent beside it: its hash
    /// goes into the claim of CIBA Core section 10.3.1.
    pub pushed: Option<(&'a str, Option<&'a Secret>)>,
    /// Claims about the user, as [`claims`] gathered them.
    pub claims: Object,
}

/// Mints an ID token, signed and encrypted as its client registered.
pub async fn mint(server: &Server, request: &IdRequest<'_>) -> Outcome<Secret> {
    let claims = said(server, request)?;
    secured::jwt(server, request.client, JwtResponse::IdToken, ("JWT", &claims)).await
}

/// What the ID token says.
fn said(server: &Server, request: &IdRequest<'_>) -> Result<Object, Fault> {
    let authorized = request.authorized;
    let settings = authorized.grant.id_token.clone().unwrap_or_default();
    let algorithm = secured::signing_alg(request.client, JwtResponse::IdToken).unwrap_or_default();
    let lifetime = settings
        .lifetime
        .or(request.client.settings.id_token.lifetime)
        .unwrap_or(server.config().lifetimes.id_token);
    let now = server.now();

    let mut claims = request.claims.clone();
    let preset = presets(server, authorized, (settings.claims, &claims));
    claims.extend(preset.into_iter().filter(|(name, _)| !is_reserved_claim(name)));

    let mut set = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    set("iss", server.issuer().into());
    set("sub", request.client.subject(&request.authorization.sub, server.root().pairwise_salt()).into());
    match settings.audience.filter(|more| !more.is_empty()) {
        None => set("aud", request.client.id.clone().into()),
        Some(more) => {
            let all: Vec<&str> =
                std::iter::once(request.client.id.as_str()).chain(more.iter().map(String::as_str)).collect();
            set("azp", request.client.id.clone().into());
            set("aud", json!(all))
        }
    };
    set("exp", (now + i64::from(lifetime)).into());
    set("iat", now.into());
    // As in access tokens, it names the authorization: what an ID token is exchanged for dies with that.
    set("jti", jti(server, Some(&request.authorization.id), "")?.into());
    set("auth_time", authorized.authenticated_at.into());
    if let Some(acr) = &authorized.acr {
        set("acr", acr.clone().into());
    }
    if !authorized.amr.is_empty() {
        set("amr", json!(authorized.amr));
    }
    if let Some(sid) = authorized.sid.as_ref().filter(|_| request.client.knows_sessions()) {
        set("sid", sid.clone().into());
    }
    if let Some(act) = &authorized.grant.act {
        set("act", json!(actors::shown(server, request.client, act)));
    }
    if let Some(may_act) = &authorized.grant.may_act {
        set("may_act", actors::may_act_shown(server, request.client, may_act).into());
    }
    if let Some(device_secret) = &authorized.device_secret {
        set(DS_HASH, device_secret.hash.clone().into());
    }
    if let Some(nonce) = request.nonce {
        set("nonce", nonce.into());
    }
    // Financial-grade API Security Profile 1.0 part 2, section 5.2.2.1.
    if let Some(state) = request.state {
        set("s_hash", half_hash(algorithm, state).into());
    }
    if let Some(token) = request.access_token {
        set("at_hash", half_hash(algorithm, token.expose()).into());
    }
    if let Some(code) = request.code {
        set("c_hash", half_hash(algorithm, code.expose()).into());
    }
    if let Some((auth_req_id, refresh_token)) = request.pushed {
        set(AUTH_REQ_ID_CLAIM, auth_req_id.into());
        if let Some(token) = refresh_token {
            set(RT_HASH_CLAIM, half_hash(algorithm, token.expose()).into());
        }
    }
    Ok(claims)
}

/// The claims about the user for an ID token. If it is issued `alone`, without any access token, the claims of the
/// scopes go into it as well (section 5.4).
pub async fn claims(
    server: &Server,
    (client, authorization, authorized, holder): (&Client, &AuthorizationRecord, &Authorized, &Possession),
    alone: bool,
) -> Outcome<Object> {
    let consented = authorized.claims();
    let mut names = consented.id_token.unwrap_or_default();
    if alone {
        names.extend(consented.userinfo.unwrap_or_default());
    }
    let asking = RequestFacts {
        endpoint: if alone { "authorize" } else { "token" }.to_owned(),
        received_at: Some(InstantMillis(server.now_millis())),
        ..RequestFacts::default()
    };
    let target = Target::IdToken;
    let pop = holder.facts(client);
    gather(server, Wanted { client, authorization, authorized, target, names, asking, pop }).await
}

/// Facts of an authentication as token claims.
pub(super) fn facts(authorized: &Authorized) -> Object {
    let mut facts = Object::new();
    if authorized.authenticated_at > 0 {
        facts.insert("auth_time".to_owned(), authorized.authenticated_at.into());
    }
    if let Some(acr) = &authorized.acr {
        facts.insert("acr".to_owned(), acr.clone().into());
    }
    if !authorized.amr.is_empty() {
        facts.insert("amr".to_owned(), json!(authorized.amr));
    }
    facts
}
