//! What only one type of decision has.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    grant::{Actor, Object, Parameters},
    instant::Instant,
    interaction::RequestInfo,
};

/// Of `authorization.request`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AuthorizationRequestSection {
    /// The request, as the login app sees it.
    pub request: RequestInfo,
    /// Whether this browser has a live session.
    #[serde(default)]
    pub session_present: bool,
}

/// The interaction with a user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InteractionFacts {
    /// `ia_…`.
    pub id: String,
    /// `authorization`, `device`, `ciba` or `logout`.
    pub kind: String,
    /// Before or after consent.
    pub stage: InteractionStage,
    /// How many challenges policies have raised in it.
    #[serde(default)]
    pub challenges: u32,
    /// What was consented.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<RequestedConsent>,
    /// Results of pages that policies asked for, by name.
    #[serde(default, skip_serializing_if = "Object::is_empty")]
    pub results: Object,
    /// Tokens that leave through the browser at once: `id_token`, `token`. This is the last hook for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub front_channel: Vec<String>,
    /// Facts of a device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Object>,
    /// Facts of a backchannel authentication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ciba: Option<Object>,
}

/// Where an interaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InteractionStage {
    /// The user is known.
    Evaluate,
    /// The user consented.
    Approve,
}

/// What a user consented to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RequestedConsent {
    /// Scope values.
    pub scope: Vec<String>,
    /// The user was asked in this interaction.
    pub explicit: bool,
}

/// Of `device.request`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DeviceSection {
    /// How long its codes live, in seconds.
    pub expires_in: u32,
    /// How often it may poll, in seconds.
    pub interval: u32,
}

/// Of `ciba.request`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CibaSection {
    /// Whom the client means.
    pub hint: HintFacts,
    /// Shown to the user on both devices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binding_message: Option<String>,
    /// A secret that only the user knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_code: Option<String>,
    /// The life that the client asks for, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_expiry: Option<u32>,
    /// Authentication context classes that the client asks for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acr_values: Vec<String>,
    /// `poll`, `ping` or `push`.
    pub delivery: String,
    /// `request_context` of FAPI-CIBA.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_context: Option<Object>,
}

/// Whom a client means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HintFacts {
    /// `login_hint`, `login_hint_token` or `id_token_hint`.
    pub kind: String,
    /// The hint as it is, if it is not a token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The verified claims of a token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claims: Option<Object>,
}

/// A stored authorization.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AuthorizationFacts {
    /// `az_…`.
    pub id: String,
    /// `authorization`, `device`, `ciba`, `direct` …: how it was granted.
    pub kind: String,
    /// When it was granted.
    pub granted_at: Instant,
    /// Granted scope values.
    #[serde(default)]
    pub scope: Vec<String>,
    /// Granted resources.
    #[serde(default)]
    pub resources: Vec<String>,
    /// `data` of the grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Object>,
    /// `claims_context` of the grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claims_context: Option<Object>,
}

/// Of `grant.refresh_token`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RefreshTokenSection {
    /// When the family began.
    pub first_issued_at: Instant,
    /// When it was last used.
    pub last_used_at: Instant,
    /// How often it was rotated.
    pub count: u32,
    /// Whether this use gives a new token.
    pub rotation: bool,
    /// What was granted in the beginning.
    pub original: OriginalGrant,
    /// Whether the session of the authorization lives.
    pub session_active: bool,
    /// `data` of the grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Object>,
}

/// What was granted in the beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct OriginalGrant {
    /// Scope values.
    pub scope: Vec<String>,
    /// Resources.
    pub resources: Vec<String>,
}

/// Of `grant.password`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PasswordSection {
    /// The user name.
    pub username: String,
    /// The password.
    pub password: String,
    /// A second factor, if the request carried one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otp: Option<String>,
}

impl std::fmt::Debug for PasswordSection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PasswordSection").field("username", &self.username).finish_non_exhaustive()
    }
}

/// Of `grant.client_credentials`: nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClientCredentialsSection {}

