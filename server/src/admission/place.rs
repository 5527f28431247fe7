//! A request that is worked on, and whether it needs a core for it at the moment.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, Ordering::SeqCst},
    },
    task::{Context, Wake, Waker},
};

use futures_util::task::AtomicWaker;
use tokio::time::Instant;

use super::{Admission, Line};

/// It waits for something else than a core, or a core works on it: whoever does counts itself.
const ELSEWHERE: u8 = 0;
/// It is ready for a core, and counted.
const READY: u8 = 1;
/// It is ready, but the cores have enough to do: it is woken when its turn comes.
const WAITS: u8 = 2;
/// Nothing is to be done for it any more.
const GONE: u8 = 3;

/// A request that is worked on. The place is free again when this is dropped.
#[derive(Debug)]
pub struct Place(Option<Arc<Seat>>);

#[derive(Debug)]
pub(super) struct Seat {
    admission: Arc<Admission>,
    state: AtomicU8,
    /// It stands among those who wait for a core. Written by whoever holds the line.
    stands: AtomicBool,
    /// Of the task that the request is part of.
    waker: AtomicWaker,
}

/// A core that works on a request, and since when.
struct Running<'a>(&'a Seat, Instant);

impl Place {
    /// Takes one that is free, for a request that is ready for a core.
    pub(super) fn take(admission: &Arc<Admission>, line: &mut Line) -> Self {
        line.free -= 1;
        admission.at_cores.fetch_add(1, SeqCst);
        admission.under_way.inc();
        let (state, stands, waker) = (AtomicU8::new(READY), AtomicBool::new(false), AtomicWaker::new());
        Self(Some(Arc::new(Seat { admission: Arc::clone(admission), state, stands, waker })))
    }

    /// Nobody took it.
    pub(super) fn give_back(mut self, line: &mut Line) {
        if let Some(seat) = self.0.take() {
            seat.leave(line);
        }
    }

    /// Does the work, and sees when it is at a core: from being woken until it waits for something else, or is done. What would
    /// be one too many at the cores is woken later.
    pub async fn work<F: Future>(&self, work: F) -> F::Output {
        let Some(seat) = &self.0 else { return work.await };
        let waker = Waker::from(Arc::clone(seat));
        let mut work = pin!(work);
        std::future::poll_fn(|context| {
            seat.waker.register(context.waker());
            let _running = seat.run();
            work.as_mut().poll(&mut Context::from_waker(&waker))
        })
        .await
    }
}

impl Seat {
    fn run(&self) -> Running<'_> {
        // Also woken by something that is none of its business: a byte on the connection.
        if self.state.swap(ELSEWHERE, SeqCst) != READY {
            self.admission.at_cores.fetch_add(1, SeqCst);
        }
        Running(self, Instant::now())
    }

    /// Its turn, if it still waits for one.
    pub(super) fn go(&self) {
        if self.state.compare_exchange(WAITS, READY, SeqCst, SeqCst).is_ok() {
            self.admission.at_cores.fetch_add(1, SeqCst);
            self.waker.wake();
        }
    }

    fn leave(&self, line: &mut Line) {
        if self.state.swap(GONE, SeqCst) == READY {
            self.admission.at_cores.fetch_sub(1, SeqCst);
        }
        line.free += 1;
        line.done(self.admission.room);
        self.admission.under_way.dec();
    }
}

impl Wake for Seat {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.state.compare_exchange(ELSEWHERE, WAITS, SeqCst, SeqCst).is_err() {
            // It was told already, or nobody is there any more.
            return;
        }
        if self.admission.has_a_core() {
            self.go();
            return;
        }
        let mut line = self.admission.lock();
        if !self.stands.swap(true, SeqCst) {
            line.ready.push_back(Arc::clone(self));
        }
        // Whoever left a core meanwhile did not see it.
        self.admission.let_in_from(&mut line);
    }
}

impl Line {
    /// Wakes the one who has waited longest for a core; none if nobody waits.
    pub(super) fn wake_next(&mut self) -> Option<()> {
        let next = self.ready.pop_front()?;
        next.stands.store(false, SeqCst);
        next.go();
        Some(())
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.admission.cores.took(self.1.elapsed());
        self.0.admission.at_cores.fetch_sub(1, SeqCst);
        self.0.admission.let_in();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(seat) = self.0.take() else { return };
        let admission = &seat.admission;
        let mut line = admission.lock();
        seat.leave(&mut line);
        admission.let_in_from(&mut line);
    }
}
