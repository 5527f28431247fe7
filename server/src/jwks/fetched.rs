//! Key sets that are fetched, and how long they count.

use std::{sync::Arc, time::Duration};

use placet_jose::Encryption;
use placet_oauth::jwt::Compact;

use super::{KeySet, KeySetError};
use crate::{
    cache::{Cached, Room},
    client::ClientCertificate,
    clock::Clock,
    metrics::Caches,
    outbound::Outbound,
};

/// When sets were asked for, and why they could not be had, each in bytes at most.
const NOTES: u64 = 2 << 20;
/// A set takes so many bytes in memory for each of its JSON: its keys are ready to be used.
const PER_BYTE: usize = 8;
/// For so many seconds a set counts. Then it is fetched again, or nothing of it counts any more: a key may be gone because
/// somebody stole it.
const MAX_AGE: i64 = 900;
/// A set is not fetched again for an unknown key within this time, in seconds.
const AGAIN: i64 = 60;
/// For this time, in seconds, a set that could not be fetched is not asked for again by those who show a JWT: else each of
/// them would make this server ask an issuer that is down already.
const PAUSE: i64 = 5;

/// Key sets that are fetched, kept for a while.
pub struct KeySets {
    outbound: Outbound,
    clock: Arc<dyn Clock>,
    /// The sets, each with when it was fetched.
    sets: Cached<String, Kept>,
    /// When a set was last asked for.
    asked: Cached<String, i64>,
    /// Why it could not be had, and when that was.
    failed: Cached<String, (KeySetError, i64)>,
}

/// A set, when it was fetched, and what it takes.
#[derive(Clone)]
struct Kept {
    set: Arc<KeySet>,
    at: i64,
    bytes: usize,
}

impl std::fmt::Debug for KeySets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeySets")
    }
}

impl KeySets {
    /// No set yet; all together may take so many bytes.
    pub fn new(outbound: Outbound, clock: Arc<dyn Clock>, (bytes, caches): (u64, &Caches)) -> Self {
        let room = |name, bytes, seconds: i64| Room {
            name,
            bytes,
            ttl: Duration::from_secs(seconds.unsigned_abs()),
        };
        Self {
            outbound,
            clock,
            sets: Cached::new(room("key_sets", bytes, MAX_AGE), caches, |uri: &String, kept: &Kept| {
                uri.len() + kept.bytes
            }),
            asked: Cached::new(room("key_sets_asked", NOTES, AGAIN), caches, |uri: &String, _| uri.len()),
            failed: Cached::new(room("key_sets_failed", NOTES, PAUSE), caches, |uri: &String, _| {
                uri.len() + 100
            }),
        }
    }

    /// The set at `uri` that may have signed a JWT. A key that it does not know makes it be fetched again, at most
    /// once a minute. While it cannot be fetched again, those whose keys it knows are served.
    ///
    /// # Errors
    ///
    /// The set cannot be fetched, or is none.
    pub async fn at(&self, uri: &str, jwt: &Compact<'_>) -> Result<Arc<KeySet>, KeySetError> {
        self.with((uri, true), |set| set.knows(jwt)).await
    }

    /// The set at `uri` that may hold a certificate, as for a JWT.
    ///
    /// # Errors
    ///
    /// The set cannot be fetched, or is none.
    pub async fn with_certificate(
        &self,
        uri: &str,
        certificate: &ClientCertificate,
    ) -> Result<Arc<KeySet>, KeySetError> {
        self.with((uri, false), |set| set.holds(certificate)).await
    }

    /// The set at `uri`, to encrypt with. If it has no key for it, it is fetched again, at most once a minute.
    ///
    /// # Errors
    ///
    /// The set cannot be fetched, or is none.
    pub async fn to_encrypt(
        &self,
        uri: &str,
        (alg, enc): (placet_jose::Algorithm, Encryption),
    ) -> Result<Arc<KeySet>, KeySetError> {
        self.with((uri, false), |set| set.encryption.select(alg, enc, None).is_some()).await
    }

    /// `paused`: whether nobody is asked within [`PAUSE`] of a failure.
    async fn with(
        &self,
        (uri, paused): (&str, bool),
        suits: impl Fn(&KeySet) -> bool,
    ) -> Result<Arc<KeySet>, KeySetError> {
        let now = self.clock.now();
        let kept = self.sets.peek(&uri.to_owned()).await;
        let kept = kept.filter(|kept| now.saturating_sub(kept.at) < MAX_AGE).map(|kept| kept.set);
        if let Some(set) = &kept
            && suits(set)
        {
            return Ok(set.clone());
        }
        if paused
            && let Some((failed, at)) = self.failed.peek(&uri.to_owned()).await
            && now.saturating_sub(at) < PAUSE
        {
            return Err(failed);
        }
        let may_ask = self.asked.claim(uri.to_owned(), now, |at| now.saturating_sub(*at) < AGAIN).await;
        let got = match kept {
            Some(set) if !may_ask => return Ok(set),
            // The one that is there stays until there is another.
            Some(_) => {
                let got = self.fetch(uri, now).await;
                if let Ok(kept) = &got {
                    self.sets.put(uri.to_owned(), kept.clone()).await;
                } else if paused {
                    self.asked.remove(uri.to_owned()).await;
                }
                got.map(|kept| kept.set)
            }
            None => self.first(uri, now).await,
        };
        if let Err(failed) = &got {
            self.failed.put(uri.to_owned(), (failed.clone(), now)).await;
        }
        got
    }

    /// The set, where none is kept, or one that is too old. Those who want it at the same time wait for one fetch.
    async fn first(&self, uri: &str, now: i64) -> Result<Arc<KeySet>, KeySetError> {
        if let Some(kept) = self.sets.peek(&uri.to_owned()).await
            && now.saturating_sub(kept.at) >= MAX_AGE
        {
            self.sets.remove(uri.to_owned()).await;
        }
        let load = async { self.fetch(uri, now).await.map(Some) };
        let got = self.sets.get(uri.to_owned(), load).await?;
        got.map(|kept| kept.set).ok_or(KeySetError::Malformed("is empty"))
    }

    async fn fetch(&self, uri: &str, at: i64) -> Result<Kept, KeySetError> {
        let bytes = self.outbound.get(uri).await?;
        let value = placet_oauth::claims::strict_json_bytes(&bytes)
            .map_err(|_| KeySetError::Malformed("is not JSON"))?;
        let set = value.as_object().ok_or(KeySetError::Malformed("is not an object"))?;
        let set = Arc::new(KeySet::parse(set)?);
        Ok(Kept { set, at, bytes: bytes.len() * PER_BYTE })
    }
}
