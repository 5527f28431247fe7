//! Client metadata as JSON from outside (RFC 7591 section 2).

use serde_json::{Map, Value};

use super::{ClientMetadata, localized::base_of};
use crate::error::OAuthError;

/// Every member that is understood, apart from those with language tags.
pub(super) const MEMBERS: &[&str] = &[
    "redirect_uris",
    "token_endpoint_auth_method",
    "token_endpoint_auth_signing_alg",
    "tls_client_auth_subject_dn",
    "tls_client_auth_san_dns",
    "tls_client_auth_san_uri",
    "tls_client_auth_san_ip",
    "tls_client_auth_san_email",
    "grant_types",
    "response_types",
    "client_name",
    "logo_uri",
    "client_uri",
    "policy_uri",
    "tos_uri",
    "contacts",
    "jwks_uri",
    "jwks",
    "software_id",
    "software_version",
    "scope",
    "authorization_details_types",
    "application_type",
    "sector_identifier_uri",
    "subject_type",
    "id_token_signed_response_alg",
    "id_token_encrypted_response_alg",
    "id_token_encrypted_response_enc",
    "userinfo_signed_response_alg",
    "userinfo_encrypted_response_alg",
    "userinfo_encrypted_response_enc",
    "introspection_signed_response_alg",
    "introspection_encrypted_response_alg",
    "introspection_encrypted_response_enc",
    "default_max_age",
    "require_auth_time",
    "default_acr_values",
    "initiate_login_uri",
    "post_logout_redirect_uris",
    "backchannel_logout_uri",
    "backchannel_logout_session_required",
    "frontchannel_logout_uri",
    "frontchannel_logout_session_required",
    "dpop_bound_access_tokens",
    "tls_client_certificate_bound_access_tokens",
    "authorization_signed_response_alg",
    "authorization_encrypted_response_alg",
    "authorization_encrypted_response_enc",
    "request_uris",
    "require_signed_request_object",
    "request_object_signing_alg",
    "request_object_encryption_alg",
    "request_object_encryption_enc",
    "require_pushed_authorization_requests",
    "backchannel_token_delivery_mode",
    "backchannel_client_notification_endpoint",
    "backchannel_authentication_request_signing_alg",
    "backchannel_user_code_parameter",
];

impl ClientMetadata {
    /// Reads metadata from outside: `null` is the same as absent, members that this server does not understand are
    /// ignored, as RFC 7591 section 2 demands.
    ///
    /// Fails with `invalid_client_metadata` that names the member whose value has the wrong type or is not supported.
    pub fn from_json(members: Map<String, Value>) -> Result<Self, OAuthError> {
        let mut understood = Map::new();
        for (name, value) in members {
            if value.is_null() {
                continue;
            }
            if MEMBERS.contains(&name.as_str()) {
                check_member(&name, &value)?;
                understood.insert(name, value);
            } else if base_of(&name).is_some() {
                if !value.is_string() {
                    return Err(OAuthError::invalid_client_metadata(format!("`{name}` must be a string")));
                }
                understood.insert(name, value);
            }
        }
        serde_json::from_value(Value::Object(understood))
            .map_err(|_| OAuthError::invalid_client_metadata("the metadata is malformed"))
    }
}

/// Reads one member alone, because an error of the whole object would not say which member is wrong.
fn check_member(name: &str, value: &Value) -> Result<(), OAuthError> {
    let alone = Map::from_iter([(name.to_owned(), value.clone())]);
    match serde_json::from_value::<ClientMetadata>(Value::Object(alone)) {
        Ok(_) => Ok(()),
        Err(_) => Err(OAuthError::invalid_client_metadata(format!(
            "the value of `{name}` has the wrong type or is not supported"
        ))),
    }
}
