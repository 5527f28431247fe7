//! When keys change their state: a pure plan from the keys on record and the time.

use jsonwebtoken::Algorithm;

use super::purpose::Purpose;
use crate::store::KeyRecord;

/// Settings of the rotation; times in seconds.
#[derive(Clone, Debug)]
pub struct Rotation {
    /// How long a key signs.
    pub period: i64,
    /// How long a key is published before it signs; longer than verifiers may cache the key set.
    pub publish: i64,
    /// How long a key stays published after its last signature: the longest life of a token.
    pub overlap: i64,
    /// The algorithms that the server signs with.
    pub signing: Vec<Algorithm>,
}

/// What is to be done.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Keys on record that change.
    pub(super) changes: Vec<KeyRecord>,
    /// Keys to make, with the state they start in.
    pub(super) make: Vec<(Purpose, &'static str)>,
}

impl Plan {
    /// To make the first key for something, which works at once: nobody keeps a key set with another one of its kind.
    pub(super) fn first(purpose: Purpose) -> Self {
        Self { changes: Vec::new(), make: vec![(purpose, purpose.at_work())] }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.make.is_empty()
    }

    /// New keys work at once, those that wait too, and those that worked so far phase out. Which key is the newer one is
    /// not left to the clock.
    pub(super) fn promote(&mut self, records: &[KeyRecord], now: i64, rotation: &Rotation) {
        for (purpose, state) in &mut self.make {
            *state = purpose.at_work();
        }
        for record in records {
            let Some(purpose) = Purpose::parse(&record.alg) else { continue };
            if self.changes.iter().any(|change| change.kid == record.kid) {
                continue;
            }
            if record.state == "staged" {
                self.changes.push(changed(record, purpose.at_work(), now, None));
            } else if record.state == purpose.at_work() {
                let until = Some(now.saturating_add(rotation.overlap_of(purpose)));
                self.changes.push(changed(record, purpose.phasing_out(), now, until));
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
        // A key that signs no more needs no private half. One that is retired may still have something to decrypt.
        sealed: if matches!(state, "signing" | "decrypting" | "retired") {
            record.sealed.clone()
        } else {
            Vec::new()
        },
        ..record.clone()
    }
}

impl Rotation {
    /// What is to be done at `now`; with `force` every key at work gets a successor, however young it is.
    pub(super) fn plan(&self, records: &[KeyRecord], now: i64, force: bool) -> Plan {
        let mut plan = Plan::default();
        for purpose in Purpose::all() {
            let own: Vec<&KeyRecord> = records.iter().filter(|r| r.alg == purpose.name()).collect();
            if !self.wants(purpose) {
                self.phase_out(purpose, &own, now, &mut plan);
                continue;
            }
            if own.is_empty() && !purpose.is_always_there() {
                continue;
            }
            self.plan_one(purpose, &own, now, &mut plan);
            let waiting = own.iter().any(|r| r.state == "staged");
            if force && !waiting && !plan.make.iter().any(|(p, _)| *p == purpose) {
                plan.make.push((purpose, "staged"));
            }
        }
        plan
    }

    /// Whether there may be keys for this.
    pub(super) fn wants(&self, purpose: Purpose) -> bool {
        match purpose {
            Purpose::Signing(algorithm) => self.signing.contains(&algorithm),
            Purpose::Encryption(_) => true,
        }
    }

    /// Takes keys of an algorithm out of use: what worked goes as it would after a rotation, what waits never begins. Young
    /// ones are left alone for a while: where servers change over one by one, those that still sign with the algorithm would
    /// make another key as soon as the others have taken theirs away.
    fn phase_out(&self, purpose: Purpose, own: &[&KeyRecord], now: i64, plan: &mut Plan) {
        for record in own {
            let young = record.changed_at.saturating_add(self.publish) > now;
            if record.state == purpose.at_work() && !young {
                let until = Some(now.saturating_add(self.overlap_of(purpose)));
                plan.changes.push(changed(record, purpose.phasing_out(), now, until));
            }
            let over = record.state == purpose.phasing_out() && record.expires_at.is_some_and(|at| at <= now);
            if over || (record.state == "staged" && !young) {
                plan.changes.push(changed(record, "removed", now, Some(now)));
            }
        }
    }

    /// How long a key is needed after its last use. Others may go on encrypting with a key for as long as they may keep
    /// the key set.
    fn overlap_of(&self, purpose: Purpose) -> i64 {
        match purpose {
            Purpose::Signing(_) => self.overlap,
            Purpose::Encryption(_) => self.publish.saturating_add(self.overlap),
        }
    }

    fn plan_one(&self, purpose: Purpose, own: &[&KeyRecord], now: i64, plan: &mut Plan) {
        let change = |record: &KeyRecord, state: &str, expires_at| changed(record, state, now, expires_at);
        let (at_work, phasing_out) = (purpose.at_work(), purpose.phasing_out());
        let ripe = own
            .iter()
            .filter(|r| r.state == "staged" && r.changed_at.saturating_add(self.publish) <= now)
            .max_by_key(|r| (r.created_at, &r.kid));
        let newest =
            own.iter().filter(|r| r.state == at_work).max_by_key(|r| (r.changed_at, r.created_at, &r.kid));
        if let Some(ripe) = ripe {
            plan.changes.push(change(ripe, at_work, None));
        }
        for record in own {
            let superseded = ripe.is_some() || newest.is_some_and(|n| n.kid != record.kid);
            if record.state == at_work && superseded {
                let until = Some(now.saturating_add(self.overlap_of(purpose)));
                plan.changes.push(change(record, phasing_out, until));
            }
            if record.state == phasing_out && record.expires_at.is_some_and(|at| at <= now) {
                plan.changes.push(change(record, "removed", Some(now)));
            }
        }
        match newest {
            None if ripe.is_none() => plan.make.push((purpose, at_work)),
            Some(newest) if ripe.is_none() => {
                let due = newest.changed_at.saturating_add(self.period - self.publish) <= now;
                if due && !own.iter().any(|r| r.state == "staged") {
                    plan.make.push((purpose, "staged"));
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::SIGNING_ALGORITHMS;

    fn policy() -> Rotation {
        Rotation { period: 1000, publish: 100, overlap: 50, signing: SIGNING_ALGORITHMS.to_vec() }
    }

    /// Carries a plan out on paper.
    fn step(records: &mut Vec<KeyRecord>, now: i64, force: bool) {
        step_under(&policy(), records, now, force);
    }

    fn step_under(policy: &Rotation, records: &mut Vec<KeyRecord>, now: i64, force: bool) {
        let plan = policy.plan(records, now, force);
        for change in plan.changes {
            let at = records.iter().position(|r| r.kid == change.kid).unwrap();
            records[at] = change;
        }
        for (purpose, state) in plan.make {
            records.push(KeyRecord {
                kid: format!("{}-{now}", purpose.name()),
                alg: purpose.name().to_owned(),
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
        states_of("ES256", records)
    }

    fn states_of(alg: &str, records: &[KeyRecord]) -> Vec<(String, String)> {
        let mut out: Vec<_> = records
            .iter()
            .filter(|r| r.alg == alg && r.state != "removed")
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
    fn what_nobody_signed_with_has_no_key_and_its_first_one_is_followed_by_others() {
        let mut records = Vec::new();
        step(&mut records, 0, true);
        assert_eq!(states_of("RS384", &records), []);
        let first = |purpose: Purpose, state: &str| KeyRecord {
            kid: "first".to_owned(),
            alg: purpose.name().to_owned(),
            state: state.to_owned(),
            changed_at: 10,
            created_at: 10,
            ..records[0].clone()
        };
        let made = Plan::first(Purpose::parse("RS384").unwrap()).make[0];
        let first = first(made.0, made.1);
        records.push(first);
        step(&mut records, 909, false);
        assert_eq!(states_of("RS384", &records), pairs(&[("first", "signing")]));
        step(&mut records, 910, false);
        assert_eq!(states_of("RS384", &records), pairs(&[("RS384-910", "staged"), ("first", "signing")]));
        step(&mut records, 1010, false);
        assert_eq!(
            states_of("RS384", &records),
            pairs(&[("RS384-910", "signing"), ("first", "verify_only")])
        );
        assert_eq!(states_of("RS512", &records), []);
    }

    #[test]
    fn an_algorithm_that_is_taken_out_signs_no_more_and_verifies_until_nothing_of_it_is_good() {
        let mut records = Vec::new();
        step(&mut records, 0, false);
        step(&mut records, 900, false);
        assert_eq!(states(&records), pairs(&[("ES256-0", "signing"), ("ES256-900", "staged")]));
        let less = Rotation { signing: vec![Algorithm::RS256], ..policy() };
        step_under(&less, &mut records, 950, true);
        assert_eq!(states(&records), pairs(&[("ES256-0", "verify_only"), ("ES256-900", "staged")]));
        assert!(records.iter().find(|r| r.kid == "ES256-0").unwrap().sealed.is_empty());
        step_under(&less, &mut records, 999, true);
        assert_eq!(states(&records), pairs(&[("ES256-0", "verify_only"), ("ES256-900", "staged")]));
        step_under(&less, &mut records, 1000, true);
        assert_eq!(states(&records), [], "what waited never begins");
        assert!(!states_of("RS256", &records).is_empty() && !states_of("ECDH-ES", &records).is_empty());
        // Taken in again it begins anew, and stays for a while although others take it out again.
        step(&mut records, 2000, false);
        step_under(&less, &mut records, 2099, false);
        assert_eq!(states(&records), pairs(&[("ES256-2000", "signing")]));
        step_under(&less, &mut records, 2100, false);
        assert_eq!(states(&records), pairs(&[("ES256-2000", "verify_only")]));
    }

    #[test]
    fn a_forced_rotation_stages_one_successor_and_not_two() {
        let mut records = Vec::new();
        step(&mut records, 0, false);
        step(&mut records, 10, true);
        step(&mut records, 20, true);
        assert_eq!(states(&records), pairs(&[("ES256-0", "signing"), ("ES256-10", "staged")]));
    }

    #[test]
    fn a_key_that_others_encrypt_with_opens_until_nobody_may_have_kept_it() {
        let mut records = Vec::new();
        let now = |records: &[KeyRecord]| states_of("ECDH-ES", records);
        step(&mut records, 0, false);
        assert_eq!(now(&records), pairs(&[("ECDH-ES-0", "decrypting")]));
        step(&mut records, 900, false);
        assert_eq!(now(&records), pairs(&[("ECDH-ES-0", "decrypting"), ("ECDH-ES-900", "staged")]));
        step(&mut records, 1000, false);
        assert_eq!(now(&records), pairs(&[("ECDH-ES-0", "retired"), ("ECDH-ES-900", "decrypting")]));
        step(&mut records, 1149, false);
        let sealed =
            |records: &[KeyRecord]| !records.iter().find(|r| r.kid == "ECDH-ES-0").unwrap().sealed.is_empty();
        assert!(sealed(&records));
        step(&mut records, 1150, false);
        assert_eq!(now(&records), pairs(&[("ECDH-ES-900", "decrypting")]));
        assert!(!sealed(&records), "the private half is gone");
    }
}
