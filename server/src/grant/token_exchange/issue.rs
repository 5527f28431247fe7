//! Issuing and storing what was exchanged, in one step with a last look at what it was exchanged for.

use placet_oauth::{
    bearer::Scheme,
    error::{ErrorCode, OAuthError},
    grant_type::GrantType,
    scope::Scope,
    token_request::{TokenResponse, TokenType},
};
use placet_sdk::grant::{Actor, Authentication, Grant, Object, Tokens};
use serde_json::{Value, json};

use super::{Exchange, presented::Who};
use crate::{
    actors,
    client::{AuthenticatedClient, Client},
    events,
    grant::decide::Settled,
    interaction::{complete::authorization_life, session},
    outcome::{Fault, Outcome},
    random,
    server::Server,
    store::{AuthorizationRecord, Event, Granted, Issued, NewGrant, Parties},
    token::{
        Authorized, IdRequest, IssueRequest, Minted, authorize_issue, id_token_claims, mint_id, refresh,
    },
};

pub(super) async fn issue(
    server: &Server,
    client: &AuthenticatedClient,
    exchange: &Exchange,
    settled: Settled,
) -> Outcome<TokenResponse> {
    let (sub, mut authorized) = authorized(server, client, exchange, settled.grant)?;
    check_actors(&authorized.grant)?;
    let changed = changes_subject(exchange, &sub, authorized.grant.act.as_ref());
    if changed && settled.changed_subject_by.is_none() {
        // Whoever lets policies do that has said which one did.
        return Err(Fault::new("policy", "a decision changed the subject without being allowed to").into());
    }
    let chosen = authorized.take_tokens();
    let authorization = authorization(server, client, exchange, (&sub, &authorized, chosen))?;
    let mut minted = match exchange.wanted {
        TokenType::IdToken => id_token(server, client, &authorization, &authorized).await?,
        _ => tokens(server, client, exchange, (&authorization, &authorized)).await?,
    };
    minted.issued.events.extend(record(
        server,
        exchange,
        (&authorization, &authorized),
        settled.changed_subject_by.as_deref(),
    )?);
    let new = NewGrant {
        derived_from: parents(exchange).cloned().collect(),
        parties: parties(server, exchange, &authorized).await?,
        in_session: exchange.shared.as_ref().is_some_and(|shared| shared.in_session),
        ..NewGrant::new(authorization, std::mem::take(&mut minted.issued))
    };
    match server.store().grant(new).await? {
        Granted::Stored => {
            minted.response.issued_token_type = Some(exchange.wanted);
            minted.response.extra = settled.extra;
            Ok(minted.response)
        }
        Granted::SubjectDisabled => Err(over(exchange, "an account of this exchange is disabled").into()),
        Granted::ParentOver | Granted::SessionOver | Granted::AlreadyUsed => {
            Err(over(exchange, "a token of this exchange has just ended").into())
        }
    }
}

/// RFC 8693 section 2.2.2, and section 4.3 of Native SSO.
fn over(exchange: &Exchange, text: &str) -> OAuthError {
    if exchange.shared.is_some() {
        OAuthError::invalid_grant(text)
    } else {
        OAuthError::invalid_request(text)
    }
}

/// What is granted, to whom.
fn authorized(
    server: &Server,
    client: &Client,
    exchange: &Exchange,
    mut grant: Grant,
) -> Outcome<(String, Authorized)> {
    let sub = grant.sub.take().ok_or_else(|| Fault::new("policy", "a decision without a subject"))?;
    let scope = Scope::from_values(grant.scope.take().unwrap_or_default()).difference(&client.denied_scope());
    grant.scope = Some(scope.to_vec());
    let unchanged = original(exchange) == Some(&sub);
    // How one user authenticated says nothing about another.
    let stated = grant.authentication.take().filter(|_| unchanged || original(exchange).is_none());
    let Authentication { authenticated_at, acr, amr } = stated.unwrap_or_default();
    let mut authorized = Authorized {
        authenticated_at: authenticated_at.map_or(0, |at| at.0),
        acr,
        amr: amr.unwrap_or_default(),
        sid: session_of(exchange).map(|id| session::sid(server.root(), id, &client.id)),
        client_subject: unchanged && matches!(exchange.subject.who, Who::Client(_)),
        grant,
        ..Authorized::default()
    };
    if let (true, true, Some((_, before))) = (unchanged, exchange.is_own(client), &exchange.subject.home) {
        authorized.asked.clone_from(&before.asked);
        authorized.claim_values.clone_from(&before.claim_values);
        authorized.demands.clone_from(&before.demands);
        authorized.claims_locales.clone_from(&before.claims_locales);
    }
    if let (true, Some(shared), Some((_, before))) = (unchanged, &exchange.shared, &exchange.subject.home) {
        authorized.device_secret = Some(shared.device_secret.clone());
        authorized.claim_values = before.values(authorized.claims().userinfo.as_deref());
        authorized.claims_locales.clone_from(&before.claims_locales);
    }
    Ok((sub, authorized))
}

