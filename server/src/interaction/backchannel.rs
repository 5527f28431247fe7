//! Interactions that the server itself opens, for a user who is not at the browser of the client (CIBA).
//!
//! There is no browser whose binding could be compared, and nothing to come back to: who may answer is the login app, and
//! the answer counts only with an authentication of the very user whom the request is for. It takes effect with the last
//! answer.

use placet_oauth::{
    ciba::DeliveryMode,
    confirmation::Thumbprint,
    error::{ErrorCode, OAuthError},
    id::{Secret, Subject},
};
use placet_sdk::{
    decision::RequestFacts,
    grant::Object,
    interaction::{CibaInfo, Kind, Prompt},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    advance::{self, Next},
    answer::shown,
    open,
    state::{Door, State},
    steer,
};
use crate::{
    ciba::{AUTH_REQ_ID, Valid, notify::CallBack, used},
    client::AuthenticatedClient,
    config::UiConfig,
    events,
    outcome::{Fault, Outcome},
    random,
    seal::hex,
    server::Server,
    store::{Begun, Digest, Event, Paging, PolledRecord, Waiting},
};

/// A request that waits for its user.
#[derive(Debug)]
pub struct Opened {
    /// What the client asks after it with.
    pub auth_req_id: Secret,
    /// How long it waits, in seconds.
    pub expires_in: u32,
    /// How long the client waits between two questions, in seconds; none if it is not to ask.
    pub interval: Option<u32>,
}

/// What an interaction knows of the request that it was opened for.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct CibaState {
    /// The user whom it is for.
    pub sub: String,
    /// Digest, in hexadecimal, of what the client asks with.
    pub digest: String,
    /// How tokens get to the client.
    pub mode: DeliveryMode,
    /// How the client is told of the answer, if it wants to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_back: Option<CallBack>,
    /// Shown on both devices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binding_message: Option<String>,
    /// The life that the client asked for, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_expiry: Option<u32>,
    /// Why the client asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_context: Option<Object>,
}

/// What is kept of a request beside its interaction.
#[derive(Debug, Deserialize, Serialize)]
pub struct PolledDoc {
    /// The interaction.
    pub interaction: String,
    /// How tokens get to the client.
    pub mode: DeliveryMode,
    /// The instance of an attested client that asked, by the thumbprint of its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<Thumbprint>,
}

impl PolledDoc {
    /// The document of a record.
    pub fn open(server: &Server, record: &PolledRecord) -> Result<Self, Fault> {
        let broken = |cause: &str| Fault::new("polled request", cause.to_owned());
        let plain = server
            .root()
            .open(&context(&record.digest), &record.sealed)
            .ok_or_else(|| broken("the record does not open"))?;
        serde_json::from_slice(&plain).map_err(|e| broken(&e.to_string()))
    }
}

fn context(digest: &Digest) -> String {
    format!("{AUTH_REQ_ID} {}", hex(&digest.0))
}

impl CibaState {
    /// Digest of what the client asks with.
    pub fn digest(&self) -> Result<Digest, Fault> {
        let digest = crate::seal::parse_hex(&self.digest);
        digest.map(Digest).ok_or_else(|| Fault::new("interaction record", "a broken digest"))
    }

    /// The same for policies.
    pub fn facts(&self, acr_values: &[String]) -> Object {
        match serde_json::to_value(self.info(acr_values)) {
            Ok(serde_json::Value::Object(members)) => members,
            _ => Object::new(),
        }
    }

    /// How prompts show it.
    pub fn info(&self, acr_values: &[String]) -> CibaInfo {
        CibaInfo {
            binding_message: self.binding_message.clone(),
            delivery: self.mode.as_str().to_owned(),
            acr_values: acr_values.to_vec(),
            requested_expiry: self.requested_expiry.map(u64::from),
            request_context: self.request_context.clone(),
        }
    }
}

