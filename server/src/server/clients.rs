//! The clients that the server knows: those of the configuration, and those of the store, kept for a while.

use std::{collections::HashMap, sync::Arc, time::Duration};

use super::Server;
use crate::{
    cache::{Cached, Room},
    client::{Client, SharedClient},
    config::Config,
    metrics::Caches,
    outcome::Fault,
    random::Random,
    seal::RootKeys,
    store::{Fact, Mark},
};

/// Clients are kept in memory for so many seconds: a change made by another process is seen within that time, though this
/// one hears nothing of it. By the clock of the server as well, since that of the cache stands still while a machine sleeps.
const TTL: i64 = 5;

/// A client, when it was read, and what it takes in memory.
#[derive(Clone)]
pub(super) struct KeptClient {
    client: SharedClient,
    mark: Mark,
    read_at: i64,
    bytes: usize,
}

impl KeptClient {
    /// A clock that went back proves nothing.
    fn is_fresh(&self, now: i64) -> bool {
        (self.read_at..self.read_at.saturating_add(TTL)).contains(&now)
    }
}

/// The clients of the configuration, by their ids.
pub(super) fn configured(
    config: &Config,
    root: &RootKeys,
    random: &dyn Random,
) -> Result<HashMap<String, SharedClient>, Fault> {
    let known = config.clients.iter().map(|client| {
        let mut known = Client::from_config(client, config.profile);
        if let Some(secret) = client.known_secret()? {
            known.keep_secret(&secret, root, random)?;
        }
        Ok((client.client_id.clone(), Arc::new(known)))
    });
    known.collect()
}

/// No client yet; all together may take so many bytes.
pub(super) fn cache((bytes, caches): (u64, &Caches)) -> Cached<String, KeptClient> {
    let room = Room { name: "clients", bytes, ttl: Duration::from_secs(TTL.unsigned_abs()) };
    Cached::new(room, caches, |id: &String, kept: &KeptClient| id.len() + kept.bytes)
}

impl Server {
    /// A client by its id.
    pub async fn client(&self, client_id: &str) -> Result<Option<SharedClient>, Fault> {
        if let Some(client) = self.0.configured.get(client_id) {
            return Ok(Some(client.clone()));
        }
        let (changes, fact) = (self.store().changes(), [Fact::client(client_id)]);
        let now = self.now();
        let load = async {
            let mark = changes.mark();
            let Some(record) = self.store().client(client_id).await? else { return Ok::<_, Fault>(None) };
            let bytes = 2_048 + 4 * record.doc.len();
            let client =
                Client::from_record(record)?.held_to(self.config().profile).signed_for(self.config());
            Ok(Some(KeptClient { client: Arc::new(client), mark, read_at: now, bytes }))
        };
        let unchanged = |kept: &KeptClient| changes.unchanged(&fact, kept.mark);
        let counts = |kept: &KeptClient| kept.is_fresh(now) && unchanged(kept);
        let kept = self.0.clients.get_if(client_id.to_owned(), counts, load).await?;
        Ok(kept.map(|kept| kept.client))
    }

    /// Whether the operator registered this client in the configuration, so that it cannot be changed.
    pub fn is_configured(&self, client_id: &str) -> bool {
        self.0.configured.contains_key(client_id)
    }

    /// Forgets what is cached of a client, after it changed.
    pub async fn forget_client(&self, client_id: &str) {
        self.0.clients.remove(client_id.to_owned()).await;
        self.0.policies.flush_client(client_id);
    }
}
