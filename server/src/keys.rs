//! The keys of the server: made on first start, kept sealed, rotated with overlap.
//!
//! A key that signs is `staged` (published, not used yet), then `signing`, then `verify_only` until the last token it
//! signed is worthless, then `removed`; or `revoked`. A new key is published for longer than verifiers cache
//! the key set before it signs anything, so that a rotation breaks nobody who honours the cache headers. Some algorithms
//! get their first key with their first use.
//!
//! A key that others encrypt with is `staged` (known to every process, not published yet), then `decrypting`, then
//! `retired` (no longer published, but it still opens what comes from a kept key set), then `removed`; or `revoked`.

mod pair;
pub mod provider;
mod purpose;
mod rotation;
mod signing;

use std::{collections::HashMap, sync::Arc};

use arc_swap::ArcSwap;
use placet_jose::DecryptionKey;
use placet_sdk::{Instant, admin::KeyEntry};
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;

use crate::{
    clock::Clock,
    outcome::Fault,
    random::{self, Random},
    seal::{MasterKeys, RootKeys, SymmetricKey},
    store::{Event, KeyRecord, Store},
};

use purpose::Purpose;
pub use rotation::Rotation;
pub use signing::{SIGNING_ALGORITHMS, SigningKey, VerifyingKey, algorithm_name, parse_algorithm};

/// Name under which the root of all symmetric keys is kept among the keys.
const ROOT: &str = "root";

/// The keys in force, as one consistent picture.
#[derive(Debug, Default)]
pub struct KeySet {
    generation: i64,
    signing: HashMap<&'static str, Arc<SigningKey>>,
    verifying: HashMap<String, Arc<VerifyingKey>>,
    decrypting: Vec<DecryptionKey>,
    jwks: String,
}

impl KeySet {
    /// The keys that decrypt, also those that are no longer published.
    pub fn decrypting(&self) -> &[DecryptionKey] {
        &self.decrypting
    }

    /// The public key set (RFC 7517), as JSON text.
    pub fn jwks(&self) -> &str {
        &self.jwks
    }
}

/// Loads, makes and rotates keys.
pub struct Keys {
    current: ArcSwap<KeySet>,
    master: MasterKeys,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    rotation: Rotation,
    /// Only one task at a time makes the first key of an algorithm.
    making: Mutex<()>,
    /// The second in which the store was last asked for an unknown key.
    looked_at: Mutex<i64>,
}

impl Keys {
    /// Loads the keys, or makes the first ones. Gives the keys and what is derived from the root.
    pub async fn load(
        store: Arc<dyn Store>,
        master: MasterKeys,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        rotation: Rotation,
    ) -> Result<(Self, RootKeys), Fault> {
        provider::install();
        let (making, looked_at) = (Mutex::default(), Mutex::default());
        let current = ArcSwap::default();
        let keys = Self { current, master, store, clock, random, rotation, making, looked_at };
        keys.seal_anew().await?;
        let root = keys.root().await?;
        keys.maintain().await?;
        Ok((keys, RootKeys::new(&root)))
    }

    /// The keys in force.
    pub fn current(&self) -> arc_swap::Guard<Arc<KeySet>> {
        self.current.load()
    }

    /// The key that signs with `algorithm`. The first use of an algorithm may have to make it.
    pub async fn signer(&self, algorithm: &str) -> Result<Arc<SigningKey>, Fault> {
        let at_hand = || self.current.load().signing.get(algorithm).cloned();
        if let Some(key) = at_hand() {
            return Ok(key);
        }
        let none = || Fault::new("keys", format!("no key signs with `{algorithm}`"));
        let purpose = parse_algorithm(algorithm).map(Purpose::Signing).filter(|it| self.rotation.wants(*it));
        let purpose = purpose.ok_or_else(none)?;
        let _one_at_a_time = self.making.lock().await;
        // Another process may be doing the same.
        for _ in 0..5 {
            if let Some(key) = at_hand() {
                return Ok(key);
            }
            let generation = self.store.key_generation().await?;
            if !self.records().await?.iter().any(|record| record.alg == algorithm) {
                self.carry_out(generation, rotation::Plan::first(purpose), None).await?;
            }
            self.maintain().await?;
        }
        at_hand().ok_or_else(none)
    }

    /// The published key with this id. One that nobody knows here may have been made elsewhere a moment ago: the store is
    /// asked, once a second at the most.
    pub async fn verifier(&self, kid: &str) -> Result<Option<Arc<VerifyingKey>>, Fault> {
        let at_hand = || self.current.load().verifying.get(kid).cloned();
        if let Some(key) = at_hand() {
            return Ok(Some(key));
        }
        let mut looked_at = self.looked_at.lock().await;
        let now = self.clock.now();
        if *looked_at != now {
            self.reload().await?;
            // Only now: whether there is such a key is not known while the store does not answer.
            *looked_at = now;
        }
        Ok(at_hand())
    }

