//! What keeps a sick endpoint from being asked, and a slow one from holding everything up.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

pub(super) use placet_sdk::admin::BreakerState;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

use super::failure::{Failed, FailureCode};

/// So many failures in a row open the breaker.
const IN_A_ROW: u32 = 5;
/// So many calls within the window are enough to judge by their share.
const ENOUGH: u32 = 20;
/// The window, in seconds.
const WINDOW: usize = 10;
/// An open breaker lets a probe through after this time.
const REST: Duration = Duration::from_secs(5);
/// Questions to one endpoint that may be open at once.
const OPEN_CALLS: usize = 256;
/// Questions that do not count, in shadow and for a trial, to one endpoint that may be open besides.
const OPEN_TRIALS: usize = 32;

/// The gate before an endpoint, shared by all who ask it.
#[derive(Debug)]
pub(super) struct Gate {
    state: Mutex<State>,
    calls: Arc<Semaphore>,
    trials: Arc<Semaphore>,
    began: Instant,
}

#[derive(Debug, Default)]
struct State {
    /// Since when it is open.
    open: Option<Instant>,
    /// A probe is under way.
    probing: bool,
    failures_in_a_row: u32,
    /// Calls and failures of each second of the window, with the second they belong to.
    seconds: [Second; WINDOW],
}

#[derive(Clone, Copy, Debug, Default)]
struct Second {
    number: usize,
    calls: u32,
    failures: u32,
}

/// Leave to ask. Whoever drops it without a verdict leaves the state as it was.
#[derive(Debug)]
pub(super) struct Leave<'a> {
    gate: &'a Gate,
    probe: bool,
    done: bool,
    _permit: OwnedSemaphorePermit,
}

impl Gate {
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::default(),
            calls: Arc::new(Semaphore::new(OPEN_CALLS)),
            trials: Arc::new(Semaphore::new(OPEN_TRIALS)),
            began: Instant::now(),
        }
    }

    /// Leave to ask, or why not. A call that does not count is never the probe, and takes no place of one that does: it
    /// keeps nobody from asking.
    pub(super) fn enter(&self, counts: bool) -> Result<Leave<'_>, Failed> {
        let refused = |code, detail| Failed { attempts: 0, ..Failed::new(code, detail) };
        let places = if counts { &self.calls } else { &self.trials };
        let permit = places
            .clone()
            .try_acquire_owned()
            .map_err(|_| refused(FailureCode::Bulkhead, "too many questions to this endpoint are open"))?;
        let mut state = self.lock();
        let probe = match state.now() {
            BreakerState::Closed => false,
            BreakerState::HalfOpen if !counts => false,
            BreakerState::HalfOpen if !state.probing => {
                state.probing = true;
                true
            }
            _ => {
                return Err(refused(
                    FailureCode::BreakerOpen,
                    "this endpoint failed too often and is left alone",
                ));
            }
        };
        Ok(Leave { gate: self, probe, done: false, _permit: permit })
    }

    pub(super) fn state(&self) -> BreakerState {
        self.lock().now()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn judge(&self, probe: bool, failed: bool) {
        let second = usize::try_from(self.began.elapsed().as_secs()).unwrap_or(usize::MAX);
        let mut state = self.lock();
        if probe {
            state.probing = false;
        }
        if state.open.is_some() && !probe {
            // An answer to a question that was asked before the breaker opened.
            return;
        }
        if !failed {
            state.failures_in_a_row = 0;
            if probe {
                *state = State::default();
            }
            state.count(second, false);
            return;
        }
        state.failures_in_a_row = state.failures_in_a_row.saturating_add(1);
        state.count(second, true);
        if probe || state.failures_in_a_row >= IN_A_ROW || state.too_many(second) {
            state.open = Some(Instant::now());
        }
    }
}

impl State {
    fn now(&self) -> BreakerState {
        match self.open {
            None => BreakerState::Closed,
            Some(since) if since.elapsed() < REST => BreakerState::Open,
            Some(_) => BreakerState::HalfOpen,
        }
    }

    fn count(&mut self, number: usize, failed: bool) {
        let second = &mut self.seconds[number % WINDOW];
        if second.number != number {
            *second = Second { number, ..Second::default() };
        }
        second.calls += 1;
        second.failures += u32::from(failed);
    }

