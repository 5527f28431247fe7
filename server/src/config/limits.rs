//! Rate limits, and limits of what a user may have.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Rate limits: how many per minute and key; 0 lifts that one. `PLACET_LIMITS=off` lifts them all, for benchmarks. An
/// address is one of IPv4 or a /64 of IPv6; the /48 around it has sixteen times as much.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Whether limits are in force.
    pub enabled: bool,
    /// Addresses, clients, users and so on that are remembered, over all limits: 17 bytes each. Beyond that those who used
    /// least are forgotten first.
    pub keys: u32,
    /// Token requests, per address.
    pub token: u32,
    /// Pushed authorization requests, per address.
    pub par: u32,
    /// Requests of devices for codes, per address.
    pub device: u32,
    /// Backchannel authentication requests, per address.
    pub ciba: u32,
    /// Introspections, per address.
    pub introspection: u32,
    /// Revocations, per address.
    pub revocation: u32,
    /// Requests to the `UserInfo` endpoint, per address.
    pub userinfo: u32,
    /// Authorization and logout requests, and visits to `/device`, per address; those too that public clients push.
    pub authorize: u32,
    /// Registrations, per address.
    pub register: u32,
    /// Failed client authentications, per client at an address; those at the admin API and the console are of one client each.
    pub failures: u32,
    /// The same, per address, whoever they were said to be of.
    pub failures_per_address: u32,
    /// What an address may have the server keep in the time that an interaction lives (`lifetimes.interaction`): sign-ins,
    /// logouts and connections of devices that were begun, and what public clients ask for. So twice as many are kept at most.
    pub pending_per_address: u32,
    /// The same for everybody together, with what other clients push or ask for.
    pub pending_in_all: u32,
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
    /// Failed logins that login apps report, per user; a further report is refused, so that the app can let the user wait.
    pub failed_logins: u32,
    /// Live sessions of a user: one more ends the one that was used least recently.
    pub sessions: u32,
    /// Requests per client, wherever they come from.
    pub clients: ClientLimitsConfig,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            keys: 262_144,
            token: 6_000,
            par: 6_000,
            device: 6_000,
            ciba: 6_000,
            introspection: 6_000,
            revocation: 6_000,
            userinfo: 6_000,
            authorize: 600,
            register: 60,
            failures: 20,
            failures_per_address: 60,
            pending_per_address: 20_000,
            pending_in_all: 2_000_000,
            answers: 60,
            user_codes: 10,
            user_codes_per_address: 30,
            user_codes_in_all: 600,
            logins: 10,
            logins_per_address: 600,
            failed_logins: 30,
            sessions: 100,
            clients: ClientLimitsConfig::default(),
        }
    }
}

/// Requests per minute of a client that has authenticated, wherever they come from; 0 lifts that one. Who only says that it is
/// the client spends nothing of this, and public clients have no such limit: anybody can be them.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClientLimitsConfig {
    /// Token requests.
    pub token: u32,
    /// Pushed authorization requests.
    pub par: u32,
    /// Requests of devices for codes.
    pub device: u32,
    /// Backchannel authentication requests.
    pub ciba: u32,
    /// Introspections.
    pub introspection: u32,
    /// Revocations.
    pub revocation: u32,
}

impl Default for ClientLimitsConfig {
    fn default() -> Self {
        Self {
            token: 60_000,
            par: 6_000,
            device: 6_000,
            ciba: 6_000,
            introspection: 60_000,
            revocation: 60_000,
        }
    }
}
