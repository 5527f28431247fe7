//! Devices without a browser.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Devices without a browser (RFC 8628).
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DeviceConfig {
    /// The address that devices show, if it shall be a shorter one than `/device` of this server: it has to lead there, with
    /// its query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification_uri: Option<String>,
    /// How long a device waits between two requests to the token endpoint, in seconds.
    pub interval: u32,
}

impl Default for DeviceConfig {
    fn default() -> Self {
        Self { verification_uri: None, interval: 5 }
    }
}
