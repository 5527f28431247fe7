//! Authentication on another device of the user.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Authentication on another device of the user (OpenID Connect Client-Initiated Backchannel Authentication).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CibaConfig {
    /// How long clients have to wait between two questions, in seconds.
    pub interval: u32,
    /// The longest life of a request that a client may ask for (`requested_expiry`), in seconds.
    pub max_expiry: u32,
    /// The name of the `[[ui]]` that asks the users. Absent: the first with the redirect front door, else the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ui: Option<String>,
    /// Whether requests can be answered without their users, at `/dev/ciba`: for test suites, and in development mode
    /// only.
    pub automatic_answers: bool,
}

impl Default for CibaConfig {
    fn default() -> Self {
        Self { interval: 5, max_expiry: 600, ui: None, automatic_answers: false }
    }
}
