//! The secret of a client: what the server keeps of it, and when it has to know it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use placet_oauth::{
    client::{AuthMethod, HMAC_ALGS, JwtResponse},
    id::Secret,
};

use super::{Client, mac};
use crate::{
    outcome::Fault,
    random::{self, Random},
    seal::RootKeys,
};

/// Kind of the digests of client secrets.
pub const CLIENT_SECRET: &str = "client_secret";
/// Kind of the digests of registration access tokens.
pub const REGISTRATION_TOKEN: &str = "registration_token";

impl Client {
    /// Gives the client a secret if its way to authenticate needs one that it does not have, and takes the one away
    /// that it has and does not need. Gives the new one, to be shown once.
    pub fn settle_secret(&mut self, root: &RootKeys, random: &dyn Random) -> Result<Option<Secret>, Fault> {
        if !self.auth_method().needs_secret() {
            (self.secret, self.sealed_secret) = (None, None);
            return Ok(None);
        }
        if !self.secret_is_used() {
            self.sealed_secret = None;
        }
        // A digest is no key, and neither is a secret that is too short.
        let suits = if self.secret_is_used() {
            self.known_secret(root)?.is_some_and(|secret| self.is_long_enough(&secret))
        } else {
            self.secret.is_some()
        };
        if suits { Ok(None) } else { self.renew_secret(root, random).map(Some) }
    }

    /// Replaces the secret of the client.
    pub fn renew_secret(&mut self, root: &RootKeys, random: &dyn Random) -> Result<Secret, Fault> {
        // Long enough for each algorithm (OpenID Connect Core section 16.19): 64 characters.
        let secret = Secret::new(URL_SAFE_NO_PAD.encode(random::bytes::<48>(random)?));
        self.keep_secret(&secret, root, random)?;
        Ok(secret)
    }

    /// Keeps a digest of a secret and, where it is a key, the secret itself, sealed.
    ///
    /// # Errors
    ///
    /// A fault for a secret that is too short for what the client registered.
    pub fn keep_secret(
        &mut self,
        secret: &Secret,
        root: &RootKeys,
        random: &dyn Random,
    ) -> Result<(), Fault> {
        if !self.is_long_enough(secret) {
            let cause = format!("that of `{}` is shorter than the hash of its algorithm", self.id);
            return Err(Fault::new("client secret", cause));
        }
        self.secret = Some(root.digest(CLIENT_SECRET, secret));
        let plain = secret.expose().as_bytes();
        self.sealed_secret =
            if self.secret_is_used() { Some(root.seal(random, &self.seal_context(), plain)?) } else { None };
        Ok(())
    }

    /// The secret, where the server has to know it.
    pub fn known_secret(&self, root: &RootKeys) -> Result<Option<Secret>, Fault> {
        let Some(sealed) = &self.sealed_secret else { return Ok(None) };
        let plain = root.open(&self.seal_context(), sealed);
        let text = plain.as_ref().and_then(|plain| std::str::from_utf8(plain).ok());
        let text =
            text.ok_or_else(|| Fault::new("client secret", "it does not open under this master key"))?;
        Ok(Some(Secret::new(text)))
    }

    /// Whether the secret is a key: of the JWTs by which the client authenticates or asks, or of what it is sent (OpenID
    /// Connect Core sections 6.1 and 10).
    fn secret_is_used(&self) -> bool {
        let asks = self.metadata.request_object_signing_alg.as_deref();
        self.auth_method() == AuthMethod::ClientSecretJwt
            || asks.is_some_and(|alg| HMAC_ALGS.contains(&alg))
            || JwtResponse::ALL.into_iter().any(|response| {
                let algs = self.metadata.algs_of(response);
                let encrypts = |alg: &str| {
                    alg.parse::<placet_jose::Algorithm>().is_ok_and(placet_jose::Algorithm::is_symmetric)
                };
                algs.signed.is_some_and(|alg| HMAC_ALGS.contains(&alg)) || algs.alg.is_some_and(encrypts)
            })
    }

    /// Whether a secret is long enough for the algorithms that the client registered (OpenID Connect Core section 16.19).
    pub fn is_long_enough(&self, secret: &Secret) -> bool {
        let signed =
            JwtResponse::ALL.into_iter().filter_map(|response| self.metadata.algs_of(response).signed);
        let all = signed
            .chain(self.metadata.token_endpoint_auth_signing_alg.as_deref())
            .chain(self.metadata.request_object_signing_alg.as_deref());
        all.map(mac::shortest_secret).all(|shortest| secret.expose().len() >= shortest)
    }

    fn seal_context(&self) -> String {
        format!("client secret {}", self.id)
    }
}
