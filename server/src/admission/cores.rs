//! How many requests may be at the cores: as many as keep them busy, and no more than others can wait for.

use std::{
    sync::atomic::{AtomicIsize, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// The time that all of them may take. Where each takes long, there are fewer, so that others have not to wait.
const TIME_AT_CORE: Duration = Duration::from_millis(4);
/// However long each takes, another one is ready when it ends.
const AT_LEAST_AT_CORE: usize = 2;

/// How many may be at the cores.
#[derive(Debug)]
pub(super) struct Cores {
    count: usize,
    at_each: usize,
    /// How long one is at a core until it waits for something else or is done, in nanoseconds, on average.
    takes: AtomicU64,
    most: AtomicIsize,
}

impl Cores {
    /// For so many, of which each has at most so many.
    pub(super) fn new(count: usize, at_each: usize) -> Self {
        let most = AtomicIsize::new(at_cores(count, at_each));
        Self { count, at_each, takes: AtomicU64::new(0), most }
    }

    /// How many may be there at the moment.
    pub(super) fn most(&self) -> isize {
        self.most.load(Relaxed)
    }

    /// One was at a core for so long.
    pub(super) fn took(&self, time: Duration) {
        let took = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let before = self.takes.load(Relaxed);
        let takes = before - before / 16 + took / 16;
        self.takes.store(takes, Relaxed);
        let each = TIME_AT_CORE.as_nanos() / u128::from(takes.max(1));
        let each = usize::try_from(each).unwrap_or(usize::MAX).clamp(AT_LEAST_AT_CORE, self.at_each);
        self.most.store(at_cores(self.count, each), Relaxed);
    }
}

fn at_cores(count: usize, each: usize) -> isize {
    isize::try_from(count.saturating_mul(each)).unwrap_or(isize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_each_takes_long_fewer_are_at_the_cores() {
        let cores = Cores::new(2, 16);
        let after = |times: u32, time: Duration| {
            (0..times).for_each(|_| cores.took(time));
            cores.most()
        };
        assert_eq!(cores.most(), 32);
        assert_eq!(after(100, Duration::from_micros(50)), 32);
        assert_eq!(after(100, Duration::from_millis(1)), 8);
        assert_eq!(after(100, Duration::from_secs(1)), 4);
        assert_eq!(after(1_000, Duration::from_micros(50)), 32);
    }
}
