//! What the server would do if the answer were a bare allow.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::assertion::Saml2BearerSection;
use crate::grant::{self, Grant, Object};

/// The proposed result; which sections are there depends on the type.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Proposal {
    /// What is demanded of the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub demand: Option<DemandProposal>,
    /// What is granted.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "grant::lenient")]
    pub grant: Option<Grant>,
    /// Whether the user is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent: Option<ConsentProposal>,
    /// The session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionProposal>,
    /// The device request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceProposal>,
    /// The backchannel authentication.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ciba: Option<CibaProposal>,
    /// The logout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logout: Option<LogoutProposal>,
    /// Client metadata.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<Object>,
    /// Claims with values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claims: Option<Object>,
    /// Aggregated and distributed claims: `{name: {claims, jwt} | {claims, endpoint, access_token}}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim_sources: Option<Object>,
    /// The introspection response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub introspection: Option<Object>,
    /// Extra members of the token endpoint's answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_response: Option<Object>,
    /// Facts of a SAML assertion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saml2_bearer: Option<Saml2BearerSection>,
}

/// What is demanded of the user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DemandProposal {
    /// Acceptable authentication context classes, best first.
    pub acr_values: Vec<String>,
    /// Whether one of them must be reached.
    pub acr_essential: bool,
    /// At most so many seconds since the authentication.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u64>,
    /// A session does not count: the user has to authenticate now.
    pub force_auth: bool,
    /// The login app that asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ui: Option<String>,
}

/// Whether the user is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ConsentProposal {
    /// The user will be asked for consent.
    pub ask: bool,
}

/// The session that the sign-in makes or renews.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SessionProposal {
    /// Absolute limit, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_life: Option<u32>,
    /// Limit without use, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_idle: Option<u32>,
    /// How long the authentication satisfies ordinary requests, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_life: Option<u32>,
}

/// The device request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DeviceProposal {
    /// How long its codes live, in seconds.
    pub expires_in: u32,
    /// How often it may poll, in seconds.
    pub interval: u32,
}

/// The backchannel authentication.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CibaProposal {
    /// The user behind the hint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// How long the request lives, in seconds.
    pub expires_in: u32,
    /// How often it may be polled, in seconds.
    pub interval: u32,
    /// For the login app: how the user is reached.
    #[serde(skip_serializing_if = "Object::is_empty")]
    pub channel: Object,
}

/// The logout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct LogoutProposal {
    /// The user has to confirm.
    pub confirm: bool,
}
