//! `interaction.evaluate`, `docs/protocol.md`: what a policy may make of a user who is known.

use std::sync::atomic::Ordering;

use serde_json::json;

use super::{
    harness::{Browser, Stand, auth, claims},
    helpers::text,
    policy_stage::{allow, assert_unavailable, deny, failing, prompt, reply, rows, set, stand},
    sidecar::Sidecar,
};

const HOOK: [&str; 1] = ["interaction.evaluate"];

#[tokio::test]
async fn a_policy_is_asked_when_the_user_is_known_and_not_again_for_the_same_facts() {
    let sidecar = Sidecar::start(|_| allow()).await;
    let stand = stand(&sidecar, &HOOK).await;
    let mut browser = Browser::new();
    let id = browser.authorize(&stand, "web", &[]).await.interaction();
    assert_eq!(sidecar.requests().len(), 0, "nobody is known yet");
    stand.clock.advance(5);
    reply(&stand, &id, &auth("alice")).await;
    let asked = sidecar.requests();
    let [request] = asked.as_slice() else { panic!("asked {} times", asked.len()) };
    assert_eq!(request["subject"]["sub"], "alice");
    assert_eq!(request["subject"]["claims"]["email"], "alice@example.com");
    assert_eq!(request["session"]["acr"], "urn:placet:acr:pwd");
    assert_eq!(
        request["interaction"],
        json!({ "id": id, "kind": "authorization", "stage": "evaluate", "challenges": 0 })
    );
    assert_eq!(
        (&request["request"]["endpoint"], &request["grant"]["type"]),
        (&json!("ui"), &json!("authorization_code"))
    );
    assert_eq!(request["request"]["remote"]["ip"], "127.0.0.1");
    assert_eq!(request["proposal"]["consent"]["ask"], true);
    assert_eq!(request["proposal"]["session"]["max_life"], 604_800);
    assert_eq!(request["limits"]["grant"]["max_data_bytes"], 8192);
    stand.finish(&mut browser, &id, "alice").await;
    assert_eq!(sidecar.requests().len(), 1, "the consent changes nothing that it was told");

    // With a session and a remembered consent there is no page, and yet the policy is asked.
    let params = browser.authorize(&stand, "web", &[("prompt", "none")]).await.params();
    assert!(params.contains_key("code"), "{params:?}");
    let silent = &sidecar.requests()[1];
    assert_eq!(
        (&silent["request"]["endpoint"], &silent["subject"]["sub"]),
        (&json!("authorize"), &json!("alice"))
    );
    assert_eq!(silent["proposal"]["consent"]["ask"], false);
    assert!(silent["proposal"].get("session").is_none(), "no session is made or renewed");
    assert!(text(&silent["session"]["id"]).starts_with("ses_"));
}

#[tokio::test]
async fn a_denial_ends_the_interaction_with_its_error() {
    let sidecar =
        Sidecar::start(
            |request| {
                if request["subject"]["sub"] == "mallory" { deny("access_denied") } else { allow() }
            },
        )
        .await;
    let stand = stand(&sidecar, &HOOK).await;
    let mut browser = Browser::new();
    let id = browser.authorize(&stand, "web", &[]).await.interaction();
    let done = reply(&stand, &id, &auth("mallory")).await.json;
    assert_eq!(done["response"]["error"], "access_denied", "{done}");
    let params = browser.get(done["response"]["delivery"]["uri"].as_str().unwrap()).await.params();
    assert_eq!(params["error"], "access_denied");
    assert_eq!(rows(&stand, "mallory").await, (0, 0, 0));
}

#[tokio::test]
async fn a_failing_policy_leaves_the_step_as_it_was() {
    let (sidecar, fails) = failing(|_| allow()).await;
    let stand = stand(&sidecar, &HOOK).await;
    let mut browser = Browser::new();
    let id = browser.authorize(&stand, "web", &[]).await.interaction();
    let before = prompt(&stand, &id).await;
    fails.store(true, Ordering::SeqCst);
    for _ in 0..2 {
        assert_unavailable(&stand.answer(&id, 1, &auth("alice")).await);
        assert_eq!(prompt(&stand, &id).await, before);
    }
    assert_eq!(rows(&stand, "alice").await, (0, 0, 0));
    fails.store(false, Ordering::SeqCst);
    let next = stand.answer(&id, 1, &auth("alice")).await;
    assert_eq!((next.json["type"].as_str(), next.header("placet-replayed")), (Some("consent"), ""));
    stand.finish(&mut browser, &id, "alice").await;

    // Where no page is shown, the client is told that it may try again.
    let rows_before = rows(&stand, "alice").await;
    fails.store(true, Ordering::SeqCst);
    let params = browser.authorize(&stand, "web", &[]).await.params();
    assert_eq!(params["error"], "temporarily_unavailable");
    assert_eq!(rows(&stand, "alice").await, rows_before);
    fails.store(false, Ordering::SeqCst);
    assert!(browser.authorize(&stand, "web", &[]).await.params().contains_key("code"));
}

