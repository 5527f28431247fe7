//! The state of an interaction: the request, and the facts that were answered so far.

use placet_oauth::authorization::{AuthorizationRequest, Destination};
use placet_sdk::{
    grant::{Grant, Object},
    interaction::{AuthReason, Body, Delivery, Kind, LogoutScope, Prompt, Remember, SessionAction},
};
use serde::{Deserialize, Serialize};

use super::{backchannel::CibaState, device::DeviceState, steer::Steered};
use crate::{
    authorize::Arrival,
    ledger::{Noted, note},
    outcome::Fault,
    server::Server,
    store::InteractionRecord,
};

/// Who holds the browser's cookies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Door {
    /// This server: effects wait for the browser's return.
    Redirect,
    /// The login app: effects come with the last answer.
    Headless,
    /// Nobody, since there is no browser: effects come with the last answer.
    Backchannel,
}

/// The state of an interaction, sealed in the store.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct State {
    /// `ia_…`.
    pub id: String,
    /// What it is about.
    pub kind: Kind,
    /// The registered UI it belongs to.
    pub ui: String,
    /// Who holds the cookies.
    pub door: Door,
    /// SHA-256 of the browser's binding secret, in hexadecimal.
    pub binding: String,
    /// When it was opened.
    pub opened_at: i64,
    /// When its id is over.
    pub ends_at: i64,
    /// The client that asks.
    pub client_id: Option<String>,
    /// The validated authorization request.
    pub request: Option<AuthorizationRequest>,
    /// Where its answer goes.
    pub destination: Option<Destination>,
    /// How it came here.
    #[serde(default)]
    pub arrival: Arrival,
    /// The subject that the request demands (`id_token_hint`, `claims`), as the client sees subjects.
    pub demanded_sub: Option<String>,
    /// Facts of a logout.
    pub logout: Option<LogoutState>,
    /// Facts of a device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Box<DeviceState>>,
    /// Facts of a backchannel authentication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ciba: Option<CibaState>,
    /// The sessions of this browser when it was opened, newest use first.
    pub sessions: Vec<String>,
    /// Digests, in hexadecimal, of the handles that the browser presented, by session id.
    pub handles: std::collections::BTreeMap<String, String>,
    /// The browser presented handles, but no session behind them lives.
    pub sessions_over: bool,
    /// Who the user is, as the login app answered.
    pub accepted: Option<Accepted>,
    /// How often an answer fell short.
    pub attempt: u32,
    /// The last answer fell short for these reasons.
    pub fell_short: Vec<AuthReason>,
    /// What the user granted.
    pub consented: Option<Consented>,
    /// Whose consent was asked, or found remembered: it counts for nobody else.
    pub consent_of: Option<String>,
    /// The refusal.
    pub denied: Option<Denied>,
    /// How far a confirmed logout reaches; none while it is not confirmed.
    pub confirmed: Option<Option<LogoutScope>>,
    /// The current prompt.
    pub prompt: Prompt,
    /// Answers so far.
    pub history: Vec<Answered>,
    /// Scratch state of the login app.
    pub data: Option<Object>,
    /// The ticket for the browser's return.
    pub ticket: Option<Ticket>,
    /// What the browser got when it returned.
    pub delivered: Option<Delivered>,
    /// What policies decided; none while nobody was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steered: Option<Box<Steered>>,
}

/// Who the user is.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Accepted {
    /// The user.
    pub sub: String,
    /// When the user authenticated.
    pub authenticated_at: i64,
    /// Authentication context class reference.
    pub acr: Option<String>,
    /// Authentication methods.
    pub amr: Vec<String>,
    /// What becomes of the session.
    pub action: SessionAction,
    /// The session to reuse.
    pub session_id: Option<String>,
    /// Whether it outlives the browser.
    pub persistent: bool,
    /// Absolute limit, in seconds.
    pub max_life: Option<u32>,
    /// Limit without use, in seconds.
    pub max_idle: Option<u32>,
    /// How long this authentication satisfies ordinary requests, in seconds.
    pub auth_life: Option<u32>,
    /// Claims that the login app knows.
    pub claims: Object,
    /// Opaque data of the login app.
    pub data: Option<Object>,
}

/// What the user granted.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Consented {
    /// The user was asked in this interaction; else it follows from what is remembered, or nobody has to be asked.
    pub asked: bool,
    /// Scope, claims and settings.
    pub grant: Grant,
    /// Whether it is remembered.
    pub remember: Option<Remember>,
}

/// A refusal.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Denied {
    /// The OAuth error code.
    pub error: String,
    /// Its description.
    pub description: String,
    /// A page about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
}

/// Facts of a logout.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct LogoutState {
    /// `rp` or `op`.
    pub initiator: String,
    /// Whether a valid `id_token_hint` of this browser's session came along.
    pub hint_verified: bool,
    /// The session it is about.
    pub session_id: Option<String>,
    /// The user it is about.
    pub sub: Option<String>,
    /// Clients used in that session.
    pub clients: Vec<String>,
    /// Where the browser goes afterwards, with `state`.
    pub return_to: Option<String>,
    /// The languages of the pages.
    #[serde(default)]
    pub ui_locales: Vec<String>,
}

