//! The admin API: policies as an operator sees and changes them.

use placet_server::config::{PolicyCache, PolicyConfig, PolicyMode};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    administering::{TOKEN, call, get, stand_with, url},
    harness::{Reply, Stand},
    sidecar::{Answered, Sidecar},
};

const HOOK: &str = "grant.client_credentials";

async fn ask(stand: &Stand) -> Reply {
    stand.post("/token", "service", &[("grant_type", "client_credentials")]).await
}

async fn patch(stand: &Stand, name: &str, body: &Value) -> Reply {
    call(stand, TOKEN, Method::PATCH, &format!("/policies/{name}"), Some(body)).await
}

async fn granting(scope: &'static str) -> Sidecar {
    Sidecar::start(move |_| {
        json!({ "decision": "allow", "set": { "grant": { "scope": [scope] } },
            "policy": { "name": "acme", "version": "3" } })
    })
    .await
}

#[tokio::test]
async fn every_policy_is_shown_with_how_it_is_right_now() {
    let (well, sick) = (granting("reports.read").await, Sidecar::answering(|_| Answered::status(500)).await);
    let stand = stand_with(|config| {
        config.policy.push(PolicyConfig { order: 5, ..well.policy("well", &[HOOK]) });
        config.policy.push(sick.policy("sick", &["grant.refresh_token", HOOK]));
    })
    .await;
    for _ in 0..5 {
        assert_eq!(ask(&stand).await.status, 503);
    }
    let listed = get(&stand, "/policies").await;
    let items = listed.json["items"].as_array().unwrap();
    assert_eq!(
        items[0],
        json!({ "name": "well", "types": [HOOK], "backend": "http", "url": well.url, "order": 5,
            "mode": "enforce", "changed": false, "breaker": "closed" })
    );
    let sick = get(&stand, "/policies/sick").await.json;
    assert_eq!(sick, items[1]);
    assert_eq!((&sick["breaker"], &sick["last_failure"]["code"]), (&json!("open"), &json!("http_status")));
    let secret = super::sidecar::SIGNING_SECRET;
    assert!(!listed.text.contains(secret), "no secret is shown");
}

#[tokio::test]
async fn a_change_of_mode_or_order_is_in_effect_with_the_next_request_and_audited() {
    let (one, other) = (granting("reports.read").await, granting("reports.write").await);
    let stand = stand_with(|config| {
        config.policy.push(PolicyConfig { order: 1, ..one.policy("one", &[HOOK]) });
        config.policy.push(PolicyConfig {
            order: 2,
            mode: PolicyMode::Off,
            ..other.policy("other", &[HOOK])
        });
    })
    .await;
    assert_eq!(ask(&stand).await.json["scope"], "reports.read");
    let on = patch(&stand, "other", &json!({ "mode": "enforce", "order": -7 })).await;
    assert_eq!(on.status, 200, "{}", on.text);
    let shown = json!([on.json["mode"], on.json["order"], on.json["changed"]]);
    assert_eq!(shown, json!(["enforce", -7, true]));
    assert_eq!(patch(&stand, "one", &json!({ "mode": "off" })).await.json["mode"], "off");
    assert_eq!(ask(&stand).await.json["scope"], "reports.write");
    let back = patch(&stand, "one", &json!({ "mode": "enforce" })).await;
    assert_eq!(back.json["changed"], false);
    let events = stand.events("policy.changed");
    let event = |name: &str, data: Value| (name.to_owned(), data);
    assert_eq!(
        events,
        [
            event("other", json!({ "policy": "other", "mode": "enforce", "order": -7, "by": "admin:root" })),
            event("one", json!({ "policy": "one", "mode": "off", "by": "admin:root" })),
            event("one", json!({ "policy": "one", "mode": "enforce", "by": "admin:root" })),
        ]
    );
}

