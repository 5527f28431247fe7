//! Memory that cannot be filled from outside.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

struct Entry<V> {
    touched: Instant,
    value: V,
}

/// A map that forgets what was not used for a while, and what was used longest ago when it is full.
pub(crate) struct Bounded<V> {
    capacity: usize,
    lifetime: Duration,
    entries: Mutex<HashMap<String, Entry<V>>>,
}

impl<V> Bounded<V> {
    pub(crate) fn new(capacity: usize, lifetime: Duration) -> Self {
        Self { capacity, lifetime, entries: Mutex::new(HashMap::new()) }
    }

    pub(crate) fn put(&self, key: String, value: V) {
        let now = Instant::now();
        let mut entries = self.lock();
        if entries.len() >= self.capacity && !entries.contains_key(&key) {
            entries.retain(|_, entry| now - entry.touched < self.lifetime);
            if entries.len() >= self.capacity
                && let Some(oldest) = entries.iter().min_by_key(|(_, e)| e.touched).map(|(k, _)| k.clone())
            {
                entries.remove(&oldest);
            }
        }
        entries.insert(key, Entry { touched: now, value });
    }

    /// Looks at, or changes, the value at `key`, which counts as a use.
    pub(crate) fn with<R>(&self, key: &str, act: impl FnOnce(&mut V) -> R) -> Option<R> {
        let now = Instant::now();
        let mut entries = self.lock();
        let entry = entries.get_mut(key).filter(|entry| now - entry.touched < self.lifetime)?;
        entry.touched = now;
        Some(act(&mut entry.value))
    }

    /// Takes the value out when `wanted` agrees; whoever comes second finds nothing.
    pub(crate) fn take_if(&self, key: &str, wanted: impl FnOnce(&V) -> bool) -> Option<V> {
        let now = Instant::now();
        let mut entries = self.lock();
        let entry = entries.get(key)?;
        if now - entry.touched >= self.lifetime || !wanted(&entry.value) {
            return None;
        }
        entries.remove(key).map(|entry| entry.value)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Entry<V>>> {
        // No closure run under the lock leaves a value half changed, so a panic elsewhere does not spoil the map.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(capacity: usize) -> Bounded<u8> {
        Bounded::new(capacity, Duration::from_secs(60))
    }

    #[test]
    fn the_value_used_longest_ago_makes_room() {
        let map = map(2);
        map.put("a".to_owned(), 1);
        map.put("b".to_owned(), 2);
        map.with("a", |_| ()).expect("a is there");
        map.put("c".to_owned(), 3);
        assert_eq!(map.with("a", |v| *v), Some(1));
        assert_eq!(map.with("b", |v| *v), None);
    }

    #[test]
    fn what_is_not_used_is_forgotten() {
        let map = Bounded::new(2, Duration::ZERO);
        map.put("a".to_owned(), 1);
        assert_eq!(map.take_if("a", |_| true), None);
        assert_eq!(map.with("a", |v| *v), None);
    }

    #[test]
    fn a_value_is_taken_once_and_only_by_whom_it_is_meant_for() {
        let map = map(2);
        map.put("a".to_owned(), 1);
        assert_eq!(map.take_if("a", |v| *v == 2), None);
        assert_eq!(map.take_if("a", |v| *v == 1), Some(1));
        assert_eq!(map.take_if("a", |_| true), None);
    }
}
