//! How much is done at once: when more is asked than the server can do, it does what it can as fast as always, and says at once
//! to the others that they have to come again.
//!
//! A bounded number of requests is worked on, and of them, no more are at the cores than these need not to idle: what is ready
//! to run beyond that would only wait, and everything else behind it. The next ones wait in a line, for a second. While the line
//! moves, it is first come, first served; when it does not, what becomes free goes to whoever came last, since whoever waits
//! longest is the one most likely to be late anyway. Who finds the line full, or has waited too long, is sent away before
//! anything of the request was looked at. See `docs/decisions/0023`.

mod away;
mod cores;
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

use away::Away;
use cores::Cores;
pub use place::Place;
use place::Seat;

/// Requests for each core that are worked on at the same time, most of them waiting for something else than the core.
const EACH_CORE: usize = 64;
/// As many are worked on wherever there are few cores.
const AT_LEAST: usize = 256;
/// Of them, those for each core that wait for nothing but the core. A policy or a database answers in the time that these
/// take, so that there is always something to do.
const AT_EACH_CORE: usize = 16;
/// Part of the patience after which a line no longer moves: a peak is over by then.
const STANDS: u32 = 20;
/// Part of the patience in which is counted how many are done: as many may wait then. Others would not be served either.
const COUNTED: u32 = 10;
/// Those for each core who may wait however few are done.
const WAITING_EACH_CORE: usize = 64;

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
    /// How many wait in the line or for a core, for those who have nothing to do with it unless somebody does.
    waiting: AtomicUsize,
    room: Room,
    /// Requests with a place that a core works on, or is to. One that is woken while it ends may be taken off before it is
    /// counted, so for a moment it may be one too few.
    at_cores: AtomicIsize,
    cores: Cores,
    store: Behind,
    /// How many there are places for.
    places: usize,
    away: Away,
    under_way: Gauge,
}

/// How many may wait in the line.
#[derive(Clone, Copy, Debug)]
struct Room {
    few: usize,
    most: usize,
    patience: Duration,
}

/// What most requests need, and whether it has enough to do already.
struct Behind(Box<dyn Fn() -> bool + Send + Sync>);

impl std::fmt::Debug for Behind {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str(if (self.0)() { "busy" } else { "free" })
    }
}

#[derive(Debug)]
struct Line {
    free: usize,
    /// How many may wait at the moment: as many as there is room for, until it is known how many can be done.
    room: usize,
    /// Since when it is counted how many are done, and how many were.
    done: Option<(Instant, usize)>,
    /// Those who came last stand at the end.
    waiting: VecDeque<Waiting>,
    /// Those who have a place and wait for nothing but a core, in their order.
    ready: VecDeque<Arc<Seat>>,
}

#[derive(Debug)]
struct Waiting {
    since: Instant,
    give: oneshot::Sender<Place>,
}

