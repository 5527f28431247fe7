//! Grants in which a policy says whose tokens they are: the server saw no authentication itself.

use placet_oauth::{
    claims::scope_claims,
    error::OAuthError,
    grant_type::GrantType,
    scope::Scope,
    token_request::{Asked, TokenResponse},
};
use placet_sdk::{
    decision::{Freedom, GrantFacts},
    grant::{Authentication, Grant, GrantedClaims},
};
use serde_json::json;

use super::{
    decide::{Settled, decide, requested},
    wanted::wanted,
};
use crate::{
    client::AuthenticatedClient,
    events,
    interaction::complete::authorization_life,
    outcome::{Fault, Outcome},
    policy::{Question, ceiling},
    possession, random,
    server::Server,
    store::{AuthorizationRecord, Granted, NewGrant, Once},
    token::{Authorized, IssueRequest, authorize_issue, family_wanted},
};

/// Values that only make sense where a person took part.
const OF_PEOPLE: [&str; 2] = ["openid", "offline_access"];

/// A grant whose subject a policy establishes.
#[derive(Debug)]
pub(super) struct Establish {
    /// The grant type.
    pub(super) grant_type: GrantType,
    /// The question, with the section of its type.
    pub(super) question: Question,
    /// What is asked for.
    pub(super) asked: Asked,
    /// The subject, where the artefact names a local one.
    pub(super) sub: Option<String>,
    /// Facts of the authentication that the artefact states.
    pub(super) authentication: Option<Authentication>,
    /// What the tokens use up.
    pub(super) consume: Vec<Once>,
    /// Whether there may be refresh tokens and ID tokens.
    pub(super) people: bool,
    /// The artefact is bound to a key, which was proved: so are the tokens.
    pub(super) bound: bool,
}

/// Asks the policies, and issues what they establish.
pub(super) async fn establish(
    server: &Server,
    client: &AuthenticatedClient,
    mut establish: Establish,
) -> Outcome<TokenResponse> {
    let never = if establish.people { Scope::empty() } else { Scope::from_values(OF_PEOPLE) };
    let wanted = wanted(server, client, &establish.asked, &never)?;
    let scope = Scope::from_values(wanted.scope.clone().unwrap_or_default());
    let facts = GrantFacts {
        grant_type: Some(establish.grant_type.as_str().to_owned()),
        authorization_id: None,
        requested: requested(&establish.asked),
    };
    let named = establish.sub.take();
    let mut proposed = Grant {
        sub: named.clone(),
        claims: establish.people.then(|| claims(&scope)),
        authentication: establish.authentication.take(),
        ..wanted
    };
    if establish.bound {
        possession::require(&mut proposed);
    }
    let probe = Authorized { grant: proposed.clone(), ..Authorized::default() };
    let tokens =
        (establish.people && family_wanted(client, &probe), establish.people && scope.contains("openid"));
    let proposed = ceiling::effective(server, client, proposed, tokens);
    let mut limits = ceiling::narrow_only(server, client, &proposed);
    limits.enrichable = server.details().enrichable();
    limits.sub = Freedom::Settable;
    limits.authentication = Freedom::Settable;
    limits.max_data_bytes = ceiling::MAX_DATA;
    limits.max_claims_context_bytes = ceiling::MAX_CLAIMS_CONTEXT;
    establish.question.request.requires = vec!["/grant/sub".to_owned(), "/grant/scope".to_owned()];
    let settled = decide(server, establish.question, facts, (proposed, limits)).await?;
    issue(server, client, (establish.grant_type, establish.consume, named.as_deref()), settled).await
}

/// `UserInfo` tells the claims of the scopes (OpenID Connect Core section 5.4).
fn claims(scope: &Scope) -> GrantedClaims {
    let names: Vec<String> = scope.iter().flat_map(scope_claims).map(|name| (*name).to_owned()).collect();
    GrantedClaims { userinfo: (!names.is_empty()).then_some(names), ..GrantedClaims::default() }
}

async fn issue(
    server: &Server,
    client: &AuthenticatedClient,
    (grant_type, consume, named): (GrantType, Vec<Once>, Option<&str>),
    settled: Settled,
) -> Outcome<TokenResponse> {
    let mut grant = settled.grant;
    let sub = grant.sub.take().ok_or_else(|| Fault::new("policy", "a decision without a subject"))?;
    let scope = Scope::from_values(grant.scope.clone().unwrap_or_default());
    let authentication = grant.authentication.take().unwrap_or_default();
    let now = server.now();
    let mut authorized = Authorized {
        authenticated_at: authentication.authenticated_at.map_or(0, |at| at.0.min(now)),
        acr: authentication.acr,
        amr: authentication.amr.unwrap_or_default(),
        // The only subject that an artefact names here is its client.
        client_subject: named == Some(&sub) && sub == client.id,
        grant,
        ..Authorized::default()
    };
    let chosen = authorized.take_tokens();
    let authorization = AuthorizationRecord {
        id: random::id(server.random(), "az_")?,
        client_id: client.id.clone(),
        sub: sub.clone(),
        session_id: None,
        consent_id: None,
        offline: true,
        doc: authorized.write()?,
        created_at: now,
        expires_at: now + authorization_life(server, client, &authorized),
        revoked_at: None,
        self_contained: server.config().carries_tokens(client, chosen),
    };
    let mut minted = authorize_issue(
        server,
        &IssueRequest {
            client,
            authorization: &authorization,
            authorized: &authorized,
            nonce: None,
            first_refresh: true,
            id_token: authorized.grant.id_token.as_ref().and_then(|s| s.issue) == Some(true),
            holder: client.possession(),
            auth_req_id: None,
        },
    )
    .await?;
    minted.issued.events.push(events::event(
        server,
        "authorization.granted",
        &authorization.id,
        &json!({
            "sub": sub, "client_id": client.id, "scope": scope.to_vec(), "grant_type": grant_type.as_str(),
        }),
    )?);
    minted.response.extra = settled.extra;
    let new = NewGrant { consume, ..NewGrant::new(authorization, minted.issued) };
    match server.store().grant(new).await? {
        Granted::Stored => Ok(minted.response),
        Granted::AlreadyUsed => Err(OAuthError::invalid_grant("the assertion was used before").into()),
        _ => Err(OAuthError::invalid_grant("the account cannot be used").into()),
    }
}