    /// Brings the keys to where they should be by now, and loads them if they changed; called every few seconds.
    pub async fn maintain(&self) -> Result<(), Fault> {
        // Another process may be doing the same: the generation decides who was first, the other looks again.
        for _ in 0..5 {
            let generation = self.store.key_generation().await?;
            let records = self.records().await?;
            let plan = self.rotation.plan(&records, self.clock.now(), false);
            if plan.is_empty() {
                if generation != self.current.load().generation || self.current.load().signing.is_empty() {
                    self.install(generation, &records)?;
                }
                return Ok(());
            }
            self.carry_out(generation, plan, None).await?;
        }
        Err(Fault::new("keys", "other processes keep changing the key set"))
    }

    /// Loads the keys if others changed them.
    pub async fn reload(&self) -> Result<(), Fault> {
        let generation = self.store.key_generation().await?;
        if generation != self.current.load().generation {
            self.install(generation, &self.records().await?)?;
        }
        Ok(())
    }

    /// Stages a successor for every key, where none is staged yet; with `at_once` it works immediately, which
    /// breaks verifiers that have cached the key set. `by` is who asked for it, for the record.
    pub async fn rotate(&self, at_once: bool, by: &str) -> Result<(), Fault> {
        for _ in 0..5 {
            let generation = self.store.key_generation().await?;
            let records = self.records().await?;
            let mut plan = self.rotation.plan(&records, self.clock.now(), true);
            if at_once {
                plan.promote(&records, self.clock.now(), &self.rotation);
            }
            if plan.is_empty() || self.carry_out(generation, plan, Some(by)).await? {
                return self.maintain().await;
            }
        }
        Err(Fault::new("keys", "other processes keep changing the key set"))
    }

    /// Revokes a key: it is published no more, and on this process what it signed counts no more and what was encrypted
    /// with it is opened no more, at once. Where it was the one at work, a new one works at once. False if there is no such
    /// key in force.
    pub async fn revoke(&self, kid: &str, event: Event) -> Result<bool, Fault> {
        for _ in 0..5 {
            let generation = self.store.key_generation().await?;
            let records = self.records().await?;
            let Some(found) = records.iter().filter(|r| is_in_force(r)).find(|r| r.kid == kid) else {
                return Ok(false);
            };
            let now = self.clock.now();
            let revoked = KeyRecord {
                state: "revoked".to_owned(),
                sealed: Vec::new(),
                changed_at: now,
                expires_at: Some(now.saturating_add(self.rotation.overlap)),
                ..found.clone()
            };
            if self.store.change_keys(generation, vec![revoked], vec![event.clone()]).await? {
                tracing::warn!(kid, "a key was revoked");
                // Without a key at work, the plan makes one that works at once.
                self.maintain().await?;
                return Ok(true);
            }
        }
        Err(Fault::new("keys", "other processes keep changing the key set"))
    }

    /// The keys on record, newest first per algorithm.
    pub async fn records(&self) -> Result<Vec<KeyRecord>, Fault> {
        let mut records = self.store.keys().await?;
        records.retain(|r| r.alg != ROOT);
        records.sort_by(|a, b| (&a.alg, b.created_at, &a.kid).cmp(&(&b.alg, a.created_at, &b.kid)));
        Ok(records)
    }

    /// The keys on record, as they are shown to operators.
    pub async fn entries(&self) -> Result<Vec<KeyEntry>, Fault> {
        let shown = |record: KeyRecord| KeyEntry {
            kid: record.kid,
            alg: record.alg,
            state: record.state,
            created_at: Instant(record.created_at),
            changed_at: Instant(record.changed_at),
            expires_at: record.expires_at.map(Instant),
        };
        Ok(self.records().await?.into_iter().map(shown).collect())
    }

    /// Seals with the first master key what only the second one opens, so that the second can be taken away.
    async fn seal_anew(&self) -> Result<(), Fault> {
        for _ in 0..5 {
            let generation = self.store.key_generation().await?;
            let mut outdated = Vec::new();
            for record in self.store.keys().await? {
                let context = if record.alg == ROOT { ROOT } else { &record.kid };
                if !self.master.is_outdated(context, &record.sealed) {
                    continue;
                }
                if let Some(plain) = self.master.open(context, &record.sealed) {
                    let sealed = self.master.seal(&*self.random, context, &plain)?;
                    outdated.push(KeyRecord { sealed, ..record.clone() });
                }
            }
            if outdated.is_empty() || self.store.change_keys(generation, outdated, vec![]).await? {
                return Ok(());
            }
        }
        Err(Fault::new("keys", "other processes keep changing the key set"))
    }

