//! The only caller of the system clock.

use std::{
    sync::atomic::{AtomicBool, AtomicI64, Ordering},
    time::Duration,
};

/// Tells the time, in whole seconds since the epoch. Injected, so that tests set it and never wait.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> i64;

    /// Now, in milliseconds since the epoch: for what is only shown, never for what decides.
    fn millis(&self) -> i64 {
        self.now().saturating_mul(1_000)
    }

    /// The time that passed since some instant before, whatever the clock of the machine was set to meanwhile: for rates.
    fn uptime(&self) -> Duration {
        Duration::from_secs(u64::try_from(self.now()).unwrap_or_default())
    }

    /// Never shows less than `seen` from now on: servers have stood there before.
    fn never_before(&self, seen: i64);

    /// Whether it can be right. A server whose clock cannot is not ready.
    fn is_believed(&self) -> bool {
        true
    }
}

/// The system clock, with two things that it does not believe within one process.
///
/// It never goes back, also not behind what servers of the store have seen: moving the machine's clock back extends no
/// validity. And it does not jump ahead by more than
/// [`JUMP`]: what is over by a wrong clock would be ended, and deleted, for good. Then time goes on as it passes, the log
/// says so, and [`Clock::is_believed`] says that somebody has to look. After a restart a clock that is ahead is believed.
#[derive(Debug)]
pub struct SystemClock {
    steady: Steady,
    began: std::time::Instant,
    slept_before: u64,
}

/// A jump ahead by more than so many seconds is not believed.
pub const JUMP: i64 = 3_600;

impl Default for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "this is the one place that asks the clocks of the system")]
    fn default() -> Self {
        let began = std::time::Instant::now();
        Self { steady: Steady::new(system_millis() / 1_000), began, slept_before: since_boot() }
    }
}

impl SystemClock {
    /// Seconds that passed while this process was there, and those of them in which the machine slept: the monotonic
    /// clock of a process stands still then.
    fn passed(&self) -> i64 {
        i64::try_from(self.began.elapsed().as_secs()).unwrap_or(i64::MAX)
    }

    fn slept(&self) -> i64 {
        let with_sleep = i64::try_from(since_boot().saturating_sub(self.slept_before)).unwrap_or(0);
        (with_sleep - self.passed()).max(0)
    }
}

impl Clock for SystemClock {
    fn now(&self) -> i64 {
        self.steady.read(system_millis() / 1_000, self.passed(), || self.slept())
    }

    fn millis(&self) -> i64 {
        system_millis()
    }

    fn uptime(&self) -> Duration {
        self.began.elapsed()
    }

    fn never_before(&self, seen: i64) {
        self.steady.never_before(seen, system_millis() / 1_000, self.passed());
    }

    fn is_believed(&self) -> bool {
        self.now();
        self.steady.is_believed(system_millis() / 1_000)
    }
}

#[allow(clippy::disallowed_methods, reason = "this is the one place that asks the system clock")]
fn system_millis() -> i64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |elapsed| i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX))
}

/// Seconds since the machine was started, its sleep included; 0 where the system does not tell.
fn since_boot() -> u64 {
    let text = std::fs::read_to_string("/proc/uptime").unwrap_or_default();
    text.split('.').next().and_then(|seconds| seconds.parse().ok()).unwrap_or(0)
}

/// What is made of a clock that may be wrong.
#[derive(Debug)]
struct Steady {
    /// What was told last.
    latest: AtomicI64,
    /// What the clock showed more than passed, when it was last believed.
    ahead: AtomicI64,
    believed: AtomicBool,
    /// What servers had seen before this process.
    floor: AtomicI64,
}

impl Steady {
    /// One that is believed to begin with.
    fn new(system: i64) -> Self {
        Self {
            latest: AtomicI64::new(system),
            ahead: AtomicI64::new(system),
            believed: AtomicBool::new(true),
            floor: AtomicI64::new(i64::MIN),
        }
    }

    /// From now on it shows `seen` at least, where the clock shows `system` and so many seconds `passed`.
    fn never_before(&self, seen: i64, system: i64, passed: i64) {
        self.floor.fetch_max(seen, Ordering::Relaxed);
        self.latest.fetch_max(seen, Ordering::Relaxed);
        // Once it is set right it has not jumped.
        self.ahead.fetch_max(seen.saturating_sub(passed), Ordering::Relaxed);
        if seen > system {
            tracing::warn!(
                seconds = seen - system,
                "the clock of the machine is behind what servers have seen"
            );
        }
    }

    /// The time, where the clock shows `system` and so many seconds `passed` since the beginning; `slept` says how many more
    /// there were in which the machine slept.
    fn read(&self, system: i64, passed: i64, slept: impl FnOnce() -> i64) -> i64 {
        let latest = self.latest.load(Ordering::Relaxed);
        if system <= latest && self.believed.load(Ordering::Relaxed) {
            return latest;
        }
        let (now_ahead, ahead) = (system - passed, self.ahead.load(Ordering::Relaxed));
        let believed = now_ahead - ahead <= JUMP || now_ahead - ahead <= JUMP + slept();
        if self.believed.swap(believed, Ordering::Relaxed) != believed {
            if believed {
                tracing::warn!("the clock of the machine is believed again");
            } else {
                tracing::error!(
                    seconds = now_ahead - ahead,
                    "the clock of the machine jumped ahead and is not believed: set it right, or restart the server"
                );
            }
        }
        if believed {
            self.ahead.store(now_ahead, Ordering::Relaxed);
        }
        let told = if believed { system } else { ahead + passed };
        self.latest.fetch_max(told, Ordering::Relaxed).max(told)
    }

