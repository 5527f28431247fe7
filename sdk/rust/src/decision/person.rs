//! Sections of what has to do with a user at hand or with a stored authorization.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{grant::Object, instant::Instant, interaction::RequestInfo};

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
    /// `ia_…`; of a direct grant, the `az_…` that it is about to become.
    pub id: String,
    /// `authorization`, `device`, `ciba` or `logout`; `direct` for a grant without a browser, where nobody can be
    /// challenged.
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

/// Of `grant.client_credentials`: nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClientCredentialsSection {}
