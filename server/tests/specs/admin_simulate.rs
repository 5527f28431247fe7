//! The admin API: what policies would say, without any effect.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use placet_server::config::{PolicyCache, PolicyConfig, PolicyMode};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    administering::{TOKEN, call, get, stand_with, url},
    folder::Folder,
    harness::{Reply, Stand},
    helpers::{refresh, text},
    sidecar::{Answered, Sidecar},
};

const HOOK: &str = "grant.client_credentials";

async fn ask(stand: &Stand) -> Reply {
    stand.post("/token", "service", &[("grant_type", "client_credentials")]).await
}

async fn simulate(stand: &Stand, body: &Value) -> Reply {
    call(stand, TOKEN, Method::POST, "/policies:simulate", Some(body)).await
}

/// A question as an operator writes it.
fn envelope() -> Value {
    json!({ "request": {
        "protocol": "1.0", "id": "dec_mine", "type": HOOK, "mode": "enforce", "attempt": 1,
        "time": "2026-11-23T09:20:00Z", "deadline": "2026-11-23T09:20:01Z", "issuer": "https://other.example",
        "chain": { "policy": "x", "position": 1, "of": 1 },
        "client": { "client_id": "service", "type": "confidential", "data": { "tier": "gold" } },
        "request": { "endpoint": "token", "headers": { "x-region": "eu", "x-other": "1" } },
        "client_credentials": {},
        "proposal": { "grant": { "scope": ["reports.read", "reports.write"] } },
        "limits": { "grant": { "scope": ["reports.read", "reports.write"] } },
    } })
}

#[tokio::test]
async fn an_operators_question_is_answered_by_every_policy_as_it_would_be() {
    let strict = Sidecar::start(|_| {
        json!({ "decision": "allow", "set": { "grant": { "scope": ["reports.read"] } },
            "reason": { "code": "tier", "detail": "gold" }, "tags": { "rule": "7" },
            "policy": { "name": "acme", "version": "3" } })
    })
    .await;
    let next = Sidecar::start(|_| json!({ "decision": "deny", "error": { "code": "access_denied" } })).await;
    let stand = stand_with(|config| {
        config.policy.push(PolicyConfig {
            headers: vec!["X-Region".to_owned()],
            client_metadata: vec!["scope".to_owned()],
            ..strict.policy("tiers", &[HOOK])
        });
        config.policy.push(PolicyConfig { mode: PolicyMode::Shadow, ..next.policy("next", &[HOOK]) });
    })
    .await;
    let reply = simulate(&stand, &envelope()).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.json["outcome"], "allow");
    assert_eq!(reply.json["proposal"]["grant"]["scope"], json!(["reports.read"]));
    let [tiers, shadow] = &reply.json["policies"].as_array().unwrap()[..] else { panic!("{}", reply.text) };
    assert_eq!(
        json!([tiers["name"], tiers["mode"], tiers["decision"], tiers["reason"], tiers["tags"]["rule"]]),
        json!(["tiers", "test", "allow", "tier", "7"])
    );
    let shown = json!([shadow["name"], shadow["mode"], shadow["decision"], shadow["diverged"]]);
    assert_eq!(shown, json!(["next", "shadow", "deny", true]));
    let asked = &strict.requests()[0];
    assert_eq!((&asked["mode"], &asked["issuer"]), (&json!("test"), &json!(stand.issuer)));
    assert_ne!(asked["id"], "dec_mine", "an id is used once");
    assert_eq!(asked["request"]["headers"], json!({ "x-region": "eu" }), "what it would be shown, no more");
    assert_eq!(asked["client"]["metadata"], json!({ "scope": "reports.read reports.write" }));
    assert_eq!(next.requests()[0]["mode"], "test");
}

