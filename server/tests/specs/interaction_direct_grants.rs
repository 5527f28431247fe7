//! Resources and authorization details of `POST /grants`, `docs/protocol.md`: within what the client may ask for.

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    detailing::{self, BANK, account, payment},
    harness::{HEADLESS, Reply, Stand, claims},
    helpers::{refresh, text},
    policy_stage::{rows, scripted, set},
};

async fn grant(stand: &Stand, client: &str, grant: Value) -> Reply {
    let body = json!({ "client_id": client, "sub": "alice", "grant": grant });
    stand.call(HEADLESS, Method::POST, "/grants", Some(&body)).await
}

#[tokio::test]
async fn a_direct_grant_names_resources_and_details_and_its_tokens_are_for_them() {
    let stand = detailing::stand().await;
    let details = json!([account(&["list"])]);
    let asked = json!({
        "scope": ["offline_access"], "resources": [BANK], "authorization_details": details,
    });
    let reply = grant(&stand, "web", asked).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.json["authorization_details"], details);
    let token = text(&reply.json["access_token"]);
    let said = claims(&token);
    assert_eq!((&said["aud"], &said["authorization_details"]), (&json!(BANK), &details));
    assert!(stand.is_active("web", &token).await);
    let fresh = refresh(&stand, "web", &text(&reply.json["refresh_token"])).await.json;
    let said = claims(&text(&fresh["access_token"]));
    assert_eq!((&said["aud"], &said["authorization_details"]), (&json!(BANK), &details));
}

#[tokio::test]
async fn what_the_client_could_not_ask_for_is_not_granted_either() {
    let stand = detailing::stand().await;
    let (mut elsewhere, mut unfit) = (account(&["list"]), payment("1.00"));
    elsewhere["locations"] = json!(["https://no.example"]);
    unfit["amount"]["value"] = json!("a lot");
    for (asked, pointer) in [
        (json!({ "resources": ["https://no.example"] }), "/grant/resources"),
        (json!({ "resources": [BANK, BANK] }), "/grant/resources"),
        (json!({ "authorization_details": [{ "type": "nonsense" }] }), "/grant/authorization_details"),
        (json!({ "authorization_details": [{ "type": "other" }] }), "/grant/authorization_details"),
        (json!({ "authorization_details": [{}] }), "/grant/authorization_details"),
        (json!({ "authorization_details": [elsewhere] }), "/grant/authorization_details"),
        (json!({ "authorization_details": [account(&["list"]), unfit] }), "/grant/authorization_details"),
    ] {
        let reply = grant(&stand, "web", asked.clone()).await;
        assert_eq!((reply.status, reply.error()), (422, "invalid_answer"), "{asked}: {}", reply.text);
        assert!(reply.text.contains(pointer), "{asked}: {}", reply.text);
    }
    assert_eq!(rows(&stand, "alice").await, (0, 0, 0));
}

#[tokio::test]
async fn a_scope_that_the_resource_does_not_know_is_not_granted_for_it() {
    let stand = detailing::stand_with(|config| {
        config.resource[0].scopes = Some(vec!["reports.read".to_owned()]);
    })
    .await;
    let uri = stand.server.config().resource[0].uri.clone();
    let asked = |scope: &str| json!({ "scope": [scope], "resources": [uri] });
    let known = grant(&stand, "web", asked("reports.read")).await;
    assert_eq!((known.status, &known.json["scope"]), (200, &json!("reports.read")), "{}", known.text);
    let unknown = grant(&stand, "web", asked("reports.write")).await;
    assert_eq!(unknown.status, 422, "{}", unknown.text);
    assert!(unknown.text.contains("/grant/scope"), "{}", unknown.text);
}

#[tokio::test]
async fn a_policy_sees_them_and_narrows_them() {
    let sidecar = scripted(vec![set(&json!({ "grant": { "authorization_details": [] } }))]).await;
    let policy = sidecar.policy("guard", &["interaction.approve"]);
    let stand = detailing::stand_with(|config| config.policy.push(policy)).await;
    let details = json!([account(&["list"])]);
    let asked = json!({ "scope": ["openid"], "resources": [BANK], "authorization_details": details });
    let reply = grant(&stand, "web", asked).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert!(claims(&text(&reply.json["access_token"])).get("authorization_details").is_none());
    let requested = sidecar.requests().remove(0)["grant"]["requested"].clone();
    assert_eq!((&requested["resources"], &requested["authorization_details"]), (&json!([BANK]), &details));
}
