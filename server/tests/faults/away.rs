//! A process that is stopped for a while (SIGSTOP) and then goes on: what was changed elsewhere meanwhile counts in its very
//! first answers.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    caller::{ADMIN, Caller, text},
    cluster::Cluster,
    rights::{alone, is_asked_for},
    server::Site,
};

async fn own(caller: &Caller) -> String {
    let answer = caller.post("/token", "service", &[("grant_type", "client_credentials")]).await;
    text(answer.success().unwrap_or_else(|| panic!("{answer:?}")), "access_token")
}

fn kid(token: &str) -> String {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap_or_default()).expect("a header");
    text(&serde_json::from_slice::<Value>(&header).expect("JSON"), "kid")
}

async fn admin(caller: &Caller, path: &str, body: &Value) {
    let answer = caller.call(ADMIN, Method::POST, &format!("/admin/v1{path}"), body).await;
    assert!(answer.success().is_some(), "{path}: {answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_was_stopped_answers_nothing_from_before() {
    let row = "a replica that is stopped and continued";
    let _alone = alone().await;
    if !is_asked_for(row) {
        return;
    }
    let Some(cluster) = Cluster::start(row, &[]) else { return };
    let site = Site::new(Some(cluster.url()));
    let (one, two) = (site.server().await, site.server().await);
    let (here, there) = (&one.caller, &two.caller);
    let held = own(there).await;
    let old = kid(&held);
    let code = there.code("opaque", "alice").await.expect("a code");
    let tokens = there.redeem("opaque", &code).await;
    let tokens = tokens.success().expect("tokens");
    let (access, refresh) = (text(tokens, "access_token"), text(tokens, "refresh_token"));
    assert_eq!(there.is_active("opaque", &access).await.ok(), Some(true));

    two.signal("STOP");
    admin(here, &format!("/keys/{old}:revoke"), &Value::Null).await;
    admin(here, "/revocations", &json!({ "sub": "alice" })).await;
    admin(here, "/revocations", &json!({ "client_id": "service" })).await;
    let newer = own(here).await;
    assert_ne!(kid(&newer), old);
    // Longer than any process may be behind.
    tokio::time::sleep(Duration::from_secs(8)).await;
    // The connections are made, and the questions asked, while it is still stopped.
    let keys = {
        let there = there.clone();
        tokio::spawn(async move { there.get(&format!("{}/jwks", there.public)).await })
    };
    let first = {
        let there = there.clone();
        tokio::spawn(async move { own(&there).await })
    };
    let look = {
        let (there, held) = (there.clone(), held.clone());
        tokio::spawn(async move { there.is_active("service", &held).await })
    };
    tokio::time::sleep(Duration::from_millis(200)).await;
    two.signal("CONT");
    let keys = keys.await.expect("no panic");
    assert!(!keys.success().expect("a key set").to_string().contains(&old), "a revoked key is published");
    assert_eq!(look.await.expect("no panic").ok(), Some(false));
    let first = first.await.expect("no panic");
    assert_ne!(kid(&first), old, "a revoked key signs");
    // It knows of the revocation, so what it issues counts.
    assert_eq!(there.is_active("service", &first).await.ok(), Some(true));
    assert_eq!(here.is_active("service", &first).await.ok(), Some(true));
    assert_eq!(there.is_active("service", &newer).await.ok(), Some(true));
    assert_eq!(there.is_active("opaque", &access).await.ok(), Some(false));
    assert_eq!(there.refresh("opaque", &refresh).await.refusal(), (400, "invalid_grant"));

    // The keys are looked after by both, and made once.
    let listed = here.call(ADMIN, Method::GET, "/admin/v1/keys", &Value::Null).await;
    let listed = listed.success().expect("the keys").to_string();
    assert_eq!(listed.matches("\"EdDSA\"").count(), 2, "the revoked one and one successor: {listed}");
    let other = cluster.client().await;
    let leaders = other.query("SELECT worker FROM housekeeping", &[]).await.expect("it reads");
    assert_eq!(leaders.len(), 1, "one of them purges");
}
