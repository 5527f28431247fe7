//! What a server that is held to a profile announces.

use serde_json::{Value, json};

use super::Profile;
use crate::{ciba::DeliveryMode, client::AuthMethod, grant_type::GrantType, response_type::ResponseType};

impl Profile {
    /// Leaves out of a discovery document what the profile forbids, and says what it demands of every client.
    pub fn announce(self, document: &mut Value) {
        let Value::Object(members) = document else { return };
        for (name, value) in members.iter_mut() {
            let Value::Array(values) = value else { continue };
            let keeps: &dyn Fn(&str) -> bool = match name.as_str() {
                "response_types_supported" => {
                    &|text| ResponseType::parse(text).is_ok_and(|kind| self.allows_response_type(kind))
                }
                "grant_types_supported" => {
                    &|text| GrantType::parse(text).is_some_and(|grant| self.allows_grant(grant))
                }
                "backchannel_token_delivery_modes_supported" => &|text| {
                    DeliveryMode::ALL
                        .into_iter()
                        .any(|mode| mode.as_str() == text && self.allows_delivery(mode))
                },
                name if name.ends_with("_auth_methods_supported") => &|text| {
                    let method = AuthMethod::parse(text);
                    self.auth_methods().is_none_or(|all| method.is_some_and(|method| all.contains(&method)))
                },
                name if name.ends_with("signing_alg_values_supported") => &|text| self.allows_algorithm(text),
                _ => continue,
            };
            values.retain(|value| value.as_str().is_some_and(keeps));
        }
        if self.is_fapi2() {
            members.insert("require_pushed_authorization_requests".to_owned(), json!(true));
        }
        if self.request_object_lifetime().is_some() {
            members.insert("require_signed_request_object".to_owned(), json!(true));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_profile_forbids_is_not_announced() {
        let mut document = json!({
            "issuer": "https://as.example",
            "response_types_supported": ["code", "code id_token", "id_token"],
            "grant_types_supported": ["authorization_code", "implicit", "password"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "private_key_jwt", "tls_client_auth", "none"],
            "id_token_signing_alg_values_supported": ["RS256", "PS256", "ES256", "HS256"],
            "dpop_signing_alg_values_supported": ["RS256", "EdDSA"],
            "scopes_supported": ["openid"],
        });
        Profile::Fapi2SecurityProfile.announce(&mut document);
        assert_eq!(
            document,
            json!({
                "issuer": "https://as.example",
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code"],
                "token_endpoint_auth_methods_supported": ["private_key_jwt", "tls_client_auth"],
                "id_token_signing_alg_values_supported": ["PS256", "ES256"],
                "dpop_signing_alg_values_supported": ["EdDSA"],
                "scopes_supported": ["openid"],
                "require_pushed_authorization_requests": true,
            })
        );
        let mut document = json!({ "response_types_supported": ["code", "code id_token", "code token"] });
        Profile::Fapi1Advanced.announce(&mut document);
        assert_eq!(document["response_types_supported"], json!(["code", "code id_token"]));
        assert_eq!(document["require_signed_request_object"], json!(true));
    }
}
