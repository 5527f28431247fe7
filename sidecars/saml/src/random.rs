//! The one source of randomness.

/// Random bytes, fit for keys.
#[allow(clippy::disallowed_methods, reason = "this module is the injected source of this program")]
pub(crate) fn bytes(length: usize) -> Vec<u8> {
    let mut out = vec![0; length];
    openssl::rand::rand_bytes(&mut out).expect("the operating system gives random bytes");
    out
}

/// An identifier of XML with 128 random bits.
pub(crate) fn identifier() -> String {
    let hex: Vec<_> = bytes(16).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("_{}", hex.concat())
}
