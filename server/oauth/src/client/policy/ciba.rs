//! What a client needs for authentication on another device (CIBA Core section 4).

use super::{AuthMethod, ClientMetadata, MetadataPolicy, is_secure, refused};
use crate::{error::OAuthError, grant_type::GrantType};

impl ClientMetadata {
    pub(super) fn check_ciba(&self, policy: &MetadataPolicy) -> Result<(), OAuthError> {
        let endpoint = self.backchannel_client_notification_endpoint.as_deref();
        if endpoint.is_some_and(|uri| !is_secure(uri, policy.development)) {
            return Err(refused("backchannel_client_notification_endpoint", "must be an https URL"));
        }
        if let Some(alg) = &self.backchannel_authentication_request_signing_alg {
            if !policy.verified_algs.contains(alg) {
                let reason = format!("`{alg}` is not supported");
                return Err(refused("backchannel_authentication_request_signing_alg", &reason));
            }
            if self.jwks.is_none() && self.jwks_uri.is_none() {
                return Err(refused("jwks", "or `jwks_uri` is needed to verify authentication requests"));
            }
        }
        if !self.grants(GrantType::Ciba) {
            return Ok(());
        }
        if self.token_endpoint_auth_method == Some(AuthMethod::None) {
            let reason = format!("`none` is not possible with the grant type {}", GrantType::Ciba.as_str());
            return Err(refused("token_endpoint_auth_method", &reason));
        }
        match self.backchannel_token_delivery_mode {
            None => {
                let reason = format!("is required with the grant type {}", GrantType::Ciba.as_str());
                Err(refused("backchannel_token_delivery_mode", &reason))
            }
            Some(mode) if mode.notifies() && endpoint.is_none() => {
                let reason = format!("is required with the delivery mode {}", mode.as_str());
                Err(refused("backchannel_client_notification_endpoint", &reason))
            }
            Some(_) => Ok(()),
        }
    }
}
