//! The one source of randomness.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

#[allow(clippy::disallowed_methods, reason = "this module is the injected source of this program")]
fn text<const N: usize>() -> String {
    let mut bytes = [0; N];
    openssl::rand::rand_bytes(&mut bytes).expect("the operating system gives random bytes");
    URL_SAFE_NO_PAD.encode(bytes)
}

/// An id of an interaction: as long as a real one.
pub(crate) fn interaction() -> String {
    format!("ia_{}", text::<28>())
}

/// An id of another kind, with its prefix: `ses_`, `az_`, `cns_`.
pub(crate) fn id(prefix: &str) -> String {
    format!("{prefix}{}", text::<16>())
}

/// A credential: 256 random bits.
pub(crate) fn secret() -> String {
    text::<32>()
}
