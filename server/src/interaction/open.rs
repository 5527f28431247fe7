//! Opening an interaction.

use std::collections::BTreeMap;

use placet_oauth::{authorization::Prompt as PromptValue, id::Secret};
use placet_sdk::interaction::{Body, ErrorPrompt, Kind, LogoutScope};

use super::{
    advance::{self, Next},
    complete::{self, Finished},
    id, prompt, session,
    state::{Door, State},
    steer::{self, Origin},
};
use crate::{
    authorize::Valid,
    client::Client,
    config::{FrontDoor, UiConfig},
    logout::{LogoutRequest, must_confirm},
    outcome::{Fault, Outcome},
    seal::hex,
    server::Server,
};

/// A browser at a door.
#[derive(Debug, Default)]
pub struct Visitor {
    /// The handles in its session cookie.
    pub handles: Vec<Secret>,
    /// Its binding secret.
    pub binding: Option<Secret>,
    /// Where it is.
    pub origin: Origin,
}

/// What became of a request.
#[derive(Debug)]
pub enum Opened {
    /// The login app is asked.
    Asked(Box<State>),
    /// Nobody had to be asked: the browser can be sent on.
    Delivered(Box<State>),
}

/// SHA-256 of a binding secret, in hexadecimal.
pub fn binding_text(binding: &Secret) -> String {
    hex(&binding.sha256())
}

/// Opens an interaction for a valid authorization request. With `prompt=none`, or when nothing has to be asked, it is
/// finished at once; a refusal before anybody was asked stores nothing.
pub async fn authorization(
    server: &Server,
    ui: &UiConfig,
    visitor: &Visitor,
    valid: Valid,
) -> Outcome<Opened> {
    let sessions = session::of_browser(server, &visitor.handles).await?;
    let mut state = blank(server, ui, visitor, Kind::Authorization)?;
    state.handles = handle_texts(server, visitor, &sessions);
    state.sessions = sessions.iter().map(|s| s.record.id.clone()).collect();
    state.sessions_over = state.sessions.is_empty() && !visitor.handles.is_empty();
    state.client_id = Some(valid.client.id.clone());
    state.demanded_sub = valid.demanded_sub;
    let silent = valid.request.prompt.contains(&PromptValue::None);
    state.request = Some(valid.request);
    state.destination = Some(valid.destination);
    steer::note_origin(server, &mut state, &visitor.origin);
    steer::request(server, &valid.client, &mut state, &sessions).await?;
    if state.denied.is_some() {
        return refused_at_once(server, state);
    }
    let next = advance::advance(server, Some(&valid.client), &mut state).await?;
    if silent && state.denied.is_some() {
        return refused_at_once(server, state);
    }
    begin(server, Some(&valid.client), state, next).await
}

/// Opens an interaction for a logout.
///
/// # Errors
///
/// `access_denied` if a policy refuses it.
pub async fn logout(
    server: &Server,
    ui: &UiConfig,
    visitor: &Visitor,
    asked: LogoutRequest,
) -> Outcome<Opened> {
    let sessions = session::of_browser(server, &visitor.handles).await?;
    let confirm = must_confirm(server, &asked, (&visitor.origin, &sessions)).await?;
    let client = asked.client.as_deref();
    let mut state = blank(server, ui, visitor, Kind::Logout)?;
    state.handles = handle_texts(server, visitor, &sessions);
    state.sessions = sessions.into_iter().map(|s| s.record.id).collect();
    if !confirm {
        // The hint speaks for its own session: other accounts of this browser stay.
        let meant = asked.facts.session_id.as_ref();
        state.sessions.retain(|id| Some(id) == meant);
        state.handles.retain(|id, _| Some(id) == meant);
        state.confirmed = Some(Some(LogoutScope::Session));
    }
    state.client_id = client.map(|c| c.id.clone());
    state.logout = Some(asked.facts);
    let next = advance::advance(server, client, &mut state).await?;
    begin(server, client, state, next).await
}