#[tokio::test]
async fn nothing_is_issued_consumed_logged_counted_or_kept() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let sidecar = Sidecar::start(move |_| {
        let number = counted.fetch_add(1, Ordering::SeqCst);
        json!({ "decision": "allow", "set": { "token_response": { "number": number } },
            "cache": { "max_age": 600 } })
    })
    .await;
    let folder = Folder::new("simulated");
    let log = folder.join("decisions.jsonl");
    let stand = stand_with(|config| {
        let cache = PolicyCache { max_age: 600, ..PolicyCache::default() };
        let types = [HOOK, "grant.refresh_token"];
        config.policy.push(PolicyConfig { cache, ..sidecar.policy("kept", &types) });
        (config.decision_log.file, config.decision_log.required) = (Some(log.clone()), true);
    })
    .await;
    let token = text(&stand.tokens("web", "openid offline_access").await["refresh_token"]);
    assert_eq!(ask(&stand).await.json["number"], 0);
    assert_eq!(refresh(&stand, "web", &token).await.json["number"], 1);
    let listed = get(&stand, "/decisions").await;
    let (metrics, lines) = (stand.server.metrics().text().unwrap(), std::fs::read(&log).unwrap());
    let tokens = stand.server.store().authorizations_of(
        "alice",
        placet_server::store::Paging { after: "", limit: 100 },
        stand.now(),
    );
    let tokens = tokens.await.unwrap().len();
    for decision in listed.json["items"].as_array().unwrap() {
        let id = text(&decision["id"]);
        let replayed = call(&stand, TOKEN, Method::POST, &format!("/decisions/{id}:replay"), None).await;
        assert_eq!(replayed.status, 200, "{}", replayed.text);
        assert_eq!(replayed.json["simulation"]["policies"][0]["cache"], "off");
        assert_eq!(simulate(&stand, &json!({ "decision_id": id })).await.status, 200);
    }
    assert_eq!(calls.load(Ordering::SeqCst), 6, "every trial asks");
    assert_eq!(get(&stand, "/decisions").await.json, listed.json);
    assert_eq!(std::fs::read(&log).unwrap(), lines);
    assert_eq!(policy_lines(&stand.server.metrics().text().unwrap()), policy_lines(&metrics));
    let after = stand.server.store().authorizations_of(
        "alice",
        placet_server::store::Paging { after: "", limit: 100 },
        stand.now(),
    );
    assert_eq!(after.await.unwrap().len(), tokens);
    assert_eq!(ask(&stand).await.json["number"], 0, "what was kept before the trial is still kept");
    assert_eq!(refresh(&stand, "web", &token).await.status, 200, "the refresh token is as it was");
}

/// What is counted of policies.
fn policy_lines(metrics: &str) -> Vec<String> {
    metrics.lines().filter(|line| line.starts_with("placet_policy")).map(str::to_owned).collect()
}

#[tokio::test]
async fn failures_in_a_trial_keep_nobody_from_being_asked() {
    let well = Arc::new(AtomicUsize::new(0));
    let is_well = well.clone();
    let sidecar = Sidecar::answering(move |request| {
        if is_well.load(Ordering::SeqCst) == 0 {
            return Answered::status(500);
        }
        Answered::json(200, &json!({ "id": request["id"], "decision": "allow" }))
    })
    .await;
    let stand = stand_with(|config| {
        config.policy.push(PolicyConfig { discovery: false, ..sidecar.policy("sick", &[HOOK]) });
    })
    .await;
    let before = stand.server.metrics().text().unwrap();
    for _ in 0..6 {
        let reply = simulate(&stand, &envelope()).await;
        assert_eq!(reply.json["outcome"], "failed", "{}", reply.text);
        assert_eq!(reply.json["failure"]["code"], "http_status", "{}", reply.text);
    }
    let state = get(&stand, "/policies/sick").await.json;
    assert_eq!((&state["breaker"], &state["last_failure"]), (&json!("closed"), &Value::Null));
    assert_eq!(policy_lines(&stand.server.metrics().text().unwrap()), policy_lines(&before));
    well.store(1, Ordering::SeqCst);
    assert_eq!(ask(&stand).await.status, 200);
}

