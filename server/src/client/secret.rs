//! The secret of a client: what the server keeps of it, and when it has to know it.

use placet_oauth::{client::AuthMethod, id::Secret};

use super::Client;
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
        // A digest is no key for signatures.
        if self.secret.is_some() && (!self.secret_is_used() || self.sealed_secret.is_some()) {
            return Ok(None);
        }
        self.renew_secret(root, random).map(Some)
    }

    /// Replaces the secret of the client.
    pub fn renew_secret(&mut self, root: &RootKeys, random: &dyn Random) -> Result<Secret, Fault> {
        let secret = random::secret(random)?;
        self.keep_secret(&secret, root, random)?;
        Ok(secret)
    }

    /// Keeps a digest of a secret and, where it is a key for signatures, the secret itself, sealed.
    pub fn keep_secret(
        &mut self,
        secret: &Secret,
        root: &RootKeys,
        random: &dyn Random,
    ) -> Result<(), Fault> {
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

    /// Whether the secret is a key for signatures.
    fn secret_is_used(&self) -> bool {
        self.auth_method() == AuthMethod::ClientSecretJwt
    }

    fn seal_context(&self) -> String {
        format!("client secret {}", self.id)
    }
}
