//! The effect of an interaction: one transaction for session, remembered consent, authorization, code and tokens.

mod effects;
mod ending;
mod sessions;

pub(crate) use effects::authorization_life;
pub(crate) use sessions::handle_text;

use placet_oauth::{
    error::{ErrorCode, OAuthError},
    redirect_uri::matches,
};
use placet_sdk::interaction::{Body, Delivery, DeliveryMethod, ErrorPrompt, Kind, LogoutResult};
use serde_json::json;

use super::{
    advance::{self, Next},
    device,
    state::{Delivered, Door, SessionCookieChange, State},
};
use crate::{
    authorize,
    ciba::notify,
    client::{Client, SharedClient, document},
    events,
    outcome::{Failure, Fault, Outcome},
    server::Server,
    store::{Completed, Completion, DeliveryRecord, Event},
};

/// What came of it.
#[derive(Debug)]
pub enum Finished {
    /// The browser can be sent on.
    Delivered(Box<State>),
    /// The session that was to be used is over: the user has to be asked again.
    AskAgain(Box<State>),
    /// Somebody else advanced the interaction in the meantime.
    Conflict,
    /// Another interaction of the same pushed request, or about the same device, was answered first, or the device waits
    /// no longer; this one is over, and its prompt says so.
    TooLate(Box<State>),
}

/// The client of a state, if it has one that still exists.
pub async fn client_of(server: &Server, state: &State) -> Result<Option<SharedClient>, Fault> {
    match &state.client_id {
        Some(id) => document::again(server, id).await,
        None => Ok(None),
    }
}

/// Lets an interaction take effect; `revision` is the one its record has.
pub async fn complete(server: &Server, mut state: Box<State>, revision: i64) -> Outcome<Finished> {
    let client = client_of(server, &state).await?;
    check_destination(client.as_deref(), &state)?;
    let prepared = match (&state.kind, &client) {
        (Kind::Logout, _) => ending::logout(server, client.as_deref(), &state).await?,
        (Kind::Authorization | Kind::Device | Kind::Ciba, Some(client)) if state.denied.is_none() => {
            match effects::grant(server, client, &mut state).await {
                Ok(effects::Grant::Ready(prepared)) => {
                    document::keep(server, client).await?;
                    *prepared
                }
                Ok(effects::Grant::Over) => return ask_again(server, client, state, revision).await,
                Ok(effects::Grant::Moved) => return look_again(server, client, state, revision).await,
                // That nothing can be encrypted to it, or to the resource, the client is told: it may ask again.
                Err(Failure::Refused(error)) if error.code == ErrorCode::TemporarilyUnavailable => {
                    advance::deny(&mut state, error.code.as_str(), &error.description);
                    return refuse(server, Some(client), state, revision).await;
                }
                Err(failure) => return Err(failure),
            }
        }
        (_, client) => effects::refusal(server, client.as_deref(), &state).await?,
    };
    settle(server, client.as_deref(), state, (revision, prepared)).await
}

/// The client may have changed while its user was busy: what it registers now counts.
fn check_destination(client: Option<&Client>, state: &State) -> Outcome<()> {
    let Some(destination) = &state.destination else { return Ok(()) };
    let registered = client.and_then(|c| c.metadata.redirect_uris.as_deref()).unwrap_or_default();
    if registered.iter().any(|uri| matches(uri, &destination.redirect_uri)) {
        return Ok(());
    }
    Err(OAuthError::invalid_request("the client or its redirect_uri is not registered any more").into())
}

async fn settle(
    server: &Server,
    client: Option<&Client>,
    mut state: Box<State>,
    (revision, mut prepared): (i64, effects::Prepared),
) -> Outcome<Finished> {
    deliver(server, &mut state, (prepared.delivery, prepared.cookie), prepared.logout);
    prepared.completion.interaction = state.seal(server, revision, kept_until(server))?;
    prepared.completion.now = server.now();
    prepared.completion.pushed = authorize::spent(server, &state.arrival)?;
    prepared.completion.events.push(ended(server, &state)?);
    prepared.completion.deliveries.extend(told(server, &state)?);
    match server.store().complete_interaction(prepared.completion).await? {
        Completed::Done => {
            server.deliver_soon();
            Ok(Finished::Delivered(state))
        }
        Completed::Conflict => Ok(Finished::Conflict),
        Completed::SessionOver => {
            let client = client.ok_or_else(|| Fault::new("interaction", "a session without a client"))?;
            ask_again(server, client, state, revision).await
        }
        Completed::SubjectDisabled => {
            advance::deny(&mut state, "access_denied", "the account is disabled");
            refuse(server, client, state, revision).await
        }
        Completed::RequestSpent => too_late(server, state).await,
    }
}

/// Nothing of the interaction can take effect any more.
async fn too_late(server: &Server, mut state: Box<State>) -> Outcome<Finished> {
    server.store().delete_interaction(&state.id).await?;
    tracing::info!(interaction = %state.id, "what it is about was answered by another interaction");
    if state.device.is_some() {
        device::too_late(&mut state.prompt);
        return Ok(Finished::TooLate(state));
    }
    let refused = authorize::already_answered();
    let error = ErrorPrompt {
        error: refused.code.as_str().to_owned(),
        error_description: refused.description,
        retryable: false,
    };
    state.prompt.body = Body::Error { error };
    Ok(Finished::TooLate(state))
}

/// The client that is told of the answer, if it wants to be.
fn told(server: &Server, state: &State) -> Result<Option<DeliveryRecord>, Fault> {
    let Some(call_back) = state.ciba.as_ref().and_then(|ciba| ciba.call_back.as_ref()) else {
        return Ok(None);
    };
    let client_id = state.client_id.as_deref().unwrap_or_default();
    notify::delivery(server, client_id, call_back, state.ends_at).map(Some)
}

