//! How a client asks: by request objects (RFC 9101), signed and encrypted.

use super::{ClientMetadata, HMAC_ALGS, MetadataPolicy, is_secure, refused};
use crate::error::OAuthError;

impl ClientMetadata {
    pub(super) fn check_requests(&self, policy: &MetadataPolicy) -> Result<(), OAuthError> {
        for uri in self.request_uris.iter().flatten() {
            // The fragment may be the hash of what is there (OpenID Connect Core section 6.2).
            let location = uri.split('#').next().unwrap_or_default();
            if !is_secure(location, policy.development) {
                return Err(refused("request_uris", "must be https URLs"));
            }
        }
        let required = self.require_signed_request_object == Some(true);
        let signing_alg = self.request_object_signing_alg.as_deref();
        let by_secret = signing_alg.filter(|alg| HMAC_ALGS.contains(alg));
        match signing_alg {
            Some("none") if required => {
                let reason = "`none` is not possible with `require_signed_request_object`";
                return Err(refused("request_object_signing_alg", reason));
            }
            Some("none") if policy.unsigned_requests => {}
            // OpenID Connect Core section 6.1: a secret signs as well, and it alone.
            Some(alg) if by_secret.is_some() => self.check_secret("request_object_signing_alg", alg)?,
            Some(alg) if !policy.verified_algs.iter().any(|known| known == alg) => {
                return Err(refused("request_object_signing_alg", &format!("`{alg}` is not supported")));
            }
            _ => {}
        }
        let signs = required || signing_alg.is_some_and(|alg| alg != "none");
        if signs && by_secret.is_none() && self.jwks.is_none() && self.jwks_uri.is_none() {
            return Err(refused("jwks", "or `jwks_uri` is needed to verify request objects"));
        }
        self.check_request_encryption(policy)
    }

    fn check_request_encryption(&self, policy: &MetadataPolicy) -> Result<(), OAuthError> {
        let alg = &self.request_object_encryption_alg;
        if let Some(alg) = alg
            && !policy.decrypted_algs.contains(alg)
        {
            return Err(refused("request_object_encryption_alg", &format!("`{alg}` is not supported")));
        }
        if let Some(enc) = &self.request_object_encryption_enc {
            if alg.is_none() {
                let reason = "needs `request_object_encryption_alg`";
                return Err(refused("request_object_encryption_enc", reason));
            }
            if !policy.encryption.content.contains(enc) {
                return Err(refused("request_object_encryption_enc", &format!("`{enc}` is not supported")));
            }
        }
        Ok(())
    }
}
