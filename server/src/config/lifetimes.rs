//! How long things live.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How long things live, in seconds.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Lifetimes {
    /// An authorization code.
    pub code: u32,
    /// A pushed authorization request: so long it opens interactions.
    pub pushed_request: u32,
    /// The codes of a device: so long its user can answer.
    pub device_code: u32,
    /// A backchannel authentication request that asks for no other life.
    pub auth_req_id: u32,
    /// The way back from the login app.
    pub resume_ticket: u32,
    /// An interaction that nobody answers.
    pub interaction_idle: u32,
    /// An interaction at the longest.
    pub interaction: u32,
    /// An access token.
    pub access_token: u32,
    /// An ID token.
    pub id_token: u32,
    /// A session without use.
    pub session_idle: u32,
    /// A session at the longest.
    pub session: u32,
    /// A refresh token without use; 0 means no such limit.
    pub refresh_token_idle: u32,
    /// A family of refresh tokens.
    pub refresh_token: u32,
    /// How long the direct parent of a refresh token is still answered with the same child.
    pub refresh_token_grace: u32,
    /// How long a signing key signs.
    pub signing_key: u32,
    /// How long a new signing key is published before it signs.
    pub signing_key_publish: u32,
}

impl Default for Lifetimes {
    fn default() -> Self {
        const DAY: u32 = 86_400;
        Self {
            code: 60,
            pushed_request: 90,
            device_code: 600,
            auth_req_id: 300,
            resume_ticket: 60,
            interaction_idle: 900,
            interaction: 3_600,
            access_token: 600,
            id_token: 600,
            session_idle: DAY / 2,
            session: 7 * DAY,
            refresh_token_idle: 30 * DAY,
            refresh_token: 180 * DAY,
            refresh_token_grace: 60,
            signing_key: 90 * DAY,
            signing_key_publish: 3_600,
        }
    }
}
