//! What a client needs that authenticates by a certificate (RFC 8705 sections 2.1.2 and 2.2.2).

use super::refused;
use crate::{
    client::{AuthMethod, ClientMetadata},
    error::OAuthError,
    mtls::{self, CertificateSubject},
};

impl ClientMetadata {
    pub(super) fn check_certificate(&self) -> Result<(), OAuthError> {
        let method = self.token_endpoint_auth_method;
        let subject =
            CertificateSubject::registered(self).map_err(|(member, reason)| refused(member, &reason))?;
        match (method, subject) {
            (Some(AuthMethod::TlsClientAuth), None) => {
                let members = mtls::MEMBERS.map(|member| format!("`{member}`")).join(", ");
                let reason = format!("`tls_client_auth` needs one of {members}");
                Err(refused("token_endpoint_auth_method", &reason))
            }
            (Some(AuthMethod::SelfSignedTlsClientAuth), None)
                if self.jwks.is_none() && self.jwks_uri.is_none() =>
            {
                let reason = "`self_signed_tls_client_auth` needs `jwks` or `jwks_uri`";
                Err(refused("token_endpoint_auth_method", reason))
            }
            (Some(AuthMethod::TlsClientAuth), Some(_)) | (_, None) => Ok(()),
            (method, Some(_)) => {
                let method = method.map_or("none", AuthMethod::as_str);
                let reason = format!("the members `tls_client_auth_…` are not possible with `{method}`");
                Err(refused("token_endpoint_auth_method", &reason))
            }
        }
    }
}
