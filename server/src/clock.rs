//! The only caller of the system clock.

use std::sync::atomic::{AtomicI64, Ordering};

/// Tells the time, in whole seconds since the epoch. Injected, so that tests set it and never wait.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> i64;

    /// Now, in milliseconds since the epoch: for what is only shown, never for what decides.
    fn millis(&self) -> i64 {
        self.now().saturating_mul(1_000)
    }
}

/// The system clock, which never goes back within this process: moving the machine's clock back extends no
/// validity.
#[derive(Debug, Default)]
pub struct SystemClock {
    latest: AtomicI64,
}

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "this is the one place that asks the system clock")]
    fn now(&self) -> i64 {
        let system = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |elapsed| i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX));
        self.latest.fetch_max(system, Ordering::Relaxed).max(system)
    }

    #[allow(clippy::disallowed_methods, reason = "this is the one place that asks the system clock")]
    fn millis(&self) -> i64 {
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |elapsed| i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX))
    }
}

/// A clock that stands still until it is moved; for tests.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `now`.
    pub fn new(now: i64) -> Self {
        Self(AtomicI64::new(now))
    }

    /// Moves it on by `seconds`.
    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}
