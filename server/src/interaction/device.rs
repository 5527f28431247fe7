//! The first steps of an interaction about a device (RFC 8628 section 3.3): the user code, then the question whether the
//! device is really the user's. Only then is anybody asked to sign in: whoever is lured here has to see first what is
//! being connected, from where and when (RFC 8628 section 5.4).

use std::net::IpAddr;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use placet_oauth::user_code::UserCode;
use placet_sdk::{
    Instant,
    grant::Object,
    interaction::{Body, ConfirmPrompt, DeviceInfo, ErrorPrompt, Prompt, UserCodePrompt},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{advance::Next, prompt, state::State, steer::Origin};
use crate::{
    client::Client,
    device::{self, DeviceRequest},
    events,
    outcome::{Fault, Outcome},
    seal::{hex, parse_hex},
    server::Server,
    store::{Decision, Digest, Event, PolledRecord},
};

/// Codes that may be tried in one interaction.
const ATTEMPTS: u32 = 5;
/// A request is old after so many seconds: devices are connected while somebody stands before them.
const OLD: i64 = 300;

/// What is known of the device.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct DeviceState {
    /// Codes that may still be tried.
    pub attempts_left: u32,
    /// Where the browser is.
    pub origin: Origin,
    /// The code came with a link.
    pub prefilled: bool,
    /// The request behind the code.
    pub found: Option<Found>,
    /// The user answered for the device, and this browser alone decides about its request.
    pub claimed: bool,
}

/// A device that waits.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Found {
    /// Digest of its code, in hexadecimal.
    digest: String,
    /// The user code as it is shown.
    user_code: String,
    /// Where it is.
    origin: Origin,
    /// When it asked.
    started_at: i64,
    /// Until when it waits.
    expires_at: i64,
}

impl DeviceState {
    /// Of a browser that is somewhere.
    pub(super) fn of_browser(origin: &Origin) -> Self {
        Self { attempts_left: ATTEMPTS, origin: origin.clone(), ..Self::default() }
    }

    /// How long the device still waits, in seconds.
    pub(super) fn waits(&self, now: i64) -> i64 {
        self.found.as_ref().map_or(0, |found| found.expires_at.saturating_sub(now).max(0))
    }

    /// Digest of its device code, in hexadecimal, once its user code is known.
    pub(super) fn digest(&self) -> Option<&str> {
        self.found.as_ref().map(|found| found.digest.as_str())
    }

    /// What prompts show of the device.
    pub(super) fn info(&self) -> Option<DeviceInfo> {
        self.found.as_ref().map(|found| DeviceInfo {
            user_code: found.user_code.clone(),
            prefilled: self.prefilled,
            ip: found.origin.ip.map(|ip| ip.to_string()),
            user_agent: found.origin.user_agent.clone(),
            started_at: Instant(found.started_at),
        })
    }

    /// What policies are told of it.
    pub(super) fn facts(&self) -> Option<Object> {
        let found = self.found.as_ref()?;
        let mut facts = Object::new();
        facts.extend(found.origin.ip.map(|ip| ("ip".to_owned(), ip.to_string().into())));
        facts.extend(found.origin.user_agent.clone().map(|agent| ("user_agent".to_owned(), agent.into())));
        facts.insert("started_at".to_owned(), json!(Instant(found.started_at)));
        facts.insert("same_network".to_owned(), self.is_near(found).into());
        facts.insert("prefilled".to_owned(), self.prefilled.into());
        Some(facts)
    }

    fn is_near(&self, found: &Found) -> bool {
        match (self.origin.ip, found.origin.ip) {
            (Some(here), Some(there)) => network(here) == network(there),
            _ => false,
        }
    }

    /// Reasons for caution.
    fn warnings(&self, found: &Found, now: i64) -> Vec<String> {
        let reasons = [
            (!self.is_near(found), "different_network"),
            (self.prefilled, "prefilled_code"),
            (now >= found.started_at + OLD, "old_request"),
        ];
        reasons.into_iter().filter(|(is, _)| *is).map(|(_, name)| name.to_owned()).collect()
    }
}

/// The network of an address: a household has one address, or a /64 of them.
fn network(ip: IpAddr) -> Vec<u8> {
    match ip.to_canonical() {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets()[..8].to_vec(),
    }
}

/// Takes a code that somebody entered; `prefilled` if it came with a link. One that is unknown, has expired, was used, or
/// belongs to another browser is wrong, and costs an attempt.
///
/// Fails if too many wrong ones came from there.
pub(super) async fn enter(
    server: &Server,
    state: &mut State,
    (typed, prefilled): (&str, bool),
) -> Outcome<()> {
    let binding = state.binding.clone();
    let device = device_of(state)?;
    let ip = device.origin.ip;
    server.limits().may_enter_code(ip, &binding)?;
    let record = match UserCode::parse(typed) {
        Some(code) => device::find(server, &code).await?,
        None => None,
    };
    let free = record.filter(|record| record.claimed_by.as_ref().is_none_or(|by| *by == binding));
    if let Some(record) = free
        && let Some(client) = server.client(&record.client_id).await?
        && client.may_use(placet_oauth::grant_type::GrantType::DeviceCode)
    {
        return note(server, state, (&record, prefilled));
    }
    server.limits().wrong_code(ip, &binding);
    forget(state)
}

