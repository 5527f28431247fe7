//! What the server does at once.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the server does at once. Whatever is beyond is answered with 503 and `Retry-After`, before it is looked at and without
/// anything being consumed. Keys, discovery, health and the admin API are never refused for it.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OverloadConfig {
    /// Requests that are worked on at the same time; the login apps have as many places of their own. 0: 64 for each core, at
    /// least 256. Of them, as many are at the cores as take four milliseconds there, at most 16 for each; the others wait for a
    /// policy or the database. Who finds no place waits, or, where `waiting` is 0, is refused.
    pub requests: u32,
    /// Requests that wait for that; when the first of them has waited for a twentieth of `patience`, the newest one is let in
    /// first, and no more may wait than were done in a tenth of it (64 for each core may always).
    pub waiting: u32,
    /// How long a request waits, in milliseconds. Where others come who find no room, it makes room for them after a tenth of it.
    pub patience: u32,
}

impl Default for OverloadConfig {
    fn default() -> Self {
        Self { requests: 0, waiting: 8_192, patience: 1_000 }
    }
}
