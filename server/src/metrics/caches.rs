//! What is kept in memory, and how often that helped.

use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use super::register;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Named {
    cache: &'static str,
}

/// Sets what is only known when somebody asks.
type Look = Box<dyn Fn() + Send + Sync>;

/// The counters of all caches.
#[derive(Clone, Default)]
pub struct Caches {
    hits: Family<Named, Counter>,
    misses: Family<Named, Counter>,
    loads: Family<Named, Counter>,
    evictions: Family<Named, Counter>,
    entries: Family<Named, Gauge>,
    bytes: Family<Named, Gauge>,
    watched: Arc<Mutex<Vec<Look>>>,
}

impl std::fmt::Debug for Caches {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Caches")
    }
}

/// The counters of one cache.
#[derive(Clone)]
pub struct CacheMeter {
    hits: Counter,
    misses: Counter,
    loads: Counter,
    evictions: Counter,
    entries: Gauge,
    bytes: Gauge,
}

impl Caches {
    pub(super) fn register(self, to: &mut Registry) -> Self {
        register(to, "placet_cache_hits", "Values that were in memory", &self.hits);
        register(
            to,
            "placet_cache_misses",
            "Values that were not in memory, or counted no more",
            &self.misses,
        );
        register(
            to,
            "placet_cache_loads",
            "Values that were loaded: fewer than misses, since many wait for one",
            &self.loads,
        );
        register(to, "placet_cache_evictions", "Values that had to go: too old, or no room", &self.evictions);
        register(to, "placet_cache_entries", "Values in memory", &self.entries);
        register(to, "placet_cache_bytes", "What they take, in bytes, as it is estimated", &self.bytes);
        self
    }

    /// The counters of the cache with this name.
    pub fn meter(&self, cache: &'static str) -> CacheMeter {
        let named = Named { cache };
        CacheMeter {
            hits: self.hits.get_or_create_owned(&named),
            misses: self.misses.get_or_create_owned(&named),
            loads: self.loads.get_or_create_owned(&named),
            evictions: self.evictions.get_or_create_owned(&named),
            entries: self.entries.get_or_create_owned(&named),
            bytes: self.bytes.get_or_create_owned(&named),
        }
    }

    /// From now on `look` is called before the counters are read.
    pub fn watch(&self, look: impl Fn() + Send + Sync + 'static) {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(look));
    }

    pub(super) fn look(&self) {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner).iter().for_each(|look| look());
    }
}

impl CacheMeter {
    /// A value was in memory.
    pub fn hit(&self) {
        self.hits.inc();
    }

    /// A value was not in memory.
    pub fn missed(&self) {
        self.misses.inc();
    }

    /// A value is loaded.
    pub fn loaded(&self) {
        self.loads.inc();
    }

    /// A value had to go.
    pub fn evicted(&self) {
        self.evictions.inc();
    }

    /// So many values are in memory, and take so many bytes.
    pub fn holds(&self, entries: u64, bytes: u64) {
        self.entries.set(i64::try_from(entries).unwrap_or(i64::MAX));
        self.bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }
}
