//! The decision API, `docs/protocol.md`: what a policy may make of a grant, and what happens when it fails.

use serde_json::json;

use super::{
    harness::{Reply, Stand, claims},
    helpers::text,
    sidecar::{Answered, Sidecar},
};

const HOOK: &str = "grant.client_credentials";

async fn ask(stand: &Stand) -> Reply {
    stand.post("/token", "service", &[("grant_type", "client_credentials")]).await
}

#[tokio::test]
async fn a_policy_narrows_what_a_client_gets_for_itself() {
    let sidecar = Sidecar::start(|_| {
        json!({ "decision": "allow", "set": { "grant": {
            "scope": ["reports.read"],
            "access_token": { "lifetime": 60, "claims": { "plan": "gold" } },
        }, "token_response": { "quota": 7 } } })
    })
    .await;
    let stand = Stand::with(|config| config.policy.push(sidecar.policy("tiers", &[HOOK]))).await;
    let reply = ask(&stand).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.json["scope"], "reports.read");
    assert_eq!(reply.json["expires_in"], 60);
    assert_eq!(reply.json["quota"], 7);
    let said = claims(&text(&reply.json["access_token"]));
    assert_eq!((&said["scope"], &said["plan"]), (&json!("reports.read"), &json!("gold")));

    let asked = sidecar.asked();
    let [asked] = asked.as_slice() else { panic!("asked {} times", asked.len()) };
    assert_eq!(asked.body["type"], HOOK);
    assert_eq!(asked.body["issuer"], stand.issuer);
    assert_eq!(asked.body["client"]["client_id"], "service");
    assert_eq!(asked.body["chain"], json!({ "policy": "tiers", "position": 1, "of": 1 }));
    assert_eq!(asked.headers["placet-type"], HOOK);
    assert_eq!(asked.headers["webhook-id"], asked.body["id"].as_str().unwrap());
}

#[tokio::test]
async fn a_policy_denies_and_the_client_is_told_what_it_says() {
    let sidecar = Sidecar::start(|_| {
        json!({ "decision": "deny", "reason": { "code": "internal" },
            "error": { "code": "invalid_target", "description": "no contract" } })
    })
    .await;
    let stand = Stand::with(|config| config.policy.push(sidecar.policy("contracts", &[HOOK]))).await;
    let reply = ask(&stand).await;
    assert_eq!((reply.status, reply.error()), (400, "invalid_target"));
    assert_eq!(reply.json["error_description"], "no contract");
    assert!(!reply.text.contains("internal"));
}

#[tokio::test]
async fn while_a_policy_fails_nothing_is_issued() {
    let sidecar = Sidecar::answering(|_| Answered::status(500)).await;
    let stand = Stand::with(|config| config.policy.push(sidecar.policy("broken", &[HOOK]))).await;
    let reply = ask(&stand).await;
    assert_eq!((reply.status, reply.error()), (503, "temporarily_unavailable"));
    assert_eq!(reply.header("retry-after"), "2");
    assert!(reply.json.get("access_token").is_none());
    assert_eq!(sidecar.requests().len(), 1);
}
