//! What went wrong with policies, until others are told: how often, not each time.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Something that happened with a policy, so and so often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noticed {
    /// `policy.failed`, `policy.degraded`, `policy.breaker_opened` or `policy.diverged`.
    pub event_type: &'static str,
    /// The policy.
    pub policy: String,
    /// The code of the failure, if it is one.
    pub code: Option<&'static str>,
    /// How often.
    pub count: u64,
}

/// As few entries as there are policies and codes.
#[derive(Debug, Default)]
pub(super) struct Notices(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    counts: BTreeMap<(&'static str, String, Option<&'static str>), u64>,
    open: BTreeSet<String>,
}

impl Notices {
    pub(super) fn add(&self, event_type: &'static str, policy: &str, code: Option<&'static str>) {
        self.lock().add(event_type, policy, code);
    }

    /// A breaker is open, or not.
    pub(super) fn breaker(&self, policy: &str, open: bool) {
        let mut kept = self.lock();
        if !open {
            kept.open.remove(policy);
        } else if kept.open.insert(policy.to_owned()) {
            kept.add("policy.breaker_opened", policy, None);
        }
    }

    pub(super) fn take(&self) -> Vec<Noticed> {
        let counts = std::mem::take(&mut self.lock().counts);
        let noticed = |((event_type, policy, code), count)| Noticed { event_type, policy, code, count };
        counts.into_iter().map(noticed).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn add(&mut self, event_type: &'static str, policy: &str, code: Option<&'static str>) {
        *self.counts.entry((event_type, policy.to_owned(), code)).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_often_is_told_once_with_how_often_and_a_breaker_when_it_opens() {
        let notices = Notices::default();
        for _ in 0..3 {
            notices.add("policy.failed", "a", Some("timeout"));
            notices.breaker("a", true);
        }
        let told = |event_type, code, count| Noticed { event_type, policy: "a".to_owned(), code, count };
        let expected = [told("policy.breaker_opened", None, 1), told("policy.failed", Some("timeout"), 3)];
        assert_eq!(notices.take(), expected);
        assert_eq!(notices.take(), []);
        notices.breaker("a", true);
        notices.breaker("a", false);
        notices.breaker("a", true);
        assert_eq!(notices.take(), [told("policy.breaker_opened", None, 1)]);
    }
}