#[tokio::test]
async fn an_answer_that_breaks_the_contract_is_told_with_the_pointer() {
    let sidecar =
        Sidecar::start(|_| json!({ "decision": "allow", "set": { "grant": { "scope": ["admin"] } } })).await;
    let stand = stand_with(|config| config.policy.push(sidecar.policy("greedy", &[HOOK]))).await;
    let reply = simulate(&stand, &envelope()).await;
    assert_eq!((&reply.json["outcome"], &reply.json["failure"]["code"]), (&json!("failed"), &json!("limit")));
    assert!(reply.json["failure"]["detail"].as_str().unwrap().contains("/grant/scope"), "{}", reply.text);
}

#[tokio::test]
async fn a_trial_holds_policies_to_whom_they_may_impersonate() {
    let sidecar =
        Sidecar::start(|_| json!({ "decision": "allow", "set": { "grant": { "sub": "bob" } } })).await;
    let stand =
        stand_with(|config| config.policy.push(sidecar.policy("swap", &["interaction.approve"]))).await;
    let mut body = envelope();
    let request = body["request"].as_object_mut().unwrap();
    request.remove("client_credentials");
    request.insert("type".to_owned(), json!("interaction.approve"));
    request.insert(
        "session".to_owned(),
        json!({ "id": "ses_x", "sub": "alice", "created_at": "2026-11-23T09:20:00Z",
            "authenticated_at": "2026-11-23T09:20:00Z" }),
    );
    request.insert("proposal".to_owned(), json!({ "grant": { "sub": "alice", "scope": ["openid"] } }));
    request.insert("limits".to_owned(), json!({ "grant": { "sub": "settable", "scope": ["openid"] } }));
    let reply = simulate(&stand, &body).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!((&reply.json["outcome"], &reply.json["failure"]["code"]), (&json!("failed"), &json!("limit")));
}

#[tokio::test]
async fn a_question_that_is_none_is_pointed_at_and_asked_of_nobody() {
    let sidecar = Sidecar::start(|_| json!({ "decision": "allow" })).await;
    let stand = stand_with(|config| config.policy.push(sidecar.policy("one", &[HOOK]))).await;
    let with = |pointer: &str, value: Value| {
        let mut body = envelope();
        let (at, name) = pointer.rsplit_once('/').unwrap();
        body.pointer_mut(at).unwrap()[name] = value;
        body
    };
    for (body, pointer) in [
        (json!({}), ""),
        (with("/decision_id", json!("dec_x")), ""),
        (with("/colour", json!("red")), "/colour"),
        (with("/request/colour", json!("red")), "/request/colour"),
        (with("/request/client/colour", json!("red")), "/request/client/colour"),
        (with("/request/proposal/grant/scopes", json!(["x"])), "/request/proposal/grant/scopes"),
        (with("/request/type", json!("grant.magic")), "/request/type"),
        (with("/request/limits/grant/scope", json!("reports.read")), "/request/limits/grant/scope"),
        (with("/request/proposal/grant/sub", json!("")), "/request/proposal/grant/sub"),
        (with("/request/proposal/grant/sub", json!("a\nb")), "/request/proposal/grant/sub"),
        (
            with("/request/proposal/grant/refresh_token", json!({ "grace": 301 })),
            "/request/proposal/grant/refresh_token/grace",
        ),
        (json!({ "request": { "type": HOOK } }), "/request"),
        (json!({ "decision_id": 7 }), "/decision_id"),
    ] {
        let reply = simulate(&stand, &body).await;
        assert_eq!((reply.status, reply.error()), (422, "invalid_answer"), "{body}: {}", reply.text);
        assert_eq!(reply.json["errors"][0]["pointer"], pointer, "{body}: {}", reply.text);
    }
    let long = with("/request/client/data", json!({ "x": "y".repeat(200_000) }));
    assert_eq!(simulate(&stand, &long).await.status, 413);
    let twice = "{\"decision_id\":\"a\",\"decision_id\":\"b\"}";
    let request = stand.http.post(url(&stand, "/policies:simulate")).bearer_auth(TOKEN);
    let request = request.header("content-type", "application/json").body(twice);
    let reply = Reply::read(request.send().await.unwrap()).await;
    assert_eq!(reply.json["errors"][0]["code"], "malformed", "{}", reply.text);
    assert!(sidecar.requests().is_empty());
}
