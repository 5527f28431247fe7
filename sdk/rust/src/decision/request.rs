//! What the server asks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    assertion::{JwtBearerSection, PasswordSection, RawAssertionSection, Saml2BearerSection},
    facts::{DeciderClient, GrantFacts, Party, ProofOfPossession, RequestFacts, SessionFacts},
    hook::HookType,
    limits::Limits,
    person::{
        AuthorizationFacts, AuthorizationRequestSection, CibaSection, ClientCredentialsSection,
        DeviceSection, InteractionFacts, RefreshTokenSection,
    },
    proposal::Proposal,
    service::{
        ClaimsSection, IntrospectionSection, LogoutSection, RegistrationSection, TokenExchangeSection,
    },
};
use crate::instant::InstantMillis;

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
