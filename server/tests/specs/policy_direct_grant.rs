//! `interaction.approve` of `POST /grants`, `docs/protocol.md`: a grant without a browser has the same guard.

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    harness::{HEADLESS, Reply, Stand, claims},
    helpers::text,
    policy_stage::{assert_unavailable, challenge, deny, rows, scripted, set, stand},
};

const HOOK: [&str; 1] = ["interaction.approve"];

async fn grant(stand: &Stand, grant: Value) -> Reply {
    let body = json!({ "client_id": "web", "sub": "alice", "grant": grant });
    stand.call(HEADLESS, Method::POST, "/grants", Some(&body)).await
}

#[tokio::test]
async fn a_policy_narrows_a_direct_grant() {
    let patch = json!({ "grant": {
        "scope": ["openid"], "access_token": { "lifetime": 30, "claims": { "plan": "gold" } }, "data": { "x": 1 },
    } });
    let sidecar = scripted(vec![set(&patch)]).await;
    let stand = stand(&sidecar, &HOOK).await;
    let asked = json!({ "scope": ["openid", "email"], "access_token": { "lifetime": 60 } });
    let tokens = grant(&stand, asked).await.json;
    assert_eq!((&tokens["scope"], &tokens["expires_in"]), (&json!("openid"), &json!(30)), "{tokens}");
    assert_eq!(claims(&text(&tokens["access_token"]))["plan"], "gold");
    let request = sidecar.requests().remove(0);
    let interaction = &request["interaction"];
    assert_eq!((&interaction["kind"], &interaction["stage"]), (&json!("direct"), &json!("approve")));
    assert!(text(&interaction["id"]).starts_with("az_"));
    assert_eq!(interaction["id"], request["grant"]["authorization_id"]);
    assert_eq!(
        (&request["subject"]["sub"], &request["request"]["endpoint"]),
        (&json!("alice"), &json!("ui"))
    );
    assert_eq!(request["limits"]["grant"]["access_token"]["max_lifetime"], 60);
    assert!(request["request"].get("remote").is_none(), "the app is not the user");
    assert_eq!(rows(&stand, "alice").await, (0, 0, 1));
}

#[tokio::test]
async fn a_refused_direct_grant_issues_nothing() {
    let sidecar = scripted(vec![
        deny("invalid_scope"),
        challenge(&json!({ "kind": "step_up" })),
        set(&json!({ "grant": { "scope": ["openid", "email", "phone"] } })),
    ])
    .await;
    let stand = stand(&sidecar, &HOOK).await;
    for code in ["invalid_scope", "interaction_required"] {
        let refused = grant(&stand, json!({ "scope": ["openid", "email"] })).await;
        assert_eq!((refused.status, refused.error()), (403, "policy_denied"), "{}", refused.text);
        assert_eq!(refused.json["errors"][0]["code"], code);
    }
    assert_unavailable(&grant(&stand, json!({ "scope": ["openid", "email"] })).await);
    assert_eq!(rows(&stand, "alice").await, (0, 0, 0));
    assert_eq!(grant(&stand, json!({ "scope": ["openid", "email"] })).await.status, 200);
}