/// An answer, so that a repetition gets the same prompt.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Answered {
    /// The step it answered.
    pub step: u32,
    /// SHA-256 of the body, in hexadecimal.
    pub digest: String,
    /// The prompt that it produced.
    pub prompt: Prompt,
}

/// The ticket for the browser's return.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Ticket {
    /// Its digest, in hexadecimal.
    pub digest: String,
    /// When it was made.
    pub issued_at: i64,
}

/// What becomes of the browser's session cookie.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct SessionCookieChange {
    /// Digests, in hexadecimal, of handles that are worth nothing any more.
    pub drop: Vec<String>,
    /// A new handle, a credential, which comes first from now on.
    pub add: Option<String>,
    /// How long the cookie lives, in seconds; none: as long as the browser.
    pub max_age: Option<i64>,
}

/// What the browser got when it returned; kept for a minute in case it asks again.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Delivered {
    /// When.
    pub at: i64,
    /// The answer.
    pub delivery: Delivery,
    /// The change of its cookie.
    pub cookie: Option<SessionCookieChange>,
    /// Pages of clients that it loads first, to be signed out there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frames: Vec<String>,
}

impl State {
    /// Opens the state in a record.
    pub fn open(server: &Server, record: &InteractionRecord) -> Result<Box<Self>, Fault> {
        let plain = server
            .root()
            .open(&record.id, &record.sealed)
            .ok_or_else(|| Fault::new("interaction record", "it does not open"))?;
        note(|noted| noted.flow(&record.id));
        serde_json::from_slice(&plain).map_err(|e| Fault::new("interaction record", e))
    }

    /// The record of a state that follows `revision`.
    pub fn seal(&self, server: &Server, revision: i64, expires_at: i64) -> Result<InteractionRecord, Fault> {
        note(|noted| self.tell(noted));
        let plain = zeroize::Zeroizing::new(
            serde_json::to_vec(self).map_err(|e| Fault::new("interaction record", e))?,
        );
        Ok(InteractionRecord {
            id: self.id.clone(),
            kind: kind_name(self.kind).to_owned(),
            ui: self.ui.clone(),
            sub: self.waits_for().map(str::to_owned),
            sealed: server.root().seal(server.random(), &self.id, &plain)?,
            revision,
            created_at: self.opened_at,
            expires_at,
        })
    }

    /// What the ledger has of it: who and what it is about, and what comes next.
    fn tell(&self, noted: &mut Noted) {
        noted.flow(&self.id);
        self.client_id.as_deref().inspect(|id| noted.client(id));
        self.accepted.as_ref().inspect(|accepted| noted.subject(&accepted.sub));
        let found = self.device.as_ref().and_then(|device| device.digest());
        let polled = found.or_else(|| self.ciba.as_ref().map(|ciba| ciba.digest.as_str()));
        polled.or(self.arrival.pushed_digest()).inspect(|digest| noted.hidden_hex(digest));
        match (&self.denied, &self.delivered) {
            (Some(denied), _) => noted.refused(&denied.error, &denied.description),
            (None, Some(_)) => noted.done(&format!("{} completed", kind_name(self.kind))),
            (None, None) if self.ticket.is_some() => {
                noted.say("Everything is answered: the browser is sent back");
                noted.waits("the browser at `/resume`");
            }
            (None, None) => {
                if let Body::Error { error } = &self.prompt.body {
                    return noted.refused(&error.error, &error.error_description);
                }
                let prompt = self.prompt.body.type_name();
                noted.say(&format!("The login app is asked: `{prompt}`, step {}", self.prompt.step));
                noted.waits(&format!("the answer to `{prompt}`"));
            }
        }
    }

    /// The user whom it waits for, if it is not for a browser to bring that user along.
    fn waits_for(&self) -> Option<&str> {
        let open = !self.prompt.body.is_terminal();
        self.ciba.as_ref().filter(|_| open).map(|ciba| ciba.sub.as_str())
    }

    /// When the interaction dies if nothing happens from now on.
    pub fn idle_until(&self, server: &Server) -> i64 {
        self.ends_at.min(server.now() + i64::from(server.config().lifetimes.interaction_idle))
    }

    /// When its record can go: a while after its idle limit, so that whoever comes late learns where to begin again.
    pub fn kept_until(&self, server: &Server) -> i64 {
        let late = i64::from(server.config().lifetimes.interaction_idle);
        self.ends_at.min(self.idle_until(server) + late)
    }

    /// What a client asks for; a logout asks for nothing.
    pub fn request(&self) -> Result<&AuthorizationRequest, Fault> {
        self.request.as_ref().ok_or_else(|| Fault::new("interaction record", "it holds no request"))
    }

    /// Where the answer goes; only interactions of kind `authorization` have a place.
    pub fn destination(&self) -> Result<&Destination, Fault> {
        self.destination.as_ref().ok_or_else(|| Fault::new("interaction record", "it holds no destination"))
    }
}

/// The name of a kind as the store and the contract write it.
pub(super) fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Authorization => "authorization",
        Kind::Device => "device",
        Kind::Ciba => "ciba",
        Kind::Logout => "logout",
    }
}
