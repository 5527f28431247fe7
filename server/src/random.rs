//! The only caller of the operating system's random source.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use placet_oauth::id::Secret;

use crate::outcome::Fault;

/// A source of unpredictable bytes. Injected, so that tests can make it fail.
pub trait Random: Send + Sync + 'static {
    /// Fills `bytes`, or reports that it cannot.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Fault>;
}

/// The operating system's generator, through OpenSSL.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsRandom;

impl Random for OsRandom {
    #[allow(clippy::disallowed_methods, reason = "this is the one place that asks the random source")]
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Fault> {
        openssl::rand::rand_bytes(bytes).map_err(|e| Fault::new("random source", e))
    }
}

/// `N` random bytes.
pub fn bytes<const N: usize>(random: &dyn Random) -> Result<[u8; N], Fault> {
    let mut out = [0; N];
    random.fill(&mut out)?;
    Ok(out)
}

/// A random identifier with 128 bits behind its prefix: `ses_…`.
pub fn id(random: &dyn Random, prefix: &str) -> Result<String, Fault> {
    Ok(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes::<16>(random)?)))
}

/// A random credential of 256 bits, base64url.
pub fn secret(random: &dyn Random) -> Result<Secret, Fault> {
    Ok(Secret::new(URL_SAFE_NO_PAD.encode(bytes::<32>(random)?)))
}
