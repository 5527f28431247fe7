//! One limit: so many in a minute, or in another time, for each key.

use std::{fmt, hash::Hash, num::NonZeroU32, sync::Arc, time::Duration};

use governor::{
    Quota, RateLimiter, clock::Clock as GovernorClock, middleware::StateInformationMiddleware, nanos::Nanos,
    state::StateStore,
};

use super::table::Table;
use crate::clock::Clock;

/// A limit, as it is told to those who are under it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Its name.
    pub name: &'static str,
    /// How many requests.
    pub quota: u32,
    /// In how many seconds.
    pub window: u32,
}

/// What is left of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The limit.
    pub policy: Policy,
    /// So many requests may come at once.
    pub remaining: u32,
    /// Seconds until all of it is there again, rounded up.
    pub reset: u64,
}

/// Why a caller has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany {
    /// The limit that was reached.
    pub policy: Policy,
    /// Seconds until a request is let through again: rounded up, at least one.
    pub retry_after: u64,
}

/// The time since the limits are there, as governor wants it.
#[derive(Clone)]
pub(super) struct Watch {
    clock: Arc<dyn Clock>,
    began: Duration,
}

impl Watch {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { began: clock.uptime(), clock }
    }

    /// In nanoseconds.
    pub(super) fn nanos(&self) -> u64 {
        u64::try_from(self.now().as_nanos()).unwrap_or(u64::MAX)
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

impl GovernorClock for Watch {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.clock.uptime().saturating_sub(self.began)
    }
}

/// The table that all limits share, and the time.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) table: Arc<Table>,
    pub(super) watch: Watch,
}

impl StateStore for Shared {
    type Key = u64;

    fn measure_and_replace<T, F, E>(&self, key: &u64, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let change =
            |until: Option<u64>| measure(until.map(Nanos::from)).map(|(given, next)| (given, next.as_u64()));
        self.table.update(*key, change)
    }
}

type Limiter = RateLimiter<u64, Shared, Watch, StateInformationMiddleware>;

/// A limit by key; none, where nothing is limited.
#[derive(Debug)]
pub(super) struct Rate(Option<(Limiter, Shared, Policy)>);

impl Rate {
    /// So many in the window of the policy. They may come at once, and one by one after that.
    pub(super) fn new(shared: Option<&Shared>, policy: Policy) -> Self {
        let made = shared.zip(NonZeroU32::new(policy.quota)).and_then(|(shared, quota)| {
            let each = Duration::from_secs(u64::from(policy.window.max(1))) / policy.quota;
            let quota = Quota::with_period(each)?.allow_burst(quota);
            let limiter = Limiter::new(quota, shared.clone(), shared.watch.clone());
            Some((limiter, shared.clone(), policy))
        });
        Self(made)
    }

    /// One for this key. None is left to tell where nothing is limited.
    pub(super) fn take(&self, key: impl Hash) -> Result<Option<Standing>, TooMany> {
        let Some((limiter, shared, policy)) = &self.0 else { return Ok(None) };
        let key = shared.table.key((policy.name, key));
        match limiter.check_key(&key) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity().min(policy.quota);
                let used = u64::from(policy.quota - remaining) * u64::from(policy.window);
                let reset = used.div_ceil(u64::from(policy.quota));
                Ok(Some(Standing { policy: *policy, remaining, reset }))
            }
            Err(until) => {
                let wait = until.wait_time_from(shared.watch.now());
                let retry_after = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
                Err(TooMany { policy: *policy, retry_after: retry_after.max(1) })
            }
        }
    }
}
