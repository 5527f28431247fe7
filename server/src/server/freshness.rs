//! How long ago it was looked at what other processes changed.
//!
//! Every process looks every two seconds. One that was away, stopped or on a machine that slept, does not know for how long:
//! it looks before it answers the first request. A store that does not answer delays nobody: what needs it fails by itself,
//! and what does not is for those times when it is gone.

use std::{
    sync::atomic::{AtomicI64, AtomicU64, Ordering},
    time::Duration,
};

use tokio::{sync::Mutex, time::Instant};

/// After so many seconds without a look this process was away.
const LATE: i64 = 5;
/// A look takes so long at most.
const LOOK: Duration = Duration::from_secs(2);

/// When others were looked at last, by both clocks: that of the process stands still while the machine sleeps, and that of
/// the machine may be set.
pub(super) struct Freshness {
    began: Instant,
    passed: AtomicU64,
    time: AtomicI64,
    /// Of several who are late one looks, and the others wait for it.
    looking: Mutex<()>,
}

impl Freshness {
    pub(super) fn new(now: i64) -> Self {
        let (passed, time) = (AtomicU64::new(0), AtomicI64::new(now));
        Self { began: Instant::now(), passed, time, looking: Mutex::default() }
    }

    fn passed(&self) -> u64 {
        self.began.elapsed().as_secs()
    }

    /// Whether this process was away, at `now`.
    pub(super) fn is_late(&self, now: i64) -> bool {
        let passed = self.passed().saturating_sub(self.passed.load(Ordering::Acquire));
        passed > LATE.unsigned_abs() || now.saturating_sub(self.time.load(Ordering::Acquire)) > LATE
    }

    /// Looks.
    pub(super) async fn renew(&self, now: impl Fn() -> i64, look: impl Future<Output = ()>) {
        let _one = self.looking.lock().await;
        self.look(now, look).await;
    }

    /// Looks, unless somebody else has meanwhile.
    pub(super) async fn renew_if_late(&self, now: impl Fn() -> i64, look: impl Future<Output = ()>) {
        let _one = self.looking.lock().await;
        if self.is_late(now()) {
            self.look(now, look).await;
        }
    }

    async fn look(&self, now: impl Fn() -> i64, look: impl Future<Output = ()>) {
        if tokio::time::timeout(LOOK, look).await.is_err() {
            tracing::error!("the store did not answer in time what was changed elsewhere");
        }
        // Not before: whoever comes meanwhile has to wait.
        self.time.store(now(), Ordering::Release);
        self.passed.store(self.passed(), Ordering::Release);
    }
}
