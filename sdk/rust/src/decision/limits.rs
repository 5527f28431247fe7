//! The ceiling of what a policy may set. A member without a stated limit cannot be set; what exceeds one is a
//! failure, never silently cut.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::details::Enrichable;
use crate::grant::{Encoding, GrantedClaims, Object, Rotation, SenderConstraint, SubType, Tokens};

/// Limits, by section of the proposal.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Limits {
    /// Of `demand`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub demand: Option<DemandLimits>,
    /// Of `grant`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<GrantLimits>,
    /// Of `consent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent: Option<ConsentLimits>,
    /// Of `session`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionLimits>,
    /// Of `device`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceLimits>,
    /// Of `ciba`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ciba: Option<CibaLimits>,
    /// Of `logout`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logout: Option<LogoutLimits>,
    /// Of `client`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientLimits>,
    /// Of `claims` and `claim_sources`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claims: Option<ClaimsLimits>,
    /// Of `introspection`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub introspection: Option<IntrospectionLimits>,
    /// Of `token_response`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_response: Option<ObjectLimits>,
    /// Of `saml2_bearer`: the section is set as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saml2_bearer: Option<ObjectLimits>,
}

/// Whether a member may be set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Freedom {
    /// It must stay absent.
    #[default]
    Forbidden,
    /// It must stay as proposed.
    Fixed,
    /// It may be set.
    Settable,
}

/// Of a grant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct GrantLimits {
    /// Of `sub`.
    pub sub: Freedom,
    /// Of `act`. To remove or shorten a chain is to change the subject.
    pub act: Freedom,
    /// Of `may_act`.
    pub may_act: Freedom,
    /// Scope values that may be granted.
    pub scope: Vec<String>,
    /// Resources that may be granted.
    pub resources: Vec<String>,
    /// Authorization details that may be granted, each once at the most and as it is, except in its `enrichable`
    /// members.
    pub authorization_details: Vec<Object>,
    /// Members of authorization details that may be added or changed, and not taken away: for each type, JSON pointers
    /// that begin at the detail.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub enrichable: Enrichable,
    /// Claim names that may be granted, per target.
    pub claims: GrantedClaims,
    /// Of `authentication`.
    pub authentication: Freedom,
    /// Of the access token.
    pub access_token: AccessTokenLimits,
    /// Of the refresh token.
    pub refresh_token: RefreshTokenLimits,
    /// Of the ID token.
    pub id_token: IdTokenLimits,
    /// The longest `userinfo.claims`, in bytes of JSON.
    pub max_userinfo_bytes: u32,
    /// The longest `data`, in bytes of JSON.
    pub max_data_bytes: u32,
    /// The longest `claims_context`, in bytes of JSON.
    pub max_claims_context_bytes: u32,
    /// Claim names that no `claims` object may set.
    pub reserved_claims: Vec<String>,
}

/// Of an access token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct AccessTokenLimits {
    /// The longest `lifetime`, in seconds.
    pub max_lifetime: u32,
    /// Audiences it may have.
    pub audiences: Vec<String>,
    /// Encodings it may have.
    pub encodings: Vec<Encoding>,
    /// Subject types it may show.
    pub sub_types: Vec<SubType>,
    /// The weakest `sender_constraint`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender_constraint: Option<SenderConstraint>,
    /// Whether it may be encrypted.
    pub encrypt: bool,
    /// Whether `single_use` may be switched on. It can never be switched off.
    pub single_use: bool,
    /// The longest `claims`, in bytes of JSON.
    pub max_claims_bytes: u32,
}

/// Of a refresh token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RefreshTokenLimits {
    /// Whether there may be one.
    pub allowed: bool,
    /// The longest `lifetime`, in seconds.
    pub max_lifetime: u32,
    /// The longest `max_idle`, in seconds; 0 means there is no such limit.
    pub max_idle: u32,
    /// The longest `grace`, in seconds.
    pub max_grace: u32,
    /// The rotation, if it may not be weaker: `never` < `auto` < `always`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotation: Option<Rotation>,
    /// Where what is known of it may lie. `stateless` goes with access tokens that are JWTs and not for a single use.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tokens: Vec<Tokens>,
}

