//! The one way this server caches what can be revoked.
//!
//! With moka's plain calls a loader that read before a revocation inserts after it, and revives what was
//! revoked. Here the loader and the removal both hold the key's own lock, so that one of them comes last.

use std::{hash::Hash, time::Duration};

use moka::{
    future::Cache,
    ops::compute::{CompResult, Op},
};

/// A bounded cache of `V` by `K`.
#[derive(Clone)]
pub struct Cached<K, V: Clone> {
    entries: Cache<K, V>,
}

impl<K, V> Cached<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// A cache of at most `entries`, each served for at most `ttl`.
    pub fn new(entries: u64, ttl: Duration) -> Self {
        Self { entries: Cache::builder().max_capacity(entries).time_to_live(ttl).build() }
    }

    /// The cached value, or what `load` gives; `None` is not cached. Concurrent callers share one load.
    pub async fn get<E, F>(&self, key: K, load: F) -> Result<Option<V>, E>
    where
        F: Future<Output = Result<Option<V>, E>> + Send,
        E: Send + Sync + 'static,
    {
        if let Some(hit) = self.entries.get(&key).await {
            return Ok(Some(hit));
        }
        let computed = self
            .entries
            .entry(key)
            .and_try_compute_with(|present| async move {
                match present {
                    Some(_) => Ok(Op::Nop),
                    None => Ok(load.await?.map_or(Op::Nop, Op::Put)),
                }
            })
            .await?;
        Ok(match computed {
            CompResult::Inserted(entry)
            | CompResult::ReplacedWith(entry)
            | CompResult::Unchanged(entry)
            | CompResult::Removed(entry) => Some(entry.into_value()),
            CompResult::StillNone(_) => None,
        })
    }

    /// A cache of at most so many bytes, as `weigh` counts them, each entry served for at most `ttl`.
    pub fn weighed(bytes: u64, ttl: Duration, weigh: impl Fn(&K, &V) -> u32 + Send + Sync + 'static) -> Self {
        Self { entries: Cache::builder().max_capacity(bytes).weigher(weigh).time_to_live(ttl).build() }
    }

    /// The cached value. For values that carry what tells whether they still count.
    pub async fn peek(&self, key: &K) -> Option<V> {
        self.entries.get(key).await
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
mod tests {
    use std::convert::Infallible;

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn of_several_who_claim_a_key_one_gets_it_until_it_stands_no_more() {
        let cache = Cached::<&str, u32>::new(10, Duration::from_secs(60));
        let claims = (0..20).map(|n| cache.claim("k", n, |_| true));
        let got = futures_util::future::join_all(claims).await;
        assert_eq!(got.iter().filter(|got| **got).count(), 1);
        assert!(!cache.claim("k", 21, |_| true).await);
        assert!(cache.claim("k", 22, |_| false).await);
        assert_eq!(cache.peek(&"k").await, Some(22));
    }

    #[tokio::test]
    async fn a_value_that_was_being_loaded_while_it_was_removed_is_not_served() {
        let cache = Cached::<&str, u32>::new(10, Duration::from_secs(60));
        let (started, loading) = oneshot::channel();
        let (go, wait) = oneshot::channel::<()>();
        let loader = tokio::spawn({
            let cache = cache.clone();
            async move {
                cache
                    .get("k", async {
                        let _ = started.send(());
                        let _ = wait.await;
                        Ok::<_, Infallible>(Some(1))
                    })
                    .await
            }
        });
        loading.await.unwrap();
        let remover = tokio::spawn({
            let cache = cache.clone();
            async move { cache.remove("k").await }
        });
        tokio::task::yield_now().await;
        go.send(()).unwrap();
        loader.await.unwrap().unwrap();
        remover.await.unwrap();
        let after = cache.get("k", async { Ok::<_, Infallible>(Some(2)) }).await.unwrap();
        assert_eq!(after, Some(2));
    }
}
