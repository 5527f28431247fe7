//! What is stored when an interaction takes effect, and what the browser gets.

use placet_oauth::id::Secret;
use placet_sdk::{
    grant::Object,
    interaction::{
        Backchannel, Delivery, LogoutResult, LogoutScope, RememberMode, ResponseSession, SessionAction,
        SessionCookie,
    },
};
use serde_json::json;

use super::{refused, signed_out};
use crate::{
    authorize,
    client::Client,
    events,
    grant::{CODE, CodeBinding},
    http::cookie,
    interaction::{
        advance, consent,
        session::{self, Session, SessionDoc, handle_digest},
        state::{Accepted, SessionCookieChange, State},
    },
    outcome::{Fault, Outcome},
    random,
    seal::hex,
    server::Server,
    store::{
        AuthorizationRecord, CodeRecord, Completion, ConsentRecord, EndSessions, InteractionRecord,
        Remembering, SessionChange, SessionRecord,
    },
    token::{Authorized, IdRequest, IssueRequest, authorize_issue, family_wanted, mint_id},
};

/// Everything but the interaction's own last state.
pub(super) struct Prepared {
    pub(super) completion: Completion,
    pub(super) delivery: Delivery,
    pub(super) cookie: Option<SessionCookieChange>,
}

fn nothing() -> Completion {
    Completion {
        interaction: InteractionRecord {
            id: String::new(),
            kind: String::new(),
            ui: String::new(),
            sealed: Vec::new(),
            revision: 0,
            created_at: 0,
            expires_at: 0,
        },
        session: None,
        remember: None,
        authorization: None,
        code: None,
        token: None,
        end: None,
        now: 0,
        events: Vec::new(),
    }
}

/// A refusal: the client learns it, nothing else happens.
pub(super) fn refusal(server: &Server, state: &State) -> Result<Prepared, Fault> {
    Ok(Prepared { completion: nothing(), delivery: refused(server, state)?, cookie: None })
}

/// The session part of a completion.
struct SessionPart {
    change: Option<SessionChange>,
    cookie: Option<SessionCookieChange>,
    session_id: Option<String>,
    facts: Accepted,
}

/// A grant; none if the session it builds on is over.
pub(super) async fn grant(server: &Server, client: &Client, state: &mut State) -> Outcome<Option<Prepared>> {
    let Some(part) = session_part(server, client, state).await? else { return Ok(None) };
    let now = server.now();
    let (request, _) = state.authorization_request()?;
    let consented =
        state.consented.clone().ok_or_else(|| Fault::new("interaction", "a grant without consent"))?;
    let remembered = consent::remembered(server, client, request, &part.facts.sub).await?;

    let mut grant = consented.grant;
    let sub = grant.sub.take().unwrap_or_else(|| part.facts.sub.clone());
    let granted = placet_oauth::scope::Scope::from_values(grant.scope.take().unwrap_or_default());
    let scope = client.assign(&granted);
    grant.scope = Some(scope.to_vec());
    let mut authorized = Authorized {
        authenticated_at: part.facts.authenticated_at,
        acr: part.facts.acr.clone(),
        amr: part.facts.amr.clone(),
        sid: part.session_id.as_deref().map(|id| session::sid(server.root(), id, &client.id)),
        claim_values: part.facts.claims.clone(),
        grant,
    };
    authorized.claim_values = consented_values(&authorized);
    if let (Some(accepted), Some(id)) = (&mut state.accepted, &part.session_id) {
        accepted.session_id = Some(id.clone());
    }
    let (request, destination) = state.authorization_request()?;
    let authorization = AuthorizationRecord {
        id: random::id(server.random(), "az_")?,
        client_id: client.id.clone(),
        sub: sub.clone(),
        session_id: part.session_id.clone(),
        consent_id: remembered.map(|r| r.id),
        offline: scope.contains("offline_access"),
        doc: authorized.write()?,
        created_at: now,
        expires_at: now + authorization_life(server, client, &authorized),
        revoked_at: None,
    };
    let mut completion = nothing();
    completion.session = part.change;
    completion.remember = match consented.remember.map(|r| (r.mode, r.lifetime)) {
        None | Some((RememberMode::Never, _)) => None,
        Some((mode, lifetime)) => Some(Remembering {
            consent: ConsentRecord {
                id: random::id(server.random(), "cns_")?,
                sub: part.facts.sub.clone(),
                client_id: client.id.clone(),
                resource: consent::resource_key(request),
                scope: granted.to_vec(),
                claims: names(&authorized),
                granted_at: now,
                expires_at: lifetime
                    .filter(|_| mode == RememberMode::For)
                    .map(|seconds| now + i64::from(seconds)),
            },
        }),
    };
    if sub != part.facts.sub {
        completion.events.push(events::event(
            server,
            "authorization.impersonated",
            &authorization.id,
            &json!({ "sub": sub, "authenticated_sub": part.facts.sub, "client_id": client.id }),
        )?);
    }
    completion.events.push(events::event(
        server,
        "authorization.granted",
        &authorization.id,
        &json!({ "sub": sub, "client_id": client.id, "scope": scope.to_vec() }),
    )?);
    let params = response_params(server, client, state, (&authorization, &authorized, &mut completion))?;
    let delivery = authorize::delivery(server.issuer(), destination, params);
    completion.authorization = Some(authorization);
    Ok(Some(Prepared { completion, delivery, cookie: part.cookie }))
}

