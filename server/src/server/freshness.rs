//! How long ago it was looked at what other processes changed.
//!
//! Every process looks every two seconds. One that was away, stopped or on a machine that slept, does not know for how long:
//! it looks before it answers the first request. A store that does not answer delays nobody: what needs it fails by itself,
//! and what does not is for those times when it is gone.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use tokio::sync::Mutex;

use super::Server;

/// After so many seconds without a look this process was away.
const LATE: i64 = 5;
/// A look takes so long at most.
const LOOK: Duration = Duration::from_secs(2);

/// When it was looked last.
pub(super) struct Freshness {
    looked: AtomicI64,
    /// Of several who are late one looks, and the others wait for it.
    looking: Mutex<()>,
}

impl Freshness {
    pub(super) fn new(now: i64) -> Self {
        Self { looked: AtomicI64::new(now), looking: Mutex::default() }
    }

    /// Whether this process was away, at `now`.
    fn is_late(&self, now: i64) -> bool {
        now.saturating_sub(self.looked.load(Ordering::Acquire)) > LATE
    }

    /// Looks.
    async fn renew(&self, now: impl Fn() -> i64, look: impl Future<Output = ()>) {
        let _one = self.looking.lock().await;
        self.look(now, look).await;
    }

    /// Looks, unless somebody else has meanwhile.
    async fn renew_if_late(&self, now: impl Fn() -> i64, look: impl Future<Output = ()>) {
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
        self.looked.store(now(), Ordering::Release);
    }
}

impl Server {
    /// Learns what other processes changed that is kept here: keys, and numbers of revocations. Called every two seconds;
    /// whether or not the store answers, it is over after as much time.
    pub async fn catch_up(&self) {
        self.0.freshness.renew(|| self.now(), self.look_around()).await;
    }

    /// The same, before a request is answered by a process that was away: stopped, or on a machine that slept.
    pub(crate) async fn catch_up_if_late(&self) {
        if self.0.freshness.is_late(self.now()) {
            self.0.freshness.renew_if_late(|| self.now(), self.look_around()).await;
        }
    }

    /// Learns of revocations, also of those by other processes; called after each, and every few seconds. As long as the
    /// store does not answer, what was known goes on.
    pub async fn learn_of_revocations(&self) {
        match self.store().revocation_number().await {
            Ok(number) => {
                self.0.newest_revocation.fetch_max(number, Ordering::AcqRel);
            }
            Err(error) => tracing::error!(%error, "it is not known what was revoked elsewhere"),
        }
    }

    async fn look_around(&self) {
        if let Err(fault) = self.keys().reload().await {
            tracing::error!(%fault, "it is not known whether the keys were changed elsewhere");
        }
        self.learn_of_revocations().await;
    }
}
