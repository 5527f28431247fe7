//! The other resources of the interaction API: sessions, consents, authorizations, direct grants and reports.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Instant,
    grant::{Grant, Object},
    interaction::{ClientInfo, SessionInfo},
};

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "PageOf{T}")]
pub struct Page<T> {
    /// The entries.
    pub items: Vec<T>,
    /// Pass it as `cursor` to get the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// A list of sessions.
pub type SessionList = Page<SessionInfo>;

/// A remembered consent: one per user, client and resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConsentInfo {
    /// Id, `cns_…`.
    #[schemars(regex(pattern = r"^cns_[A-Za-z0-9_-]{22}$"))]
    pub id: String,
    /// The user.
    pub sub: String,
    /// The client.
    pub client_id: String,
    /// The name of the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
    /// The client as its users may see it; absent if it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientInfo>,
    /// Where the user can begin a sign-in at the client (OpenID Connect Core section 4): its `initiate_login_uri`, with `iss`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_in_uri: Option<String>,
    /// Granted scope values.
    pub scope: Vec<String>,
    /// Granted claim names.
    pub claims: Vec<String>,
    /// Granted authorization details (RFC 9396).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorization_details: Vec<Object>,
    /// When it was given or last widened.
    pub granted_at: Instant,
    /// When it ends; absent means never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
}

/// A stored authorization: one per grant; it owns the tokens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AuthorizationInfo {
    /// Id, `az_…`.
    #[schemars(regex(pattern = r"^az_[A-Za-z0-9_-]{22}$"))]
    pub id: String,
    /// The user.
    pub sub: String,
    /// The client.
    pub client_id: String,
    /// The client as its users may see it; absent if it is gone, and in the admin API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientInfo>,
    /// Where the user can begin a sign-in at the client (OpenID Connect Core section 4): its `initiate_login_uri`, with `iss`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_in_uri: Option<String>,
    /// Granted scope values.
    pub scope: Vec<String>,
    /// Granted authorization details (RFC 9396).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorization_details: Vec<Object>,
    /// When it was granted.
    pub created_at: Instant,
    /// When it ends at the latest.
    pub expires_at: Instant,
    /// The session it was granted in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
}

/// A grant without a browser (`POST /grants`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DirectGrant {
    /// For which client; one that the UI's registration lists.
    pub client_id: String,
    /// In this session of the user (`ses_…`); or else `sub`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// For this user; or else `session`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub sub: Option<String>,
    /// What is granted.
    pub grant: Grant,
}

/// The tokens of a direct grant (RFC 6749 section 5.1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DirectGrantTokens {
    /// The access token.
    pub access_token: String,
    /// `Bearer`.
    pub token_type: String,
    /// Lifetime of the access token in seconds.
    pub expires_in: u64,
    /// Granted scope values, space-delimited.
    pub scope: String,
    /// The refresh token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// The ID token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
    /// The authorization details that were granted (RFC 9396 section 7).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_details: Option<Vec<Object>>,
}

/// What a report says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ReportType {
    /// The user's credential changed.
    #[serde(rename = "credential.changed")]
    CredentialChanged,
    /// The account is disabled: nothing is issued for it from now on, and its tokens end.
    #[serde(rename = "account.disabled")]
    AccountDisabled,
    /// The account is enabled again.
    #[serde(rename = "account.enabled")]
    AccountEnabled,
    /// A login failed.
    #[serde(rename = "login.failed")]
    LoginFailed,
}

/// A fact that the server cannot see (`POST /reports`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// What happened.
    #[serde(rename = "type")]
    pub report_type: ReportType,
    /// To whom.
    #[schemars(length(min = 1, max = 255))]
    pub sub: String,
    /// `credential.changed`: also end the user's sessions.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub end_sessions: bool,
    /// More about it; only logged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