/// What others learn of the end of an interaction.
fn ended(server: &Server, state: &State) -> Result<Event, Fault> {
    let name = if state.denied.is_some() { "interaction.denied" } else { "interaction.completed" };
    let data = json!({ "kind": super::state::kind_name(state.kind), "client_id": state.client_id });
    events::event(server, name, &state.id, &data)
}

/// Ends an interaction with its refusal, and with nothing else.
async fn refuse(
    server: &Server,
    client: Option<&Client>,
    mut state: Box<State>,
    revision: i64,
) -> Outcome<Finished> {
    let refusal = effects::refusal(server, client, &state).await?;
    deliver(server, &mut state, (refusal.delivery, None), None);
    let completion = Completion {
        interaction: state.seal(server, revision, kept_until(server))?,
        now: server.now(),
        pushed: authorize::spent(server, &state.arrival)?,
        events: vec![ended(server, &state)?],
        deliveries: told(server, &state)?.into_iter().collect(),
        ..refusal.completion
    };
    match server.store().complete_interaction(completion).await? {
        Completed::Done => {
            server.deliver_soon();
            Ok(Finished::Delivered(state))
        }
        Completed::RequestSpent => too_late(server, state).await,
        _ => Ok(Finished::Conflict),
    }
}

/// What was delivered is kept for a browser that asks again.
fn kept_until(server: &Server) -> i64 {
    server.now() + i64::from(server.config().lifetimes.resume_ticket)
}

/// Notes what the browser gets. Without a browser that comes back, the login app gets it in the prompt.
fn deliver(
    server: &Server,
    state: &mut State,
    (delivery, cookie): (Delivery, Option<SessionCookieChange>),
    logout: Option<LogoutResult>,
) {
    let frames = logout.as_ref().map(|told| told.frontchannel.clone()).unwrap_or_default();
    if state.door != Door::Redirect {
        let mut response = advance::response(state, delivery.clone());
        response.session = ending::session_of(state, cookie.as_ref(), server);
        if state.kind == Kind::Logout {
            response.logout = logout;
        }
        state.prompt.body = Body::Response { response };
    }
    state.delivered = Some(Delivered { at: server.now(), delivery, cookie, frames });
}

/// The authentication changed while the user was busy, so that policies look at it again. Only if they ask for something
/// does the browser go back to the login app.
async fn look_again(
    server: &Server,
    client: &Client,
    mut state: Box<State>,
    revision: i64,
) -> Outcome<Finished> {
    state.prompt.step += 1;
    if let Next::Ask = advance::advance(server, Some(client), &mut state).await? {
        state.ticket = None;
        return asked(server, state, revision).await;
    }
    if state.denied.is_some() {
        return refuse(server, Some(client), state, revision).await;
    }
    match effects::grant(server, client, &mut state).await? {
        effects::Grant::Ready(prepared) => settle(server, Some(client), state, (revision, *prepared)).await,
        // It changed once more within this moment: whoever asks next finds it settled.
        effects::Grant::Over | effects::Grant::Moved => {
            Err(Fault::new("interaction", "the session keeps changing").into())
        }
    }
}

async fn asked(server: &Server, state: Box<State>, revision: i64) -> Outcome<Finished> {
    let record = state.seal(server, revision, state.kept_until(server))?;
    let advanced = server.store().advance_interaction(record).await?;
    Ok(if advanced { Finished::AskAgain(state) } else { Finished::Conflict })
}

/// The session ended while the user was busy: everything that was answered is asked again.
async fn ask_again(
    server: &Server,
    client: &Client,
    mut state: Box<State>,
    revision: i64,
) -> Outcome<Finished> {
    state.accepted = None;
    state.consented = None;
    state.consent_of = None;
    state.ticket = None;
    state.delivered = None;
    super::steer::look_again(&mut state);
    let mut live = Vec::new();
    for id in &state.sessions {
        if super::session::live(server, id).await?.is_some() {
            live.push(id.clone());
        }
    }
    state.sessions = live;
    state.prompt.step += 1;
    match advance::advance(server, Some(client), &mut state).await? {
        Next::Ask => asked(server, state, revision).await,
        Next::Finish => {
            // Nothing may be asked (`prompt=none`), or another session of this browser serves as well: without a
            // session of its own, an interaction that finishes here can only refuse.
            if state.denied.is_none() {
                advance::deny(
                    &mut state,
                    "login_required",
                    "the session ended while the request was under way",
                );
            }
            refuse(server, Some(client), state, revision).await
        }
    }
}

/// The delivery of a state's refusal.
pub(super) async fn refused(server: &Server, client: &Client, state: &State) -> Outcome<Delivery> {
    let destination = state.destination()?;
    let denied =
        state.denied.as_ref().ok_or_else(|| Fault::new("interaction", "a refusal without a reason"))?;
    let mut params = vec![
        ("error".to_owned(), denied.error.clone()),
        ("error_description".to_owned(), denied.description.clone()),
    ];
    params.extend(denied.uri.iter().map(|uri| ("error_uri".to_owned(), uri.clone())));
    authorize::delivery(server, client, destination, params).await
}

/// Nowhere: the answer is fetched by the client itself.
pub(super) fn nowhere() -> Delivery {
    Delivery { method: DeliveryMethod::None, uri: None, fields: None }
}

/// "You are signed out", or back to the client.
pub(super) fn signed_out(state: &State) -> Delivery {
    let uri = state.logout.as_ref().and_then(|l| l.return_to.clone());
    let method = if uri.is_some() { DeliveryMethod::Redirect } else { DeliveryMethod::None };
    Delivery { method, uri, fields: None }
}
