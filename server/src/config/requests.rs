//! How authorization requests come here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Pushed authorization requests (RFC 9126).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ParConfig {
    /// Whether every authorization request has to be pushed; else it is for each client to say
    /// (`require_pushed_authorization_requests`).
    pub required: bool,
}
