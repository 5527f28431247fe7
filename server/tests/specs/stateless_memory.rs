//! What a server remembers of revocations, for tokens that carry everything themselves: what is revoked while it asks, what
//! is issued while everything ends, and for how long it is to be remembered.

use std::{sync::Arc, time::Duration};

use placet_server::{
    housekeeping,
    store::{
        Paging, Store,
        embedded::Embedded,
        postgres::{PoolSettings, Postgres},
    },
};
use serde_json::json;

use super::{
    flaky::Flaky,
    folder::Folder,
    freshness::until,
    harness::{Browser, Stand},
    helpers::{refresh, text},
    replicas::two_with,
    stateless::{granted, is_over, refreshed, revoke_all, rows, stand, stateless},
    tamper::{Fate, Tamper},
};

const DAY: i64 = 86_400;

/// What outlives the session does not end with it already.
const OFFLINE: &str = "openid offline_access";

async fn offline(stand: &Stand) -> String {
    text(&stand.tokens("web", OFFLINE).await["refresh_token"])
}

#[tokio::test]
async fn what_is_revoked_while_it_is_asked_what_was_is_over_with_the_next_request() {
    let folder = Folder::new("asking");
    let store = Embedded::open(&folder.join("placet.db"), "default").unwrap();
    let store = Arc::new(Flaky::new(Arc::new(store)));
    let stand = Arc::new(Stand::on(store.clone(), stateless).await);
    let token = granted(&stand, "web").await;
    // So long ago that the next one asks.
    stand.clock.advance(4);
    store.hold_answers(true);
    let (asking, presented) = (stand.clone(), token.clone());
    let asked = tokio::spawn(async move { refresh(&asking, "web", &presented).await });
    until("what was revoked read", || store.held_back() > 0).await;
    assert_eq!(stand.post("/revoke", "web", &[("token", &token)]).await.status, 200);
    store.hold_answers(false);
    assert_eq!(asked.await.unwrap().status, 200, "it was asked before");
    is_over(&stand, "web", &token).await;
}

#[tokio::test]
async fn a_revocation_whose_answer_was_lost_is_known_once_it_is_asked_for_again() {
    let Ok(url) = std::env::var("PLACET_TEST_POSTGRES") else {
        eprintln!("skipped: PLACET_TEST_POSTGRES names no database");
        return;
    };
    let tamper = Tamper::before(&url).await;
    let tenant = placet_server::random::id(&placet_server::random::OsRandom, "lost-").unwrap();
    let settings = PoolSettings { size: 2, wait: Duration::from_secs(20) };
    let store: Arc<dyn Store> = Arc::new(Postgres::connect(&tamper.url, &tenant, settings).await.unwrap());
    let stand = Stand::on(store, stateless).await;
    let token = granted(&stand, "web").await;
    refreshed(&stand, "web", &token).await;
    tamper.set(Fate::Cut);
    let lost = stand.post("/revoke", "web", &[("token", &token)]).await;
    assert_eq!(lost.status, 503, "{}", lost.text);
    tamper.set(Fate::Pass);
    assert_eq!(stand.post("/revoke", "web", &[("token", &token)]).await.status, 200);
    is_over(&stand, "web", &token).await;
}