/// Who vouches for an assertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// The client itself.
    #[serde(rename = "self")]
    Own,
    /// An issuer that the operator trusts.
    ThirdParty,
}

/// Of `grant.jwt_bearer`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JwtBearerSection {
    /// Who vouches.
    pub trust: Trust,
    /// The issuer.
    pub issuer: JwtIssuer,
    /// The assertion, parsed.
    pub assertion: JwtAssertion,
    /// What the server verified.
    pub verified: JwtVerified,
}

/// The issuer of an assertion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JwtIssuer {
    /// Its `iss`.
    pub id: String,
    /// `inline` or `uri`.
    pub jwks_source: String,
}

/// A verified JWT.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JwtAssertion {
    /// `alg`, `kid`, `typ`.
    pub header: Object,
    /// Its claims.
    pub claims: Object,
}

/// What was verified of a JWT.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct JwtVerified {
    /// Its signature.
    pub signature: bool,
    /// That it is meant for this server.
    pub audience: bool,
    /// That its id was not used before. It is remembered when the tokens are issued.
    pub replay_checked: bool,
}

/// Of `assertion.saml2`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RawAssertionSection {
    /// `saml2`.
    pub format: String,
    /// The assertion as it came, base64url.
    pub value: String,
    /// One of these must be in every audience restriction.
    pub audience: Vec<String>,
    /// The token endpoint: what the recipient of the confirmation must be.
    pub recipient: String,
    /// Clocks may differ by so many seconds.
    pub clock_skew: u32,
}

/// The facts of a SAML assertion: what `assertion.saml2` sets, and what `grant.saml2_bearer` is asked about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Saml2BearerSection {
    /// Who vouches.
    pub trust: Trust,
    /// The assertion, parsed.
    pub assertion: Saml2Assertion,
    /// What was verified.
    pub verified: Saml2Verified,
}

/// A SAML assertion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Saml2Assertion {
    /// Its `ID`.
    pub id: String,
    /// Its issuer.
    pub issuer: String,
    /// `IssueInstant`.
    pub issued_at: Instant,
    /// The subject.
    pub name_id: NameId,
    /// `Conditions`.
    pub conditions: Saml2Conditions,
    /// The bearer confirmations that hold.
    pub subject_confirmation: Vec<SubjectConfirmation>,
    /// `AuthnStatement`s.
    #[serde(default)]
    pub authn: Vec<AuthnStatement>,
    /// Attributes.
    #[serde(default)]
    pub attributes: Vec<Saml2Attribute>,
}

/// The subject of a SAML assertion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NameId {
    /// Its text.
    pub value: String,
    /// Its format.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// `NameQualifier`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_qualifier: Option<String>,
    /// `SPNameQualifier`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sp_name_qualifier: Option<String>,
}

/// `Conditions` of a SAML assertion.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Saml2Conditions {
    /// Not before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Instant>,
    /// Not on or after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_on_or_after: Option<Instant>,
    /// The audiences that all restrictions have in common.
    pub audiences: Vec<String>,
    /// `OneTimeUse`.
    pub one_time_use: bool,
}

/// A bearer confirmation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SubjectConfirmation {
    /// The method.
    pub method: String,
    /// The recipient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
    /// Not on or after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_on_or_after: Option<Instant>,
}

/// An authentication that a SAML assertion states.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuthnStatement {
    /// When.
    pub instant: Instant,
    /// `SessionIndex`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_index: Option<String>,
    /// The class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_ref: Option<String>,
}

/// An attribute of a SAML assertion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Saml2Attribute {
    /// Its name.
    pub name: String,
    /// The format of its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_format: Option<String>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub friendly_name: Option<String>,
    /// Its values, as text.
    pub values: Vec<String>,
}

/// What was verified of a SAML assertion.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Saml2Verified {
    /// Its signature.
    pub signature: bool,
    /// `assertion`.
    pub signed: String,
    /// The signature algorithm.
    pub alg: String,
    /// Whether it came encrypted.
    pub encrypted: bool,
    /// That it was not used before; only the server knows, and sets it.
    pub replay_checked: bool,
}

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
