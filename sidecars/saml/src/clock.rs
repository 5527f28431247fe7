//! The one place that asks for the time of day.

use std::time::SystemTime;

use placet_sdk::Instant;

/// The time of day.
#[allow(clippy::disallowed_methods, reason = "this module is the clock of this program")]
pub(crate) fn now() -> Instant {
    let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok();
    Instant(seconds.and_then(|d| i64::try_from(d.as_secs()).ok()).unwrap_or_default())
}
