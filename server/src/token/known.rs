//! Opaque access tokens that were asked after before.
//!
//! Introspection asks after the same few tokens again and again. What is known of one is kept for as long as nothing
//! changed of it, and counts only while this process knows that it missed no change.

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value};

use crate::{
    cache::{Cached, Room},
    metrics::Caches,
    outcome::Fault,
    store::{AuthorizationRecord, Digest, Fact, Mark, Store, TokenRecord},
};

/// Nothing is kept for longer, so that what nobody asks after any more makes room.
const TTL: Duration = Duration::from_secs(3_600);

/// What is known of a token.
#[derive(Debug)]
pub struct KnownToken {
    /// The token.
    pub token: TokenRecord,
    /// What it says.
    pub claims: Map<String, Value>,
    /// Its authorization, if it has one.
    pub authorization: Option<AuthorizationRecord>,
    mark: Mark,
}

impl KnownToken {
    /// Reads one. `None`: there is none.
    pub async fn read(store: &dyn Store, digest: &Digest) -> Result<Option<Arc<Self>>, Fault> {
        let mark = store.changes().mark();
        let Some(state) = store.token(digest).await? else { return Ok(None) };
        let claims = serde_json::from_str(&state.token.doc).map_err(|e| Fault::new("token record", e))?;
        Ok(Some(Arc::new(Self { token: state.token, claims, authorization: state.authorization, mark })))
    }

    /// What it depends on.
    fn facts(&self) -> [Fact; 2] {
        let token = Fact::token(&self.token.digest);
        [token, self.token.authorization_id.as_deref().map_or(token, Fact::authorization)]
    }

    fn bytes(&self) -> usize {
        let authorization = self.authorization.as_ref().map_or(0, |authorization| authorization.doc.len());
        // The claims are kept twice, once as a map.
        1_024 + 4 * self.token.doc.len() + authorization
    }
}

/// The tokens that are kept.
#[derive(Debug)]
pub struct KnownTokens(Cached<Digest, Arc<KnownToken>>);

impl KnownTokens {
    /// None yet; all together may take so many bytes.
    pub fn new(bytes: u64, caches: &Caches) -> Self {
        let room = Room { name: "tokens", bytes, ttl: TTL };
        Self(Cached::new(room, caches, |_, known: &Arc<KnownToken>| known.bytes()))
    }

    /// What is known of a token at `now`; none if there is no such token. No read, if it is kept and counts.
    pub async fn find(
        &self,
        store: &dyn Store,
        digest: Digest,
        now: i64,
    ) -> Result<Option<Arc<KnownToken>>, Fault> {
        let changes = store.changes();
        if !changes.is_known(now) {
            return KnownToken::read(store, &digest).await;
        }
        let mut unkept = None;
        let load = async {
            let read = KnownToken::read(store, &digest).await?;
            // One that is good once only changes with its use.
            let (once, kept): (Option<_>, Option<_>) = match read {
                Some(known) if known.token.single_use => (Some(known), None),
                other => (None, other),
            };
            unkept = once;
            Ok::<_, Fault>(kept)
        };
        let counts = |known: &Arc<KnownToken>| changes.count(&known.facts(), known.mark, now);
        let kept = self.0.get_if(digest, counts, load).await?;
        Ok(kept.or(unkept))
    }
}
