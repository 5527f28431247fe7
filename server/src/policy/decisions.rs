//! Decisions that may be used again.
//!
//! The key of a decision is all that the policy was shown: what it was not shown cannot have mattered. A decision that
//! says who somebody is is never kept.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::Duration,
};

use placet_sdk::decision::{Decision, HookType, Verdict};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;

use super::{failure::Failed, registration::Registration};
use crate::{
    cache::{Cached, Room},
    metrics::Caches,
};

/// The longest that a decision is kept, whatever both sides say, in seconds.
pub(crate) const MAX_AGE: u32 = 86_400;
/// The longest that a denial is kept, in seconds.
const MAX_DENIAL_AGE: u32 = 5;
/// So many clients and subjects are remembered as flushed one by one; with more, everything is.
const MAX_FLUSHED: usize = 10_000;

/// The key of a decision.
pub(super) type Key = [u8; 32];

/// A decision that may be used again.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) decision: Decision,
    client: Option<String>,
    subjects: Vec<String>,
    epoch: u64,
    fresh_until: i64,
    stale_until: i64,
    bytes: usize,
}

/// For how long a decision is kept, in seconds: fresh, and stale after that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ages {
    fresh: u32,
    stale: u32,
}

/// What a question is about, for flushing.
#[derive(Clone, Debug)]
pub(super) struct About {
    pub(super) client: Option<String>,
    pub(super) subjects: Vec<String>,
    /// What was flushed when the question was asked.
    pub(super) epoch: u64,
}

/// The kept decisions.
pub(super) struct Decisions {
    kept: Cached<Key, Arc<Kept>>,
    flushed: Mutex<Flushed>,
    /// Questions that somebody is asking right now; those who want the same wait.
    flights: Mutex<HashMap<Key, watch::Receiver<Option<Failed>>>>,
}

#[derive(Debug, Default)]
struct Flushed {
    epoch: u64,
    floor: u64,
    clients: HashMap<String, u64>,
    subjects: HashMap<String, u64>,
}

/// What there is for a key.
pub(super) enum Found<'a> {
    /// A decision.
    Fresh(Arc<Kept>),
    /// Nothing: ask, and tell the others.
    Lead(Flight<'a>),
    /// Somebody is asking the same.
    Wait(watch::Receiver<Option<Failed>>),
}

/// A question under way. Dropping it wakes those who wait.
pub(super) struct Flight<'a> {
    decisions: &'a Decisions,
    key: Key,
    told: watch::Sender<Option<Failed>>,
}

impl Flight<'_> {
    /// The question failed, for all who wait.
    pub(super) fn failed(self, failed: &Failed) {
        self.told.send_replace(Some(failed.clone()));
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        lock(&self.decisions.flights).remove(&self.key);
    }
}

impl Decisions {
    /// None yet; all together may take so many bytes.
    pub(super) fn new(bytes: u64, caches: &Caches) -> Self {
        let ttl = Duration::from_secs(2 * u64::from(MAX_AGE));
        Self {
            kept: Cached::new(Room { name: "decisions", bytes, ttl }, caches, |_, kept: &Arc<Kept>| {
                kept.bytes
            }),
            flushed: Mutex::default(),
            flights: Mutex::default(),
        }
    }

    /// What was flushed up to now.
    pub(super) fn epoch(&self) -> u64 {
        lock(&self.flushed).epoch
    }

