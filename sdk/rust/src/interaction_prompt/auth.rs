//! The section `auth`: establish who the user is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Instant;

/// Why the user has to authenticate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthReason {
    /// This browser has no session.
    NoSession,
    /// The session was unused for too long.
    SessionIdle,
    /// The session is over.
    SessionExpired,
    /// The authentication is older than the request allows.
    MaxAgeExceeded,
    /// `prompt=login`.
    PromptLogin,
    /// `prompt=select_account`.
    PromptSelectAccount,
    /// `prompt=create`.
    PromptCreate,
    /// The authentication context class does not suffice.
    AcrInsufficient,
    /// A demanded method is missing.
    AmrInsufficient,
    /// Another user is demanded than the one signed in.
    SubjectMismatch,
    /// A policy asks for more.
    PolicyStepUp,
    /// The last answer did not meet the demand.
    AnswerInsufficient,
}

/// Which accounts may answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccountMode {
    /// Any.
    Any,
    /// The user shall choose among `candidates`, or sign in with another account.
    Select,
    /// Only `sub`.
    Fixed,
}

/// Establish who the user is, at the demanded strength.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AuthPrompt {
    /// Why.
    pub reasons: Vec<AuthReason>,
    /// 1, then one more each time an answer fell short.
    #[schemars(range(min = 1))]
    pub attempt: u32,
    /// Which accounts may answer.
    pub account: AccountPrompt,
    /// Demanded authentication context class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<AcrDemand>,
    /// Demanded methods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amr: Option<AmrDemand>,
    /// Greatest age of the authentication, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u64>,
    /// `authenticated_at` must not be before this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Instant>,
    /// Whether signing up is asked for or allowed.
    pub create: bool,
    /// A message for the user, of the policy that asks for this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Which accounts may answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AccountPrompt {
    /// Any, a choice, or one.
    pub mode: AccountMode,
    /// The one, where the mode is `fixed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// The sessions of this browser, where the mode is `select`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<Candidate>,
}

/// An account that this browser is signed in to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Candidate {
    /// Its session; `session.action = "reuse"` names it.
    #[schemars(regex(pattern = r"^ses_[A-Za-z0-9_-]{22}$"))]
    pub session_id: String,
    /// The user.
    pub sub: String,
    /// When the user last authenticated.
    pub authenticated_at: Instant,
    /// Authentication context class reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// Authentication methods.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
}

/// Demanded authentication context class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AcrDemand {
    /// In order of preference.
    pub values: Vec<String>,
    /// Whether the server refuses anything else.
    pub essential: bool,
    /// What the session has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<String>,
}

/// Demanded authentication methods.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AmrDemand {
    /// All of them (RFC 8176).
    pub values: Vec<String>,
}