    fn too_many(&self, number: usize) -> bool {
        let recent = self.seconds.iter().filter(|second| number.saturating_sub(second.number) < WINDOW);
        let (calls, failures) =
            recent.fold((0, 0), |(calls, failures), s| (calls + s.calls, failures + s.failures));
        calls >= ENOUGH && failures * 2 >= calls
    }
}

impl Leave<'_> {
    /// The endpoint answered.
    pub(super) fn answered(mut self) {
        self.done = true;
        self.gate.judge(self.probe, false);
    }

    /// The endpoint failed.
    pub(super) fn failed(mut self) {
        self.done = true;
        self.gate.judge(self.probe, true);
    }
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        if self.probe && !self.done {
            self.gate.lock().probing = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fail(gate: &Gate, times: u32) {
        for _ in 0..times {
            gate.enter(true).unwrap().failed();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn five_failures_in_a_row_open_it_and_a_good_probe_closes_it() {
        let gate = Gate::new();
        fail(&gate, 4);
        gate.enter(true).unwrap().answered();
        fail(&gate, 4);
        assert_eq!(gate.state(), BreakerState::Closed);
        fail(&gate, 1);
        assert_eq!(gate.enter(true).unwrap_err().code, FailureCode::BreakerOpen);
        tokio::time::advance(Duration::from_millis(4_999)).await;
        assert_eq!(gate.state(), BreakerState::Open);
        tokio::time::advance(Duration::from_millis(1)).await;
        let probe = gate.enter(true).unwrap();
        assert_eq!(gate.enter(true).unwrap_err().code, FailureCode::BreakerOpen, "one probe at a time");
        probe.answered();
        assert_eq!(gate.state(), BreakerState::Closed);
        fail(&gate, 4);
        assert_eq!(gate.state(), BreakerState::Closed, "what was before the probe is forgotten");
    }

    #[tokio::test(start_paused = true)]
    async fn a_bad_probe_opens_it_again_and_a_forgotten_one_leaves_room_for_the_next() {
        let gate = Gate::new();
        fail(&gate, 5);
        tokio::time::advance(REST).await;
        drop(gate.enter(true).unwrap());
        fail(&gate, 1);
        assert_eq!(gate.state(), BreakerState::Open);
    }

    #[tokio::test(start_paused = true)]
    async fn half_of_twenty_calls_in_ten_seconds_open_it() {
        let gate = Gate::new();
        for n in 0..19 {
            let leave = gate.enter(true).unwrap();
            if n % 2 == 0 { leave.failed() } else { leave.answered() }
        }
        assert_eq!(gate.state(), BreakerState::Closed, "19 calls are not enough");
        gate.enter(true).unwrap().failed();
        assert_eq!(gate.state(), BreakerState::Open);

        let slow = Gate::new();
        for n in 0..40 {
            let leave = slow.enter(true).unwrap();
            if n % 2 == 0 {
                leave.failed();
            } else {
                leave.answered();
            }
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert_eq!(slow.state(), BreakerState::Closed, "never 20 within ten seconds");
    }

    #[tokio::test(start_paused = true)]
    async fn answers_to_what_was_asked_before_it_opened_do_not_close_it() {
        let gate = Gate::new();
        let early = gate.enter(true).unwrap();
        fail(&gate, 5);
        early.answered();
        assert_eq!(gate.state(), BreakerState::Open);
    }

    #[tokio::test]
    async fn only_so_many_questions_are_open_at_once() {
        let gate = Gate::new();
        let open: Vec<_> = (0..OPEN_CALLS).map(|_| gate.enter(true).unwrap()).collect();
        assert_eq!(gate.enter(true).unwrap_err().code, FailureCode::Bulkhead);
        drop(open);
        gate.enter(true).unwrap().answered();
    }

    #[tokio::test]
    async fn questions_that_do_not_count_take_no_place_of_those_that_do() {
        let gate = Gate::new();
        let trials: Vec<_> = (0..OPEN_TRIALS).map(|_| gate.enter(false).unwrap()).collect();
        assert_eq!(gate.enter(false).unwrap_err().code, FailureCode::Bulkhead);
        let open: Vec<_> = (0..OPEN_CALLS).map(|_| gate.enter(true).unwrap()).collect();
        drop((trials, open));
    }
}
