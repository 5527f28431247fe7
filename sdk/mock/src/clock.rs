//! The one place that asks for the time of day.

use std::time::SystemTime;

use placet_sdk::Instant;

/// Now, in whole seconds.
#[allow(clippy::disallowed_methods, reason = "this module is the clock of this program")]
pub(crate) fn now() -> Instant {
    let seconds = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_secs()).ok());
    Instant(seconds.unwrap_or_default())
}
