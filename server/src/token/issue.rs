//! The one gate that every token of an authorization passes, whatever the grant.

use futures_util::try_join;
use placet_oauth::{
    confirmation::Confirmation, error::OAuthError, grant_type::GrantType, id::Secret, scope::Scope,
    token_request::TokenResponse,
};
use placet_sdk::{
    InstantMillis,
    decision::RequestFacts,
    grant::{Grant, Object, SubType},
};
use serde_json::Map;

use super::{
    AccessRequest, Authorized, IdRequest, Reach, audience, carried, id, mint_access, mint_id, profile, reach,
    refresh,
};
use crate::{
    actors,
    claims::{Target, Wanted, gather, presets},
    client::Client,
    ledger::note,
    outcome::Outcome,
    policy::ceiling,
    possession::{Bound, Possession},
    server::Server,
    store::{AuthorizationRecord, FamilyRecord, Issued, REMEMBERED},
};

/// What is to be issued under an authorization.
#[derive(Debug)]
pub struct IssueRequest<'a> {
    /// The client that asks; the one the authorization was granted to.
    pub client: &'a Client,
    /// The authorization.
    pub authorization: &'a AuthorizationRecord,
    /// What it holds.
    pub authorized: &'a Authorized,
    /// `nonce` of the authorization request, for the first ID token.
    pub nonce: Option<&'a str>,
    /// Begin a refresh token family, if one is wanted.
    pub first_refresh: bool,
    /// Whether an ID token may come along.
    pub id_token: bool,
    /// What the request proved, which the tokens are bound to.
    pub holder: &'a Possession,
    /// The authentication request whose client gets these tokens without asking for them: the ID token says which (CIBA
    /// Core section 10.3.1).
    pub auth_req_id: Option<&'a str>,
}

/// What was minted: for the client, and for the store.
#[derive(Debug)]
pub struct Minted {
    /// The answer of the token endpoint.
    pub response: TokenResponse,
    /// What the store records in the step that uses up the grant's artefact.
    pub issued: Issued,
}

/// Mints tokens under a live authorization, narrowed to what the client may have. Nothing is stored here: the
/// caller hands `issued` to the store together with the use of its artefact.
pub async fn authorize_issue(server: &Server, request: &IssueRequest<'_>) -> Outcome<Minted> {
    let (client, authorized) = (request.client, request.authorized);
    let now = server.now();
    if request.authorization.client_id != client.id || !request.authorization.is_live(now) {
        return Err(OAuthError::invalid_grant("the authorization is over").into());
    }
    let scope = authorized.scope().difference(&client.denied_scope());
    let standing = server.details().standing(client, authorized.details());
    let audience = audience(
        server,
        client,
        &Grant { authorization_details: Some(standing.clone()), ..authorized.grant.clone() },
    );
    let Reach { audience, terms, scope, details } = reach(server.config(), audience, (&scope, &standing))?;
    let settings = authorized.grant.access_token.clone().unwrap_or_default();
    let sub = match settings.sub_type {
        Some(SubType::Public) => request.authorization.sub.clone(),
        // A client has one name everywhere.
        _ if authorized.client_subject => request.authorization.sub.clone(),
        _ => client.subject(&request.authorization.sub, server.root().pairwise_salt()),
    };
    note_issue(request.authorization);
    let mut grant = authorized.grant.clone();
    let mut access = grant.access_token.unwrap_or_default();
    let mut names = authorized.claims().access_token.unwrap_or_default();
    if let Some(profile) = profile::of(server.config(), client, &audience)? {
        names.extend(profile.names(authorized, &scope));
        names.sort_unstable();
        names.dedup();
    }
    let wanted_id = request.id_token && wants_id_token(authorized, &scope);
    let about = (client, request.authorization, authorized, request.holder);
    let (mut extra, id_claims) =
        try_join!(access_claims(server, about, names), id_claims(server, about, wanted_id))?;
    extra.extend(presets(server, authorized, (access.claims.take(), &extra)));
    access.claims = Some(extra);
    grant.access_token = Some(access);
    let details = grant.authorization_details.is_some().then_some(details);
    grant.authorization_details.clone_from(&details);
    if settings.sub_type != Some(SubType::Public) {
        grant.act = grant.act.map(|act| actors::shown(server, client, &act));
        grant.may_act = grant.may_act.map(|may_act| actors::may_act_shown(server, client, &may_act));
    }
    let access = mint_access(
        server,
        &AccessRequest {
            client,
            sub: Some(&sub),
            scope: &scope,
            authorization_id: Some(&request.authorization.id),
            grant: &grant,
            audience: &audience,
            terms: &terms,
            facts: id::facts(authorized),
            not_after: Some(request.authorization.expires_at),
            holder: request.holder,
        },
    )
    .await?;
    // One that belonged to no instance would be good for all of them.
    let holds = !client.auth_method().needs_attestation() || request.holder.instance().is_some();
    let (refresh_token, family) = if request.first_refresh && holds && family_wanted(client, authorized) {
        let (token, family) = begin_family(server, request, access.confirmation.as_ref()).await?;
        (Some(token), family)
    } else {
        (None, None)
    };
    let request_of = request.auth_req_id;
    let id_token = if wanted_id {
        let request = IdRequest {
            client,
            authorization: request.authorization,
            authorized,
            nonce: request.nonce,
            state: None,
            access_token: Some(&access.value),
            code: None,
            pushed: request_of.map(|id| (id, refresh_token.as_ref())),
            claims: id_claims,
        };
        Some(mint_id(server, &request).await?)
    } else {
        None
    };
    Ok(Minted {
        response: TokenResponse {
            access_token: access.value,
            issued_token_type: None,
            token_type: access.token_type,
            expires_in: u64::try_from(access.expires_in).unwrap_or(0),
            refresh_token,
            id_token,
            device_secret: None,
            scope,
            details,
            extra: Map::new(),
        },
        issued: Issued { token: access.record, family, ..Issued::default() },
    })
}

