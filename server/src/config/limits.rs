//! Rate limits, and limits of what a user may have.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Rate limits: how many per minute and key. `PLACET_LIMITS=off` lifts them all, for benchmarks.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Whether limits are in force.
    pub enabled: bool,
    /// Requests to the token, pushed authorization request, introspection, revocation and `UserInfo` endpoints, per
    /// address.
    pub token: u32,
    /// Authorization requests, per address; those too that public clients push.
    pub authorize: u32,
    /// Registrations, per address.
    pub register: u32,
    /// Failed client authentications, per address and per client.
    pub failures: u32,
    /// Answers to prompts, per interaction.
    pub answers: u32,
    /// Wrong user codes of devices, per browser.
    pub user_codes: u32,
    /// Wrong user codes of devices, per address.
    pub user_codes_per_address: u32,
    /// Wrong user codes of devices in all.
    pub user_codes_in_all: u32,
    /// Passwords presented at the token endpoint, per user name.
    pub logins: u32,
    /// Passwords presented at the token endpoint, per address of the client.
    pub logins_per_address: u32,
    /// Live sessions of a user: one more ends the one that was used least recently.
    pub sessions: u32,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            token: 6_000,
            authorize: 600,
            register: 60,
            failures: 60,
            answers: 60,
            user_codes: 10,
            user_codes_per_address: 30,
            user_codes_in_all: 600,
            logins: 10,
            logins_per_address: 600,
            sessions: 100,
        }
    }
}