async fn begin(server: &Server, client: Option<&Client>, state: Box<State>, next: Next) -> Outcome<Opened> {
    let record = state.seal(server, 1, state.kept_until(server))?;
    server.store().open_interaction(record).await?;
    match next {
        Next::Ask => Ok(Opened::Asked(state)),
        Next::Finish => match complete::complete(server, state, 1).await? {
            Finished::Delivered(state) => Ok(Opened::Delivered(state)),
            Finished::AskAgain(state) => Ok(Opened::Asked(state)),
            Finished::Conflict => {
                let client = client.map(|c| c.id.clone()).unwrap_or_default();
                Err(Fault::new("interaction", format!("a new one for `{client}` was advanced by another"))
                    .into())
            }
        },
    }
}

/// A policy refuses the request, or somebody would have to be asked with `prompt=none`: the client learns it, nothing is
/// kept.
fn refused_at_once(server: &Server, mut state: Box<State>) -> Outcome<Opened> {
    let delivery = complete::refused(server, &state)?;
    state.delivered = Some(super::state::Delivered { at: server.now(), delivery, cookie: None });
    Ok(Opened::Delivered(state))
}

fn handle_texts(
    server: &Server,
    visitor: &Visitor,
    sessions: &[session::Session],
) -> BTreeMap<String, String> {
    let texts: Vec<_> = visitor
        .handles
        .iter()
        .map(|handle| (session::handle_digest(server.root(), handle), complete::handle_text(server, handle)))
        .collect();
    sessions
        .iter()
        .filter_map(|s| {
            let text = texts.iter().find(|(digest, _)| *digest == s.record.handle)?;
            Some((s.record.id.clone(), text.1.clone()))
        })
        .collect()
}

fn blank(server: &Server, ui: &UiConfig, visitor: &Visitor, kind: Kind) -> Result<Box<State>, Fault> {
    let now = server.now();
    let ends_at = now + i64::from(server.config().lifetimes.interaction);
    let id = id::make(server.root(), server.random(), ends_at)?;
    let binding =
        visitor.binding.as_ref().ok_or_else(|| Fault::new("interaction", "a browser without binding"))?;
    let envelope = prompt::Envelope { id: id.clone(), kind, step: 1, created_at: now, expires_at: ends_at };
    Ok(Box::new(State {
        kind,
        ui: ui.name.clone(),
        door: match ui.front_door {
            FrontDoor::Redirect => Door::Redirect,
            FrontDoor::Headless => Door::Headless,
        },
        binding: binding_text(binding),
        opened_at: now,
        ends_at,
        client_id: None,
        request: None,
        destination: None,
        demanded_sub: None,
        logout: None,
        sessions: Vec::new(),
        handles: BTreeMap::new(),
        sessions_over: false,
        accepted: None,
        attempt: 0,
        fell_short: Vec::new(),
        consented: None,
        consent_of: None,
        denied: None,
        confirmed: None,
        prompt: prompt::bare(server, envelope, not_begun()),
        history: Vec::new(),
        data: None,
        ticket: None,
        delivered: None,
        steered: None,
        id,
    }))
}

/// A prompt for a request that never became an interaction: it can be shown, not answered.
pub fn unopened(server: &Server, kind: Kind) -> Result<placet_sdk::interaction::Prompt, Fault> {
    let now = server.now();
    let ends_at = now + i64::from(server.config().lifetimes.resume_ticket);
    let id = id::make(server.root(), server.random(), ends_at)?;
    let envelope = prompt::Envelope { id, kind, step: 1, created_at: now, expires_at: ends_at };
    Ok(prompt::bare(server, envelope, not_begun()))
}

/// Replaced by the first prompt before anybody sees it.
fn not_begun() -> Body {
    let error = ErrorPrompt {
        error: "server_error".to_owned(),
        error_description: "the interaction did not begin".to_owned(),
        retryable: true,
    };
    Body::Error { error }
}
