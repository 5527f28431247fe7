//! What the server asks.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    hook::HookType,
    limits::Limits,
    proposal::Proposal,
    sections::{
        AuthorizationFacts, AuthorizationRequestSection, CibaSection, ClaimsSection,
        ClientCredentialsSection, DeviceSection, InteractionFacts, IntrospectionSection, JwtBearerSection,
        LogoutSection, PasswordSection, RawAssertionSection, RefreshTokenSection, RegistrationSection,
        Saml2BearerSection, TokenExchangeSection,
    },
};
use crate::{
    grant::{Object, Parameters},
    instant::{Instant, InstantMillis},
};

/// A decision request. Members that a receiver does not know are ignored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DecisionRequest {
    /// Version of the protocol, `1.<minor>`.
    pub protocol: String,
    /// `dec_…`: the same when the request is repeated; equals the header `webhook-id`.
    pub id: String,
    /// What is asked.
    #[serde(rename = "type")]
    pub hook: HookType,
    /// When it was asked.
    pub time: InstantMillis,
    /// When the answer comes too late. Programs use the header `Placet-Timeout-Ms`, which no clock disturbs.
    pub deadline: InstantMillis,
    /// Whether the answer counts. In `shadow` and `test` there must be no side effects.
    pub mode: Mode,
    /// 1, or 2 when the first attempt surely was not processed.
    pub attempt: u32,
    /// The issuer identifier of the server.
    pub issuer: String,
    /// The tenant, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Which registration this is, and where it stands.
    pub chain: ChainPosition,
    /// The client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<DeciderClient>,
    /// The grant, as it was requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<GrantFacts>,
    /// Whom it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Party>,
    /// Who acts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<Party>,
    /// The user's session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionFacts>,
    /// The interaction with the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interaction: Option<InteractionFacts>,
    /// The HTTP request that led here.
    pub request: RequestFacts,
    /// Proof of possession, verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pop: Option<ProofOfPossession>,
    /// The result if the answer is a bare allow.
    pub proposal: Proposal,
    /// The ceiling of what may be set.
    pub limits: Limits,
    /// JSON Pointers into the patched proposal that must be there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<String>,
    /// Of `authorization.request`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_request: Option<AuthorizationRequestSection>,
    /// Of `device.request`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceSection>,
    /// Of `ciba.request`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ciba: Option<CibaSection>,
    /// Of `grant.authorization_code`, `grant.device_code` and `grant.ciba`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization: Option<AuthorizationFacts>,
    /// Of `grant.refresh_token`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<RefreshTokenSection>,
    /// Of `grant.password`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<PasswordSection>,
    /// Of `grant.client_credentials`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_credentials: Option<ClientCredentialsSection>,
    /// Of `grant.jwt_bearer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwt_bearer: Option<JwtBearerSection>,
    /// Of `assertion.saml2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw_assertion: Option<RawAssertionSection>,
    /// Of `grant.saml2_bearer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saml2_bearer: Option<Saml2BearerSection>,
    /// Of `grant.token_exchange`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_exchange: Option<TokenExchangeSection>,
    /// Of `client.register`, `client.update` and `client.delete`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration: Option<RegistrationSection>,
    /// Of `claims.source`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claims: Option<ClaimsSection>,
    /// Of `token.introspect`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub introspection: Option<IntrospectionSection>,
    /// Of `logout.evaluate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logout: Option<LogoutSection>,
}

/// Whether an answer counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// It does.
    Enforce,
    /// It is only compared with the one that does.
    Shadow,
    /// It is only shown.
    Test,
}

impl Mode {
    /// Every mode.
    pub fn all() -> Vec<Self> {
        vec![Self::Enforce, Self::Shadow, Self::Test]
    }
}

/// Where a registration stands among those of its type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChainPosition {
    /// Name of the registration.
    pub policy: String,
    /// Its place, from 1.
    pub position: u32,
    /// How many there are.
    pub of: u32,
}

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
