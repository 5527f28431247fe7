//! What a decision request tells of clients, parties, sessions and requests.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    grant::{Object, Parameters},
    instant::{Instant, InstantMillis},
};

/// A client as a policy sees it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DeciderClient {
    /// Its id.
    pub client_id: String,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `public` or `confidential`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub client_type: Option<String>,
    /// How it authenticated with this request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<ClientAuth>,
    /// Grant types it registered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub grant_types: Vec<String>,
    /// Scope values it registered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scope: Vec<String>,
    /// It belongs to the operator.
    pub first_party: bool,
    /// Its software.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_id: Option<String>,
    /// The operator's own metadata: tier, owner.
    #[serde(skip_serializing_if = "Object::is_empty")]
    pub data: Object,
    /// Registered metadata that the registration of the policy asks for by name.
    #[serde(skip_serializing_if = "Object::is_empty")]
    pub metadata: Object,
}

/// How a client authenticated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ClientAuth {
    /// The method (RFC 7591 section 2); `none` for a public client.
    pub method: String,
    /// Whether it was proved; false for a public client.
    pub verified: bool,
    /// The key it used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// Thumbprint of its certificate.
    #[serde(rename = "x5t#S256", skip_serializing_if = "Option::is_none")]
    pub x5t_s256: Option<String>,
}

/// The grant as it was requested.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct GrantFacts {
    /// The grant type, as in `grant_type`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub grant_type: Option<String>,
    /// The stored authorization it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_id: Option<String>,
    /// What was asked for.
    pub requested: Requested,
}

/// What was asked for. Absent: the request did not say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Requested {
    /// Scope values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<Vec<String>>,
    /// Resource indicators (RFC 8707).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Vec<String>>,
    /// `audience` of a token exchange.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<Vec<String>>,
    /// Authorization details (RFC 9396).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_details: Option<Vec<Object>>,
    /// Of a token exchange.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_token_type: Option<String>,
}

/// Somebody whom a decision is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Party {
    /// The subject; local, or pairwise if the registration of the policy says so.
    pub sub: String,
    /// A user, a client …
    #[serde(rename = "type")]
    pub party_type: PartyType,
    /// From where the server knows.
    pub source: PartySource,
    /// Claims that are known of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claims: Option<Object>,
}

/// What somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PartyType {
    /// A user of this server.
    User,
    /// A client of this server.
    Client,
    /// A program with an identity of its own.
    Workload,
    /// Somebody of another issuer.
    External,
}

/// From where the server knows of somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PartySource {
    /// A session of this browser, or an authentication in this interaction.
    Session,
    /// A subject token.
    SubjectToken,
    /// An actor token.
    ActorToken,
    /// An assertion.
    Assertion,
    /// A stored authorization.
    Authorization,
    /// A hint of the client.
    LoginHint,
    /// The client's own authentication.
    Client,
}

/// A session of a user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionFacts {
    /// Its id; left out for decisions that may be remembered, unless the policy needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The user.
    pub sub: String,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Instant>,
    /// When the user last authenticated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authenticated_at: Option<Instant>,
    /// Authentication context class reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// Authentication methods.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// Data of the login app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Object>,
}

/// The HTTP request that led to a decision.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RequestFacts {
    /// `authorize`, `token`, `par`, `device`, `ciba`, `userinfo`, `introspect`, `register`, `ui` or `logout`.
    pub endpoint: String,
    /// When it came in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received_at: Option<InstantMillis>,
    /// Where it came from; left out for decisions that may be remembered, unless the policy needs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote: Option<Remote>,
    /// With what; left out likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// Headers that the operator lets policies see.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Non-standard parameters that the operator lets policies see.
    #[serde(skip_serializing_if = "Parameters::is_empty")]
    pub parameters: Parameters,
}

/// Where a request came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Remote {
    /// The address.
    pub ip: String,
}

/// Proof of possession that the server has verified.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ProofOfPossession {
    /// What the tokens are bound to.
    pub binding: Binding,
    /// DPoP (RFC 9449).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dpop: Option<DpopFacts>,
    /// Mutual TLS (RFC 8705).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mtls: Option<MtlsFacts>,
}

/// What tokens are bound to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Binding {
    /// Nothing: bearer tokens.
    #[default]
    None,
    /// A key.
    Dpop,
    /// A certificate.
    Mtls,
}

/// A verified DPoP proof.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DpopFacts {
    /// Always true.
    pub verified: bool,
    /// Thumbprint of the key.
    pub jkt: String,
    /// Algorithm of the proof.
    pub alg: String,
}

/// A verified client certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MtlsFacts {
    /// Always true.
    pub verified: bool,
    /// Thumbprint of the certificate.
    #[serde(rename = "x5t#S256")]
    pub x5t_s256: String,
    /// Its subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject_dn: Option<String>,
}
