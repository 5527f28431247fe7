//! What a sidecar says of itself at `/.well-known/placet-policy`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::request::Mode;

/// The discovery document of a sidecar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyDocument {
    /// Who it is.
    pub sidecar: SidecarInfo,
    /// Versions of the protocol that it speaks.
    pub protocols: Vec<String>,
    /// Where decisions are asked; of the same origin as `sidecar.id`.
    pub decision_endpoint: String,
    /// Where events are delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_endpoint: Option<String>,
    /// `GET` answers 200 while it is well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_endpoint: Option<String>,
    /// The decisions that it makes.
    pub types: Vec<SupportedType>,
    /// How it authenticates, and is authenticated.
    #[serde(default)]
    pub auth: PolicyAuth,
    /// The modes that it knows.
    #[serde(default = "Mode::all")]
    pub modes: Vec<Mode>,
    /// Its documentation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub docs: Option<String>,
}

/// Who a sidecar is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SidecarInfo {
    /// Its URL, exactly as the server's operator registered it.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// A decision that a sidecar makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SupportedType {
    /// The type, as in requests.
    #[serde(rename = "type")]
    pub hook: String,
    /// JSON Pointers of what it looks at besides the mandatory members; absent means everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs: Option<Vec<String>>,
    /// JSON Pointers of what it may set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returns: Option<Vec<String>>,
    /// Whether its decisions may be remembered.
    #[serde(default)]
    pub cacheable: bool,
}

/// How a sidecar authenticates, and is authenticated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PolicyAuth {
    /// What it wants of requests: `signature`, `mtls`, `bearer`.
    pub request: Vec<String>,
    /// Whether it signs its answers.
    pub signed_response: bool,
}
