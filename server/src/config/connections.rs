//! Connections to the listeners.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Connections to the listeners, and what their peers may keep open how long.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ConnectionsConfig {
    /// Connections open at once, on each listener; further ones wait to be accepted.
    pub max: u32,
    /// Of them, those from one address (a /64 of IPv6) on a listener; further ones are closed at once. Not for
    /// `trusted_proxies`, and not on the private listener. 0: no limit.
    pub max_per_address: u32,
    /// Fields in the head of a request; more is 431.
    pub max_headers: u32,
    /// Requests at the same time on a connection with HTTP/2.
    pub max_streams: u32,
    /// How long a TLS handshake may take, in seconds.
    pub handshake_timeout: u32,
    /// How long the head of a request may take, in seconds; so long a connection with HTTP/1.1 may be idle, too.
    pub head_timeout: u32,
    /// How long the body of a request may take, in seconds.
    pub body_timeout: u32,
    /// How long a peer may read nothing of an answer, in seconds.
    pub write_timeout: u32,
    /// After so many seconds without a request a connection is closed, whatever else comes over it.
    pub idle_timeout: u32,
}

impl Default for ConnectionsConfig {
    fn default() -> Self {
        Self {
            max: 8_192,
            max_per_address: 512,
            max_headers: 100,
            max_streams: 64,
            handshake_timeout: 10,
            head_timeout: 15,
            body_timeout: 15,
            write_timeout: 15,
            idle_timeout: 60,
        }
    }
}

impl ConnectionsConfig {
    /// What is wrong with it.
    pub(crate) fn contradictions(&self) -> Vec<String> {
        let positive = [
            ("max", self.max),
            ("max_headers", self.max_headers),
            ("max_streams", self.max_streams),
            ("handshake_timeout", self.handshake_timeout),
            ("head_timeout", self.head_timeout),
            ("body_timeout", self.body_timeout),
            ("write_timeout", self.write_timeout),
            ("idle_timeout", self.idle_timeout),
        ];
        let zero = positive.iter().filter(|(_, value)| *value == 0);
        zero.map(|(name, _)| format!("connections.{name} must be greater than 0")).collect()
    }
}