    /// The decision for a key, if it is still fresh.
    pub(super) async fn find(&self, key: Key, now: i64) -> Found<'_> {
        if let Some(kept) = self.fresh(&key, now).await {
            return Found::Fresh(kept);
        }
        let mut flights = lock(&self.flights);
        if let Some(flight) = flights.get(&key) {
            return Found::Wait(flight.clone());
        }
        let (told, wait) = watch::channel(None);
        flights.insert(key, wait);
        Found::Lead(Flight { decisions: self, key, told })
    }

    /// The decision for a key, while it is fresh.
    pub(super) async fn fresh(&self, key: &Key, now: i64) -> Option<Arc<Kept>> {
        self.kept.peek(key).await.filter(|kept| now < kept.fresh_until && self.counts(kept))
    }

    /// The decision for a key, while it is not too old for a policy that fails.
    pub(super) async fn stale(&self, key: &Key, now: i64) -> Option<Arc<Kept>> {
        self.kept.peek(key).await.filter(|kept| now < kept.stale_until && self.counts(kept))
    }

    pub(super) async fn keep(&self, key: Key, decision: &Decision, ages: Ages, (about, now): (&About, i64)) {
        let bytes = serde_json::to_vec(decision).map_or(usize::MAX, |json| json.len()) + 512;
        let fresh_until = now.saturating_add(ages.fresh.into());
        let kept = Kept {
            decision: decision.clone(),
            client: about.client.clone(),
            subjects: about.subjects.clone(),
            epoch: about.epoch,
            fresh_until,
            stale_until: fresh_until.saturating_add(ages.stale.into()),
            bytes,
        };
        self.kept.put(key, Arc::new(kept)).await;
    }

    /// Forgets the decisions about a client.
    pub(super) fn flush_client(&self, client: &str) {
        lock(&self.flushed).flush(|flushed| &mut flushed.clients, client);
    }

    /// Forgets the decisions about a subject.
    pub(super) fn flush_subject(&self, sub: &str) {
        lock(&self.flushed).flush(|flushed| &mut flushed.subjects, sub);
    }

    /// Forgets all decisions.
    pub(super) fn flush_all(&self) {
        let mut flushed = lock(&self.flushed);
        flushed.epoch += 1;
        flushed.floor = flushed.epoch;
        flushed.clients.clear();
        flushed.subjects.clear();
    }

    fn counts(&self, kept: &Kept) -> bool {
        let flushed = lock(&self.flushed);
        let after = |epoch: Option<&u64>| epoch.is_none_or(|epoch| kept.epoch >= *epoch);
        kept.epoch >= flushed.floor
            && kept.client.as_ref().is_none_or(|client| after(flushed.clients.get(client)))
            && kept.subjects.iter().all(|sub| after(flushed.subjects.get(sub)))
    }
}

impl Flushed {
    fn flush(&mut self, which: impl Fn(&mut Self) -> &mut HashMap<String, u64>, name: &str) {
        self.epoch += 1;
        let epoch = self.epoch;
        if which(self).len() >= MAX_FLUSHED {
            self.floor = epoch;
            self.clients.clear();
            self.subjects.clear();
        }
        which(self).insert(name.to_owned(), epoch);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// For how long an answer is kept, if at all. Both sides have to agree, and the shorter time counts.
pub(super) fn ages(policy: &Registration, decision: &Decision) -> Option<Ages> {
    let (cache, hint) = (policy.config.cache, decision.cache?);
    let longest = match decision.decision {
        Verdict::Allow => MAX_AGE,
        Verdict::Deny if cache.denies => MAX_DENIAL_AGE,
        Verdict::Deny | Verdict::Challenge => return None,
    };
    let fresh = cache.max_age.min(hint.max_age).min(longest);
    let stale = cache.stale_for.min(hint.stale_if_error.unwrap_or(0));
    let stale = if decision.decision == Verdict::Allow { stale.min(MAX_AGE) } else { 0 };
    (fresh > 0).then_some(Ages { fresh, stale })
}

/// The key of a question: the policy, and all that it is shown, less what differs in every question.
pub(super) fn key(policy: &Registration, hook: HookType, shown: &Value) -> Key {
    let mut steady = shown.clone();
    for pointer in ["/id", "/time", "/deadline", "/attempt", "/request/received_at"] {
        super::shown::remove(&mut steady, pointer);
    }
    if let Some(section) = steady.get_mut(hook.section()) {
        without_instants(section);
    }
    let mut hash = Sha256::new();
    text(&mut hash, &policy.config.name);
    hash.update(policy.generation.load(Ordering::SeqCst).to_be_bytes());
    feed(&mut hash, &steady);
    hash.finalize().into()
}

/// Takes away the instants and ids of tokens: the same question comes with other ones each time.
fn without_instants(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for name in ["exp", "iat", "nbf", "jti", "last_used_at"] {
                members.remove(name);
            }
            members.values_mut().for_each(without_instants);
        }
        Value::Array(items) => items.iter_mut().for_each(without_instants),
        _ => {}
    }
}

/// Feeds a value so that no two different ones are the same input, whatever the order of members.
fn feed(hash: &mut Sha256, value: &Value) {
    match value {
        Value::Object(members) => {
            hash.update(b"{");
            hash.update((members.len() as u64).to_be_bytes());
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            for (name, value) in members {
                text(hash, name);
                feed(hash, value);
            }
        }
        Value::Array(items) => {
            hash.update(b"[");
            hash.update((items.len() as u64).to_be_bytes());
            for item in items {
                feed(hash, item);
            }
        }
        Value::String(string) => {
            hash.update(b"\"");
            text(hash, string);
        }
        other => {
            hash.update(b"=");
            text(hash, &other.to_string());
        }
    }
}

fn text(hash: &mut Sha256, text: &str) {
    hash.update((text.len() as u64).to_be_bytes());
    hash.update(text);
}

#[cfg(test)]
mod tests;
