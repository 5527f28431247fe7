//! Sections of the grants that present a password or an assertion.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{grant::Object, instant::Instant};

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
