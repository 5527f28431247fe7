//! Opening an interaction.

use std::collections::BTreeMap;

use placet_oauth::{authorization::Prompt as PromptValue, id::Secret};
use placet_sdk::{
    decision::{HookType, ProofOfPossession},
    interaction::{Body, ErrorPrompt, Kind, LogoutScope},
};

use super::{
    advance::{self, Next},
    complete::{self, Finished},
    device::{self, DeviceState},
    id, prompt, session,
    state::{Door, State},
    steer::{self, Origin, Seen},
};
use crate::{
    authorize::{self, Arrival, Valid},
    client::{Client, SharedClient},
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
    /// What its cookie says of its sessions, to those who watch them.
    pub browser_state: Option<String>,
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
    /// Its pushed request was answered by another interaction at the same time.
    TooLate,
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
    let mut state = blank(server, ui, binding_of(visitor)?, Kind::Authorization)?;
    state.handles = handle_texts(server, visitor, &sessions);
    state.sessions = sessions.iter().map(|s| s.record.id.clone()).collect();
    state.sessions_over = state.sessions.is_empty() && !visitor.handles.is_empty();
    let silent = valid.request.prompt.contains(&PromptValue::None);
    let client = fill(&mut state, valid);
    steer::note_origin(server, &mut state, &visitor.origin);
    if steer::request(server, &client, &mut state, Seen::Browser(&sessions)).await?.is_some() {
        return refused_at_once(server, &client, state).await;
    }
    let next = advance::advance(server, Some(&client), &mut state).await?;
    if silent && state.denied.is_some() {
        return refused_at_once(server, &client, state).await;
    }
    begin(server, Some(&client), state, next).await
}

/// Asks the policies about a request that a client pushes (RFC 9126): no browser is there yet, and nothing is opened.
/// They are asked again when one comes.
///
/// # Errors
///
/// What a policy refuses with.
pub async fn pushed(
    server: &Server,
    valid: Valid,
    (origin, pop): (&Origin, Option<ProofOfPossession>),
) -> Outcome<()> {
    if !server.policies().asks(HookType::AuthorizationRequest) {
        return Ok(());
    }
    let ui = server.redirect_ui().or_else(|| server.config().ui.first());
    let ui = ui.ok_or_else(|| Fault::new("policy", "no login app is registered with this server"))?;
    let mut state = blank(server, ui, String::new(), Kind::Authorization)?;
    let client = fill(&mut state, valid);
    steer::note_origin(server, &mut state, origin);
    match steer::request(server, &client, &mut state, Seen::Client(pop)).await? {
        Some(refusal) => Err(refusal.into()),
        None => Ok(()),
    }
}

/// Notes the request in its state.
fn fill(state: &mut State, valid: Valid) -> SharedClient {
    state.client_id = Some(valid.client.id.clone());
    state.demanded_sub = valid.demanded_sub;
    state.request = Some(valid.request);
    state.destination = Some(valid.destination);
    state.arrival = valid.arrival;
    valid.client
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
    let mut state = blank(server, ui, binding_of(visitor)?, Kind::Logout)?;
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

/// Opens an interaction about a device, whose code may be known already; then the flag says whether it came with a link.
///
/// Fails if too many wrong codes came from there.
pub async fn device(
    server: &Server,
    ui: &UiConfig,
    visitor: &Visitor,
    user_code: Option<(&str, bool)>,
) -> Outcome<Opened> {
    let sessions = session::of_browser(server, &visitor.handles).await?;
    let mut state = blank(server, ui, binding_of(visitor)?, Kind::Device)?;
    state.handles = handle_texts(server, visitor, &sessions);
    state.sessions = sessions.iter().map(|s| s.record.id.clone()).collect();
    state.sessions_over = state.sessions.is_empty() && !visitor.handles.is_empty();
    state.device = Some(Box::new(DeviceState::of_browser(&visitor.origin)));
    steer::note_origin(server, &mut state, &visitor.origin);
    if let Some(entered) = user_code {
        device::enter(server, &mut state, entered).await?;
    }
    let client = complete::client_of(server, &state).await?;
    let next = advance::advance(server, client.as_deref(), &mut state).await?;
    begin(server, client.as_deref(), state, next).await
}

async fn begin(server: &Server, client: Option<&Client>, state: Box<State>, next: Next) -> Outcome<Opened> {
    let record = state.seal(server, 1, state.kept_until(server))?;
    server.store().open_interaction(record).await?;
    match next {
        Next::Ask => Ok(Opened::Asked(state)),
        Next::Finish => match complete::complete(server, state, 1).await? {
            Finished::Delivered(state) => Ok(Opened::Delivered(state)),
            Finished::AskAgain(state) => Ok(Opened::Asked(state)),
            Finished::TooLate(_) => Ok(Opened::TooLate),
            Finished::Conflict => {
                let client = client.map(|c| c.id.clone()).unwrap_or_default();
                Err(Fault::new("interaction", format!("a new one for `{client}` was advanced by another"))
                    .into())
            }
        },
    }
}

/// A policy refuses the request, or somebody would have to be asked with `prompt=none`: the client learns it, nothing is
/// kept. It is a response nevertheless: a pushed request is good for one.
async fn refused_at_once(server: &Server, client: &Client, mut state: Box<State>) -> Outcome<Opened> {
    let delivery = complete::refused(server, client, &state).await?;
    if !authorize::spend(server, &state.arrival).await? {
        return Ok(Opened::TooLate);
    }
    state.delivered =
        Some(super::state::Delivered { at: server.now(), delivery, cookie: None, frames: Vec::new() });
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

fn binding_of(visitor: &Visitor) -> Result<String, Fault> {
    let binding = visitor.binding.as_ref();
    binding.map(binding_text).ok_or_else(|| Fault::new("interaction", "a browser without binding"))
}

pub(super) fn blank(
    server: &Server,
    ui: &UiConfig,
    binding: String,
    kind: Kind,
) -> Result<Box<State>, Fault> {
    let now = server.now();
    let ends_at = now + i64::from(server.config().lifetimes.interaction);
    let id = id::make(server.root(), server.random(), ends_at)?;
    let envelope = prompt::Envelope { id: id.clone(), kind, step: 1, created_at: now, expires_at: ends_at };
    Ok(Box::new(State {
        kind,
        ui: ui.name.clone(),
        door: match ui.front_door {
            FrontDoor::Redirect => Door::Redirect,
            FrontDoor::Headless => Door::Headless,
        },
        binding,
        opened_at: now,
        ends_at,
        client_id: None,
        request: None,
        destination: None,
        arrival: Arrival::default(),
        demanded_sub: None,
        logout: None,
        device: None,
        ciba: None,
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

/// Lets an interaction that nobody knows of yet end at another instant than most.
pub(super) fn ends_at(server: &Server, state: &mut State, ends_at: i64) -> Result<(), Fault> {
    state.ends_at = ends_at;
    state.id = id::make(server.root(), server.random(), ends_at)?;
    Ok(())
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
