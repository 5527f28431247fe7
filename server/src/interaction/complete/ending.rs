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
    logout::frames,
    outcome::{Fault, Outcome},
    server::Server,
    store::{Completion, EndSessions, Paging},
};

/// Of so many sessions elsewhere it is counted how many clients are told.
const MOST_COUNTED: u32 = 100;

/// A logout that was confirmed with a scope ends sessions; a refused one ends nothing and still goes back.
pub(super) async fn logout(server: &Server, client: Option<&Client>, state: &State) -> Outcome<Prepared> {
    let mut completion = nothing();
    let facts = state.logout.as_ref().ok_or_else(|| Fault::new("interaction", "a logout without facts"))?;
    let scope = state.confirmed.flatten().filter(|_| state.denied.is_none());
    let mut here = Vec::new();
    match (scope, client) {
        (Some(LogoutScope::Client), Some(client)) => {
            let left = |session_id: String| EndSessions::Client { session_id, client_id: client.id.clone() };
            completion.end = facts.session_id.clone().map(left);
        }
        (Some(LogoutScope::Subject), _) if facts.sub.is_some() => {
            completion.end = facts.sub.clone().map(EndSessions::Subject);
            here = of_subject(server, state, facts.sub.as_deref()).await?;
        }
        (Some(_), _) => {
            // "This browser": every account that is signed in here.
            here.clone_from(&state.sessions);
            here.extend(facts.session_id.clone().filter(|id| !state.sessions.contains(id)));
            completion.end = Some(EndSessions::Sessions(here.clone()));
        }
        (None, _) => {}
    }
    completion.initiator.clone_from(&facts.initiator);
    // Of sessions that end the store tells each; this one goes on.
    if let Some(EndSessions::Client { session_id, client_id }) = &completion.end {
        let data = json!({ "initiator": facts.initiator, "sub": facts.sub, "client_id": client_id });
        completion.events.push(events::event(server, "session.left", session_id, &data)?);
    }
    let dropped: Vec<_> = here.iter().filter_map(|id| state.handles.get(id)).cloned().collect();
    let logout = told(server, state, (&completion, here, &dropped)).await?;
    let cookie =
        (!dropped.is_empty()).then_some(SessionCookieChange { drop: dropped, add: None, max_age: None });
    Ok(Prepared { completion, delivery: signed_out(state), cookie, logout: Some(logout) })
}

/// The sessions of this browser that are of this user.
async fn of_subject(server: &Server, state: &State, sub: Option<&str>) -> Result<Vec<String>, Fault> {
    let mut found = Vec::new();
    for id in &state.sessions {
        let session = server.store().session(id).await?;
        found.extend(session.filter(|session| Some(session.sub.as_str()) == sub).map(|session| session.id));
    }
    Ok(found)
}

/// Whom the end of sessions concerns: pages of clients that this browser loads, and clients that are told behind its back.
async fn told(
    server: &Server,
    state: &State,
    (completion, here, dropped): (&Completion, Vec<String>, &[String]),
) -> Result<LogoutResult, Fault> {
    let mut ended = Vec::new();
    match &completion.end {
        Some(EndSessions::Client { session_id, client_id }) => {
            let clients = server.store().clients_of_session(session_id).await?;
            let left = clients.into_iter().filter(|id| id == client_id).collect();
            ended.push((session_id.clone(), left));
        }
        Some(_) => {
            for id in here {
                let clients = server.store().clients_of_session(&id).await?;
                ended.push((id, clients));
            }
        }
        None => {}
    }
    let frontchannel = frames(server, &ended).await?;
    if let Some(EndSessions::Subject(sub)) = &completion.end {
        // In other browsers nobody loads frames, but clients are told all the same.
        let page = Paging { after: "", limit: MOST_COUNTED };
        for elsewhere in server.store().sessions_of(sub, page, server.now()).await? {
            if ended.iter().all(|(id, _)| *id != elsewhere.id) {
                let clients = server.store().clients_of_session(&elsewhere.id).await?;
                ended.push((elsewhere.id, clients));
            }
        }
    }
    let mut queued = 0;
    for client_id in ended.iter().flat_map(|(_, clients)| clients) {
        let client = server.client(client_id).await?;
        queued += u32::from(client.is_some_and(|c| c.metadata.backchannel_logout_uri.is_some()));
    }
    // Handles of other accounts stay in the cookie.
    let all = !dropped.is_empty() && dropped.len() == state.handles.len();
    let name = cookie::session_name(server.config()).to_owned();
    Ok(LogoutResult {
        frontchannel,
        backchannel: Backchannel { queued },
        clear_cookies: all.then_some(name).into_iter().collect(),
    })
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