    async fn root(&self) -> Result<SymmetricKey, Fault> {
        for _ in 0..5 {
            let generation = self.store.key_generation().await?;
            if let Some(record) = self.store.keys().await?.into_iter().find(|r| r.alg == ROOT) {
                let plain = self.master.open(ROOT, &record.sealed).ok_or_else(|| {
                    Fault::new(
                        "master key",
                        "it does not open what lies in the store; is it the key of this store?",
                    )
                })?;
                let bytes: [u8; 32] =
                    plain.as_slice().try_into().map_err(|_| Fault::new("keys", "a broken root"))?;
                return Ok(SymmetricKey::new(bytes));
            }
            let now = self.clock.now();
            let bytes = zeroize::Zeroizing::new(random::bytes::<32>(&*self.random)?);
            let record = KeyRecord {
                kid: random::id(&*self.random, "root_")?,
                alg: ROOT.to_owned(),
                state: "signing".to_owned(),
                sealed: self.master.seal(&*self.random, ROOT, &*bytes)?,
                public_jwk: String::new(),
                created_at: now,
                changed_at: now,
                expires_at: None,
            };
            self.store.change_keys(generation, vec![record], vec![]).await?;
        }
        Err(Fault::new("keys", "other processes keep changing the key set"))
    }

    /// Carries a plan out, with one record of it; `by` is who asked for it, if somebody did.
    async fn carry_out(
        &self,
        generation: i64,
        plan: rotation::Plan,
        by: Option<&str>,
    ) -> Result<bool, Fault> {
        let now = self.clock.now();
        let mut changes = plan.changes;
        for (purpose, state) in plan.make {
            let kid = random::id(&*self.random, "")?;
            // An RSA key takes up to a second: not on a thread that serves requests.
            let pair = tokio::task::spawn_blocking(move || pair::generate(purpose))
                .await
                .map_err(|e| Fault::new("keys", e))??;
            changes.push(KeyRecord {
                sealed: self.master.seal(&*self.random, &kid, &pair.pkcs8)?,
                public_jwk: Value::Object(pair.public_jwk(&kid)?).to_string(),
                kid,
                alg: purpose.name().to_owned(),
                state: state.to_owned(),
                created_at: now,
                changed_at: now,
                expires_at: None,
            });
        }
        let mut data = json!({ "kids": changes.iter().map(|c| &c.kid).collect::<Vec<_>>() });
        if let Some(by) = by {
            data["by"] = json!(by);
        }
        let event = Event {
            id: random::id(&*self.random, "evt_")?,
            event_type: "key.rotated",
            subject: "keys".to_owned(),
            at: now,
            data: data.to_string(),
        };
        let done = self.store.change_keys(generation, changes, vec![event]).await?;
        if done {
            tracing::info!("the keys were changed");
        }
        Ok(done)
    }

    fn install(&self, generation: i64, records: &[KeyRecord]) -> Result<(), Fault> {
        let mut set = KeySet { generation, ..KeySet::default() };
        // Whoever takes the first key of the set takes one that signs.
        let (mut signing, mut encryption) = (Vec::new(), Vec::new());
        for record in records.iter().filter(|r| is_in_force(r)) {
            let purpose = Purpose::parse(&record.alg)
                .ok_or_else(|| Fault::new("keys", format!("the store holds a key for `{}`", record.alg)))?;
            let jwk: Map<String, Value> =
                serde_json::from_str(&record.public_jwk).map_err(|e| Fault::new("keys", e))?;
            let at_work = record.state == purpose.at_work();
            match purpose {
                Purpose::Signing(algorithm) => {
                    let verifying = VerifyingKey::from_jwk(algorithm, &jwk)?;
                    set.verifying.insert(record.kid.clone(), Arc::new(verifying));
                    signing.push(Value::Object(jwk));
                    if at_work && self.rotation.wants(purpose) {
                        let key = SigningKey::new(record.kid.clone(), algorithm, &self.unseal(record)?);
                        set.signing.entry(algorithm_name(algorithm)).or_insert_with(|| Arc::new(key));
                    }
                }
                Purpose::Encryption(_) => {
                    let key = DecryptionKey::from_pkcs8(&self.unseal(record)?, Some(&record.kid));
                    set.decrypting.push(key.map_err(|e| Fault::new("keys", e))?);
                    if at_work {
                        encryption.push(Value::Object(jwk));
                    }
                }
            }
        }
        signing.append(&mut encryption);
        set.jwks = json!({ "keys": signing }).to_string();
        self.current.store(Arc::new(set));
        Ok(())
    }

    fn unseal(&self, record: &KeyRecord) -> Result<zeroize::Zeroizing<Vec<u8>>, Fault> {
        self.master.open(&record.kid, &record.sealed).ok_or_else(|| {
            Fault::new("keys", format!("key `{}` does not open with the master key", record.kid))
        })
    }
}

/// Whether a key counts: it is not revoked and not removed.
fn is_in_force(record: &KeyRecord) -> bool {
    matches!(record.state.as_str(), "staged" | "signing" | "verify_only" | "decrypting" | "retired")
}
