//! Who may use the admin API.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an admin may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AdminRole {
    /// Look at everything that is no secret.
    Read,
    /// Register, change and delete clients, and give them new secrets.
    Clients,
    /// End sessions, authorizations, and everything of somebody; disable subjects.
    Revoke,
    /// Change and try policies, and look at decisions.
    Policies,
    /// Rotate and revoke signing keys.
    Keys,
    /// Pause and resume receivers of events, and deliver again.
    Events,
}

/// An admin: a person's or a program's access to the admin API.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AdminConfig {
    /// Its name, in the audit trail.
    pub name: String,
    /// SHA-256 digests, in hexadecimal, of the bearer tokens it may use; several during a change.
    pub token_sha256: Vec<String>,
    /// SHA-256 digests, in hexadecimal, of the certificates (DER) with which it may connect to the private listener
    /// instead of sending a token; several during a change. They need TLS there (`[tls.private]`).
    pub certificate_sha256: Vec<String>,
    /// Clients of this server whose own access tokens for the audience `{issuer}/admin` it may use instead.
    pub client_ids: Vec<String>,
    /// What it may do.
    pub roles: Vec<AdminRole>,
}
