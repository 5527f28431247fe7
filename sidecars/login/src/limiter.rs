//! Counts failures in bounded memory, so that passwords cannot be guessed at leisure.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// Allows `limit` failures per key and window.
pub(crate) struct Limiter {
    limit: u32,
    window: Duration,
    capacity: usize,
    entries: Mutex<HashMap<String, Entry>>,
}

struct Entry {
    since: Instant,
    count: u32,
}

impl Limiter {
    /// A limiter that remembers at most `capacity` keys.
    pub(crate) fn new(limit: u32, window: Duration, capacity: usize) -> Self {
        Self { limit, window, capacity, entries: Mutex::default() }
    }

    /// How long `key` has to wait; `None` if it need not.
    pub(crate) fn wait(&self, key: &str, now: Instant) -> Option<Duration> {
        self.left(&self.entries.lock().unwrap_or_else(PoisonError::into_inner), key, now)
    }

    fn left(&self, entries: &HashMap<String, Entry>, key: &str, now: Instant) -> Option<Duration> {
        let entry = entries.get(key).filter(|entry| entry.count >= self.limit)?;
        let left = self.window.checked_sub(now.duration_since(entry.since))?;
        (!left.is_zero()).then_some(left)
    }

    /// Counts an attempt before it is made, or says how long `key` has to wait. Of racing attempts each one counts.
    pub(crate) fn take(&self, key: &str, now: Instant) -> Option<Duration> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = self.left(&entries, key, now);
        if wait.is_none() {
            self.note(&mut entries, key, now);
        }
        wait
    }

    /// Counts a failure.
    pub(crate) fn count(&self, key: &str, now: Instant) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        self.note(&mut entries, key, now);
    }

    fn note(&self, entries: &mut HashMap<String, Entry>, key: &str, now: Instant) {
        if let Some(entry) = entries.get_mut(key) {
            if now.duration_since(entry.since) >= self.window {
                *entry = Entry { since: now, count: 0 };
            }
            entry.count = entry.count.saturating_add(1);
            return;
        }
        if entries.len() >= self.capacity {
            entries.retain(|_, entry| now.duration_since(entry.since) < self.window);
        }
        if entries.len() >= self.capacity {
            let oldest = entries.iter().min_by_key(|(_, entry)| entry.since).map(|(key, _)| key.clone());
            oldest.map(|key| entries.remove(&key));
        }
        entries.insert(key.to_owned(), Entry { since: now, count: 1 });
    }

    /// Forgets the failures of a key.
    pub(crate) fn forget(&self, key: &str) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(300);

    #[test]
    fn after_the_limit_a_key_waits_until_its_window_is_over() {
        let limiter = Limiter::new(2, WINDOW, 10);
        let start = Instant::now();
        limiter.count("alice", start);
        assert_eq!(limiter.wait("alice", start), None);
        limiter.count("alice", start);
        assert_eq!(limiter.wait("alice", start + Duration::from_secs(100)), Some(Duration::from_secs(200)));
        assert_eq!(limiter.wait("bob", start), None);
        assert_eq!(limiter.wait("alice", start + WINDOW), None);
        limiter.count("alice", start + WINDOW);
        assert_eq!(limiter.wait("alice", start + WINDOW), None);
    }

    #[test]
    fn of_racing_attempts_each_one_counts() {
        let limiter = Limiter::new(5, WINDOW, 10);
        let now = Instant::now();
        let allowed = std::thread::scope(|scope| {
            let attempts: Vec<_> =
                (0..50).map(|_| scope.spawn(|| limiter.take("alice", now).is_none())).collect();
            attempts.into_iter().map(|attempt| attempt.join().unwrap()).filter(|ok| *ok).count()
        });
        assert_eq!(allowed, 5);
        assert_eq!(limiter.take("alice", now + WINDOW), None);
    }

    #[test]
    fn a_success_forgets_the_failures() {
        let limiter = Limiter::new(1, WINDOW, 10);
        let now = Instant::now();
        limiter.count("alice", now);
        limiter.forget("alice");
        assert_eq!(limiter.wait("alice", now), None);
    }

    #[test]
    fn a_flood_of_keys_does_not_grow_the_memory() {
        let limiter = Limiter::new(1, WINDOW, 3);
        let start = Instant::now();
        for n in 0..100 {
            limiter.count(&format!("k{n}"), start + Duration::from_millis(n));
        }
        assert_eq!(limiter.entries.lock().unwrap().len(), 3);
        assert!(limiter.wait("k99", start + Duration::from_secs(1)).is_some());
    }
}
