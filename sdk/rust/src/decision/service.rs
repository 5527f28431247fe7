//! Sections of what serves clients and resource servers: exchange, registration, claims, introspection, logout.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::grant::{Actor, Object, Parameters};

/// Of `grant.token_exchange`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TokenExchangeSection {
    /// `delegation` if there is an actor token, else `impersonation` (RFC 8693 section 1.1).
    pub semantics: String,
    /// On whose behalf.
    pub subject_token: TokenFacts,
    /// Who acts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor_token: Option<TokenFacts>,
    /// How deep the proposed `act` chain is.
    #[serde(default)]
    pub act_depth: u32,
}

/// A verified token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TokenFacts {
    /// Its type (RFC 8693 section 3).
    #[serde(rename = "type")]
    pub token_type: String,
    /// `local` or `trusted_issuer`.
    pub origin: String,
    /// Its stored authorization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_id: Option<String>,
    /// Its claims.
    pub claims: Object,
    /// Its confirmation (RFC 7800).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Object>,
    /// The actors behind it, newest first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Actor>,
}

/// Of `client.register`, `client.update` and `client.delete`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RegistrationSection {
    /// `create`, `update` or `delete`.
    pub operation: String,
    /// How the caller is entitled.
    pub auth: RegistrationAuth,
    /// The metadata that is asked for.
    #[serde(default)]
    pub metadata: Object,
    /// The software statement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub software_statement: Option<SoftwareStatement>,
    /// The metadata as it is now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub existing: Option<Object>,
}

/// How a registration is entitled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RegistrationAuth {
    /// `open`, `initial_access_token`, `software_statement` or `registration_access_token`.
    pub kind: String,
    /// What the token says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claims: Option<Object>,
}

/// A software statement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SoftwareStatement {
    /// Its claims.
    pub claims: Object,
    /// Whether it was verified.
    pub verified: bool,
}

/// Of `claims.source`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClaimsSection {
    /// `id_token`, `userinfo` or `access_token`.
    pub target: String,
    /// The claims that this source owns and the client may read.
    pub requested: Vec<RequestedClaim>,
    /// Languages, best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locales: Vec<String>,
    /// `claims_context` of the grant.
    #[serde(default, skip_serializing_if = "Object::is_empty")]
    pub context: Object,
}

/// A claim that is asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RequestedClaim {
    /// Its name, with a language tag if one was asked for.
    pub name: String,
    /// Whether the client cannot do without.
    #[serde(default)]
    pub essential: bool,
    /// The value it should have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// The values it may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<Value>>,
    /// What is asked of `verified_claims` (OpenID Connect for Identity Assurance), as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
}

/// Of `token.introspect`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IntrospectionSection {
    /// Who asks.
    pub caller: IntrospectionCaller,
    /// About which token.
    pub token: IntrospectionToken,
}

/// Who introspects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IntrospectionCaller {
    /// The client.
    pub client_id: String,
    /// Whether it is in the audience of the token.
    #[serde(default)]
    pub in_audience: bool,
}

/// The token that is introspected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IntrospectionToken {
    /// Its stored authorization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_id: Option<String>,
    /// `access_token` or `refresh_token`.
    pub kind: String,
    /// Its claims.
    pub claims: Object,
    /// `data` of the grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Object>,
}

/// Of `logout.evaluate`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LogoutSection {
    /// `rp` or `op`.
    pub initiator: String,
    /// Clients that were used in the session.
    #[serde(default)]
    pub clients: Vec<LogoutClient>,
    /// The hint that came along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<LogoutHint>,
    /// Non-standard parameters that the operator lets policies see.
    #[serde(default, skip_serializing_if = "Parameters::is_empty")]
    pub parameters: Parameters,
}

/// A client in a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogoutClient {
    /// Its id.
    pub client_id: String,
    /// It is told through the browser.
    #[serde(default)]
    pub frontchannel: bool,
    /// It is told directly.
    #[serde(default)]
    pub backchannel: bool,
}

/// A hint of a logout request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LogoutHint {
    /// It is a genuine ID token of this browser's session.
    pub verified: bool,
    /// Its claims.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claims: Option<Object>,
}
