//! The section `consent`: obtain the grant.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Instant,
    grant::{Grant, Object},
};

/// Why consent is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConsentReason {
    /// The user never granted this client anything.
    FirstTime,
    /// A scope value is new.
    NewScope,
    /// A claim is new.
    NewClaims,
    /// An authorization detail is new.
    NewAuthorizationDetails,
    /// `prompt=consent`.
    PromptConsent,
    /// Offline access is asked for.
    OfflineAccess,
    /// The remembered consent is over.
    Expired,
    /// A native client, whose identity cannot be assured (RFC 8252 section 8.6).
    NativeClient,
    /// The client is configured so.
    Always,
    /// A policy asks for it.
    Policy,
}

/// Whether something was granted before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Never granted.
    New,
    /// In the remembered consent.
    Granted,
}

/// Obtain the grant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConsentPrompt {
    /// Why.
    pub reasons: Vec<ConsentReason>,
    /// Whose consent.
    pub subject: ConsentSubject,
    /// Requested scope values.
    pub scope: Vec<ScopeItem>,
    /// Requested claims.
    #[serde(default)]
    pub claims: Vec<ClaimItem>,
    /// Requested authorization details (RFC 9396), each with a `status`: `new` or `granted`. What is granted is one of
    /// these without `status`; where the details of a type are enrichable, members may be added or changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorization_details: Vec<Object>,
    /// How to show them: one for each of `authorization_details`, in the same order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorization_details_info: Vec<DetailInfo>,
    /// Offline access.
    #[serde(default)]
    pub offline: Offline,
    /// What is remembered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remembered: Option<Remembered>,
    /// Token settings that apply when the answer sends none.
    #[serde(default)]
    pub defaults: Grant,
    /// A message for the user, of the policy that asks for this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Whose consent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConsentSubject {
    /// The user.
    pub sub: String,
}

/// A requested scope value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScopeItem {
    /// The value.
    pub value: String,
    /// New or granted before.
    pub status: Status,
    /// Cannot be declined (`openid`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// Resources it belongs to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// Title in the user's language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Description in the user's language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// Where a claim goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClaimTarget {
    /// The ID token.
    IdToken,
    /// `UserInfo`.
    Userinfo,
    /// The access token.
    AccessToken,
}

/// A requested claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClaimItem {
    /// Its name, perhaps with a language tag.
    pub name: String,
    /// New or granted before.
    pub status: Status,
    /// Whether the client says it cannot do without.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub essential: bool,
    /// Where it goes.
    pub targets: Vec<ClaimTarget>,
    /// What the client says it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
}

/// How to show a requested authorization detail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DetailInfo {
    /// Title of its type in the user's language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Description of its type in the user's language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How members are called in the user's language, by their JSON pointers.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// JSON pointers of members that may be added or changed: the account that the user chooses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub enrichable: Vec<String>,
    /// Whether it is good for one time: it is asked for each time, whatever is remembered.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub one_time: bool,
}

/// Offline access.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Offline {
    /// The client asked for `offline_access`.
    pub requested: bool,
    /// It may have it.
    pub allowed: bool,
}

/// A remembered consent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Remembered {
    /// Its id, `cns_…`.
    #[schemars(regex(pattern = r"^cns_[A-Za-z0-9_-]{22}$"))]
    pub consent_id: String,
    /// When it was given or last widened.
    pub granted_at: Instant,
    /// What it covers.
    pub scope: Vec<String>,
}
