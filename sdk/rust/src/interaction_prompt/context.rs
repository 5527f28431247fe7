//! What stands around a prompt: the client, the request, the session, hints for the pages.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Instant,
    grant::{Object, Parameters},
};

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
    /// The host that serves the metadata of a client that nobody registered: show it beside the name, which is only
    /// what the client says of itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document_host: Option<String>,
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
    /// When it was last used, within a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Instant>,
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