/// The local subject of the subject token.
fn original(exchange: &Exchange) -> Option<&String> {
    match &exchange.subject.who {
        Who::User(sub) | Who::Client(sub) => Some(sub),
        Who::External { .. } => None,
    }
}

/// The session of the subject token.
fn session_of(exchange: &Exchange) -> Option<&str> {
    exchange.subject.home.as_ref().and_then(|(home, _)| home.session_id.as_deref())
}

/// A policy may set actors; what it sets has to fit into a token.
fn check_actors(grant: &Grant) -> Result<(), Fault> {
    let size = |may_act: &Object| serde_json::to_vec(may_act).map_or(usize::MAX, |bytes| bytes.len());
    let act = grant.act.as_ref().is_none_or(actors::is_sound);
    let may_act = grant.may_act.as_ref().is_none_or(|may_act| {
        size(may_act) <= actors::MAX_MAY_ACT && may_act.get("sub").is_some_and(Value::is_string)
    });
    if act && may_act { Ok(()) } else { Err(Fault::new("policy", "a decision set improper actors")) }
}

fn authorization(
    server: &Server,
    client: &Client,
    exchange: &Exchange,
    (sub, authorized, chosen): (&str, &Authorized, Option<Tokens>),
) -> Outcome<AuthorizationRecord> {
    let now = server.now();
    let life = match exchange.wanted {
        _ if exchange.shared.is_some() => authorization_life(server, client, authorized),
        TokenType::RefreshToken => authorization_life(server, client, authorized),
        TokenType::IdToken => seconds(authorized.grant.id_token.as_ref().and_then(|set| set.lifetime)),
        _ => seconds(authorized.grant.access_token.as_ref().and_then(|set| set.lifetime)),
    };
    Ok(AuthorizationRecord {
        id: random::id(server.random(), "az_")?,
        client_id: client.id.clone(),
        sub: sub.to_owned(),
        session_id: session_of(exchange).map(str::to_owned),
        consent_id: None,
        // It lives in its session exactly if what it was exchanged for does.
        offline: exchange.subject.home.as_ref().is_none_or(|(home, _)| home.offline),
        doc: authorized.write()?,
        created_at: now,
        expires_at: exchange.until.min(now.saturating_add(life)),
        revoked_at: None,
        self_contained: server.config().carries_tokens(client, chosen),
    })
}

fn seconds(lifetime: Option<u32>) -> i64 {
    lifetime.map_or(i64::MAX, i64::from)
}

/// An access token, or a refresh token in its place; both and an ID token for an application that shares a sign-in.
async fn tokens(
    server: &Server,
    client: &AuthenticatedClient,
    exchange: &Exchange,
    (authorization, authorized): (&AuthorizationRecord, &Authorized),
) -> Outcome<Minted> {
    let (wanted, shares) = (exchange.wanted, exchange.shared.is_some());
    let request = IssueRequest {
        client,
        authorization,
        authorized,
        nonce: None,
        first_refresh: shares || wanted == TokenType::RefreshToken,
        id_token: shares,
        holder: client.possession(),
        auth_req_id: None,
    };
    let mut minted = authorize_issue(server, &request).await?;
    if wanted == TokenType::RefreshToken {
        let Some(token) = minted.response.refresh_token.take() else {
            return Err(withheld("a refresh token"));
        };
        let ends = match &minted.issued.family {
            Some(family) => Some(family.expires_at),
            // It knows itself.
            None => refresh::read(server, &token).and_then(|it| it.cargo).map(|it| it.family.expires_at),
        };
        minted.response.access_token = token;
        minted.response.expires_in = u64::try_from(ends.unwrap_or_default() - server.now()).unwrap_or(0);
        minted.issued.token = None;
    }
    Ok(minted)
}

