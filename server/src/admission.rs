//! How much is done at once: when more is asked than the server can do, it does what it can as fast as always, and says at once
//! to the others that they have to come again.
//!
//! A bounded number of requests is worked on. The next ones wait in a line, for a second; a place that becomes free
//! goes to whoever came last, since whoever waits longest is the one most likely to be late anyway. Who finds the line full, or
//! has waited too long, is sent away before anything of the request was looked at. See `docs/decisions/0023`.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
    time::Duration,
};

use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::oneshot;

use crate::config::OverloadConfig;

/// Requests that one core works on at the same time, most of them waiting for something else than the core.
const EACH_CORE: usize = 64;
/// As many are worked on wherever there are few cores.
const AT_LEAST: usize = 256;

/// Who shares a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Browsers and clients.
    Public,
    /// Login apps, whose users are about to finish what they began: strangers must not keep them waiting.
    Apps,
}

/// Why a request is sent away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shed {
    /// Too many wait already.
    Full,
    /// It has waited too long.
    Late,
}

impl Shed {
    /// What it is called in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Late => "late",
        }
    }
}

/// A line, and what is worked on behind it.
#[derive(Debug)]
pub struct Admission {
    line: Mutex<Line>,
    most_waiting: usize,
    patience: Duration,
    under_way: Gauge,
}

#[derive(Debug)]
struct Line {
    free: usize,
    /// Those who came last stand at the end.
    waiting: VecDeque<oneshot::Sender<Place>>,
}

/// A request that is worked on. The place is free again when this is dropped.
#[derive(Debug)]
pub struct Place(Option<Arc<Admission>>);

impl Admission {
    /// With these settings, telling in `under_way` how much is worked on.
    pub fn new(config: &OverloadConfig, under_way: Gauge) -> Arc<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let free = match config.requests {
            0 => (cores * EACH_CORE).max(AT_LEAST),
            set => usize::try_from(set).unwrap_or(usize::MAX),
        };
        Arc::new(Self {
            line: Mutex::new(Line { free, waiting: VecDeque::new() }),
            most_waiting: usize::try_from(config.waiting).unwrap_or(usize::MAX),
            patience: Duration::from_millis(config.patience.into()),
            under_way,
        })
    }

    /// Whether whoever comes now would be sent away at once: to be asked before work is spent on somebody.
    pub fn is_full(&self) -> bool {
        let mut line = self.lock();
        line.free == 0 && line.is_full(self.most_waiting)
    }

    /// Waits for a place.
    pub async fn enter(self: &Arc<Self>) -> Result<Place, Shed> {
        let waiting = {
            let mut line = self.lock();
            if line.free > 0 {
                line.free -= 1;
                None
            } else if line.is_full(self.most_waiting) {
                return Err(Shed::Full);
            } else {
                let (give, given) = oneshot::channel();
                line.waiting.push_back(give);
                Some(given)
            }
        };
        let Some(given) = waiting else {
            self.under_way.inc();
            let place = Place(Some(Arc::clone(self)));
            let_others_come().await;
            return Ok(place);
        };
        match tokio::time::timeout(self.patience, given).await {
            Ok(Ok(place)) => Ok(place),
            _ => Err(Shed::Late),
        }
    }

    /// Gives a place to whoever came last, or keeps it.
    fn pass_on(self: Arc<Self>) {
        let mut place = Place(Some(Arc::clone(&self)));
        let mut line = self.lock();
        while let Some(next) = line.waiting.pop_back() {
            match next.send(place) {
                Ok(()) => return,
                // Gone already.
                Err(back) => place = back,
            }
        }
        line.free += 1;
        place.0 = None;
        drop(line);
        self.under_way.dec();
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    /// Forgets those who went away, as far as they stand in front, where everybody gets who is not let in.
    fn is_full(&mut self, most: usize) -> bool {
        while self.waiting.front().is_some_and(oneshot::Sender::is_closed) {
            self.waiting.pop_front();
        }
        self.waiting.len() >= most
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(admission) = self.0.take() {
            admission.pass_on();
        }
    }
}

/// Lets every request that has come already take its place or its stand in the line. Else those who never have to wait for
/// anything would be answered one after the other, and the line would be where nobody sees it: in the queue of the runtime.
async fn let_others_come() {
    let mut came = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut came, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(requests: u32, waiting: u32, patience: u32) -> Arc<Admission> {
        Admission::new(&OverloadConfig { requests, waiting, patience }, Gauge::default())
    }

    fn come(to: &Arc<Admission>) -> tokio::task::JoinHandle<Result<Place, Shed>> {
        let to = Arc::clone(to);
        tokio::spawn(async move { to.enter().await })
    }

    async fn settle() {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_goes_to_whoever_came_last_and_who_is_not_let_in_soon_is_sent_away() {
        let admission = admission(1, 3, 100);
        let first = admission.enter().await.unwrap();
        assert!(!admission.is_full());
        let mut waiting = Vec::new();
        for _ in 0..3 {
            waiting.push(come(&admission));
            settle().await;
        }
        assert!(admission.is_full());
        assert_eq!(admission.enter().await.unwrap_err(), Shed::Full);
        drop(first);
        let last = waiting.pop().unwrap().await.unwrap().unwrap();
        assert_eq!(admission.under_way.get(), 1);
        drop(last);
        let second = waiting.pop().unwrap().await.unwrap().unwrap();
        tokio::time::advance(Duration::from_millis(101)).await;
        assert_eq!(waiting.pop().unwrap().await.unwrap().unwrap_err(), Shed::Late);
        drop(second);
        assert_eq!(admission.under_way.get(), 0);
        let again = admission.enter().await;
        assert!(again.is_ok(), "a place that nobody waits for is there for the next one");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_hangs_up_gives_back_the_place_and_the_stand_in_the_line() {
        let admission = admission(1, 2, 100);
        let first = admission.enter().await.unwrap();
        let gone = [come(&admission), come(&admission)];
        settle().await;
        assert!(admission.is_full());
        for one in gone {
            one.abort();
            let _ = one.await;
        }
        assert!(!admission.is_full());
        let stays = come(&admission);
        settle().await;
        drop(first);
        let place = stays.await.unwrap().unwrap();
        // Let in, and gone before it knew.
        let unaware = come(&admission);
        settle().await;
        drop(place);
        unaware.abort();
        let _ = unaware.await;
        assert!(admission.enter().await.is_ok());
        assert_eq!(admission.under_way.get(), 0);
    }

    #[tokio::test]
    async fn those_who_never_wait_for_anything_are_seen_to_come_together() {
        let admission = admission(2, 100, 60_000);
        let served: Vec<_> = (0..10).map(|_| come(&admission)).collect();
        settle().await;
        let waiting = admission.lock().waiting.len();
        assert_eq!(waiting, 8, "two are worked on");
        // Each gives its place to the next one, as its result is dropped.
        drop(served);
        for _ in 0..5 {
            settle().await;
        }
        assert_eq!(admission.lock().free, 2);
    }
}
