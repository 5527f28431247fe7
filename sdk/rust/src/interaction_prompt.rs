//! Prompts: what the server wants to know next.

mod auth;
mod consent;
mod context;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Instant, grant::Object};

pub use auth::*;
pub use consent::*;
pub use context::*;

/// What an interaction is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An authorization request in a browser.
    Authorization,
    /// A device that waits for approval (RFC 8628).
    Device,
    /// A backchannel authentication request (CIBA).
    Ciba,
    /// Signing out.
    Logout,
}

/// The envelope of every prompt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Prompt {
    /// Id of the interaction, `ia_…`.
    #[schemars(regex(pattern = r"^ia_[A-Za-z0-9_-]{38}$"))]
    pub id: String,
    /// What it is about.
    pub kind: Kind,
    /// Starts at 1 and grows by 1 with every accepted answer.
    #[schemars(range(min = 1))]
    pub step: u32,
    /// When the interaction was opened.
    pub created_at: Instant,
    /// When it dies if nothing happens before.
    pub expires_at: Instant,
    /// The issuer identifier of the server.
    pub issuer: String,
    /// The tenant, where there is more than one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Who asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientInfo>,
    /// What was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestInfo>,
    /// The session of the user in this browser.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionInfo>,
    /// How the pages shall look and speak.
    pub ui: UiHints,
    /// Facts of a logout, on every prompt of that kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logout: Option<LogoutInfo>,
    /// Facts of a device request, on every prompt of that kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceInfo>,
    /// Facts of a backchannel request, on every prompt of that kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ciba: Option<CibaInfo>,
    /// Scratch state that the app stored with the interaction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Object>,
    /// What is asked: member `type`, and a section of the same name.
    #[serde(flatten)]
    pub body: Body,
}

/// What is asked, by `type`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Body {
    /// Ask for the user code shown on a device.
    UserCode {
        /// The section.
        user_code: UserCodePrompt,
    },
    /// Ask for a confirmation.
    Confirm {
        /// The section.
        confirm: ConfirmPrompt,
    },
    /// Establish who the user is.
    Auth {
        /// The section.
        auth: AuthPrompt,
    },
    /// Obtain the user's consent.
    Consent {
        /// The section.
        consent: Box<ConsentPrompt>,
    },
    /// Run a page that a policy asked for.
    Custom {
        /// The section.
        custom: CustomPrompt,
    },
    /// Finish: send the browser where `delivery` says.
    Response {
        /// The section.
        response: ResponsePrompt,
    },
    /// Show an error page: there is nowhere safe to send the browser.
    Error {
        /// The section.
        error: ErrorPrompt,
    },
}

impl Body {
    /// The value of the member `type`.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::UserCode { .. } => "user_code",
            Self::Confirm { .. } => "confirm",
            Self::Auth { .. } => "auth",
            Self::Consent { .. } => "consent",
            Self::Custom { .. } => "custom",
            Self::Response { .. } => "response",
            Self::Error { .. } => "error",
        }
    }

    /// Whether no further answer is expected.
    pub fn is_terminal(&self) -> bool {
        matches!(self, Self::Response { .. } | Self::Error { .. })
    }
}

/// Ask for a user code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UserCodePrompt {
    /// Attempts left before the interaction ends.
    pub attempts_left: u32,
}

/// Ask for a confirmation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConfirmPrompt {
    /// `device` or `logout`.
    pub what: String,
    /// Reasons for caution: `different_network`, `prefilled_code`, `old_request`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warn: Vec<String>,
    /// Logout: how far it may reach.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<LogoutScope>,
    /// Logout: what happens when the answer names no scope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<LogoutScope>,
}

/// How far a logout reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogoutScope {
    /// Only the asking client's authorizations of this session.
    Client,
    /// This browser's session.
    Session,
    /// Every session of the user.
    Subject,
}

/// Run a page that a policy asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CustomPrompt {
    /// Name of the page.
    pub name: String,
    /// Its parameters.
    #[serde(default)]
    pub params: Object,
    /// A message for the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Granted, or done.
    Success,
    /// Refused.
    Error,
}

/// How the browser is sent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryMethod {
    /// A redirect to `uri`.
    Redirect,
    /// A form with `fields`, posted to `uri`.
    FormPost,
    /// A message to the opener.
    WebMessage,
    /// Nowhere: "go back to your device".
    None,
}

/// Where the browser goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Delivery {
    /// How.
    pub method: DeliveryMethod,
    /// Where to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// Form fields of `form_post`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<std::collections::BTreeMap<String, String>>,
}

/// Finish.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ResponsePrompt {
    /// Success or error.
    pub outcome: Outcome,
    /// The OAuth error code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Its description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_description: Option<String>,
    /// Where the browser goes.
    pub delivery: Delivery,
    /// Headless front door only: the session cookie to set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<ResponseSession>,
    /// What was granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
    /// Logout: what is to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logout: Option<LogoutResult>,
}

/// The session cookie that a headless UI sets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ResponseSession {
    /// Id of the session.
    #[schemars(regex(pattern = r"^ses_[A-Za-z0-9_-]{22}$"))]
    pub id: String,
    /// The cookie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cookie: Option<SessionCookie>,
}

/// A cookie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SessionCookie {
    /// Name.
    pub name: String,
    /// Value: the handle, a credential.
    pub value: String,
    /// Lifetime in seconds; absent for a cookie of the browser session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u64>,
}

/// What was granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// The authorization, `az_…`; absent until it takes effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_id: Option<String>,
    /// The user.
    pub sub: String,
    /// Granted scope values.
    pub scope: Vec<String>,
}

/// What a logout does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct LogoutResult {
    /// Pages to load in hidden frames.
    pub frontchannel: Vec<String>,
    /// Messages to clients.
    pub backchannel: Backchannel,
    /// Headless front door only: cookies to clear.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub clear_cookies: Vec<String>,
}

/// Messages to clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Backchannel {
    /// How many were queued.
    pub queued: u32,
}

/// Show an error page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorPrompt {
    /// The OAuth error code.
    pub error: String,
    /// A description for developers.
    pub error_description: String,
    /// Whether trying again may help.
    pub retryable: bool,
}
