//! When keys change their state: a pure plan from the keys on record and the time.

use jsonwebtoken::Algorithm;

use super::signing::{SIGNING_ALGORITHMS, algorithm_name};
use crate::store::KeyRecord;

/// Settings of the rotation; all in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Rotation {
    /// How long a key signs.
    pub period: i64,
    /// How long a key is published before it signs; longer than verifiers may cache the key set.
    pub publish: i64,
    /// How long a key stays published after its last signature: the longest life of a token.
    pub overlap: i64,
}

/// What is to be done.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Keys on record that change.
    pub(super) changes: Vec<KeyRecord>,
    /// Keys to make, with the state they start in.
    pub(super) make: Vec<(Algorithm, &'static str)>,
}

impl Plan {
    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.make.is_empty()
    }

    /// New keys sign at once, those that wait too, and those that signed so far sign no more. Which key is the newer
    /// one is not left to the clock.
    pub(super) fn promote(&mut self, records: &[KeyRecord], now: i64, overlap: i64) {
        for (_, state) in &mut self.make {
            *state = "signing";
        }
        for record in records {
            if self.changes.iter().any(|change| change.kid == record.kid) {
                continue;
            }
            match record.state.as_str() {
                "staged" => self.changes.push(changed(record, "signing", now, None)),
                "signing" => {
                    let until = Some(now.saturating_add(overlap));
                    self.changes.push(changed(record, "verify_only", now, until));
                }
                _ => {}
            }
        }
    }
}

/// A key that changes its state.
fn changed(record: &KeyRecord, state: &str, now: i64, expires_at: Option<i64>) -> KeyRecord {
    KeyRecord {
        state: state.to_owned(),
        changed_at: now,
        expires_at,
        // A key that signs no more needs no private half.
        sealed: if state == "signing" { record.sealed.clone() } else { Vec::new() },
        ..record.clone()
    }
}

impl Rotation {
    /// What is to be done at `now`; with `force` every signing key gets a successor, however young it is.
    pub(super) fn plan(&self, records: &[KeyRecord], now: i64, force: bool) -> Plan {
        let mut plan = Plan::default();
        for algorithm in SIGNING_ALGORITHMS {
            let own: Vec<&KeyRecord> =
                records.iter().filter(|r| r.alg == algorithm_name(algorithm)).collect();
            self.plan_one(algorithm, &own, now, &mut plan);
            let waiting = own.iter().any(|r| r.state == "staged");
            if force && !waiting && !plan.make.iter().any(|(a, _)| *a == algorithm) {
                plan.make.push((algorithm, "staged"));
            }
        }
        plan
    }

    fn plan_one(&self, algorithm: Algorithm, own: &[&KeyRecord], now: i64, plan: &mut Plan) {
        let change = |record: &KeyRecord, state: &str, expires_at| changed(record, state, now, expires_at);
        let ripe = own
            .iter()
            .filter(|r| r.state == "staged" && r.changed_at.saturating_add(self.publish) <= now)
            .max_by_key(|r| (r.created_at, &r.kid));
        let newest =
            own.iter().filter(|r| r.state == "signing").max_by_key(|r| (r.changed_at, r.created_at, &r.kid));
        if let Some(ripe) = ripe {
            plan.changes.push(change(ripe, "signing", None));
        }
        for record in own {
            let superseded = ripe.is_some() || newest.is_some_and(|n| n.kid != record.kid);
            if record.state == "signing" && superseded {
                plan.changes.push(change(record, "verify_only", Some(now.saturating_add(self.overlap))));
            }
            if record.state == "verify_only" && record.expires_at.is_some_and(|at| at <= now) {
                plan.changes.push(change(record, "removed", Some(now)));
            }
        }
        match newest {
            None if ripe.is_none() => plan.make.push((algorithm, "signing")),
            Some(newest) if ripe.is_none() => {
                let due = newest.changed_at.saturating_add(self.period - self.publish) <= now;
                if due && !own.iter().any(|r| r.state == "staged") {
                    plan.make.push((algorithm, "staged"));
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: Rotation = Rotation { period: 1000, publish: 100, overlap: 50 };

    /// Carries a plan out on paper.
    fn step(records: &mut Vec<KeyRecord>, now: i64, force: bool) {
        let plan = POLICY.plan(records, now, force);
        for change in plan.changes {
            let at = records.iter().position(|r| r.kid == change.kid).unwrap();
            records[at] = change;
        }
        for (algorithm, state) in plan.make {
            records.push(KeyRecord {
                kid: format!("{}-{now}", algorithm_name(algorithm)),
                alg: algorithm_name(algorithm).to_owned(),
                state: state.to_owned(),
                sealed: vec![1],
                public_jwk: String::new(),
                created_at: now,
                changed_at: now,
                expires_at: None,
            });
        }
    }

    fn states(records: &[KeyRecord]) -> Vec<(String, String)> {
        let mut out: Vec<_> = records
            .iter()
            .filter(|r| r.alg == "ES256" && r.state != "removed")
            .map(|r| (r.kid.clone(), r.state.clone()))
            .collect();
        out.sort();
        out
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(k, s)| ((*k).to_owned(), (*s).to_owned())).collect()
    }

    #[test]
    fn a_successor_is_published_before_it_signs_and_its_predecessor_after_it_signed() {
        let mut records = Vec::new();
        step(&mut records, 0, false);
        assert_eq!(states(&records), pairs(&[("ES256-0", "signing")]));
        step(&mut records, 899, false);
        assert_eq!(states(&records), pairs(&[("ES256-0", "signing")]));
        step(&mut records, 900, false);
        assert_eq!(states(&records), pairs(&[("ES256-0", "signing"), ("ES256-900", "staged")]));
        step(&mut records, 999, false);
        assert_eq!(states(&records), pairs(&[("ES256-0", "signing"), ("ES256-900", "staged")]));
        step(&mut records, 1000, false);
        assert_eq!(states(&records), pairs(&[("ES256-0", "verify_only"), ("ES256-900", "signing")]));
        assert!(records.iter().find(|r| r.kid == "ES256-0").unwrap().sealed.is_empty());
        step(&mut records, 1050, false);
        assert_eq!(states(&records), pairs(&[("ES256-900", "signing")]));
    }

    #[test]
    fn a_forced_rotation_stages_one_successor_and_not_two() {
        let mut records = Vec::new();
        step(&mut records, 0, false);
        step(&mut records, 10, true);
        step(&mut records, 20, true);
        assert_eq!(states(&records), pairs(&[("ES256-0", "signing"), ("ES256-10", "staged")]));
    }
}