#[tokio::test]
async fn what_is_issued_while_everything_of_everybody_ends_ends_as_well() {
    let Some([one, two]) = two_with(stateless).await else { return };
    let extra = [("scope", OFFLINE), ("prompt", "consent")];
    let params = one.sign_in(&mut Browser::new(), "web", &extra).await;
    let page = Paging { after: "", limit: 1 };
    let session = one.server.store().sessions_of("alice", page, one.now()).await.unwrap().remove(0);
    let era = async || one.server.store().learn_generations(0, 1).await.unwrap().newest.era;
    let before = era().await;
    // Somebody is at the session, so that its end has to wait, and all that comes after it.
    let url = std::env::var("PLACET_TEST_POSTGRES").unwrap();
    let (mut client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let held = client.transaction().await.unwrap();
    held.execute("SELECT 1 FROM sessions WHERE id = $1 FOR UPDATE", &[&session.id]).await.unwrap();
    let revoking = one.clone();
    let revoked = tokio::spawn(async move { revoke_all(&revoking, json!({ "everybody": true })).await });
    while era().await == before {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let tokens = two.redeem("web", &params["code"]).await;
    assert_eq!(tokens.status, 200, "its authorization is yet to be ended, {}", tokens.text);
    held.rollback().await.unwrap();
    revoked.await.unwrap();
    for stand in [&one, &two] {
        stand.clock.advance(5);
        is_over(stand, "web", &text(&tokens.json["refresh_token"])).await;
        assert!(!stand.is_active("web", &text(&tokens.json["access_token"])).await);
    }
}

#[tokio::test]
async fn everything_of_everybody_is_over_with_the_next_request_and_not_only_with_its_session() {
    let stand = stand().await;
    let token = offline(&stand).await;
    refreshed(&stand, "web", &token).await;
    revoke_all(&stand, json!({ "everybody": true })).await;
    is_over(&stand, "web", &token).await;
    refreshed(&stand, "web", &offline(&stand).await).await;
}

#[tokio::test]
async fn what_was_revoked_is_remembered_for_as_long_as_a_token_could_live() {
    for whose in [None, Some(json!({ "sub": "alice" })), Some(json!({ "client_id": "web" }))] {
        let stand = stand().await;
        let (token, another) = (offline(&stand).await, offline(&stand).await);
        let alone = whose.is_none();
        match whose {
            None => assert_eq!(stand.post("/revoke", "web", &[("token", &token)]).await.status, 200),
            Some(whose) => revoke_all(&stand, whose).await,
        }
        stand.clock.advance(29 * DAY);
        housekeeping::purge(&stand.server).await.unwrap();
        // One that was started since has nothing in memory.
        let later = Stand::on(stand.environment().store, |config| {
            config.issuer.clone_from(&stand.issuer);
            stateless(config);
        })
        .await;
        assert_eq!(later.now(), stand.now());
        is_over(&later, "web", &token).await;
        if alone {
            refreshed(&later, "web", &another).await;
        }
    }
}

#[tokio::test]
async fn none_lives_longer_than_its_revocation_would_be_remembered() {
    let stand = Stand::with(|config| {
        stateless(config);
        config.lifetimes.refresh_token = 500 * 86_400;
        config.lifetimes.refresh_token_idle = 0;
    })
    .await;
    let token = granted(&stand, "web").await;
    assert_eq!(rows(&stand, "families"), 0);
    stand.clock.advance(400 * DAY - 1);
    refreshed(&stand, "web", &token).await;
    stand.clock.advance(1);
    is_over(&stand, "web", &token).await;
}

/// Has the store tell of so many revocations that the first ones are no longer in memory.
fn flood(stand: &Stand) {
    // Of one number there are no more than are numbered at once.
    let marks = "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 100999) \
                 INSERT INTO generation_marks (tenant, name, number, expires_at) \
                 SELECT g.tenant, 'authorization:az_of_nobody_' || i, g.number + 1 + i / 500, ?1 FROM n, generations g";
    let mut database = stand.database();
    let step = database.transaction().unwrap();
    assert_eq!(step.execute(marks, [stand.now() + DAY]).unwrap(), 101_000);
    step.execute("UPDATE generations SET number = number + 202", []).unwrap();
    step.commit().unwrap();
}

#[tokio::test]
async fn a_token_that_is_older_than_all_that_is_in_memory_is_asked_about_in_the_store() {
    let stand = stand().await;
    let (kept, revoked) = (granted(&stand, "web").await, granted(&stand, "web").await);
    assert_eq!(stand.post("/revoke", "web", &[("token", &revoked)]).await.status, 200);
    is_over(&stand, "web", &revoked).await;
    flood(&stand);
    stand.clock.advance(4);
    is_over(&stand, "web", &revoked).await;
    let newer = refreshed(&stand, "web", &kept).await;
    // What is issued now is as new as what is known.
    assert_eq!(stand.post("/revoke", "web", &[("token", &kept)]).await.status, 200);
    for token in [&kept, &text(&newer["refresh_token"])] {
        is_over(&stand, "web", token).await;
    }
    is_over(&stand, "web", &revoked).await;
}
