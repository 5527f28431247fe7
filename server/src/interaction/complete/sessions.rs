//! What becomes of the session when an interaction takes effect.

use placet_oauth::id::Secret;
use placet_sdk::interaction::SessionAction;
use serde_json::json;

use crate::{
    client::Client,
    events,
    interaction::{
        advance,
        session::{self, SessionDoc, handle_digest},
        state::{Accepted, SessionCookieChange, State},
        steer,
    },
    outcome::{Fault, Outcome},
    random,
    seal::hex,
    server::Server,
    store::{Event, SessionChange, SessionRecord},
};

/// The session part of a completion.
pub(super) struct SessionPart {
    pub(super) change: Option<SessionChange>,
    pub(super) cookie: Option<SessionCookieChange>,
    pub(super) session_id: Option<String>,
    pub(super) facts: Accepted,
}

/// The session that a grant builds on; none if it is over.
pub(super) async fn session_part(
    server: &Server,
    client: &Client,
    state: &State,
) -> Outcome<Option<SessionPart>> {
    let now = server.now();
    let Some(accepted) = &state.accepted else {
        // Nobody was asked: the session of this browser is the authentication.
        let current = advance::current_session(server, client, state).await?;
        // If the session that was asked is over, another user's session of this browser must not stand in for it.
        let Some(current) = current.filter(|s| state.consent_of.as_ref() == Some(&s.record.sub)) else {
            return Ok(None);
        };
        let facts = current.accepted();
        let session_id = Some(current.record.id.clone());
        // What a device gets does not belong to the session: it has to be live when that is stored nevertheless.
        let worth_noting = current.is_stale(now) || state.device.is_some();
        let noted = SessionChange::Touch(SessionRecord { last_used_at: now, ..current.record });
        let change = worth_noting.then_some(noted);
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

fn create(server: &Server, state: &State, accepted: &Accepted) -> Outcome<SessionPart> {
    let lifetimes = &server.config().lifetimes;
    let now = server.now();
    let handle = random::secret(server.random())?;
    let limits = steer::session_limits(state);
    let at_most = |own: Option<u32>, limit: Option<u32>, most: u32| {
        own.into_iter().chain(limit).min().unwrap_or(most).min(most)
    };
    let life = at_most(accepted.max_life, limits.max_life, lifetimes.session);
    let idle = at_most(accepted.max_idle, limits.max_idle, lifetimes.session_idle);
    let record = SessionRecord {
        id: random::id(server.random(), "ses_")?,
        handle: handle_digest(server.root(), &handle),
        sub: accepted.sub.clone(),
        doc: session_doc(state, accepted, now)?,
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

/// What others learn of the change of a session.
pub(super) fn session_event(server: &Server, change: Option<&SessionChange>) -> Result<Option<Event>, Fault> {
    let (name, record) = match change {
        Some(SessionChange::Create(record)) => ("session.created", record),
        Some(SessionChange::Renew(record)) => ("session.upgraded", record),
        Some(SessionChange::Touch(_)) | None => return Ok(None),
    };
    events::event(server, name, &record.id, &json!({ "sub": record.sub })).map(Some)
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
    let limits = steer::session_limits(state);
    let record = SessionRecord {
        handle: handle_digest(server.root(), &handle),
        doc: session_doc(state, &facts, now)?,
        authenticated_at: facts.authenticated_at,
        last_used_at: now,
        idle_seconds: limits
            .max_idle
            .map_or(old.record.idle_seconds, |s| old.record.idle_seconds.min(s.into())),
        expires_at: limits.max_life.map_or(old.record.expires_at, |s| {
            old.record.expires_at.min(old.record.created_at + i64::from(s))
        }),
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

fn session_doc(state: &State, accepted: &Accepted, now: i64) -> Result<String, Fault> {
    let auth_life = accepted.auth_life.into_iter().chain(steer::session_limits(state).auth_life).min();
    let doc = SessionDoc {
        acr: accepted.acr.clone(),
        amr: accepted.amr.clone(),
        satisfies_until: auth_life.map(|life| now + i64::from(life)),
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

/// The digest of a handle as a state keeps it.
pub(crate) fn handle_text(server: &Server, handle: &Secret) -> String {
    hex(&handle_digest(server.root(), handle).0)
}
