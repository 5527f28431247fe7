//! Policies that shape introspection (RFC 7662 section 2.2) through the front door.

use std::sync::{Arc, Mutex};

use placet_sdk::grant::RESERVED_CLAIMS;
use serde_json::json;

use super::{harness::Stand, sidecar::Sidecar};

async fn stand(sidecar: &Sidecar) -> Stand {
    let policy = sidecar.policy("shape", &["token.introspect"]);
    Stand::with(|config| config.policy.push(policy)).await
}

#[tokio::test]
async fn members_are_added_removed_and_the_scope_is_narrowed() {
    let sidecar = Sidecar::start(|_| {
        json!({ "decision": "allow", "set": { "introspection": {
            "tier": "gold", "auth_time": null, "scope": "openid",
        } } })
    })
    .await;
    let stand = stand(&sidecar).await;
    let tokens = stand.tokens("web", "openid email").await;
    let token = tokens["access_token"].as_str().unwrap();
    let reply = stand.post("/introspect", "web", &[("token", token)]).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!((&reply.json["active"], &reply.json["tier"]), (&json!(true), &json!("gold")));
    assert_eq!(reply.json["scope"], "openid");
    assert!(reply.json["auth_time"].is_null());
    let asked = sidecar.requests().pop().unwrap();
    assert_eq!(asked["introspection"]["caller"]["client_id"], "web");
    assert_eq!(asked["introspection"]["token"]["kind"], "access_token");
}

#[tokio::test]
async fn what_a_token_is_stays_as_it_is() {
    let next = Arc::new(Mutex::new(json!({})));
    let told = next.clone();
    let sidecar = Sidecar::start(
        move |_| json!({ "decision": "allow", "set": { "introspection": told.lock().unwrap().clone() } }),
    )
    .await;
    let stand = stand(&sidecar).await;
    let tokens = stand.tokens("web", "openid email").await;
    let token = tokens["access_token"].as_str().unwrap();
    let server_alone = RESERVED_CLAIMS.into_iter().chain(["active", "token_type", "username"]);
    let set = server_alone.filter(|name| *name != "scope").map(|name| json!({ name: "9" }));
    for patch in set.chain([
        json!({ "sub": null }),
        json!({ "authorization_details": [{ "type": "payment", "amount": 1_000_000 }] }),
        json!({ "auth_time": 1 }),
        json!({ "acr#de": "9" }),
        json!({ "aud": "https://other.example" }),
        json!({ "exp": 9_999_999_999_i64 }),
        json!({ "active": false }),
        json!({ "client_id": null }),
        json!({ "scope": "openid email admin" }),
    ]) {
        *next.lock().unwrap() = patch.clone();
        let reply = stand.post("/introspect", "web", &[("token", token)]).await;
        assert_eq!(reply.status, 503, "{patch}: {}", reply.text);
    }
}

#[tokio::test]
async fn a_denial_is_inactive_and_a_failure_is_not() {
    let denying =
        Sidecar::start(|_| json!({ "decision": "deny", "error": { "code": "access_denied" } })).await;
    let stand_denying = stand(&denying).await;
    let tokens = stand_denying.tokens("single", "openid").await;
    let token = tokens["access_token"].as_str().unwrap();
    let reply = stand_denying.post("/introspect", "single", &[("token", token)]).await;
    assert_eq!((reply.status, &reply.json), (200, &json!({ "active": false })));

    let failing = Sidecar::start(|_| json!({ "decision": "?" })).await;
    let stand_failing = stand(&failing).await;
    let tokens = stand_failing.tokens("web", "openid").await;
    let token = tokens["access_token"].as_str().unwrap();
    let reply = stand_failing.post("/introspect", "web", &[("token", token)]).await;
    assert_eq!(reply.status, 503, "{}", reply.text);
}

#[tokio::test]
async fn an_unknown_token_is_inactive_and_no_policy_is_asked() {
    let sidecar = Sidecar::start(|_| json!({ "decision": "allow" })).await;
    let stand = stand(&sidecar).await;
    let reply = stand.post("/introspect", "web", &[("token", "unknown")]).await;
    assert_eq!(reply.json, json!({ "active": false }));
    assert!(sidecar.requests().is_empty());
}
