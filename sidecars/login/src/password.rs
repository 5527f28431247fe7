//! Password hashing: argon2id, off the reactor, a bounded number at a time.

use std::{sync::Arc, thread, time::Duration};

use argon2::{
    Argon2, PasswordHash, PasswordHasher as _, PasswordVerifier as _,
    password_hash::{self, SaltString},
};
use tokio::{sync::Semaphore, task, time};

use crate::random;

/// Longer passwords are never hashed.
pub(crate) const MAX_PASSWORD: usize = 1024;

/// How long a sign-in waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// Too many passwords are being checked.
#[derive(Debug, thiserror::Error)]
#[error("too many passwords are being checked")]
pub(crate) struct Busy;

/// Hashes and verifies passwords.
pub(crate) struct Passwords {
    permits: Arc<Semaphore>,
    /// Verified in place of the hash of a user who does not exist, so that both take the same work.
    decoy: String,
}

impl Passwords {
    /// One hash at a time per processor.
    pub(crate) fn new() -> Result<Self, password_hash::Error> {
        let at_once = thread::available_parallelism().map_or(1, usize::from);
        Ok(Self { permits: Arc::new(Semaphore::new(at_once)), decoy: hash(&random::token())? })
    }

    /// Whether the password is right; without a hash the answer is no, after the same work.
    pub(crate) async fn verify(&self, stored: Option<&str>, password: &str) -> Result<bool, Busy> {
        let known = stored.is_some();
        let stored = stored.unwrap_or(&self.decoy).to_owned();
        let password = password.to_owned();
        let right = self.work(move || verify(&stored, &password)).await?;
        Ok(right && known)
    }

    /// A hash to store.
    pub(crate) async fn hash(&self, password: &str) -> Result<String, Busy> {
        let password = password.to_owned();
        self.work(move || hash(&password)).await?.map_err(|_| Busy)
    }

    async fn work<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Result<T, Busy> {
        let permit = time::timeout(PATIENCE, Arc::clone(&self.permits).acquire_owned())
            .await
            .map_err(|_| Busy)?
            .map_err(|_| Busy)?;
        task::spawn_blocking(move || {
            let done = job();
            drop(permit);
            done
        })
        .await
        .map_err(|_| Busy)
    }
}

/// Hashes a password with argon2id.
pub(crate) fn hash(password: &str) -> Result<String, password_hash::Error> {
    let salt = SaltString::encode_b64(&random::bytes::<16>())?;
    Ok(Argon2::default().hash_password(password.as_bytes(), &salt)?.to_string())
}

fn verify(stored: &str, password: &str) -> bool {
    PasswordHash::new(stored)
        .is_ok_and(|stored| Argon2::default().verify_password(password.as_bytes(), &stored).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_argon2id_and_verifies_its_password_alone() {
        let stored = hash("wonderland").unwrap();
        assert!(stored.starts_with("$argon2id$"), "{stored}");
        assert!(verify(&stored, "wonderland"));
        assert!(!verify(&stored, "Wonderland"));
        assert!(!verify("not a hash", "wonderland"));
    }

    #[tokio::test]
    async fn no_password_opens_an_account_that_does_not_exist() {
        let passwords = Passwords::new().unwrap();
        assert!(!passwords.verify(None, "").await.unwrap());
        let stored = passwords.hash("x").await.unwrap();
        assert!(passwords.verify(Some(&stored), "x").await.unwrap());
    }
}
