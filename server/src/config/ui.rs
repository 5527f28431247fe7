//! Login and consent apps.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a login app may do beyond answering its own prompts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// Send token settings with a consent.
    SetTokens,
    /// Grant more scope than was requested.
    WidenScope,
    /// Set another subject than the one that authenticated, or an actor.
    AllowImpersonation,
    /// List and end sessions.
    Sessions,
    /// List and end consents and authorizations.
    Authorizations,
    /// Grant without a browser (`POST /grants`), for the clients listed in `direct_grant_clients`.
    DirectGrant,
    /// Report facts about accounts.
    Report,
}

/// Who holds the browser's cookies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FrontDoor {
    /// `/authorize` is on this server, which sends the browser to `login_uri` and takes it back at `/resume`. Of
    /// several such apps it sends browsers to the first, unless a policy names another (`demand.ui`).
    #[default]
    Redirect,
    /// The app is the authorization endpoint and opens interactions itself.
    Headless,
}

/// A login and consent app.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UiConfig {
    /// Its name.
    pub name: String,
    /// Where browsers are sent (redirect front door).
    pub login_uri: String,
    /// SHA-256 digests, in hexadecimal, of the bearer tokens it may use; several during a change.
    pub token_sha256: Vec<String>,
    /// SHA-256 digests, in hexadecimal, of the certificates (DER) with which it may connect to the private listener
    /// instead of sending a token; several during a change. They need TLS there (`[tls.private]`).
    pub certificate_sha256: Vec<String>,
    /// Clients of this server whose access tokens for the audience `{issuer}/ui` it may use instead.
    pub client_ids: Vec<String>,
    /// Redirect or headless.
    pub front_door: FrontDoor,
    /// What it may do beyond answering its own prompts.
    pub capabilities: Vec<Capability>,
    /// Authentication context classes that it may assert; absent means any. Where a request needs others, its user is
    /// not asked in vain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_acr: Option<Vec<String>>,
    /// Subjects that it may never sign in; a trailing `*` stands for anything.
    pub sub_deny: Vec<String>,
    /// For which clients `POST /grants` works.
    pub direct_grant_clients: Vec<String>,
}

impl UiConfig {
    /// Whether it has this capability.
    pub fn may(&self, capability: Capability) -> bool {
        self.capabilities.contains(&capability)
    }

    /// Whether it must not sign this subject in.
    pub fn denies(&self, sub: &str) -> bool {
        self.sub_deny.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(prefix) => sub.starts_with(prefix),
            None => sub == pattern,
        })
    }
}
