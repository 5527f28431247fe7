//! The effect of a logout.

use placet_sdk::interaction::{Backchannel, LogoutResult, LogoutScope, ResponseSession, SessionCookie};
use serde_json::json;

use super::{
    effects::{Prepared, nothing},
    signed_out,
};
use crate::{
    client::Client,
    events,
    http::cookie,
    interaction::state::{SessionCookieChange, State},
    outcome::{Fault, Outcome},
    server::Server,
    store::EndSessions,
};

/// A logout that was confirmed with a scope ends sessions; a refused one ends nothing and still goes back.
pub(super) fn logout(server: &Server, client: Option<&Client>, state: &State) -> Outcome<Prepared> {
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
        (!dropped.is_empty()).then_some(SessionCookieChange { drop: dropped, add: None, max_age: None });
    Ok(Prepared { completion, delivery: signed_out(state), cookie })
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
