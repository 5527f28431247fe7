//! What clients get as JWTs, and how they want them signed and encrypted (OpenID Connect Registration section 2, RFC
//! 9701 section 6, JARM section 3).

use super::{ClientMetadata, HMAC_ALGS, MetadataPolicy, policy::refused};
use crate::error::OAuthError;

/// An answer that is a JWT, or can be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwtResponse {
    /// ID tokens (OpenID Connect Core section 2).
    IdToken,
    /// `UserInfo` responses (OpenID Connect Core section 5.3.2).
    Userinfo,
    /// Introspection responses (RFC 9701).
    Introspection,
    /// Authorization responses (JARM).
    Authorization,
}

/// How a client wants such answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseAlgs<'a> {
    /// The algorithm that signs; none if the answer is not signed.
    pub signed: Option<&'a str>,
    /// The algorithm that encrypts; none if the answer is not encrypted.
    pub alg: Option<&'a str>,
    /// The encryption of the content, if the client names one.
    pub enc: Option<&'a str>,
}

/// What encrypts, by the names of JOSE.
#[derive(Clone, Debug, Default)]
pub struct EncryptionAlgs {
    /// Values of `alg` that need a public key of the recipient.
    pub asymmetric: Vec<String>,
    /// Values of `alg` whose key is the client secret (OpenID Connect Core section 10.2).
    pub symmetric: Vec<String>,
    /// Values of `enc`.
    pub content: Vec<String>,
}

impl EncryptionAlgs {
    /// All values of `alg`.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        self.asymmetric.iter().chain(&self.symmetric).map(String::as_str)
    }
}

impl JwtResponse {
    /// Every such answer.
    pub const ALL: [Self; 4] = [Self::IdToken, Self::Userinfo, Self::Introspection, Self::Authorization];

    /// What the names of its members begin with, in the metadata of clients and of the server.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::IdToken => "id_token",
            Self::Userinfo => "userinfo",
            Self::Introspection => "introspection",
            Self::Authorization => "authorization",
        }
    }
}

impl ClientMetadata {
    /// How the client wants these answers. All but `UserInfo` are always signed, by default with RS256 (OpenID Connect
    /// Registration section 2, RFC 9701 section 6, JARM section 3).
    pub fn algs_of(&self, response: JwtResponse) -> ResponseAlgs<'_> {
        let (signed, alg, enc) = match response {
            JwtResponse::IdToken => (
                &self.id_token_signed_response_alg,
                &self.id_token_encrypted_response_alg,
                &self.id_token_encrypted_response_enc,
            ),
            JwtResponse::Userinfo => (
                &self.userinfo_signed_response_alg,
                &self.userinfo_encrypted_response_alg,
                &self.userinfo_encrypted_response_enc,
            ),
            JwtResponse::Introspection => (
                &self.introspection_signed_response_alg,
                &self.introspection_encrypted_response_alg,
                &self.introspection_encrypted_response_enc,
            ),
            JwtResponse::Authorization => (
                &self.authorization_signed_response_alg,
                &self.authorization_encrypted_response_alg,
                &self.authorization_encrypted_response_enc,
            ),
        };
        let default = (response != JwtResponse::Userinfo).then_some("RS256");
        ResponseAlgs { signed: signed.as_deref().or(default), alg: alg.as_deref(), enc: enc.as_deref() }
    }

    pub(super) fn check_responses(&self, policy: &MetadataPolicy) -> Result<(), OAuthError> {
        for response in JwtResponse::ALL {
            let algs = self.algs_of(response);
            let member = |name: &str| format!("{}_{name}", response.prefix());
            if let Some(alg) = algs.signed {
                self.check_signed(&member("signed_response_alg"), alg, policy)?;
            }
            let (of_alg, of_enc) = (member("encrypted_response_alg"), member("encrypted_response_enc"));
            self.check_encrypted((&of_alg, algs.alg), (&of_enc, algs.enc), &policy.encryption)?;
        }
        Ok(())
    }

    fn check_signed(&self, member: &str, alg: &str, policy: &MetadataPolicy) -> Result<(), OAuthError> {
        if HMAC_ALGS.contains(&alg) {
            return self.check_secret(member, alg);
        }
        if policy.signing_algs.iter().any(|known| known == alg) {
            return Ok(());
        }
        Err(refused(member, &format!("`{alg}` is not supported")))
    }

    /// What is the key of one who encrypts to the client: a public key of its own, or its secret.
    fn check_encrypted(
        &self,
        (of_alg, alg): (&str, Option<&str>),
        (of_enc, enc): (&str, Option<&str>),
        known: &EncryptionAlgs,
    ) -> Result<(), OAuthError> {
        let Some(alg) = alg else {
            return match enc {
                // OpenID Connect Registration section 2: without `alg` nothing is encrypted.
                Some(_) => Err(refused(of_enc, &format!("is nothing without `{of_alg}`"))),
                None => Ok(()),
            };
        };
        if let Some(enc) = enc
            && !known.content.iter().any(|one| one == enc)
        {
            return Err(refused(of_enc, &format!("`{enc}` is not supported")));
        }
        if known.symmetric.iter().any(|one| one == alg) {
            return self.check_secret(of_alg, alg);
        }
        if !known.asymmetric.iter().any(|one| one == alg) {
            return Err(refused(of_alg, &format!("`{alg}` is not supported")));
        }
        if self.jwks.is_none() && self.jwks_uri.is_none() {
            return Err(refused(of_alg, &format!("`{alg}` needs a key in `jwks` or `jwks_uri`")));
        }
        Ok(())
    }

    pub(super) fn check_secret(&self, member: &str, alg: &str) -> Result<(), OAuthError> {
        if self.token_endpoint_auth_method.is_some_and(super::AuthMethod::needs_secret) {
            return Ok(());
        }
        let reason = format!("`{alg}` is only possible for a client that authenticates by a secret");
        Err(refused(member, &reason))
    }
}