impl Admission {
    /// With these settings, in front of a store that may have enough to do, telling in `under_way` how much is worked on.
    pub fn new(
        config: &OverloadConfig,
        is_enough: impl Fn() -> bool + Send + Sync + 'static,
        under_way: Gauge,
    ) -> Arc<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let free = match config.requests {
            0 => (cores * EACH_CORE).max(AT_LEAST),
            set => usize::try_from(set).unwrap_or(usize::MAX),
        };
        Self::sized((free, cores, AT_EACH_CORE), config, Behind(Box::new(is_enough)), under_way)
    }

    fn sized(
        (free, cores, at_each): (usize, usize, usize),
        config: &OverloadConfig,
        store: Behind,
        under_way: Gauge,
    ) -> Arc<Self> {
        let most = usize::try_from(config.waiting).unwrap_or(usize::MAX);
        let patience = Duration::from_millis(config.patience.into());
        let (waiting, ready) = (VecDeque::new(), VecDeque::new());
        Arc::new(Self {
            line: Mutex::new(Line { free, room: most, done: None, waiting, ready }),
            waiting: AtomicUsize::new(0),
            room: Room { few: most.min(cores * WAITING_EACH_CORE), most, patience },
            at_cores: AtomicIsize::new(0),
            cores: Cores::new(cores, at_each),
            store,
            places: free,
            away: Away::new(u32::try_from(cores).unwrap_or(u32::MAX), patience / STANDS),
            under_way,
        })
    }

    /// Whether whoever comes now would be sent away at once: to be asked before work is spent on somebody.
    pub fn is_full(&self) -> bool {
        let mut line = self.lock();
        !self.has_room(&line) && line.is_full(self.room.patience)
    }

    /// Waits until one that is sent away may be told so: not at all, unless there are very many.
    pub async fn turn_away(&self) {
        if !self.away.may_go() {
            tokio::time::sleep(self.room.patience).await;
        }
    }

    /// Waits for a place.
    pub async fn enter(self: &Arc<Self>) -> Result<Place, Shed> {
        let place = {
            let mut line = self.lock();
            if self.has_room(&line) {
                Ok(Place::take(self, &mut line))
            } else if line.is_full(self.room.patience) {
                return Err(Shed::Full);
            } else {
                let (give, given) = oneshot::channel();
                line.waiting.push_back(Waiting { since: Instant::now(), give });
                self.count(&line);
                Err(given)
            }
        };
        let place = match place {
            Ok(place) => place,
            Err(given) => {
                // Whoever left a core before the line was there did not look at it.
                self.let_in();
                match tokio::time::timeout(self.room.patience, given).await {
                    Ok(Ok(place)) => place,
                    _ => return Err(Shed::Late),
                }
            }
        };
        let_others_come().await;
        Ok(place)
    }

    fn has_a_core(&self) -> bool {
        self.at_cores.load(SeqCst) < self.cores.most()
    }

    /// Room for one more. Whoever has a place goes first: what was begun is ended before something else is begun. Where others
    /// wait for the store already, that is when one of them is done; if there is none, there is nobody who would tell.
    fn has_room(&self, line: &Line) -> bool {
        line.free > 0
            && line.ready.is_empty()
            && self.has_a_core()
            && (line.free == self.places || !(self.store.0)())
    }

    /// Lets in whom there is room for.
    fn let_in(self: &Arc<Self>) {
        if self.waiting.load(SeqCst) > 0 {
            self.let_in_from(&mut self.lock());
        }
    }

    fn let_in_from(self: &Arc<Self>, line: &mut Line) {
        while self.has_a_core() && line.wake_next().is_some() {}
        while self.has_room(line) {
            let Some(next) = line.next(self.room.patience) else { break };
            if let Err(back) = next.send(Place::take(self, line)) {
                back.give_back(line);
            }
        }
        if line.waiting.is_empty() {
            (line.room, line.done) = (self.room.most, None);
        }
        self.count(line);
    }

    fn count(&self, line: &Line) {
        self.waiting.store(line.waiting.len() + line.ready.len(), SeqCst);
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    /// One is done. While others wait, it is counted how many are.
    fn done(&mut self, room: Room) {
        if self.waiting.is_empty() {
            return;
        }
        let now = Instant::now();
        let (since, done) = self.done.get_or_insert((now, 0));
        *done += 1;
        if now - *since >= room.patience / COUNTED {
            self.room = (*done).clamp(room.few, room.most);
            self.done = Some((now, 0));
        }
    }

    /// Forgets those who went away, as far as they stand in front, where everybody gets who is not let in.
    fn forget_the_gone(&mut self) {
        while self.waiting.front().is_some_and(|first| first.give.is_closed()) {
            self.waiting.pop_front();
        }
    }

    /// Whether there is no room for one who comes. Whoever waits in it for too long makes room: it would be served late.
    fn is_full(&mut self, patience: Duration) -> bool {
        self.forget_the_gone();
        if self.waiting.len() >= self.room
            && self.waiting.front().is_some_and(|first| first.since.elapsed() >= patience / COUNTED)
        {
            self.waiting.pop_front();
        }
        self.waiting.len() >= self.room
    }

    /// Whose turn it is: that of the first, or of the last if the first has waited for so long that the line stands.
    fn next(&mut self, patience: Duration) -> Option<oneshot::Sender<Place>> {
        self.forget_the_gone();
        let moves = self.waiting.front()?.since.elapsed() < patience / STANDS;
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