/// The parameters of a successful response; what must be stored for them goes into the completion.
fn response_params(
    server: &Server,
    client: &Client,
    state: &State,
    (authorization, authorized, completion): (&AuthorizationRecord, &Authorized, &mut Completion),
) -> Outcome<Vec<(String, String)>> {
    let (request, _) = state.authorization_request()?;
    let response_type = request.response_type;
    let mut params = Vec::new();
    let code = if response_type.code { Some(random::secret(server.random())?) } else { None };
    if let Some(code) = &code {
        completion.code = Some(code_record(server, state, authorization, code)?);
        params.push(("code".to_owned(), code.expose().to_owned()));
    }
    let mut access_token = None;
    if response_type.token {
        let minted = authorize_issue(
            server,
            &IssueRequest {
                client,
                authorization,
                authorized,
                narrowed: None,
                nonce: None,
                first_refresh: false,
                id_token: false,
            },
        )?;
        completion.token = minted.issued.token;
        params.push(("access_token".to_owned(), minted.response.access_token.expose().to_owned()));
        params.push(("token_type".to_owned(), "Bearer".to_owned()));
        params.push(("expires_in".to_owned(), minted.response.expires_in.to_string()));
        params.push(("scope".to_owned(), minted.response.scope.to_string()));
        access_token = Some(minted.response.access_token);
    }
    if response_type.id_token {
        let id_token = mint_id(
            server,
            &IdRequest {
                client,
                sub: &authorization.sub,
                authorized,
                nonce: request.nonce.as_deref(),
                access_token: access_token.as_ref(),
                code: code.as_ref(),
                alone: !response_type.code && !response_type.token,
            },
        )?;
        params.push(("id_token".to_owned(), id_token.expose().to_owned()));
    }
    Ok(params)
}

fn code_record(
    server: &Server,
    state: &State,
    authorization: &AuthorizationRecord,
    code: &Secret,
) -> Result<CodeRecord, Fault> {
    let (request, _) = state.authorization_request()?;
    let binding = CodeBinding {
        redirect_uri: request.redirect_uri_given.then(|| request.redirect_uri.clone()),
        challenge: request.challenge.clone(),
        nonce: request.nonce.clone(),
    };
    let now = server.now();
    Ok(CodeRecord {
        digest: server.root().digest(CODE, code),
        authorization_id: authorization.id.clone(),
        client_id: authorization.client_id.clone(),
        doc: serde_json::to_string(&binding).map_err(|e| Fault::new("code record", e))?,
        created_at: now,
        expires_at: now + i64::from(server.config().lifetimes.code),
        redeemed_at: None,
    })
}

/// How long an authorization lives: as long as its refresh tokens, or as the one access token it leads to.
pub(crate) fn authorization_life(server: &Server, client: &Client, authorized: &Authorized) -> i64 {
    let lifetimes = &server.config().lifetimes;
    let refresh = authorized.grant.refresh_token.as_ref().and_then(|s| s.lifetime);
    let access = authorized.grant.access_token.as_ref().and_then(|s| s.lifetime);
    i64::from(if family_wanted(client, authorized) {
        refresh
            .or(client.settings.refresh_token.lifetime)
            .filter(|seconds| *seconds > 0)
            .unwrap_or(lifetimes.refresh_token)
    } else {
        let access = access.or(client.settings.access_token.lifetime).unwrap_or(lifetimes.access_token);
        access.saturating_add(lifetimes.code)
    })
}