#[tokio::test]
async fn a_policy_that_exceeds_its_limits_fails_and_nothing_is_stored() {
    for patch in [
        json!({ "grant": { "scope": ["openid", "email", "phone"] } }),
        json!({ "grant": { "sub": "bob" } }),
        json!({ "grant": { "access_token": { "lifetime": 601 } } }),
        json!({ "grant": { "access_token": { "claims": { "sub": "bob" } } } }),
        json!({ "grant": { "data": { "x": "y".repeat(8190) } } }),
        json!({ "grant": { "authentication": { "acr": "gold" } } }),
        json!({ "session": { "max_life": 604_801 } }),
        json!({ "demand": { "force_auth": true } }),
    ] {
        let shown = patch.to_string();
        let sidecar = Sidecar::start(move |_| set(&patch)).await;
        let stand = stand(&sidecar, &HOOK).await;
        let id = Browser::new().authorize(&stand, "web", &[]).await.interaction();
        let refused = stand.answer(&id, 1, &auth("alice")).await;
        assert_eq!((refused.status, refused.error()), (503, "policy_unavailable"), "{shown}");
        assert_eq!(rows(&stand, "alice").await, (0, 0, 0));
    }
}

#[tokio::test]
async fn a_policy_limits_the_session() {
    let limits = json!({ "max_life": 3600, "max_idle": 600, "auth_life": 300 });
    let sidecar = Sidecar::start(move |request| {
        if request["limits"].get("session").is_some() { set(&json!({ "session": limits })) } else { allow() }
    })
    .await;
    let stand = stand(&sidecar, &HOOK).await;
    let mut browser = Browser::new();
    stand.sign_in(&mut browser, "web", &[]).await;
    stand.clock.advance(301);
    let id = browser.authorize(&stand, "web", &[]).await.interaction();
    let renewing = prompt(&stand, &id).await;
    assert_eq!(
        renewing["auth"]["reasons"],
        json!(["session_expired"]),
        "its authentication was for 300 seconds"
    );
    assert_eq!(renewing["session"]["expires_at"], placet_sdk::Instant(stand.now() - 301 + 3600).to_string());
    let mut again = auth("alice");
    again["session"]["action"] = json!("reuse");
    again["session"]["id"] = renewing["session"]["id"].clone();
    reply(&stand, &id, &again).await;
    stand.finish(&mut browser, &id, "alice").await;
    let offered = sidecar.requests().pop().unwrap();
    assert_eq!(offered["limits"]["session"], json!({ "max_life": 3600, "max_idle": 600, "auth_life": 3600 }));
    stand.clock.advance(601);
    let params = browser.authorize(&stand, "web", &[("prompt", "none")]).await.params();
    assert_eq!(params["error"], "login_required", "it was unused for too long");
}

#[tokio::test]
async fn what_a_policy_adds_stays_with_the_grant() {
    let patch = json!({ "grant": {
        "scope": ["openid"], "data": { "risk": "low" }, "claims_context": { "region": "ca" },
        "access_token": { "claims": { "plan": "gold" }, "lifetime": 60 }, "id_token": { "claims": { "tier": 2 } },
    } });
    let sidecar =
        Sidecar::start(
            move |request| {
                if request["type"] == "interaction.evaluate" { set(&patch) } else { allow() }
            },
        )
        .await;
    let policy = sidecar.policy("guard", &["interaction.evaluate", "grant.authorization_code"]);
    let stand = Stand::with(|config| {
        // Tokens that leave through the browser would pass the policy of the code by.
        config.clients.retain(|client| client.client_id != "hybrid");
        config.policy.push(policy);
    })
    .await;
    let mut browser = Browser::new();
    let params = stand.sign_in(&mut browser, "web", &[]).await;
    let tokens = stand.redeem("web", &params["code"]).await.json;
    assert_eq!((&tokens["scope"], &tokens["expires_in"]), (&json!("openid"), &json!(60)), "{tokens}");
    assert_eq!(claims(&text(&tokens["access_token"]))["plan"], "gold");
    let id = claims(&text(&tokens["id_token"]));
    assert_eq!((&id["tier"], id.get("risk")), (&json!(2), None));
    let later = sidecar.requests().pop().unwrap();
    assert_eq!(later["authorization"]["data"], json!({ "risk": "low" }));
    assert_eq!(later["authorization"]["claims_context"], json!({ "region": "ca" }));
}
