//! Several server processes on one PostgreSQL: what is single-use stays so between them.
//!
//! `PLACET_TEST_POSTGRES` names the database; `./test` makes one.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::AtomicU64, atomic::Ordering},
    time::Duration,
};

use placet_server::{
    config::Config,
    store::{
        Store,
        postgres::{PoolSettings, Postgres},
    },
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    administering, calling,
    device_flow::{self, approved, code, confirm, one_is_in_time, open, poll, start},
    encrypting::Reader,
    harness::{Browser, CALLBACK, Stand, VERIFIER, claims},
    helpers::{configured, refresh, text, verified},
    leaving,
    prover::{Prover, token_with},
    receiver,
    receiving::{Receiver, deliver},
    sidecar::Sidecar,
};

static TENANTS: AtomicU64 = AtomicU64::new(0);

/// Two servers of one issuer on one database, with a tenant of their own; none where there is no database.
async fn two() -> Option<[Arc<Stand>; 2]> {
    two_with(device_flow::devices).await
}

/// The same, with settings that `change` has altered.
pub(crate) async fn two_with(change: impl Fn(&mut Config)) -> Option<[Arc<Stand>; 2]> {
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
    let one = Stand::on(open().await, |config| change(config)).await;
    let issuer = one.issuer.clone();
    let two = Stand::on(open().await, |config| {
        config.issuer = issuer;
        change(config);
    })
    .await;
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
async fn what_is_revoked_at_one_replica_is_over_at_the_other_with_the_next_request() {
    let Some([one, two]) = two_with(administering::admit).await else { return };
    let revoke = async |whose: Value| {
        let path = "/revocations";
        let reply = administering::call(&one, administering::TOKEN, Method::POST, path, Some(&whose)).await;
        assert_eq!(reply.status, 204, "{}", reply.text);
    };
    for whose in [json!({ "sub": "alice" }), json!({ "client_id": "web" })] {
        let held = two.tokens("web", "openid offline_access").await;
        let access = text(&held["access_token"]);
        assert_eq!(two.userinfo(&access).await.status, 200);
        revoke(whose).await;
        assert_eq!(two.userinfo(&access).await.status, 401);
        assert!(!two.is_active("web", &access).await);
        assert_eq!(refresh(&two, "web", &text(&held["refresh_token"])).await.error(), "invalid_grant");
    }
    let own = async || {
        let reply = two.post("/token", "service", &[("grant_type", "client_credentials")]).await;
        text(&reply.json["access_token"])
    };
    let before = own().await;
    assert!(two.is_active("service", &before).await);
    revoke(json!({ "client_id": "service" })).await;
    assert!(!two.is_active("service", &before).await);
    // Whoever does not know yet issues what counts no more, never what should not count.
    assert!(!two.is_active("service", &own().await).await);
    two.server.learn_of_revocations().await;
    assert!(two.is_active("service", &own().await).await);
    assert!(!one.is_active("service", &before).await);
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

#[tokio::test]
async fn of_100_redemptions_of_a_device_code_racing_over_two_replicas_one_wins() {
    let Some(stands) = two().await else { return };
    let device_code = approved(&stands[0], "box", "openid").await;
    let mut races = Vec::new();
    for n in 0..100 {
        let (stand, device_code) = (stands[n % 2].clone(), device_code.clone());
        races.push(tokio::spawn(async move { poll(&stand, "box", &device_code).await }));
    }
    let mut won = Vec::new();
    for race in races {
        let reply = race.await.unwrap();
        match reply.status {
            200 => won.push(reply.json["access_token"].as_str().unwrap().to_owned()),
            _ => assert_eq!(reply.error(), "invalid_grant", "{}", reply.text),
        }
    }
    assert_eq!(won.len(), 1);
    for stand in &stands {
        assert_eq!(stand.userinfo(&won[0]).await.status, 401);
    }
}

#[tokio::test]
async fn of_20_browsers_with_one_user_code_at_two_replicas_one_may_go_on() {
    let Some(stands) = two().await else { return };
    let codes = start(&stands[0], "tv", "openid").await;
    let (mut ids, mut races) = (Vec::new(), Vec::new());
    for n in 0..20 {
        let id = open(&stands[n % 2], &mut Browser::new(), None).await;
        assert_eq!(stands[n % 2].answer(&id, 1, &code(&codes.user)).await.json["type"], "confirm");
        ids.push(id);
    }
    for (n, id) in ids.into_iter().enumerate() {
        let stand = stands[(n + 1) % 2].clone();
        races.push(tokio::spawn(async move { stand.answer(&id, 2, &confirm(true)).await.json }));
    }
    let mut won = 0;
    for race in races {
        match race.await.unwrap()["type"].as_str() {
            Some("auth") => won += 1,
            other => assert_eq!(other, Some("user_code")),
        }
    }
    assert_eq!(won, 1);
}

#[tokio::test]
async fn of_20_polls_at_two_replicas_one_is_in_time() {
    let Some(stands) = two().await else { return };
    let codes = start(&stands[0], "tv", "openid").await;
    one_is_in_time(&stands, &codes.device, 20).await;
}

#[tokio::test]
async fn of_events_at_two_replicas_whose_workers_race_each_is_delivered_once() {
    let receiver = Receiver::start().await;
    let config = receiver.config("audit", &["session.*", "authorization.*"]);
    let Some(stands) = two_with(|c| c.event_receiver = vec![config.clone()]).await else { return };
    let mut racing = Vec::new();
    for n in 0..8 {
        let stand = stands[n % 2].clone();
        racing.push(tokio::spawn(async move {
            stand.sign_in(&mut Browser::new(), "web", &[]).await;
            deliver(&stand).await
        }));
    }
    for race in racing {
        race.await.unwrap();
    }
    for stand in &stands {
        deliver(stand).await;
    }
    let mut ids: Vec<_> =
        receiver.got().iter().map(|asked| asked.body["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.len(), 16, "two of each sign-in");
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 16);
}

/// Two servers with a policy that knows alice, and clients that ask for her.
async fn two_calling(sidecar: &Sidecar, change: impl Fn(&mut Config)) -> Option<[Arc<Stand>; 2]> {
    two_with(|config| {
        config.policy = vec![sidecar.policy("directory", &["ciba.request"])];
        config.clients.push(calling::caller("desk", "poll", &json!({})));
        change(config);
    })
    .await
}

#[tokio::test]
async fn of_100_polls_racing_over_two_replicas_one_has_the_tokens_of_the_user_who_was_asked() {
    let sidecar = Sidecar::start(calling::directory).await;
    let Some(stands) = two_calling(&sidecar, |_| {}).await else { return };
    let asked = calling::ask(&stands[0], "desk", &[]).await;
    let id = asked.json["auth_req_id"].as_str().unwrap().to_owned();
    calling::approve(&stands[1], "alice").await;
    let mut races = Vec::new();
    for n in 0..100 {
        let (stand, id) = (stands[n % 2].clone(), id.clone());
        races.push(tokio::spawn(async move { calling::poll(&stand, "desk", &id).await }));
    }
    let mut won = Vec::new();
    for race in races {
        let reply = race.await.unwrap();
        match reply.status {
            200 => won.push(reply.json["access_token"].as_str().unwrap().to_owned()),
            _ => assert_eq!(reply.error(), "invalid_grant", "{}", reply.text),
        }
    }
    assert_eq!(won.len(), 1);
    // A client that was pinged and polls may ask twice: what it has stays good.
    for stand in &stands {
        assert!(stand.is_active("desk", &won[0]).await);
    }
}

#[tokio::test]
async fn of_logout_tokens_and_pings_at_two_replicas_whose_workers_race_each_is_delivered_once() {
    let (sidecar, ear) = (Sidecar::start(calling::directory).await, Receiver::start().await);
    let web = receiver::Receiver::start(&[]).await;
    let stands = two_calling(&sidecar, |config| {
        let told = json!({ "backchannel_client_notification_endpoint": ear.at.url });
        config.clients.push(calling::caller("bell", "ping", &told));
        leaving::tell(config, "web", &web.uri);
    });
    let Some(stands) = stands.await else { return };
    for n in 0..6 {
        let (one, other) = (&stands[n % 2], &stands[(n + 1) % 2]);
        let mut browser = Browser::new();
        leaving::tokens(one, &mut browser, "web").await;
        leaving::log_out(other, &mut browser, "session", &[]).await;
        assert_eq!(calling::ask(one, "bell", &[]).await.status, 200);
        calling::approve(other, "alice").await;
    }
    let mut racing = Vec::new();
    for n in 0..8 {
        let stand = stands[n % 2].clone();
        racing.push(tokio::spawn(async move { deliver(&stand).await }));
    }
    let mut attempts = 0;
    for race in racing {
        attempts += race.await.unwrap();
    }
    assert_eq!(attempts, 12);
    let pings: BTreeSet<String> = ear.got().iter().map(|asked| asked.body.to_string()).collect();
    assert_eq!((ear.got().len(), pings.len()), (6, 6));
    let logouts: BTreeSet<String> =
        web.tokens().iter().map(|token| claims(token)["sid"].to_string()).collect();
    assert_eq!((web.tokens().len(), logouts.len()), (6, 6));
}

#[tokio::test]
async fn an_encrypted_token_of_one_replica_is_good_at_the_other() {
    const LOCKED: &str = "https://locked.example";
    let reader = Reader::p256("k1");
    let encryption = json!({ "alg": "ECDH-ES+A256KW", "enc": "A256GCM", "jwk": reader.jwk() });
    let stands = two_with(|config| {
        config.resource =
            serde_json::from_value(json!([{ "uri": LOCKED, "encryption": encryption }])).unwrap();
        let mut vault = configured("vault", &json!({ "grant_types": ["client_credentials"] }));
        vault.settings.resources = vec![LOCKED.to_owned()];
        config.clients.push(vault);
    });
    let Some([one, two]) = stands.await else { return };
    let extra =
        [("scope", "openid offline_access reports.read"), ("prompt", "consent"), ("resource", LOCKED)];
    let params = one.sign_in(&mut Browser::new(), "web", &extra).await;
    let mut tokens = one.redeem("web", &params["code"]).await.json;
    for (minted, other) in [(&one, &two), (&two, &one)] {
        let token = text(&tokens["access_token"]);
        let (_, inner) = reader.open(&token);
        let (_, said) = verified(other, &inner).await;
        assert_eq!((&said["aud"], &said["sub"]), (&json!(LOCKED), &json!("alice")));
        let seen = other.post("/introspect", "vault", &[("token", &token)]).await.json;
        assert_eq!((&seen["active"], &seen["sub"]), (&json!(true), &json!("alice")), "{seen}");
        let next = refresh(other, "web", &text(&tokens["refresh_token"])).await;
        assert_eq!(next.status, 200, "{}", next.text);
        assert_eq!(other.post("/revoke", "web", &[("token", &token)]).await.status, 200);
        assert!(!minted.is_active("vault", &token).await);
        tokens = next.json;
    }
}
