//! What the server does at once.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the server does at once. Whatever is beyond is answered with 503 and `Retry-After`, before it is looked at and without
/// anything being consumed. Keys, discovery, health and the admin API are never refused for it.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OverloadConfig {
    /// Requests that are worked on at the same time; the login apps have as many places of their own. 0: 64 for each core, at
    /// least 256. Of them, 16 for each core need one at the moment; the others wait for a policy or the database. Who finds neither
    /// waits, or, where `waiting` is 0, is refused.
    pub requests: u32,
    /// Requests that wait for that; when the first of them has waited for a twentieth of `patience`, the newest one is let in first.
    pub waiting: u32,
    /// How long a request waits, in milliseconds.
    pub patience: u32,
}

impl Default for OverloadConfig {
    fn default() -> Self {
        Self { requests: 0, waiting: 8_192, patience: 1_000 }
    }
}
