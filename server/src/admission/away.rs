//! Those who are sent away at once. To say so costs little, but whoever is told comes again, some of them without a pause: beyond
//! a part of what the machine can do, they wait for it, and hold back what they would ask next.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use tokio::time::Instant;

/// So many for each core are told at once in a second: at fifteen to twenty microseconds each, a fifth of the core.
const EACH_CORE: u32 = 10_000;

/// How many were told lately.
#[derive(Debug)]
pub(super) struct Away {
    begun: Instant,
    /// When the last one would have been told if each took its time, in nanoseconds since the beginning.
    until: AtomicU64,
    each: u64,
    ahead: u64,
}

impl Away {
    /// For so many cores; so far ahead of their time may those be who come together.
    pub(super) fn new(cores: u32, ahead: Duration) -> Self {
        Self {
            begun: Instant::now(),
            until: AtomicU64::new(0),
            each: 1_000_000_000 / u64::from(EACH_CORE.saturating_mul(cores).max(1)),
            ahead: nanos(ahead),
        }
    }

    /// Whether one more may be told at once.
    pub(super) fn may_go(&self) -> bool {
        let now = nanos(self.begun.elapsed());
        let next = |until: u64| {
            let next = until.max(now) + self.each;
            (next - now <= self.ahead).then_some(next)
        };
        self.until.fetch_update(Relaxed, Relaxed, next).is_ok()
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn so_many_are_told_at_once_in_a_second_and_the_others_later() {
        let away = Away::new(2, Duration::from_millis(50));
        let told = |asked: usize| (0..asked).filter(|_| away.may_go()).count();
        assert_eq!(told(5_000), 1_000, "those who come together");
        tokio::time::advance(Duration::from_millis(10)).await;
        assert_eq!(told(5_000), 200);
        tokio::time::advance(Duration::from_secs(3_600)).await;
        assert_eq!(told(5_000), 1_000, "what was not used in an hour is not saved");
    }
}
