//! A request that is worked on, and whether it needs a core for it at the moment.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering::SeqCst},
    },
    task::{Context, Wake, Waker},
};

use futures_util::task::AtomicWaker;

use super::{Admission, Line};

/// It waits for something else than a core, or a core works on it: whoever does counts itself.
const ELSEWHERE: u8 = 0;
/// It is ready for a core, and counted.
const READY: u8 = 1;
/// Nothing is to be done for it any more.
const GONE: u8 = 2;

/// A request that is worked on. The place is free again when this is dropped.
#[derive(Debug)]
pub struct Place(Option<Arc<Seat>>);

#[derive(Debug)]
struct Seat {
    admission: Arc<Admission>,
    state: AtomicU8,
    /// Of the task that the request is part of.
    waker: AtomicWaker,
}

/// A core that works on a request.
struct Running<'a>(&'a Seat);

impl Place {
    /// Takes one that is free, for a request that is ready for a core.
    pub(super) fn take(admission: &Arc<Admission>, line: &mut Line) -> Self {
        line.free -= 1;
        admission.at_cores.fetch_add(1, SeqCst);
        admission.under_way.inc();
        let (state, waker) = (AtomicU8::new(READY), AtomicWaker::new());
        Self(Some(Arc::new(Seat { admission: Arc::clone(admission), state, waker })))
    }

    /// Nobody took it.
    pub(super) fn give_back(mut self, line: &mut Line) {
        if let Some(seat) = self.0.take() {
            seat.leave(line);
        }
    }

    /// Does the work, and sees when it is at a core: from being woken until it waits for something else, or is done.
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
        if self.state.compare_exchange(READY, ELSEWHERE, SeqCst, SeqCst).is_err() {
            self.admission.at_cores.fetch_add(1, SeqCst);
        }
        Running(self)
    }

    fn leave(&self, line: &mut Line) {
        if self.state.swap(GONE, SeqCst) == READY {
            self.admission.at_cores.fetch_sub(1, SeqCst);
        }
        line.free += 1;
        self.admission.under_way.dec();
    }
}

impl Wake for Seat {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.state.compare_exchange(ELSEWHERE, READY, SeqCst, SeqCst).is_ok() {
            self.admission.at_cores.fetch_add(1, SeqCst);
        }
        self.waker.wake();
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
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
