//! Receivers of events, and deliveries.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Instant;

/// A receiver of events, as it is right now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventReceiverState {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// Which events it is told of.
    pub types: Vec<String>,
    /// Nothing is delivered to it for now.
    pub paused: bool,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_at: Option<Instant>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How many events wait for it; not counted further than one beyond `max_pending`.
    pub pending: i64,
    /// When the oldest of them happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest: Option<Instant>,
    /// How many were given up, and are still kept; counted no further than `pending` is.
    pub dead: i64,
    /// So many wait that no others are kept for it.
    pub full: bool,
}

/// A change of a receiver. It is the same for all processes, and survives a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventReceiverChange {
    /// Whether nothing is delivered to it.
    pub paused: bool,
}

/// Something that waits to be delivered, or was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryEntry {
    /// Its id, `dlv_…`.
    pub id: String,
    /// What it is: `event`, …
    pub kind: String,
    /// To whom it goes; `receiver:` and a name for events.
    pub destination: String,
    /// It was given up.
    pub dead: bool,
    /// Attempts so far.
    pub attempts: i64,
    /// When it was written.
    pub created_at: Instant,
    /// When it is attempted next; while it is attempted, until when that may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Instant>,
    /// After this it is not attempted again.
    pub expires_at: Instant,
    /// When it was given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_at: Option<Instant>,
    /// Why the last attempt failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The id of the event, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// The type of the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_type: Option<String>,
    /// What the event is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_subject: Option<String>,
}

/// How many deliveries are attempted again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Redelivered {
    /// So many.
    pub count: u64,
}

/// Which deliveries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryQuery {
    /// Those that were given up instead of those that wait.
    #[serde(default)]
    pub dead: bool,
    /// Of this kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// To this destination.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// The `next_cursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}
