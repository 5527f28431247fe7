//! Settings of what decides without speaking the decision API.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Built-in rules: each can only narrow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RulesConfig {
    /// Scope values that may be granted; a trailing `*` stands for anything. Absent: any. When nothing is left of a
    /// scope, the answer is `invalid_scope`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<Vec<String>>,
    /// Resources that may be granted. Absent: any. When nothing is left, the answer is `invalid_target`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Vec<String>>,
    /// The longest life of an access token, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token_lifetime: Option<u32>,
    /// The longest life of a family of refresh tokens, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token_lifetime: Option<u32>,
    /// The longest life of an ID token, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token_lifetime: Option<u32>,
    /// Deny with this error code, whatever is asked; `when` says to whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deny: Option<String>,
}

/// Settings of an AuthZEN decision point.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AuthzenConfig {
    /// What is asked.
    pub strategy: AuthzenStrategy,
    /// Takes `context.acr_values` of a denial as a demand for a stronger authentication. The specification shows it
    /// in an example only.
    pub accept_context_step_up: bool,
    /// How claims are found: by claim name, what to search.
    pub claims: BTreeMap<String, ResourceSearch>,
}

/// What an AuthZEN decision point is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthzenStrategy {
    /// One question for each scope value, in one request: what is answered with true is granted.
    #[default]
    PerScope,
    /// One question for the whole decision.
    Whole,
}

/// A search for the resources that somebody may act upon: their ids become the value of a claim.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ResourceSearch {
    /// The type of the resources.
    pub resource_type: String,
    /// The name of the action.
    pub action: String,
}

/// Settings of an Open Policy Agent.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OpaConfig {
    /// The package below which the packages of the types are: `placet` stands for
    /// `/v1/data/placet/grant/refresh_token` and so on.
    pub package: String,
    /// The rule in it that is the decision. Empty: the package itself.
    pub rule: String,
}

impl Default for OpaConfig {
    fn default() -> Self {
        Self { package: "placet".to_owned(), rule: "decision".to_owned() }
    }
}
