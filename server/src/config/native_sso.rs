//! Applications of one vendor on one device.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Config;

/// Applications of one vendor on one device that share a sign-in (OpenID Connect Native SSO for Mobile Apps 1.0).
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NativeSsoConfig {
    /// Names of the groups that there are; a client belongs to one by `settings.native_sso`. Without any, Native SSO is off.
    /// It needs a policy of the type `grant.token_exchange`.
    pub groups: Vec<String>,
    /// How long a device secret lives at the most, in seconds. It ends with its session or, with `offline_access`, with its
    /// authorization.
    pub lifetime: u32,
}

impl Default for NativeSsoConfig {
    fn default() -> Self {
        Self { groups: Vec::new(), lifetime: 30 * 24 * 60 * 60 }
    }
}

impl NativeSsoConfig {
    /// Whether there is any group.
    pub fn is_on(&self) -> bool {
        !self.groups.is_empty()
    }
}

impl Config {
    /// The scope values that clients may ask for.
    pub fn known_scopes(&self) -> Vec<String> {
        let mut known: Vec<String> = self.scopes.iter().map(|scope| scope.value.clone()).collect();
        let own = placet_oauth::native_sso::DEVICE_SSO;
        if self.native_sso.is_on() && !known.iter().any(|value| value == own) {
            known.push(own.to_owned());
        }
        known
    }
}
