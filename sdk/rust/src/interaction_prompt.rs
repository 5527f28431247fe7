//! Prompts: what the server wants to know next.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Instant,
    grant::{Grant, Object, Parameters},
};

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

/// The client as its users may see it: never secrets or keys.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ClientInfo {
    /// Client identifier.
    pub client_id: String,
    /// `confidential` or `public`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub client_type: Option<String>,
    /// `web` or `native`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_type: Option<String>,
    /// Name in the user's language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Logo.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo_uri: Option<String>,
    /// Home page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    /// Privacy policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_uri: Option<String>,
    /// Terms of service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tos_uri: Option<String>,
    /// Whether the client belongs to the operator.
    pub first_party: bool,
    /// The operator's own metadata.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Object>,
}

/// The validated request; `state` and `nonce` are not shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RequestInfo {
    /// `response_type`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_type: Option<String>,
    /// `response_mode` in effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_mode: Option<String>,
    /// Where the browser goes in the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<String>,
    /// Requested scope values.
    pub scope: Vec<String>,
    /// Requested resource indicators.
    pub resources: Vec<String>,
    /// Requested authorization details.
    pub authorization_details: Vec<Object>,
    /// `prompt` values.
    pub prompt: Vec<String>,
    /// `max_age`, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u64>,
    /// Whether it came through the pushed authorization request endpoint.
    pub pushed: bool,
    /// Whether it was a signed request object.
    pub signed: bool,
    /// PKCE method, where PKCE is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pkce: Option<String>,
    /// Thumbprint of the announced `DPoP` key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dpop_jkt: Option<String>,
    /// Non-standard parameters that the configuration lets through.
    pub parameters: Parameters,
}

/// A session of a user with the server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionInfo {
    /// Id, `ses_…`; not a credential.
    #[schemars(regex(pattern = r"^ses_[A-Za-z0-9_-]{22}$"))]
    pub id: String,
    /// The user.
    pub sub: String,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Instant>,
    /// When the user last authenticated.
    pub authenticated_at: Instant,
    /// Authentication context class reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// Authentication methods.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// When it ends at the latest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
    /// Opaque data of the login app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Object>,
}

/// How the pages shall look and speak.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct UiHints {
    /// `ui_locales`, in order of preference.
    pub locales: Vec<String>,
    /// `page`, `popup`, `touch` or `wap`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display: Option<String>,
    /// `login_hint`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login_hint: Option<String>,
    /// `domain_hint`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain_hint: Option<String>,
    /// `signup` when the request asked for `prompt=create`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub screen: Option<String>,
}

/// Facts of a logout.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct LogoutInfo {
    /// `rp` when a client asked, `op` when the operator or user did.
    pub initiator: String,
    /// Whether a valid `id_token_hint` of this browser's session came along.
    pub hint_verified: bool,
    /// Clients with which the session was used.
    pub clients: Vec<String>,
    /// Whether the browser returns to the client in the end.
    pub post_logout_redirect: bool,
}

/// Facts of a device request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceInfo {
    /// The code shown on the device.
    pub user_code: String,
    /// Whether the code came with the link.
    pub prefilled: bool,
    /// Address of the device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// User agent of the device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// When the device asked.
    pub started_at: Instant,
}

/// Facts of a backchannel request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CibaInfo {
    /// Shown on both devices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binding_message: Option<String>,
    /// `poll`, `ping` or `push`.
    pub delivery: String,
    /// Requested authentication context classes.
    #[serde(default)]
    pub acr_values: Vec<String>,
    /// Requested lifetime in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_expiry: Option<u64>,
    /// Context of the request (FAPI-CIBA).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_context: Option<Object>,
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
    /// Requested authorization details, each with a `status`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorization_details: Vec<Object>,
    /// Offline access.
    #[serde(default)]
    pub offline: Offline,
    /// What is remembered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remembered: Option<Remembered>,
    /// Token settings that apply when the answer sends none.
    #[serde(default)]
    pub defaults: Grant,
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
