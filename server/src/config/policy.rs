//! Policies: sidecars and built-in rules that decide.

use std::{fmt, path::PathBuf};

use placet_sdk::decision::HookType;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A secret that stands in the configuration. It is never printed.
#[derive(Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct SecretText(pub String);

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(…)")
    }
}

/// What decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BackendKind {
    /// A sidecar that speaks the decision API.
    #[default]
    Http,
}

/// What happens when a policy fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// Nothing is issued: 503, to be tried again.
    #[default]
    Fail,
    /// It counts as a denial.
    Deny,
    /// The proposal stands, marked as degraded.
    Proceed,
}

/// Whether the answers of a policy count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PolicyMode {
    /// They count.
    #[default]
    Enforce,
    /// It is not asked.
    Off,
}

/// A policy.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyConfig {
    /// Its name, in logs, metrics and requests.
    pub name: String,
    /// The decisions it takes part in.
    pub types: Vec<HookType>,
    /// What decides.
    pub backend: BackendKind,
    /// The URL of the sidecar: `https://…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Policies of a type are asked in this order, the lowest first; equal ones as they stand here.
    pub order: i32,
    /// How long an answer may take, in milliseconds: 50 to 10000. Absent: what suits the type, 300 to 3000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u32>,
    /// What happens when it fails. Absent: `fail`, and `proceed` for `logout.evaluate`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<OnFailure>,
    /// Whether its answers count.
    pub mode: PolicyMode,
    /// How the server and the sidecar know each other.
    pub auth: PolicyAuthConfig,
}

/// How the server and a sidecar know each other.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyAuthConfig {
    /// The secret that requests are signed with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sign: Option<SignConfig>,
}

/// A secret of Standard Webhooks, `whsec_…`, and its predecessor during a change.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SignConfig {
    /// The secret, in development only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretText>,
    /// File with the secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_file: Option<PathBuf>,
    /// The previous secret, in development only: both sign, until the sidecar knows the new one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<SecretText>,
    /// File with the previous secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_file: Option<PathBuf>,
}
