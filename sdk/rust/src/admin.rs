//! The admin API: what an operator's programs see and change.

mod decisions;
mod events;
mod policies;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use decisions::{
    CacheUse, DecisionEntry, DecisionOutcome, DecisionQuery, DecisionRecord, ParseOutcomeError, PolicyRecord,
    Replay,
};
pub use events::{DeliveryEntry, DeliveryQuery, EventReceiverChange, EventReceiverState, Redelivered};
pub use policies::{
    BackendKind, BreakerState, FailureCode, FailureState, OnFailure, PolicyChange, PolicyMode, PolicyState,
    Simulation, SimulationRequest,
};

use crate::{Instant, grant::Object};

/// A client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClientEntry {
    /// Its id.
    pub client_id: String,
    /// Metadata after RFC 7591 and OpenID Connect Dynamic Client Registration.
    pub metadata: Object,
    /// What the operator decided.
    pub settings: Object,
    /// It stands in the configuration and cannot be changed here.
    pub configured: bool,
    /// It registered itself.
    pub self_registered: bool,
    /// When it was registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Instant>,
    /// Grows with every change; the `ETag`.
    pub generation: i64,
    /// A secret that was just made. It is shown this once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
}

/// A client to register, or what replaces one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClientWrite {
    /// Its id; made by the server if it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Its secret, at least 32 printable characters, where it comes with one from elsewhere; made by the server, and shown
    /// once, if it is absent. In a replacement: a new one, instead of the one it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    /// Metadata after RFC 7591 and OpenID Connect Dynamic Client Registration.
    pub metadata: Object,
    /// What the operator decides.
    pub settings: Object,
}

/// A key that signs, or one that others encrypt with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyEntry {
    /// Its id.
    pub kid: String,
    /// Its algorithm; of a key that others encrypt with, the first of those that it serves.
    pub alg: String,
    /// `staged`, `signing`, `verify_only` or `revoked`; `staged`, `decrypting`, `retired` or `revoked` if others encrypt
    /// with it.
    pub state: String,
    /// When it was made.
    pub created_at: Instant,
    /// When its state last changed.
    pub changed_at: Instant,
    /// When it is removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
}

/// A link that signs its opener in to the console, once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConsoleLink {
    /// The link: a credential until it was opened.
    pub url: String,
    /// How long it can be opened, in seconds.
    pub expires_in: u64,
}

impl fmt::Debug for ConsoleLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsoleLink").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}

/// What is known of a subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SubjectEntry {
    /// The subject.
    pub sub: String,
    /// Nothing is issued for it.
    pub disabled: bool,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<Instant>,
}

/// Whose everything is revoked: exactly one member says it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Revocation {
    /// A user: sessions, authorizations, and those in which the user acts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// A client: authorizations, tokens of its own, and those in which it takes part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// A user or a client that acts for others: what it got by that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// True: all sessions, authorizations and tokens that there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub everybody: Option<bool>,
}

/// The request of draft-parecki-oauth-global-token-revocation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GlobalRevocation {
    /// The user.
    pub sub_id: SubjectId,
}

/// A subject identifier (RFC 9493).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "format", rename_all = "snake_case", deny_unknown_fields)]
pub enum SubjectId {
    /// Issuer and subject (section 3.2.3).
    IssSub {
        /// The issuer: this server.
        iss: String,
        /// The local subject.
        sub: String,
    },
    /// The local subject (section 3.2.4).
    Opaque {
        /// The local subject.
        id: String,
    },
}

/// A change of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SubjectWrite {
    /// Whether nothing is issued for it from now on; its sessions and authorizations end.
    pub disabled: bool,
}
