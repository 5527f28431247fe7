//! The master key can be changed, and the old one taken away, without anything being lost.

use std::sync::Arc;

use placet_oauth::id::Secret;
use placet_server::{
    clock::ManualClock,
    keys::{Keys, Rotation, SIGNING_ALGORITHMS},
    random::OsRandom,
    seal::{MasterKeys, RootKeys, SymmetricKey},
    store::{Store, embedded::Embedded},
};

use super::{folder::Folder, harness::START};

fn rotation() -> Rotation {
    Rotation { period: 1000, publish: 100, overlap: 100, signing: SIGNING_ALGORITHMS.to_vec() }
}

async fn load(store: &Arc<dyn Store>, master: MasterKeys) -> Option<(Keys, RootKeys)> {
    let clock = Arc::new(ManualClock::new(START));
    Keys::load(store.clone(), master, clock, Arc::new(OsRandom), rotation()).await.ok()
}

#[tokio::test]
async fn what_the_old_master_key_sealed_is_sealed_anew_with_the_new_one() {
    let folder = Folder::new("master");
    let store: Arc<dyn Store> = Arc::new(Embedded::open(&folder.join("placet.db"), "default").unwrap());
    let key = |byte| SymmetricKey::new([byte; 32]);
    let secret = Secret::new("a token of before the change");

    let (keys, root) = load(&store, MasterKeys::new(key(1), vec![])).await.unwrap();
    let (published, digest) = (keys.current().jwks().to_owned(), root.digest("token", &secret));
    assert!(load(&store, MasterKeys::new(key(2), vec![])).await.is_none(), "a key that opens nothing");
    assert!(load(&store, MasterKeys::new(key(2), vec![key(1)])).await.is_some(), "both during the change");
    let (keys, root) = load(&store, MasterKeys::new(key(2), vec![])).await.unwrap();
    assert_eq!(keys.current().jwks(), published);
    assert_eq!(root.digest("token", &secret), digest);
    assert!(keys.signer("ES256").await.unwrap().sign("JWT", &serde_json::json!({})).is_ok());
    assert!(load(&store, MasterKeys::new(key(1), vec![])).await.is_none(), "the old key is worthless by now");
}
