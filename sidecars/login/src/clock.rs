//! The one place that asks for the time of day.

use std::time::SystemTime;

/// Whole seconds since 1970.
#[allow(clippy::disallowed_methods, reason = "this module is the clock of this program")]
pub(crate) fn unix_now() -> i64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .ok()
        .and_then(|d| i64::try_from(d.as_secs()).ok())
        .unwrap_or_default()
}
