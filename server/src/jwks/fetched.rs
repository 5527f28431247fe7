//! Key sets that are fetched, and how long they count.

use std::{sync::Arc, time::Duration};

use placet_jose::Encryption;
use placet_oauth::jwt::Compact;

use super::{KeySet, KeySetError};
use crate::{cache::Cached, client::ClientCertificate, clock::Clock, outbound::Outbound};

/// Sets in memory at most.
const SETS: u64 = 10_000;
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
    sets: Cached<String, (Arc<KeySet>, i64)>,
    /// When a set was last asked for.
    asked: Cached<String, i64>,
    /// Why it could not be had, and when that was.
    failed: Cached<String, (KeySetError, i64)>,
}

impl std::fmt::Debug for KeySets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeySets")
    }
}

impl KeySets {
    /// No set yet.
    pub fn new(outbound: Outbound, clock: Arc<dyn Clock>) -> Self {
        let seconds = |seconds: i64| Duration::from_secs(seconds.unsigned_abs());
        Self {
            outbound,
            clock,
            sets: Cached::new(SETS, seconds(MAX_AGE)),
            asked: Cached::new(SETS, seconds(AGAIN)),
            failed: Cached::new(SETS, seconds(PAUSE)),
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
        let kept = kept.filter(|(_, at)| now.saturating_sub(*at) < MAX_AGE).map(|(set, _)| set);
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
                let set = self.fetch(uri).await;
                if let Ok(set) = &set {
                    self.sets.put(uri.to_owned(), (set.clone(), now)).await;
                } else if paused {
                    self.asked.remove(uri.to_owned()).await;
                }
                set
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
        if let Some((_, at)) = self.sets.peek(&uri.to_owned()).await
            && now.saturating_sub(at) >= MAX_AGE
        {
            self.sets.remove(uri.to_owned()).await;
        }
        let load = async { self.fetch(uri).await.map(|set| Some((set, now))) };
        let got = self.sets.get(uri.to_owned(), load).await?;
        got.map(|(set, _)| set).ok_or(KeySetError::Malformed("is empty"))
    }

    async fn fetch(&self, uri: &str) -> Result<Arc<KeySet>, KeySetError> {
        let bytes = self.outbound.get(uri).await?;
        let value = placet_oauth::claims::strict_json_bytes(&bytes)
            .map_err(|_| KeySetError::Malformed("is not JSON"))?;
        let set = value.as_object().ok_or(KeySetError::Malformed("is not an object"))?;
        KeySet::parse(set).map(Arc::new)
    }
}