#[tokio::test]
async fn a_change_that_is_none_is_pointed_at_and_changes_nothing() {
    let one = granting("reports.read").await;
    let stand = stand_with(|config| config.policy.push(one.policy("one", &[HOOK]))).await;
    for (body, pointer) in [
        (json!({}), ""),
        (json!({ "mode": "on" }), "/mode"),
        (json!({ "order": 1.5 }), "/order"),
        (json!({ "order": 2_147_483_648_i64 }), "/order"),
        (json!({ "mode": "off", "timeout_ms": 50 }), "/timeout_ms"),
        (json!({ "mode": "off", "name": "two" }), "/name"),
    ] {
        let reply = patch(&stand, "one", &body).await;
        assert_eq!((reply.status, reply.error()), (422, "invalid_answer"), "{body}: {}", reply.text);
        assert_eq!(reply.json["errors"][0]["pointer"], pointer, "{body}: {}", reply.text);
    }
    let request =
        stand.http.patch(url(&stand, "/policies/one")).bearer_auth(TOKEN).body("{\"mode\":\"off\"}");
    let reply = Reply::read(request.send().await.unwrap()).await;
    assert_eq!((reply.status, reply.error()), (415, "unsupported_media_type"));
    for (method, path) in [
        (Method::GET, "/policies/two"),
        (Method::PATCH, "/policies/two"),
        (Method::POST, "/policies/two/cache:purge"),
    ] {
        let reply = call(&stand, TOKEN, method, path, Some(&json!({ "mode": "off" }))).await;
        assert_eq!((reply.status, reply.error()), (404, "not_found"), "{path}");
        assert!(reply.json["detail"].as_str().unwrap().contains("no such policy"), "{}", reply.text);
    }
    let reply = get(&stand, "/policies?mode=enforce").await;
    assert_eq!((reply.status, reply.error()), (400, "invalid_request"));
    let reply = call(&stand, TOKEN, Method::DELETE, "/policies/one", None).await;
    assert_eq!((reply.status, reply.header("allow")), (405, "GET, PATCH"));
    assert_eq!(get(&stand, "/policies/one").await.json["mode"], "enforce");
    assert!(stand.events("policy.changed").is_empty());
}

#[tokio::test]
async fn what_the_configuration_would_be_refused_for_cannot_be_turned_on() {
    let source = Sidecar::start(|_| json!({ "decision": "allow" })).await;
    let stand = stand_with(|config| {
        let owning = |name: &str, mode| PolicyConfig {
            owns: vec!["department".to_owned()],
            mode,
            ..source.policy(name, &["claims.source"])
        };
        config.policy.push(owning("one", PolicyMode::Enforce));
        config.policy.push(owning("other", PolicyMode::Shadow));
        config.policy.push(PolicyConfig {
            mode: PolicyMode::Off,
            ..source.policy("codes", &["grant.authorization_code"])
        });
    })
    .await;
    let refused = patch(&stand, "other", &json!({ "mode": "enforce", "order": 3 })).await;
    assert_eq!((refused.status, refused.error()), (409, "policy_conflict"), "{}", refused.text);
    assert!(refused.json["detail"].as_str().unwrap().contains("`department`"), "{}", refused.text);
    let shown = get(&stand, "/policies/other").await.json;
    assert_eq!((&shown["mode"], &shown["changed"]), (&json!("shadow"), &json!(false)));
    // A client of the stand gets tokens in the browser, past that policy.
    let refused = patch(&stand, "codes", &json!({ "mode": "enforce" })).await;
    assert_eq!((refused.status, refused.error()), (409, "policy_conflict"), "{}", refused.text);

    assert_eq!(patch(&stand, "one", &json!({ "mode": "off" })).await.status, 200);
    assert_eq!(patch(&stand, "other", &json!({ "mode": "enforce" })).await.status, 200, "it owns it alone");
}

#[tokio::test]
async fn a_purge_makes_a_policy_decide_anew_and_leaves_the_others_alone() {
    let one = Sidecar::start(|_| json!({ "decision": "allow", "cache": { "max_age": 600 } })).await;
    let other = Sidecar::start(|_| json!({ "decision": "allow", "cache": { "max_age": 600 } })).await;
    let stand = stand_with(|config| {
        let cache = PolicyCache { max_age: 600, ..PolicyCache::default() };
        config.policy.push(PolicyConfig { cache, ..one.policy("one", &[HOOK]) });
        config.policy.push(PolicyConfig { cache, ..other.policy("other", &[HOOK]) });
    })
    .await;
    for _ in 0..2 {
        ask(&stand).await;
    }
    assert_eq!((one.requests().len(), other.requests().len()), (1, 1));
    let purged = call(&stand, TOKEN, Method::POST, "/policies/one/cache:purge", None).await;
    assert_eq!(purged.status, 204, "{}", purged.text);
    ask(&stand).await;
    assert_eq!((one.requests().len(), other.requests().len()), (2, 1));
    let event = ("one".to_owned(), json!({ "policy": "one", "by": "admin:root" }));
    assert_eq!(stand.events("policy.cache_purged"), [event]);
}
