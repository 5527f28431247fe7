//! The only place that asks the machine for the time of day and for randomness.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

/// Seconds since 1970.
#[allow(
    clippy::disallowed_methods,
    reason = "an app of its own, with no injected clock: this is its one clock"
)]
pub(crate) fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// 256 bits nobody can guess, in characters that are safe in URLs and cookies.
#[allow(clippy::disallowed_methods, reason = "an app of its own: this is its one source of randomness")]
pub(crate) fn secret() -> String {
    let mut bytes = [0; 32];
    openssl::rand::rand_bytes(&mut bytes).expect("the operating system has randomness");
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// Five characters that people can compare, without those that look alike.
pub(crate) fn short() -> String {
    secret().chars().filter(|c| "ABCDEFGHJKLMNPQRSTUVWXYZ23456789".contains(*c)).take(5).collect()
}

/// Compares without telling by the time it takes how much was right.
pub(crate) fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && openssl::memcmp::eq(a.as_bytes(), b.as_bytes())
}