/// Lets the ledger find what is issued under this authorization.
fn note_issue(authorization: &AuthorizationRecord) {
    note(|noted| {
        noted.flow(&authorization.id);
        noted.subject(&authorization.sub);
        authorization.session_id.as_deref().inspect(|id| noted.session(id));
    });
}

type About<'a> = (&'a Client, &'a AuthorizationRecord, &'a Authorized, &'a Possession);

async fn id_claims(server: &Server, about: About<'_>, wanted: bool) -> Outcome<Object> {
    if wanted { id::claims(server, about, false).await } else { Ok(Object::new()) }
}

async fn access_claims(
    server: &Server,
    (client, authorization, authorized, holder): About<'_>,
    names: Vec<String>,
) -> Outcome<Object> {
    let asking = RequestFacts {
        endpoint: "token".to_owned(),
        received_at: Some(InstantMillis(server.now_millis())),
        ..RequestFacts::default()
    };
    let target = Target::AccessToken;
    let pop = holder.facts(client);
    gather(server, Wanted { client, authorization, authorized, target, names, asking, pop }).await
}

fn wants_id_token(authorized: &Authorized, scope: &Scope) -> bool {
    let issue = authorized.grant.id_token.as_ref().and_then(|s| s.issue);
    scope.contains("openid") && issue.unwrap_or(true)
}

/// Whether a refresh token belongs to this authorization: the client registered the grant, and offline access was
/// granted, or a setting says so, or the request was plain OAuth, where there is no `offline_access` to ask for.
pub fn family_wanted(client: &Client, authorized: &Authorized) -> bool {
    let scope = authorized.scope();
    let set = authorized.grant.refresh_token.as_ref().and_then(|s| s.issue);
    client.may_use(GrantType::RefreshToken)
        && set.unwrap_or_else(|| {
            scope.contains("offline_access")
                || client.settings.refresh_token.issue.unwrap_or_else(|| !scope.contains("openid"))
        })
}

/// The first refresh token, and its family if that is stored.
async fn begin_family(
    server: &Server,
    request: &IssueRequest<'_>,
    confirmation: Option<&Confirmation>,
) -> Outcome<(Secret, Option<FamilyRecord>)> {
    let settings = request.authorized.grant.refresh_token.clone();
    let settings = ceiling::refresh_token(server, request.client, settings);
    let now = server.now();
    let lifetime = settings.lifetime.map_or(0, i64::from);
    let limit = request.authorization.expires_at;
    let (token, id) = refresh::first(server)?;
    let bound = Bound::first(request.client, confirmation, request.holder);
    let kept = !refresh::rotates(request.client, bound.as_ref(), &settings);
    let mut family = FamilyRecord {
        id,
        authorization_id: request.authorization.id.clone(),
        client_id: request.client.id.clone(),
        generation: 1,
        current: server.root().digest(refresh::REFRESH_TOKEN, &token),
        parent: None,
        salt: Vec::new(),
        key_id: String::new(),
        rotated_at: now,
        used: false,
        last_used_at: now,
        idle_seconds: settings.max_idle.filter(|idle| *idle > 0).map(i64::from),
        created_at: now,
        bound: bound.map(|bound| bound.write()).transpose()?,
        expires_at: limit.min(now + lifetime),
    };
    if request.authorization.self_contained {
        family.expires_at = family.expires_at.min(now + REMEMBERED);
        // As the store has it: who was signed in anew since a revocation shall not have been in vain.
        let known = server.generations().newest((server.store(), now)).await?;
        let sealed = carried::seal(server, &token, (&family, request.authorization), (&known, kept))?;
        if carried::fits(&sealed) {
            return Ok((sealed, None));
        }
        tracing::info!(authorization = %request.authorization.id, "more than a token carries: it is stored");
    }
    Ok((token, Some(family)))
}
