//! Where limits keep what was used: in memory that is there from the start and never grows.

use std::{
    fmt,
    hash::{BuildHasher as _, Hash, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Places that a key may take. Eight fill a cache line or two, and the fullest of many buckets is rarely full of keys
/// that matter.
const WAYS: usize = 8;

/// A key and until when it is remembered; nobody's, as long as that is zero.
#[derive(Clone, Copy, Default)]
struct Place {
    key: u64,
    until: u64,
}

/// Keys, each with an instant: when its limit is at rest again, or its wait over.
///
/// A key has eight places, by its hash, and takes that of the key which is at rest soonest. So a flood of new keys costs
/// each request the same few steps, and makes the server forget those first who used least: who is near a limit, or has to
/// wait, goes last. Hashes are keyed anew by each process, so that nobody can aim at the places of somebody else.
pub(super) struct Table {
    hasher: RandomState,
    buckets: Box<[Mutex<[Place; WAYS]>]>,
}

impl Table {
    /// One with room for so many keys, rounded up to whole buckets.
    pub(super) fn new(keys: u32) -> Self {
        let buckets = usize::try_from(keys).unwrap_or(usize::MAX).div_ceil(WAYS).max(1);
        Self { hasher: RandomState::new(), buckets: (0..buckets).map(|_| Mutex::default()).collect() }
    }

    /// What stands for a key here. Two keys that share it share their limits; with 64 bits that does not happen.
    pub(super) fn key(&self, of: impl Hash) -> u64 {
        self.hasher.hash_one(of)
    }

    /// The instant of a key.
    pub(super) fn until(&self, key: u64) -> Option<u64> {
        self.bucket(key).iter().find(|place| place.is_of(key)).map(|place| place.until)
    }

    /// Changes the instant of a key, unless that is refused.
    pub(super) fn update<T, E>(
        &self,
        key: u64,
        change: impl Fn(Option<u64>) -> Result<(T, u64), E>,
    ) -> Result<T, E> {
        let mut bucket = self.bucket(key);
        let known = bucket.iter().position(|place| place.is_of(key));
        let (given, until) = change(known.map(|at| bucket[at].until))?;
        let soonest = || (0..WAYS).min_by_key(|at| bucket[*at].until).unwrap_or_default();
        let at = known.unwrap_or_else(soonest);
        bucket[at] = Place { key, until };
        Ok(given)
    }

    fn bucket(&self, key: u64) -> MutexGuard<'_, [Place; WAYS]> {
        let buckets = self.buckets.len() as u128;
        // The upper half of the product is evenly spread, as the remainder is, and costs no division.
        let index = usize::try_from((u128::from(key) * buckets) >> 64).unwrap_or_default();
        self.buckets[index].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    fn is_of(&self, key: u64) -> bool {
        self.key == key && self.until != 0
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("buckets", &self.buckets.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(table: &Table, key: u64, until: u64) {
        table.update(key, |_| Ok::<_, ()>(((), until))).unwrap();
    }

    #[test]
    fn a_million_keys_take_no_more_room_than_was_configured_and_those_who_used_most_are_remembered() {
        let table = Table::new(10_000);
        let room = table.buckets.len() * WAYS;
        assert_eq!(room, 10_000);
        let used_most: Vec<u64> = (0..100).map(|n| table.key(("near its limit", n))).collect();
        for key in &used_most {
            put(&table, *key, 60_000);
        }
        for stranger in 0..1_000_000 {
            put(&table, table.key(stranger), 10);
        }
        assert_eq!(table.buckets.len() * WAYS, room);
        let remembered = used_most.iter().filter(|key| table.until(**key) == Some(60_000)).count();
        assert_eq!(remembered, used_most.len());
    }

    #[test]
    fn a_key_keeps_its_place_and_a_refused_change_changes_nothing() {
        let table = Table::new(1);
        put(&table, 7, 20);
        put(&table, 7, 30);
        assert_eq!(table.update(7, Err::<((), u64), _>), Err(Some(30)));
        assert_eq!(table.until(7), Some(30));
        assert_eq!(table.until(8), None);
        for key in 100..200 {
            put(&table, key, 25);
        }
        assert_eq!(table.until(7), Some(30));
    }

    #[test]
    fn keys_fill_all_of_the_room() {
        let table = Table::new(8_000);
        for n in 0..100_000 {
            put(&table, table.key(n), 1);
        }
        let taken =
            |bucket: &Mutex<[Place; WAYS]>| bucket.lock().unwrap().iter().filter(|p| p.until != 0).count();
        assert_eq!(table.buckets.iter().map(taken).sum::<usize>(), 8_000);
    }
}
