//! Events, and who is told of them.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ClientCertificate, SigningSecret};

const DAY: u32 = 86_400;

/// How long events are kept. They are the record of what happened, also while nobody is told.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EventsConfig {
    /// Events, in seconds.
    pub keep: u32,
    /// What could not be delivered, after it was given up, in seconds.
    pub keep_undelivered: u32,
}

impl Default for EventsConfig {
    fn default() -> Self {
        Self { keep: 30 * DAY, keep_undelivered: 30 * DAY }
    }
}

/// A receiver of events: what happens here is posted to it, at least once.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EventReceiverConfig {
    /// Its name, in logs, metrics and the admin API: letters, digits, `_` and `-`.
    pub name: String,
    /// Where it is: `https://…`, or `unix:///run/events.sock`, with `:/path` behind it for another path than `/`.
    pub url: String,
    /// Which events it is told of: `session.ended`, `session.*` or `*`.
    pub types: Vec<String>,
    /// For how many seconds an event is attempted before it is given up.
    pub retry_for: u32,
    /// While more than so many events wait for it, no others are kept for it: they are counted and logged.
    pub max_pending: u32,
    /// It is told of users under the subjects that this client sees. Absent: under those of the user directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subjects_of: Option<String>,
    /// How the server and the receiver know each other.
    pub auth: ReceiverAuth,
}

impl Default for EventReceiverConfig {
    fn default() -> Self {
        Self {
            name: String::new(),
            url: String::new(),
            types: Vec::new(),
            retry_for: 4 * DAY,
            max_pending: 100_000,
            subjects_of: None,
            auth: ReceiverAuth::default(),
        }
    }
}

/// How the server and a receiver know each other.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReceiverAuth {
    /// What events are signed with, as Standard Webhooks writes it.
    pub sign: SigningSecret,
    /// File with a bearer token that requests carry besides; read again when it is older than half a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bearer_file: Option<PathBuf>,
    /// The certificate that the server shows.
    pub mtls: ClientCertificate,
    /// Allows `http://` on this machine. Absent: in development alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_plaintext_loopback: Option<bool>,
    /// Owner of the Unix socket, as a user id. Absent: the user that this server runs as, or root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer_uid: Option<u32>,
}