/// All consented claim names.
fn names(authorized: &Authorized) -> Vec<String> {
    let claims = authorized.claims();
    let all = [claims.id_token, claims.userinfo, claims.access_token];
    let set: std::collections::BTreeSet<String> = all.into_iter().flatten().flatten().collect();
    set.into_iter().collect()
}

/// Only what the user consented to is copied from the session.
fn consented_values(authorized: &Authorized) -> Object {
    authorized.values(Some(&names(authorized)))
}

async fn session_part(server: &Server, client: &Client, state: &State) -> Outcome<Option<SessionPart>> {
    let now = server.now();
    let Some(accepted) = &state.accepted else {
        // Nobody was asked: the session of this browser is the authentication.
        let Some(current) = advance::current_session(server, client, state).await? else { return Ok(None) };
        let facts = of_session(&current);
        let session_id = Some(current.record.id.clone());
        let change = current
            .is_stale(now)
            .then(|| SessionChange::Touch(SessionRecord { last_used_at: now, ..current.record }));
        return Ok(Some(SessionPart { change, cookie: None, session_id, facts }));
    };
    match accepted.action {
        SessionAction::None => {
            Ok(Some(SessionPart { change: None, cookie: None, session_id: None, facts: accepted.clone() }))
        }
        SessionAction::Create => create(server, state, accepted).map(Some),
        SessionAction::Reuse => renew(server, state, accepted).await,
    }
}

fn of_session(session: &Session) -> Accepted {
    Accepted {
        sub: session.record.sub.clone(),
        authenticated_at: session.record.authenticated_at,
        acr: session.doc.acr.clone(),
        amr: session.doc.amr.clone(),
        action: SessionAction::Reuse,
        session_id: Some(session.record.id.clone()),
        persistent: session.doc.persistent,
        max_life: None,
        max_idle: None,
        auth_life: None,
        claims: session.doc.claims.clone(),
        data: session.doc.data.clone(),
    }
}

fn create(server: &Server, state: &State, accepted: &Accepted) -> Outcome<SessionPart> {
    let lifetimes = &server.config().lifetimes;
    let now = server.now();
    let handle = random::secret(server.random())?;
    let life = accepted.max_life.unwrap_or(lifetimes.session).min(lifetimes.session);
    let idle = accepted.max_idle.unwrap_or(lifetimes.session_idle).min(lifetimes.session_idle);
    let record = SessionRecord {
        id: random::id(server.random(), "ses_")?,
        handle: handle_digest(server.root(), &handle),
        sub: accepted.sub.clone(),
        doc: session_doc(accepted, now)?,
        created_at: now,
        authenticated_at: accepted.authenticated_at,
        last_used_at: now,
        idle_seconds: idle.into(),
        expires_at: now + i64::from(life),
        ended_at: None,
    };
    let cookie = cookie_change(state, &handle, &record, accepted.persistent);
    Ok(SessionPart {
        session_id: Some(record.id.clone()),
        change: Some(SessionChange::Create(record)),
        cookie: Some(cookie),
        facts: accepted.clone(),
    })
}

/// The session goes on with a new handle, so that nobody who knew the old one profits from the step-up.
async fn renew(server: &Server, state: &State, accepted: &Accepted) -> Outcome<Option<SessionPart>> {
    let id = accepted.session_id.as_deref().unwrap_or_default();
    let Some(old) = session::live(server, id).await? else { return Ok(None) };
    let now = server.now();
    let handle = random::secret(server.random())?;
    let mut facts = accepted.clone();
    for (name, value) in &old.doc.claims {
        facts.claims.entry(name.clone()).or_insert_with(|| value.clone());
    }
    facts.data = facts.data.or_else(|| old.doc.data.clone());
    facts.persistent |= old.doc.persistent;
    let record = SessionRecord {
        handle: handle_digest(server.root(), &handle),
        doc: session_doc(&facts, now)?,
        authenticated_at: facts.authenticated_at,
        last_used_at: now,
        ..old.record
    };
    let cookie = cookie_change(state, &handle, &record, facts.persistent);
    Ok(Some(SessionPart {
        session_id: Some(record.id.clone()),
        change: Some(SessionChange::Renew(record)),
        cookie: Some(cookie),
        facts,
    }))
}

