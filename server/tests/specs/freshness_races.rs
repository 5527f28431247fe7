//! What is kept in memory and changed at the same moment: a change between the read and the keeping, one that nobody tells
//! of, and one of somebody else.

use std::sync::Arc;

use placet_server::store::{
    Store,
    postgres::{PoolSettings, Postgres},
};

use super::{
    faults,
    freshness::{digest, hearing, held, kept, revoke, two, unchanged, until},
    harness::Stand,
    helpers::keep_client,
};

/// Gives the client `kept` this name, behind the back of the server.
async fn rename(store: &dyn Store, stand: &Stand, name: &str) {
    let mut client = (*stand.server.client("kept").await.unwrap().unwrap()).clone();
    let stored = store.client("kept").await.unwrap().unwrap();
    client.metadata.client_name = Some(name.to_owned());
    client.generation = stored.generation;
    assert!(store.update_client(client.to_record().unwrap(), Vec::new()).await.unwrap());
}

async fn name(stand: &Stand) -> Option<String> {
    stand.server.client("kept").await.unwrap().unwrap().metadata.client_name.clone()
}

#[tokio::test]
async fn a_token_that_is_revoked_between_the_read_and_the_keeping_is_over() {
    let (stand, store, _folder) = faults::stand("between").await;
    let stand = Arc::new(stand);
    let held = held(&stand).await;
    store.hold_answers(true);
    let (asking, access) = (stand.clone(), held.access.clone());
    let asked = tokio::spawn(async move { asking.is_active("opaque", &access).await });
    until("the token read", || store.held_back() > 0).await;
    let of = digest(&stand, &held.access);
    assert!(stand.server.store().revoke_token(&of, stand.now(), Vec::new()).await.unwrap());
    store.hold_answers(false);
    assert!(asked.await.unwrap(), "it was asked before");
    assert!(!stand.is_active("opaque", &held.access).await);
}

#[tokio::test]
async fn a_client_that_is_changed_between_the_read_and_the_keeping_is_read_again() {
    let (stand, store, _folder) = faults::stand("between").await;
    let stand = Arc::new(stand);
    keep_client(&stand, |_| {}).await;
    let mut client = stand.server.store().client("kept").await.unwrap().unwrap();
    store.hold_answers(true);
    let asking = stand.clone();
    let asked = tokio::spawn(async move { name(&asking).await });
    until("the client read", || store.held_back() > 0).await;
    let mut doc: serde_json::Value = serde_json::from_str(&client.doc).unwrap();
    doc["metadata"]["client_name"] = "Another name".into();
    client.doc = doc.to_string();
    assert!(stand.server.store().update_client(client, Vec::new()).await.unwrap());
    store.hold_answers(false);
    assert_ne!(asked.await.unwrap().as_deref(), Some("Another name"), "it was asked before");
    assert_eq!(name(&stand).await.as_deref(), Some("Another name"));
}

#[tokio::test]
async fn a_change_of_a_client_that_nobody_tells_of_is_seen_within_five_seconds() {
    let Some((one, two, _tamper)) = two().await else { return };
    keep_client(&one, |_| {}).await;
    let before = name(&two).await;
    rename(one.server.store(), &one, "Another name").await;
    two.clock.advance(4);
    assert_eq!(name(&two).await, before, "it is kept, and the second server hears and asks nothing here");
    two.clock.advance(1);
    assert_eq!(name(&two).await.as_deref(), Some("Another name"));
    rename(one.server.store(), &one, "A third name").await;
    two.clock.advance(-60);
    assert_eq!(name(&two).await.as_deref(), Some("A third name"), "a clock that went back proves nothing");
}

#[tokio::test]
async fn what_another_tenant_changes_makes_nobody_forget() {
    let Some((one, two, tamper)) = two().await else { return };
    hearing(&one, &two).await;
    let (other, other_fact, mark) = kept(&one, &two).await;
    let (held, fact, _) = kept(&one, &two).await;
    let missed = two.server.store().changes().missed();
    let url = std::env::var("PLACET_TEST_POSTGRES").unwrap();
    let settings = PoolSettings { size: 2, wait: std::time::Duration::from_secs(20) };
    let id = placet_server::random::id(&placet_server::random::OsRandom, "elsewhere-").unwrap();
    let elsewhere: Arc<dyn Store> = Arc::new(Postgres::connect(&url, &id, settings).await.unwrap());
    let stand = Stand::on(elsewhere, |_| {}).await;
    keep_client(&stand, |_| {}).await;
    let met = tamper.met();
    rename(stand.server.store(), &stand, "Another name").await;
    until("the change told", || tamper.met() > met).await;
    revoke(&one, &held).await;
    until("the next change heard of", || !unchanged(&two, fact, mark)).await;
    assert!(unchanged(&two, other_fact, mark));
    assert_eq!(two.server.store().changes().missed(), missed);
    assert!(two.is_active("opaque", &other.access).await);
}