async fn id_token(
    server: &Server,
    client: &AuthenticatedClient,
    authorization: &AuthorizationRecord,
    authorized: &Authorized,
) -> Outcome<Minted> {
    let set = authorized.grant.id_token.clone().unwrap_or_default();
    if set.issue != Some(true) || !authorized.scope().contains("openid") {
        return Err(withheld("an ID token"));
    }
    let about = (&**client, authorization, authorized, client.possession());
    let claims = id_token_claims(server, about, false).await?;
    let request = IdRequest {
        client,
        authorization,
        authorized,
        nonce: None,
        state: None,
        access_token: None,
        code: None,
        claims,
        pushed: None,
    };
    Ok(Minted {
        response: TokenResponse {
            access_token: mint_id(server, &request).await?,
            issued_token_type: None,
            token_type: Scheme::Bearer,
            expires_in: u64::try_from(authorization.expires_at - server.now()).unwrap_or(0),
            refresh_token: None,
            id_token: None,
            device_secret: None,
            scope: authorized.scope(),
            details: None,
            extra: Object::new(),
        },
        issued: Issued::default(),
    })
}

fn withheld(what: &str) -> crate::outcome::Failure {
    OAuthError::new(ErrorCode::AccessDenied, format!("the policies of this server do not issue {what} here"))
        .into()
}

fn parents(exchange: &Exchange) -> impl Iterator<Item = &crate::store::Parent> {
    exchange.subject.parents.iter().chain(exchange.actor.iter().flat_map(|actor| &actor.parents))
}

/// Those who act, and the clients whose own tokens were presented.
async fn parties(server: &Server, exchange: &Exchange, authorized: &Authorized) -> Result<Parties, Fault> {
    let mut parties = actors::parties(server, authorized.grant.act.as_ref()).await?;
    for presented in std::iter::once(&exchange.subject).chain(&exchange.actor) {
        for client_id in &presented.clients {
            actors::add_client(server, &mut parties, client_id).await?;
        }
    }
    Ok(parties)
}

/// What others may want to know: the grant, and that somebody was put in the place of another.
fn record(
    server: &Server,
    exchange: &Exchange,
    (authorization, authorized): (&AuthorizationRecord, &Authorized),
    changed_by: Option<&str>,
) -> Result<Vec<Event>, Fault> {
    let (sub, act) = (&authorization.sub, authorized.grant.act.as_ref());
    let parent = exchange.subject.home.as_ref().map(|(authorization, _)| &authorization.id);
    let mut events = vec![events::event(
        server,
        "authorization.granted",
        &authorization.id,
        &json!({
            "sub": sub, "act": act, "client_id": authorization.client_id,
            "scope": authorized.grant.scope, "grant_type": GrantType::TokenExchange.as_str(),
            "subject_authorization_id": parent,
        }),
    )?];
    if changes_subject(exchange, sub, act) {
        let (Who::User(before) | Who::Client(before) | Who::External { sub: before, .. }) =
            &exchange.subject.who;
        events.push(events::event(
            server,
            "authorization.impersonated",
            &authorization.id,
            &json!({
                "sub": sub, "subject_token_sub": before, "act": act, "proposed_act": exchange.act,
                "data": authorized.grant.data, "client_id": authorization.client_id, "policy": changed_by,
            }),
        )?);
    }
    Ok(events)
}

/// Whether somebody was put in the place of another: another subject, or another end of the chain of actors than was
/// proposed.
fn changes_subject(exchange: &Exchange, sub: &String, act: Option<&Actor>) -> bool {
    let replaced = original(exchange).is_some_and(|before| before != sub);
    let still_acts = |proposed: &Actor| actors::chain(act).any(|actor| actor == proposed);
    replaced || !exchange.act.as_ref().is_none_or(still_acts)
}
