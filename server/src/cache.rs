//! The one way this server caches what can be revoked.
//!
//! With moka's plain calls a loader that read before a revocation inserts after it, and revives what was
//! revoked. Here the loader and the removal both hold the key's own lock, so that one of them comes last.

use std::{
    fmt,
    hash::Hash,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use moka::{
    future::Cache,
    ops::compute::{CompResult, Op},
};

use crate::metrics::{CacheMeter, Caches};

/// What an entry takes besides its key and its value, in bytes.
const ENTRY: u32 = 160;

/// What a cache is called and how much it may hold.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Its name in metrics.
    pub name: &'static str,
    /// All its entries together, in bytes.
    pub bytes: u64,
    /// No entry is served for longer.
    pub ttl: Duration,
}

/// A bounded cache of `V` by `K`.
#[derive(Clone)]
pub struct Cached<K, V: Clone> {
    entries: Cache<K, V>,
    meter: CacheMeter,
    /// How often a load gave nothing that could be kept.
    fruitless: Arc<AtomicU64>,
}

impl<K, V: Clone> fmt::Debug for Cached<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cached")
    }
}

/// Why nothing was loaded under the lock of a key.
enum Unloaded<E> {
    /// It failed.
    Failed(E),
    /// Somebody else got nothing while this caller waited, which has waited for long enough.
    Elsewhere,
}

impl<K, V> Cached<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// A cache with this room, counted in `caches`. `weigh` says how many bytes key and value take.
    #[allow(clippy::disallowed_methods, reason = "this is the one place that makes caches")]
    pub fn new(room: Room, caches: &Caches, weigh: impl Fn(&K, &V) -> usize + Send + Sync + 'static) -> Self {
        let meter = caches.meter(room.name);
        let evicted = meter.clone();
        let entries = Cache::builder()
            .name(room.name)
            .max_capacity(room.bytes)
            .weigher(move |key, value| {
                u32::try_from(weigh(key, value)).unwrap_or(u32::MAX).saturating_add(ENTRY)
            })
            .time_to_live(room.ttl)
            .eviction_listener(move |_, _, cause| {
                if cause.was_evicted() {
                    evicted.evicted();
                }
            })
            .build();
        let (looked_at, shown) = (entries.clone(), meter.clone());
        caches.watch(move || shown.holds(looked_at.entry_count(), looked_at.weighted_size()));
        Self { entries, meter, fruitless: Arc::default() }
    }

    /// The cached value, or what `load` gives; `None` is not cached. Concurrent callers share one load.
    pub async fn get<E, F>(&self, key: K, load: F) -> Result<Option<V>, E>
    where
        F: Future<Output = Result<Option<V>, E>> + Send,
        E: Send + Sync + 'static,
    {
        self.get_if(key, |_| true, load).await
    }

    /// The cached value if it `counts`, or what `load` gives; `None` is not cached. Concurrent callers share one load. Those
    /// who wait for a load that fails, or gives nothing, do not make a queue: each of them then loads for itself.
    pub async fn get_if<E, F>(
        &self,
        key: K,
        counts: impl Fn(&V) -> bool + Send,
        load: F,
    ) -> Result<Option<V>, E>
    where
        F: Future<Output = Result<Option<V>, E>> + Send,
        E: Send + Sync + 'static,
    {
        if let Some(hit) = self.entries.get(&key).await
            && counts(&hit)
        {
            self.meter.hit();
            return Ok(Some(hit));
        }
        self.meter.missed();
        let before = self.fruitless.load(Ordering::Acquire);
        let mut load = pin!(load);
        let computed = self
            .entries
            .entry(key)
            .and_try_compute_with(|present| {
                let load = load.as_mut();
                let counts = &counts;
                async move {
                    if present.as_ref().is_some_and(|entry| counts(entry.value())) {
                        return Ok(Op::Nop);
                    }
                    if self.fruitless.load(Ordering::Acquire) != before {
                        return Err(Unloaded::Elsewhere);
                    }
                    self.meter.loaded();
                    match load.await {
                        Ok(Some(value)) => Ok(Op::Put(value)),
                        Ok(None) => {
                            self.fruitless.fetch_add(1, Ordering::AcqRel);
                            Ok(if present.is_some() { Op::Remove } else { Op::Nop })
                        }
                        Err(error) => {
                            self.fruitless.fetch_add(1, Ordering::AcqRel);
                            Err(Unloaded::Failed(error))
                        }
                    }
                }
            })
            .await;
        match computed {
            Ok(
                CompResult::Inserted(entry) | CompResult::ReplacedWith(entry) | CompResult::Unchanged(entry),
            ) => Ok(Some(entry.into_value())),
            Ok(CompResult::StillNone(_) | CompResult::Removed(_)) => Ok(None),
            Err(Unloaded::Failed(error)) => Err(error),
            Err(Unloaded::Elsewhere) => {
                self.meter.loaded();
                load.await
            }
        }
    }

    /// The cached value. For values that carry what tells whether they still count.
    pub async fn peek(&self, key: &K) -> Option<V> {
        let found = self.entries.get(key).await;
        if found.is_some() {
            self.meter.hit();
        } else {
            self.meter.missed();
        }
        found
    }

    /// Keeps a value. Only for values that carry what tells whether they still count: this may come after a removal.
    pub async fn put(&self, key: K, value: V) {
        self.entries.entry(key).and_compute_with(|_| async { Op::Put(value) }).await;
    }

    /// Keeps a value unless one is there that `stands`. Tells whether it was kept: of several who try, one is told so.
    pub async fn claim(&self, key: K, value: V, stands: impl FnOnce(&V) -> bool + Send) -> bool {
        let computed = self.entries.entry(key).and_compute_with(|present| async move {
            if present.is_some_and(|entry| stands(entry.value())) { Op::Nop } else { Op::Put(value) }
        });
        matches!(computed.await, CompResult::Inserted(_) | CompResult::ReplacedWith(_))
    }

    /// Forgets the value, also one that is being loaded right now.
    pub async fn remove(&self, key: K) {
        self.entries.entry(key).and_compute_with(|_| async { Op::Remove }).await;
    }
}

#[cfg(test)]
mod tests;
