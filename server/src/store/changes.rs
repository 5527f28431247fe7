//! What changed of the facts that this process may keep in memory.
//!
//! A kept fact is held against what changed since it was read: who reads notes the mark before the read, and a fact whose
//! mark is older than a change of it counts no more. So it does not matter whether a reader keeps what it read before or after
//! the change is learnt of.
//!
//! Changes by this process are noted when the store has written them, before anybody is told that they are. Those by
//! other processes are heard of, and their numbers tell whether something was missed: then everything counts no more. While
//! it is not known that nothing was missed, nothing that is kept counts at all.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};

use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use super::Digest;

/// How often a process asks whether it missed something.
pub const BEAT: Duration = Duration::from_secs(1);
/// So long after it last knew that nothing was missed, in seconds, nothing that is kept counts any more. A change is seen
/// by every process within this time.
pub const ALIVE: i64 = 2;
/// So many changed facts are remembered one by one; with more, everything that was read before counts no more.
const MOST: usize = 10_000;

/// Something in the store that may be kept in memory, by its name. Two of them may have one name: then a change of one is
/// taken for a change of the other, which costs a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fact(u64);

impl Fact {
    /// An opaque access token.
    pub fn token(digest: &Digest) -> Self {
        Self::named("token", &digest.0)
    }

    /// An authorization.
    pub fn authorization(id: &str) -> Self {
        Self::named("authorization", id.as_bytes())
    }

    /// A client.
    pub fn client(id: &str) -> Self {
        Self::named("client", id.as_bytes())
    }

    fn named(kind: &str, id: &[u8]) -> Self {
        let hash = Sha256::new_with_prefix(kind).chain_update([0]).chain_update(id).finalize();
        Self(hash.iter().take(8).fold(0, |name, byte| name << 8 | u64::from(*byte)))
    }
}

/// What changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Changed {
    /// Nothing.
    #[default]
    Nothing,
    /// These facts.
    Facts(Vec<Fact>),
    /// More than is told one by one.
    Everything,
}

/// So many facts are told of one by one.
const TOLD: usize = 64;

impl Changed {
    /// These changed as well.
    pub(crate) fn add(&mut self, facts: &[Fact]) {
        if facts.is_empty() {
            return;
        }
        match self {
            Self::Nothing => *self = Self::Facts(facts.to_vec()),
            Self::Facts(all) => all.extend(facts),
            Self::Everything => {}
        }
        if matches!(self, Self::Facts(all) if all.len() > TOLD) {
            *self = Self::Everything;
        }
    }

    /// In as few characters as fit into a notification.
    pub(crate) fn written(&self) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Facts(facts) => {
                facts.iter().map(|fact| format!("{:016x}", fact.0)).collect::<Vec<_>>().join(",")
            }
            Self::Everything => "*".to_owned(),
        }
    }

    /// The reverse. What cannot be understood may be anything.
    pub(crate) fn read(text: &str) -> Self {
        let facts: Option<Vec<_>> =
            text.split(',').map(|name| u64::from_str_radix(name, 16).ok().map(Fact)).collect();
        facts.map_or(Self::Everything, Self::Facts)
    }
}

/// A moment between two changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(u64);

/// What changed of the facts of one tenant.
#[derive(Debug)]
pub struct Changes {
    /// Whether only this process changes anything, so that nothing can be missed.
    alone: bool,
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    mark: u64,
    /// What was read before counts no more.
    floor: u64,
    facts: HashMap<Fact, u64>,
    /// The number of the newest change of any process that was heard of.
    number: Option<i64>,
    /// When it was last known that nothing was missed.
    known: Option<(Instant, i64)>,
    missed: u64,
}

impl Changes {
    /// Nothing yet. `alone`: whether only this process changes anything.
    pub(crate) fn new(alone: bool) -> Self {
        Self { alone, state: RwLock::default() }
    }

    /// Now: to be noted before a fact is read.
    pub fn mark(&self) -> Mark {
        Mark(self.read().mark)
    }

    /// Whether facts that were read after `mark` count at `now`, in seconds since the epoch.
    pub fn count(&self, facts: &[Fact], mark: Mark, now: i64) -> bool {
        let state = self.read();
        (self.alone || state.is_known(now)) && state.unchanged(facts, mark)
    }

    /// Whether nothing was heard of a change of facts that were read after `mark`: for those that are kept for a short time
    /// only, whatever is heard.
    pub fn unchanged(&self, facts: &[Fact], mark: Mark) -> bool {
        self.read().unchanged(facts, mark)
    }

    /// Whether it is known at `now` that nothing was missed.
    pub fn is_known(&self, now: i64) -> bool {
        self.alone || self.read().is_known(now)
    }

    /// How often something was missed.
    pub fn missed(&self) -> u64 {
        self.read().missed
    }

    /// Something changed.
    pub(crate) fn note(&self, changed: &Changed) {
        self.write().note(changed);
    }

    /// The change with this number was heard of. The one that was missed before it may be anything.
    pub(crate) fn heard(&self, number: i64, changed: &Changed) {
        let mut state = self.write();
        match state.number {
            Some(newest) if number <= newest => state.note(changed),
            Some(newest) if number == newest + 1 => {
                state.number = Some(number);
                state.note(changed);
            }
            _ => {
                state.number = Some(number);
                state.miss();
            }
        }
    }

    /// Up to this number everything is in the store, as was found out by asking at `asked`. Whoever did not hear of all of
    /// it forgets what it read before.
    pub(crate) fn caught_up(&self, number: i64, asked: (Instant, i64)) {
        let mut state = self.write();
        if state.number != Some(number) {
            state.number = state.number.max(Some(number));
            state.miss();
        }
        state.known = Some(asked);
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// By both clocks: one of them stands still while the machine sleeps, the other one may be set back.
    fn is_known(&self, now: i64) -> bool {
        let alive = Duration::from_secs(ALIVE.unsigned_abs());
        self.known.is_some_and(|(instant, at)| {
            instant.elapsed() < alive && now.saturating_sub(at) < ALIVE && now >= at
        })
    }

    fn unchanged(&self, facts: &[Fact], mark: Mark) -> bool {
        let unchanged = |fact| self.facts.get(fact).is_none_or(|changed| *changed <= mark.0);
        self.floor <= mark.0 && facts.iter().all(unchanged)
    }

    fn note(&mut self, changed: &Changed) {
        match changed {
            Changed::Nothing => {}
            Changed::Facts(facts) => {
                self.mark += 1;
                if self.facts.len() + facts.len() > MOST {
                    self.floor = self.mark;
                    self.facts.clear();
                } else {
                    self.facts.extend(facts.iter().map(|fact| (*fact, self.mark)));
                }
            }
            Changed::Everything => self.forget(),
        }
    }

    fn miss(&mut self) {
        self.missed += 1;
        self.forget();
    }

    fn forget(&mut self) {
        self.mark += 1;
        self.floor = self.mark;
        self.facts.clear();
    }
}

#[cfg(test)]
mod tests;
