//! How much is done at once: when more is asked than the server can do, it does what it can as fast as always, and says at once
//! to the others that they have to come again.
//!
//! A bounded number of requests is worked on, and of them, no more are at the cores than these need not to idle: what is ready
//! to run beyond that would only wait, and everything else behind it. The next ones wait in a line, for a second. While the line
//! moves, it is first come, first served; when it does not, what becomes free goes to whoever came last, since whoever waits
//! longest is the one most likely to be late anyway. Who finds the line full, or has waited too long, is sent away before
//! anything of the request was looked at. See `docs/decisions/0023`.

mod place;

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicIsize, AtomicUsize, Ordering::SeqCst},
    },
    task::Poll,
    time::Duration,
};

use prometheus_client::metrics::gauge::Gauge;
use tokio::{sync::oneshot, time::Instant};

use crate::config::OverloadConfig;

pub use place::Place;

/// Requests for each core that are worked on at the same time, most of them waiting for something else than the core.
const EACH_CORE: usize = 64;
/// As many are worked on wherever there are few cores.
const AT_LEAST: usize = 256;
/// Of them, those for each core that wait for nothing but the core. A policy or a database answers in the time that these
/// take, so that there is always something to do.
const AT_EACH_CORE: usize = 16;
/// Part of the patience after which a line no longer moves: a peak is over by then.
const STANDS: u32 = 20;

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
    /// How many stand in the line, for those who have nothing to do with it unless somebody does.
    waiting: AtomicUsize,
    most_waiting: usize,
    /// Requests with a place that a core works on, or is to. One that is woken while it ends may be taken off before it is
    /// counted, so for a moment it may be one too few.
    at_cores: AtomicIsize,
    most_at_cores: isize,
    patience: Duration,
    under_way: Gauge,
}

#[derive(Debug)]
struct Line {
    free: usize,
    /// Those who came last stand at the end.
    waiting: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    since: Instant,
    give: oneshot::Sender<Place>,
}

impl Admission {
    /// With these settings, telling in `under_way` how much is worked on.
    pub fn new(config: &OverloadConfig, under_way: Gauge) -> Arc<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let free = match config.requests {
            0 => (cores * EACH_CORE).max(AT_LEAST),
            set => usize::try_from(set).unwrap_or(usize::MAX),
        };
        Self::sized((free, cores * AT_EACH_CORE), config, under_way)
    }

    fn sized((free, most_at_cores): (usize, usize), config: &OverloadConfig, under_way: Gauge) -> Arc<Self> {
        Arc::new(Self {
            line: Mutex::new(Line { free, waiting: VecDeque::new() }),
            waiting: AtomicUsize::new(0),
            most_waiting: usize::try_from(config.waiting).unwrap_or(usize::MAX),
            at_cores: AtomicIsize::new(0),
            most_at_cores: isize::try_from(most_at_cores).unwrap_or(isize::MAX),
            patience: Duration::from_millis(config.patience.into()),
            under_way,
        })
    }

    /// Whether whoever comes now would be sent away at once: to be asked before work is spent on somebody.
    pub fn is_full(&self) -> bool {
        let mut line = self.lock();
        !self.has_room(&line) && line.is_full(self.most_waiting)
    }

    /// Waits for a place.
    pub async fn enter(self: &Arc<Self>) -> Result<Place, Shed> {
        let place = {
            let mut line = self.lock();
            if self.has_room(&line) {
                Ok(Place::take(self, &mut line))
            } else if line.is_full(self.most_waiting) {
                return Err(Shed::Full);
            } else {
                let (give, given) = oneshot::channel();
                line.waiting.push_back(Waiting { since: Instant::now(), give });
                self.waiting.store(line.waiting.len(), SeqCst);
                Err(given)
            }
        };
        let place = match place {
            Ok(place) => place,
            Err(given) => {
                // Whoever left a core before the line was there did not look at it.
                self.let_in();
                match tokio::time::timeout(self.patience, given).await {
                    Ok(Ok(place)) => place,
                    _ => return Err(Shed::Late),
                }
            }
        };
        let_others_come().await;
        Ok(place)
    }

    fn has_room(&self, line: &Line) -> bool {
        line.free > 0 && self.at_cores.load(SeqCst) < self.most_at_cores
    }

    /// Lets in whom there is room for.
    fn let_in(self: &Arc<Self>) {
        if self.waiting.load(SeqCst) > 0 {
            self.let_in_from(&mut self.lock());
        }
    }

    fn let_in_from(self: &Arc<Self>, line: &mut Line) {
        while self.has_room(line) {
            let Some(next) = line.next(self.patience / STANDS) else { break };
            if let Err(back) = next.send(Place::take(self, line)) {
                back.give_back(line);
            }
        }
        self.waiting.store(line.waiting.len(), SeqCst);
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    /// Forgets those who went away, as far as they stand in front, where everybody gets who is not let in.
    fn forget_the_gone(&mut self) {
        while self.waiting.front().is_some_and(|first| first.give.is_closed()) {
            self.waiting.pop_front();
        }
    }

    fn is_full(&mut self, most: usize) -> bool {
        self.forget_the_gone();
        self.waiting.len() >= most
    }

    /// Whose turn it is: that of the first, or of the last if the first has waited for so long that the line stands.
    fn next(&mut self, stands: Duration) -> Option<oneshot::Sender<Place>> {
        self.forget_the_gone();
        let moves = self.waiting.front()?.since.elapsed() < stands;
        let next = if moves { self.waiting.pop_front() } else { self.waiting.pop_back() };
        next.map(|next| next.give)
    }
}

/// Lets every request that has come already take its place or its stand in the line. Else those who never have to wait for
/// anything would be answered one after the other, and the line would be where nobody sees it: in the queue of the runtime.
/// Whoever is let in steps back, too: the runtime lets those who are woken by others go first, and a line of them would keep
/// everybody else from the core.
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
mod tests;