/// Of an ID token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct IdTokenLimits {
    /// Whether there may be one.
    pub allowed: bool,
    /// The longest `lifetime`, in seconds.
    pub max_lifetime: u32,
    /// Audiences it may have besides the client.
    pub audiences: Vec<String>,
    /// The longest `claims`, in bytes of JSON.
    pub max_claims_bytes: u32,
    /// Whether it may be issued again with each refresh.
    pub reissue_on_refresh: bool,
}

/// Of what is demanded of a user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DemandLimits {
    /// Classes that may be demanded; empty means any.
    pub acr_values: Vec<String>,
    /// The longest `max_age`: that of the request; absent means any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u64>,
    /// Login apps that the user may be sent to.
    pub uis: Vec<String>,
}

/// Of whether the user is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ConsentLimits {
    /// Whether `ask` may be switched on. It can never be switched off.
    pub ask: bool,
}

/// Of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SessionLimits {
    /// The longest `max_life`, in seconds.
    pub max_life: u32,
    /// The longest `max_idle`, in seconds.
    pub max_idle: u32,
    /// The longest `auth_life`, in seconds.
    pub auth_life: u32,
}

/// Of a device request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DeviceLimits {
    /// The longest life, in seconds.
    pub max_expires_in: u32,
    /// The shortest interval, in seconds.
    pub min_interval: u32,
}

/// Of a backchannel authentication.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CibaLimits {
    /// Of `sub`.
    pub sub: Freedom,
    /// The longest life, in seconds.
    pub max_expires_in: u32,
    /// The shortest interval, in seconds.
    pub min_interval: u32,
    /// The longest `channel`, in bytes of JSON.
    pub max_channel_bytes: u32,
}

/// Of a logout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct LogoutLimits {
    /// Whether `confirm` may be switched off: a valid hint of the user's own session came along.
    pub skip_confirm: bool,
}

/// Of a registration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ClientLimits {
    /// Metadata members that may be set; the result is checked like a registration.
    pub members: Vec<String>,
    /// Grant types it may have.
    pub grant_types: Vec<String>,
    /// Scope values it may have; absent means any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<Vec<String>>,
}

/// Of claims.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ClaimsLimits {
    /// Names that may be set.
    pub names: Vec<String>,
    /// All of them together, in bytes of JSON.
    pub max_bytes: u32,
    /// Whether aggregated and distributed claims may be named (OpenID Connect Core section 5.6.2).
    pub claim_sources: bool,
}

/// Of an introspection response.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct IntrospectionLimits {
    /// Scope values it may show.
    pub scope: Vec<String>,
    /// Members that stay as they are. `username` and all claims that the server alone writes can only be taken away.
    pub reserved: Vec<String>,
    /// The whole response, in bytes of JSON.
    pub max_bytes: u32,
}

/// Of an object whose members the server does not know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ObjectLimits {
    /// Members that cannot be set.
    pub reserved: Vec<String>,
    /// Of the whole object, in bytes of JSON.
    pub max_bytes: u32,
}

impl Limits {
    /// The scope values that may be granted and satisfy a test; none where no grant is in question.
    pub fn scope_where(&self, test: impl Fn(&str) -> bool) -> Vec<String> {
        self.grant.as_ref().map_or_else(Vec::new, |grant| grant.scope_where(test))
    }
}

impl GrantLimits {
    /// The scope values that may be granted and satisfy a test: what a policy grants when it decides by value.
    pub fn scope_where(&self, test: impl Fn(&str) -> bool) -> Vec<String> {
        self.scope.iter().filter(|value| test(value)).cloned().collect()
    }
}