/// Opens an interaction for a valid request, once the policies of `ciba.request` have said who the user is.
///
/// # Errors
///
/// `unknown_user_id` if nobody is known by the hint, `invalid_request` for a signed request that was used before, and
/// what policies refuse with.
pub async fn open(
    server: &Server,
    client: &AuthenticatedClient,
    valid: Valid,
    asking: RequestFacts,
) -> Outcome<Opened> {
    let auth_req_id = random::secret(server.random())?;
    let digest = server.root().digest(AUTH_REQ_ID, &auth_req_id);
    let mut state = blank(server, client, &valid, (&digest, &auth_req_id))?;
    let settled = steer::backchannel(server, client, &mut state, (&valid, asking)).await?;
    let sub = settled.sub.ok_or_else(|| {
        OAuthError::new(
            ErrorCode::UnknownUserId,
            "nobody is known by this hint, or nobody can tell who it is",
        )
    })?;
    check_subject(server, &sub).await?;
    if let Some(ciba) = &mut state.ciba {
        ciba.sub.clone_from(&sub);
    }
    open::ends_at(server, &mut state, server.now() + i64::from(settled.expires_in))?;
    match advance::advance(server, Some(client), &mut state).await? {
        Next::Ask => {}
        Next::Finish => {
            return Err(Fault::new("interaction", "a user was not asked, and nobody else is there").into());
        }
    }
    let instance = client.possession().instance().cloned();
    let doc = PolledDoc { interaction: state.id.clone(), mode: valid.mode, instance };
    let plain = serde_json::to_vec(&doc).map_err(|e| Fault::new("polled request", e))?;
    let interval = i64::from(settled.interval);
    let begun = Begun {
        interaction: state.seal(server, 1, state.ends_at)?,
        request: PolledRecord {
            digest,
            kind: AUTH_REQ_ID.to_owned(),
            user_code: None,
            client_id: client.id.clone(),
            sealed: server.root().seal(server.random(), &context(&digest), &plain)?,
            poll_interval: interval,
            poll_after: server.now(),
            claimed_by: None,
            decided_at: None,
            authorization_id: None,
            refusal: None,
            created_at: server.now(),
            expires_at: state.ends_at,
            redeemed_at: None,
        },
        consume: valid.once,
        events: vec![created(server, &state, &settled.channel)?],
    };
    if !server.store().begin_interaction(begun).await? {
        return Err(used().into());
    }
    let interval = valid.mode.polls().then_some(settled.interval);
    Ok(Opened { auth_req_id, expires_in: settled.expires_in, interval })
}

fn blank(
    server: &Server,
    client: &AuthenticatedClient,
    valid: &Valid,
    (digest, auth_req_id): (&Digest, &Secret),
) -> Result<Box<State>, Fault> {
    let ui = asking_ui(server)
        .ok_or_else(|| Fault::new("ciba", "no login app is registered with this server that could ask"))?;
    let mut state = open::blank(server, ui, String::new(), Kind::Ciba)?;
    state.door = Door::Backchannel;
    state.client_id = Some(client.id.clone());
    state.request = Some(valid.asked.request.clone());
    state.arrival.signed = valid.once.is_some();
    state.ciba = Some(CibaState {
        sub: String::new(),
        digest: hex(&digest.0),
        mode: valid.mode,
        call_back: valid.asked.client_notification_token.as_ref().filter(|_| valid.mode.notifies()).map(
            |token| CallBack {
                auth_req_id: auth_req_id.expose().to_owned(),
                token: token.expose().to_owned(),
            },
        ),
        binding_message: valid.asked.binding_message.clone(),
        requested_expiry: valid.asked.requested_expiry,
        request_context: valid.asked.request_context.clone(),
    });
    Ok(state)
}

/// The login app that asks users.
fn asking_ui(server: &Server) -> Option<&UiConfig> {
    match &server.config().ciba.ui {
        Some(name) => server.ui(name),
        None => server.redirect_ui().or_else(|| server.config().ui.first()),
    }
}

/// A policy names the user: it must be a subject, and one that can still be asked.
async fn check_subject(server: &Server, sub: &str) -> Outcome<()> {
    if Subject::parse(sub).is_none() {
        return Err(Fault::new("ciba", "the user behind the hint is no subject").into());
    }
    let known = server.store().subject(sub).await?;
    if known.is_some_and(|known| known.disabled_at.is_some()) {
        return Err(OAuthError::new(ErrorCode::AccessDenied, "the account is disabled").into());
    }
    Ok(())
}

/// What tells a login app, or whatever reaches the user's phone, that somebody is to be asked.
fn created(server: &Server, state: &State, channel: &Object) -> Result<Event, Fault> {
    let ciba = state.ciba.as_ref();
    let data = json!({
        "kind": super::state::kind_name(state.kind), "ui": state.ui, "client_id": state.client_id,
        "sub": ciba.map(|ciba| &ciba.sub), "channel": channel, "expires_at": placet_sdk::Instant(state.ends_at),
    });
    events::event(server, "interaction.created", &state.id, &data)
}

/// The prompts that wait for a user at this login app, in order of their ids after `after`, with the id of the last one
/// if there may be more.
pub async fn waiting(
    server: &Server,
    ui: &UiConfig,
    (kind, sub): (Kind, &str),
    page: Paging<'_>,
) -> Result<(Vec<Prompt>, Option<String>), Fault> {
    let waiting = Waiting { sub: sub.to_owned(), kind: super::state::kind_name(kind), ui: ui.name.clone() };
    let limit = page.limit as usize;
    let records = server.store().interactions_of(waiting, page, server.now()).await?;
    let next = records.last().filter(|_| records.len() >= limit).map(|record| record.id.clone());
    let mut prompts = Vec::new();
    for record in &records {
        let state = State::open(server, record)?;
        if server.now() < state.prompt.expires_at.0 {
            prompts.push(shown(&state));
        }
    }
    Ok((prompts, next))
}
