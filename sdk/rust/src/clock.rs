//! The only caller of the system clock.

use crate::Instant;

/// Now, for signatures.
#[expect(clippy::disallowed_methods, reason = "this is the one place that asks the system clock")]
pub(crate) fn now() -> Instant {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Instant(since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX)))
}