fn session_doc(accepted: &Accepted, now: i64) -> Result<String, Fault> {
    let doc = SessionDoc {
        acr: accepted.acr.clone(),
        amr: accepted.amr.clone(),
        satisfies_until: accepted.auth_life.map(|life| now + i64::from(life)),
        persistent: accepted.persistent,
        claims: accepted.claims.clone(),
        data: accepted.data.clone(),
    };
    serde_json::to_string(&doc).map_err(|e| Fault::new("session record", e))
}

/// The new handle comes first; the one it replaces is dropped.
fn cookie_change(
    state: &State,
    handle: &Secret,
    record: &SessionRecord,
    persistent: bool,
) -> SessionCookieChange {
    SessionCookieChange {
        drop: state.handles.get(&record.id).cloned().into_iter().collect(),
        add: Some(handle.expose().to_owned()),
        max_age: persistent.then_some(record.expires_at - record.last_used_at),
    }
}

/// The session cookie that a headless UI sets.
pub(super) fn session_of(
    state: &State,
    cookie: Option<&SessionCookieChange>,
    server: &Server,
) -> Option<ResponseSession> {
    let cookie = cookie?;
    Some(ResponseSession {
        id: state.accepted.as_ref().and_then(|a| a.session_id.clone()).unwrap_or_default(),
        cookie: cookie.add.as_ref().map(|value| SessionCookie {
            name: cookie::session_name(server.config()).to_owned(),
            value: value.clone(),
            max_age: cookie.max_age.and_then(|s| u64::try_from(s).ok()),
        }),
    })
}

/// What a headless UI does after a logout.
pub(super) fn logout_result(cookie: Option<&SessionCookieChange>, server: &Server) -> LogoutResult {
    LogoutResult {
        frontchannel: Vec::new(),
        backchannel: Backchannel { queued: 0 },
        clear_cookies: cookie
            .filter(|c| !c.drop.is_empty())
            .map(|_| cookie::session_name(server.config()).to_owned())
            .into_iter()
            .collect(),
    }
}

/// A logout that was confirmed with a scope ends sessions; a refused one ends nothing and still goes back.
pub(super) async fn logout(server: &Server, client: Option<&Client>, state: &State) -> Outcome<Prepared> {
    let mut completion = nothing();
    let facts = state.logout.as_ref().ok_or_else(|| Fault::new("interaction", "a logout without facts"))?;
    let scope = state.confirmed.flatten().filter(|_| state.denied.is_none());
    let mut dropped = Vec::new();
    match (scope, client) {
        (Some(LogoutScope::Client), Some(client)) => {
            completion.end = facts
                .session_id
                .clone()
                .map(|session_id| EndSessions::Client { session_id, client_id: client.id.clone() });
        }
        (Some(LogoutScope::Subject), _) if facts.sub.is_some() => {
            completion.end = facts.sub.clone().map(EndSessions::Subject);
            dropped = state.handles.values().cloned().collect();
        }
        (Some(_), _) => {
            // "This browser": every account that is signed in here.
            let mut ids = state.sessions.clone();
            ids.extend(facts.session_id.clone().filter(|id| !state.sessions.contains(id)));
            completion.end = Some(EndSessions::Sessions(ids));
            dropped = state.handles.values().cloned().collect();
        }
        (None, _) => {}
    }
    if completion.end.is_some() {
        completion.events.push(events::event(
            server,
            "session.ended",
            facts.session_id.as_deref().unwrap_or_default(),
            &json!({ "initiator": facts.initiator, "sub": facts.sub, "scope": scope }),
        )?);
    }
    let cookie =
        (!dropped.is_empty()).then(|| SessionCookieChange { drop: dropped, add: None, max_age: None });
    Ok(Prepared { completion, delivery: signed_out(state), cookie })
}

/// The digest of a handle as a state keeps it.
pub(crate) fn handle_text(server: &Server, handle: &Secret) -> String {
    hex(&handle_digest(server.root(), handle).0)
}
