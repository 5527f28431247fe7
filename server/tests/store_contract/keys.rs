//! Signing keys.

use placet_server::store::KeyRecord;

use crate::{backend::Backend, samples::*};

fn key(kid: &str, state: &str) -> KeyRecord {
    KeyRecord {
        kid: kid.into(),
        alg: "ES256".into(),
        state: state.into(),
        sealed: vec![9; 40],
        public_jwk: "{}".into(),
        created_at: NOW,
        changed_at: NOW,
        expires_at: None,
    }
}

pub(crate) async fn of_many_changes_of_one_generation_of_keys_one_is_made(backend: &Backend) {
    let store = backend.store();
    assert_eq!(store.key_generation().await.expect("it reads"), 0);
    for generation in 0..3 {
        let changed = race(&store, 20, |store, i| async move {
            let kid = format!("k{generation}-{i}");
            let events = vec![event(&format!("evt_{kid}"), "key.rotated")];
            store.change_keys(generation, vec![key(&kid, "staged")], events).await.expect("it answers")
        });
        assert_eq!(count(&changed.await, &true), 1);
        assert_eq!(store.key_generation().await.expect("it reads"), generation + 1);
    }
    assert_eq!(store.keys().await.expect("it reads").len(), 3);
    assert_eq!(backend.count("key.rotated").await, 3);
    assert!(!store.change_keys(7, vec![key("early", "staged")], vec![]).await.expect("it answers"));
}

pub(crate) async fn a_key_changes_its_state_and_is_gone_when_removed(backend: &Backend) {
    let store = backend.store();
    let both = vec![key("a", "signing"), key("b", "staged")];
    assert!(store.change_keys(0, both.clone(), vec![]).await.expect("it answers"));
    assert_eq!(store.keys().await.expect("it reads"), both);
    let old = KeyRecord { changed_at: NOW + 1, expires_at: Some(NOW + 600), ..key("a", "verify_only") };
    let new = KeyRecord { changed_at: NOW + 1, ..key("b", "signing") };
    let both = vec![old, new.clone()];
    assert!(store.change_keys(1, both.clone(), vec![]).await.expect("it answers"));
    assert_eq!(store.keys().await.expect("it reads"), both);
    assert!(store.change_keys(2, vec![key("a", "removed")], vec![]).await.expect("it answers"));
    assert_eq!(store.keys().await.expect("it reads"), [new]);
    assert_eq!(store.key_generation().await.expect("it reads"), 3);
}

pub(crate) async fn keys_that_are_in_use_are_never_purged_and_removed_ones_late(backend: &Backend) {
    let store = backend.store();
    let used = vec![key("a", "signing"), key("b", "staged"), key("c", "verify_only")];
    let all = [used.clone(), vec![key("d", "removed")]].concat();
    assert!(store.change_keys(0, all, vec![]).await.expect("it answers"));
    let month = 30 * 86_400;
    assert_eq!(store.purge(NOW + month - 1, 100).await.expect("it answers"), 0);
    assert_eq!(store.purge(NOW + month, 100).await.expect("it answers"), 1);
    assert_eq!(store.purge(NOW + 100 * month, 100).await.expect("it answers"), 0);
    assert_eq!(store.keys().await.expect("it reads"), used);
}
