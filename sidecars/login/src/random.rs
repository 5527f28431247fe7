//! The one source of randomness.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// Random bytes, fit for keys.
#[allow(clippy::disallowed_methods, reason = "this module is the injected source of this program")]
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut out = [0; N];
    openssl::rand::rand_bytes(&mut out).expect("the operating system gives random bytes");
    out
}

/// 256 random bits in base64url: 43 characters.
pub(crate) fn token() -> String {
    URL_SAFE_NO_PAD.encode(bytes::<32>())
}

/// 128 random bits in base64url: 22 characters.
pub(crate) fn short() -> String {
    URL_SAFE_NO_PAD.encode(bytes::<16>())
}