    /// Whether it can be right when the clock shows `system`: it did not jump ahead, and is not far behind what was seen.
    fn is_believed(&self, system: i64) -> bool {
        let floor = self.floor.load(Ordering::Relaxed);
        self.believed.load(Ordering::Relaxed) && floor.saturating_sub(system) <= JUMP
    }
}

/// A clock that stands still until it is moved; for tests.
#[derive(Debug)]
pub struct ManualClock {
    now: AtomicI64,
    believed: AtomicBool,
}

impl ManualClock {
    /// A clock that shows `now`.
    pub fn new(now: i64) -> Self {
        Self { now: AtomicI64::new(now), believed: AtomicBool::new(true) }
    }

    /// Moves it on by `seconds`.
    pub fn advance(&self, seconds: i64) {
        self.now.fetch_add(seconds, Ordering::SeqCst);
    }

    /// From now on it cannot be right.
    pub fn doubt(&self) {
        self.believed.store(false, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> i64 {
        self.now.load(Ordering::SeqCst)
    }

    fn never_before(&self, seen: i64) {
        self.now.fetch_max(seen, Ordering::SeqCst);
    }

    fn is_believed(&self) -> bool {
        self.believed.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_700_000_000;

    fn awake() -> i64 {
        0
    }

    #[test]
    fn time_that_goes_back_stands_still_until_it_is_where_it_was() {
        let clock = Steady::new(START);
        assert_eq!(clock.read(START + 10, 10, awake), START + 10);
        assert_eq!(clock.read(START - 5_000, 11, awake), START + 10);
        assert_eq!(clock.read(START + 10, 5_021, awake), START + 10);
        assert_eq!(clock.read(START + 11, 5_022, awake), START + 11);
        assert!(clock.is_believed(START + 11));
    }

    #[test]
    fn what_servers_have_seen_before_a_restart_does_not_come_again() {
        let clock = Steady::new(START - 600);
        clock.never_before(START, START - 600, 0);
        assert_eq!(clock.read(START - 590, 10, awake), START);
        assert!(clock.is_believed(START - 590), "it is a little behind");
        assert_eq!(clock.read(START + 1, 601, awake), START + 1);
        assert!(clock.is_believed(START + 1));
    }

    #[test]
    fn a_clock_that_is_far_behind_what_was_seen_is_not_believed_until_it_is_set_right() {
        let (clock, year) = (Steady::new(START - 31_536_000), 31_536_000);
        clock.never_before(START, START - year, 0);
        assert_eq!(clock.read(START - year + 10, 10, awake), START, "it stands still");
        assert!(!clock.is_believed(START - year + 10));
        assert_eq!(clock.read(START + 60, 20, awake), START + 60, "set right, it has not jumped");
        assert!(clock.is_believed(START + 60));
        assert_eq!(clock.read(START + year, 30, awake), START + 70, "now it has");
        assert!(!clock.is_believed(START + year));
    }

    #[test]
    fn a_jump_ahead_by_more_than_an_hour_is_not_believed_and_time_goes_on_as_it_passes() {
        let clock = Steady::new(START);
        assert_eq!(clock.read(START + 10, 10, awake), START + 10);
        let year = 31_536_000;
        assert_eq!(clock.read(START + year, 20, awake), START + 20);
        assert!(!clock.is_believed(START + year));
        assert_eq!(clock.read(START + year + 60, 80, awake), START + 80);
        assert_eq!(clock.read(START + 90, 90, awake), START + 90, "it was set right");
        assert!(clock.is_believed(START + 90));
    }

    #[test]
    fn a_clock_that_is_put_right_by_less_is_believed() {
        let clock = Steady::new(START);
        assert_eq!(clock.read(START + JUMP + 10, 10, awake), START + JUMP + 10);
        assert_eq!(clock.read(START + 2 * JUMP + 20, 20, awake), START + 2 * JUMP + 20, "each time anew");
        assert_eq!(clock.read(START + 3 * JUMP + 31, 30, awake), START + 2 * JUMP + 30, "a second too many");
        assert!(!clock.is_believed(START + 3 * JUMP + 31));
    }

    #[test]
    fn a_machine_that_slept_knows_for_how_long() {
        let clock = Steady::new(START);
        assert_eq!(clock.read(START + 50_010, 10, || 50_000), START + 50_010);
        assert!(clock.is_believed(START + 50_010));
    }

    #[test]
    fn the_clock_of_the_system_is_believed() {
        let clock = SystemClock::default();
        assert!(clock.now() > START && clock.is_believed());
    }
}
