//! Answers: what the login app sends back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Instant,
    grant::{Grant, Object},
    interaction_prompt::{Kind, LogoutScope},
};

/// An answer to a prompt, by `type`; `deny` answers any prompt that is not final.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Answer {
    /// The user code.
    UserCode(UserCodeAnswer),
    /// A confirmation.
    Confirm(ConfirmAnswer),
    /// Who the user is.
    Auth(AuthAnswer),
    /// What the user granted: either `accept_all`, or `grant` with its lists; a list left out grants nothing of its
    /// kind.
    Consent(Box<ConsentAnswer>),
    /// What a page gave.
    Custom(CustomAnswer),
    /// The user, or the app, refuses.
    Deny(DenyAnswer),
}

/// The user code as typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserCodeAnswer {
    /// The code; case and separators do not matter.
    #[schemars(length(max = 64))]
    pub user_code: String,
}

/// A confirmation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmAnswer {
    /// Yes or no.
    pub accepted: bool,
    /// Logout: how far it reaches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<LogoutScope>,
}

/// Who the user is, and how that was established.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthAnswer {
    /// The user: the local subject.
    #[schemars(length(min = 1, max = 255))]
    pub sub: String,
    /// When; now if absent. At most 60 s in the future.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authenticated_at: Option<Instant>,
    /// Achieved authentication context class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// Methods used (RFC 8176).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// What becomes of the session.
    #[serde(default)]
    pub session: SessionAnswer,
}

/// What becomes of the session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionAction {
    /// A new one.
    #[default]
    Create,
    /// The named one goes on, upgraded by this authentication.
    Reuse,
    /// No single sign-on.
    None,
}

/// Session settings; all durations in seconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SessionAnswer {
    /// Create, reuse or none.
    pub action: SessionAction,
    /// Which one to reuse; one of this interaction's own browser sessions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Whether it outlives the browser ("keep me signed in").
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persistent: Option<bool>,
    /// Absolute limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_life: Option<u32>,
    /// Limit without use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_idle: Option<u32>,
    /// How long this authentication satisfies ordinary requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_life: Option<u32>,
    /// Claims that the login already knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claims: Option<Object>,
    /// Opaque data, shown again in prompts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Object>,
}

/// What the user granted. Either `accept_all`, or `grant` with its lists: a list left out grants nothing of its kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ConsentAnswer {
    /// Exactly what is granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<Grant>,
    /// Everything that this very prompt listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accept_all: Option<bool>,
    /// Whether it is remembered; `never` if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remember: Option<Remember>,
}

/// Whether a consent is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RememberMode {
    /// Until it is withdrawn.
    Always,
    /// For `lifetime` seconds.
    For,
    /// Not at all.
    Never,
}

/// Whether, and how long, a consent is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(
    extend("if" = { "properties": { "mode": { "const": "for" } } }),
    extend("then" = { "required": ["lifetime"] }),
    extend("else" = { "properties": { "lifetime": false } })
)]
pub struct Remember {
    /// Always, for a time, never.
    pub mode: RememberMode,
    /// Seconds, with `for`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<u32>,
}

/// What a page gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomAnswer {
    /// Name of the page.
    pub name: String,
    /// Its result; reaches the policy that asked.
    pub result: Object,
}

/// The user, or the app, refuses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DenyAnswer {
    /// `access_denied` if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<DenyError>,
    /// For the client's developer; the character set of RFC 6749.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512), regex(pattern = r"^[\x20-\x21\x23-\x5B\x5D-\x7E]*$"))]
    pub error_description: Option<String>,
    /// Only logged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// Errors that a denial may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are the specifications'")]
pub enum DenyError {
    AccessDenied,
    LoginRequired,
    ConsentRequired,
    InteractionRequired,
    AccountSelectionRequired,
    UnmetAuthenticationRequirements,
    InvalidScope,
    TemporarilyUnavailable,
    ServerError,
}

impl DenyError {
    /// The code as it stands in a response.
    pub fn code(self) -> &'static str {
        match self {
            Self::AccessDenied => "access_denied",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::InteractionRequired => "interaction_required",
            Self::AccountSelectionRequired => "account_selection_required",
            Self::UnmetAuthenticationRequirements => "unmet_authentication_requirements",
            Self::InvalidScope => "invalid_scope",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::ServerError => "server_error",
        }
    }
}

/// An internal reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// A short name.
    pub code: String,
    /// More about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// How an interaction is opened by a headless UI (`POST /interactions`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Open {
    /// What it is about.
    pub kind: Kind,
    /// The raw request of the client, untouched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RawRequest>,
    /// Device: the code that its user entered; without one the first prompt asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub user_code: Option<String>,
    /// Device: the code came with a link.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub prefilled: bool,
    /// The browser.
    pub browser: Browser,
    /// Logout: `op` when the user asked the UI itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initiator: Option<String>,
    /// Logout by the operator: whose sessions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// Logout by the operator: which session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// Logout by the operator: how far it reaches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<LogoutScope>,
}

/// The raw request of the client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawRequest {
    /// `GET` or `POST`.
    pub method: RequestMethod,
    /// The query string, without `?`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 65536))]
    pub query: Option<String>,
    /// The form body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 65536))]
    pub form: Option<String>,
}

/// Method of an authorization request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum RequestMethod {
    /// Parameters in the query.
    Get,
    /// Parameters in the form.
    Post,
}

/// The browser, as a headless UI sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Browser {
    /// Session handles from its cookies.
    #[schemars(length(max = 16))]
    pub sessions: Vec<String>,
    /// A secret of this browser; sent again with every answer as `Placet-Browser-Binding`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 22, max = 255))]
    pub binding: Option<String>,
    /// A fingerprint, for policies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// Its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// Its user agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
}