/// Notes the request behind a code.
fn note(server: &Server, state: &mut State, (record, prefilled): (&PolledRecord, bool)) -> Outcome<()> {
    let asked = DeviceRequest::open(server, record)?;
    let device = device_of(state)?;
    device.prefilled = prefilled;
    device.found = Some(Found {
        digest: hex(&record.digest.0),
        user_code: asked.user_code,
        origin: asked.origin,
        started_at: record.created_at,
        expires_at: record.expires_at,
    });
    state.client_id = Some(record.client_id.clone());
    state.demanded_sub = asked.request.claims.sub();
    state.request = Some(asked.request);
    // Nobody waits any longer than the device does.
    state.ends_at = state.ends_at.min(record.expires_at);
    super::steer::offered(state, asked.offer);
    Ok(())
}

/// A code was wrong: there is one attempt less, and no device.
fn forget(state: &mut State) -> Outcome<()> {
    let device = device_of(state)?;
    device.attempts_left = device.attempts_left.saturating_sub(1);
    device.prefilled = false;
    device.found = None;
    state.client_id = None;
    state.request = None;
    state.demanded_sub = None;
    super::steer::offered(state, None);
    Ok(())
}

/// The user answers for the device, with yes or no: from here on its request is this browser's. If another one was
/// faster, the code is a wrong one by now. Whether it is this browser's.
pub(super) async fn claim(server: &Server, state: &mut State) -> Outcome<bool> {
    let binding = state.binding.clone();
    let event = created(server, state)?;
    let device = device_of(state)?;
    if device.claimed {
        return Ok(true);
    }
    let Some(found) = &device.found else { return Ok(false) };
    let digest = found.digest()?;
    if server.store().claim_polled(&digest, &binding, server.now(), vec![event]).await? {
        device.claimed = true;
        return Ok(true);
    }
    forget(state)?;
    Ok(false)
}

/// What tells others that somebody answers for a device. Before that anybody could cause it.
///
/// The claim may be repeated, but it happens once: the id of the event follows from the interaction.
fn created(server: &Server, state: &State) -> Result<Event, Fault> {
    let digest = Sha256::new_with_prefix("interaction.created").chain_update([0]).chain_update(&state.id);
    let data = json!({
        "kind": super::state::kind_name(state.kind), "ui": state.ui, "client_id": state.client_id,
        "expires_at": Instant(state.ends_at),
    });
    let event = events::event(server, "interaction.created", &state.id, &data)?;
    Ok(Event { id: format!("evt_{}", URL_SAFE_NO_PAD.encode(&digest.finalize()[..16])), ..event })
}

/// The next of the first steps; none once they are over.
pub(super) fn ask(server: &Server, client: Option<&Client>, state: &mut State) -> Outcome<Option<Next>> {
    let now = server.now();
    let device = device_of(state)?;
    let body = match &device.found {
        Some(_) if device.claimed => return Ok(None),
        Some(found) => Body::Confirm {
            confirm: ConfirmPrompt {
                what: "device".to_owned(),
                warn: device.warnings(found, now),
                choices: Vec::new(),
                default: None,
            },
        },
        None if device.attempts_left == 0 => Body::Error { error: exhausted() },
        None => Body::UserCode { user_code: UserCodePrompt { attempts_left: device.attempts_left } },
    };
    let locales = state.request.as_ref().map(|request| request.ui_locales.clone()).unwrap_or_default();
    let info = client.map(|client| client.info(&locales));
    state.prompt = prompt::of_state(server, state, info, None, body);
    Ok(Some(Next::Ask))
}

fn exhausted() -> ErrorPrompt {
    ErrorPrompt {
        error: "access_denied".to_owned(),
        error_description: "too many wrong codes; start again on the device".to_owned(),
        retryable: false,
    }
}

/// What is decided when an interaction takes effect: what it grants, or why nothing. None as long as its browser has not
/// claimed anything.
pub(super) fn decision(state: &State) -> Result<Option<Decision>, Fault> {
    let Some(device) = state.device.as_ref().filter(|device| device.claimed) else { return Ok(None) };
    let Some(found) = &device.found else { return Ok(None) };
    Ok(Some(Decision {
        digest: found.digest()?,
        by: Some(state.binding.clone()),
        refusal: state.denied.as_ref().map(|denied| denied.description.clone()),
    }))
}

/// The error page of those that come too late.
pub(super) fn too_late(prompt: &mut Prompt) {
    let error = over();
    prompt.body = Body::Error {
        error: ErrorPrompt {
            error: error.code.as_str().to_owned(),
            error_description: error.description,
            retryable: false,
        },
    };
}

/// The request was decided in another window, or has expired.
pub(crate) fn over() -> placet_oauth::error::OAuthError {
    placet_oauth::error::OAuthError::invalid_request(
        "this code has expired or was answered already, maybe in another window; start again on the device",
    )
}

fn device_of(state: &mut State) -> Result<&mut DeviceState, Fault> {
    state.device.as_deref_mut().ok_or_else(|| Fault::new("interaction record", "it holds no device"))
}

impl Found {
    fn digest(&self) -> Result<Digest, Fault> {
        parse_hex(&self.digest).map(Digest).ok_or_else(|| Fault::new("interaction record", "a broken digest"))
    }
}
