//! Several server processes on one PostgreSQL: what is single-use stays so between them.
//!
//! `PLACET_TEST_POSTGRES` names the database; `./test` makes one.

use std::{
    sync::{Arc, atomic::AtomicU64, atomic::Ordering},
    time::Duration,
};

use placet_server::store::{
    Store,
    postgres::{PoolSettings, Postgres},
};

use super::{
    harness::{Browser, CALLBACK, Stand, VERIFIER},
    prover::{Prover, token_with},
};

static TENANTS: AtomicU64 = AtomicU64::new(0);

/// Two servers of one issuer on one database, with a tenant of their own; none where there is no database.
async fn two() -> Option<[Arc<Stand>; 2]> {
    let Ok(url) = std::env::var("PLACET_TEST_POSTGRES") else {
        eprintln!("skipped: PLACET_TEST_POSTGRES names no database");
        return None;
    };
    let tenant = format!("replicas-{}-{}", std::process::id(), TENANTS.fetch_add(1, Ordering::Relaxed));
    let settings = PoolSettings { size: 8, wait: Duration::from_secs(20) };
    let open = async || {
        let store: Arc<dyn Store> = Arc::new(Postgres::connect(&url, &tenant, settings).await.unwrap());
        store
    };
    let one = Stand::on(open().await, |_| {}).await;
    let issuer = one.issuer.clone();
    let two = Stand::on(open().await, |config| config.issuer = issuer).await;
    Some([Arc::new(one), Arc::new(two)])
}

#[tokio::test]
async fn of_200_redemptions_racing_over_two_replicas_one_wins() {
    let Some(stands) = two().await else { return };
    let params = stands[0].sign_in(&mut Browser::new(), "opaque", &[]).await;
    let mut races = Vec::new();
    for n in 0..200 {
        let (stand, code) = (stands[n % 2].clone(), params["code"].clone());
        races.push(tokio::spawn(async move { stand.redeem("opaque", &code).await }));
    }
    let mut won = Vec::new();
    for race in races {
        let reply = race.await.unwrap();
        match reply.status {
            200 => won.push(reply.json["access_token"].as_str().unwrap().to_owned()),
            400 => assert_eq!(reply.error(), "invalid_grant"),
            other => panic!("{other}: {}", reply.text),
        }
    }
    assert_eq!(won.len(), 1);
    for stand in &stands {
        assert!(!stand.is_active("opaque", &won[0]).await);
    }
}

#[tokio::test]
async fn an_interaction_begun_at_one_replica_ends_at_the_other() {
    let Some([one, two]) = two().await else { return };
    let mut browser = Browser::new();
    let id = browser.authorize(&one, "web", &[]).await.interaction();
    let prompt =
        two.call(super::harness::UI, reqwest::Method::GET, &format!("/interactions/{id}"), None).await;
    assert_eq!(prompt.json["type"], "auth");
    let params = two.finish(&mut browser, &id, "alice").await;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", params["code"].as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let reply = two.post("/token", "web", &form).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert!(one.is_active("web", reply.json["access_token"].as_str().unwrap()).await);
    let seen = two.userinfo(reply.json["access_token"].as_str().unwrap()).await;
    assert_eq!(seen.json["sub"], "alice", "{}", seen.text);
    let revoked =
        one.post("/revoke", "web", &[("token", reply.json["access_token"].as_str().unwrap())]).await;
    assert_eq!(revoked.status, 200);
    assert_eq!(two.userinfo(reply.json["access_token"].as_str().unwrap()).await.status, 401);
}

#[tokio::test]
async fn of_100_uses_of_one_proof_racing_over_two_replicas_one_wins() {
    let Some(stands) = two().await else { return };
    let proof = Arc::new(Prover::new().proof(&stands[0]));
    let mut races = Vec::new();
    for n in 0..100 {
        let (stand, proof) = (stands[n % 2].clone(), proof.clone());
        let form = [("grant_type", "client_credentials")];
        races.push(tokio::spawn(async move { token_with(&stand, "service", &form, &[&proof]).await }));
    }
    let mut won = 0;
    for race in races {
        let reply = race.await.unwrap();
        match reply.status {
            200 => won += 1,
            400 => assert_eq!(reply.error(), "invalid_dpop_proof"),
            other => panic!("{other}: {}", reply.text),
        }
    }
    assert_eq!(won, 1);
}
