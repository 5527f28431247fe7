//! OpenID Connect Native SSO for Mobile Apps 1.0: which flows begin no shared sign-in.

use serde_json::{Value, json};

use super::{
    calling::{self, directory},
    device_flow::{self, DEVICE},
    exchanging::Scene,
    harness::claims,
    helpers::{client, configured, text},
    openid_native_sso::{SCOPE, applications},
    sidecar::Sidecar,
};

/// Section 3.1: a sign-in is shared among the applications of the device that it was made on; a device that has it made
/// elsewhere, and whoever asks for a user, are none of them.
#[tokio::test]
async fn who_has_users_asked_elsewhere_gets_no_secret() {
    let phone = Sidecar::start(directory).await;
    let scene = Scene::with(|config, _| {
        applications(config);
        config.policy.push(phone.policy("directory", &["ciba.request"]));
        let metadata = json!({ "grant_types": [DEVICE], "response_types": [], "scope": SCOPE });
        config.clients.push(configured("panel", &metadata));
        config.clients.push(calling::caller("desk", "poll", &json!({ "scope": SCOPE })));
        for id in ["panel", "desk"] {
            client(config, id).settings.native_sso = Some("acme".to_owned());
        }
    })
    .await;
    let without = |tokens: &Value| {
        assert!(text(&tokens["scope"]).contains("device_sso"), "{tokens}");
        assert!(tokens.get("device_secret").is_none(), "{tokens}");
        assert!(claims(&text(&tokens["id_token"])).get("ds_hash").is_none(), "{tokens}");
    };
    let stand = &scene.stand;
    let code = device_flow::approved(stand, "panel", SCOPE).await;
    without(&device_flow::poll(stand, "panel", &code).await.json);
    let asked = calling::ask(stand, "desk", &[("scope", SCOPE)]).await;
    assert_eq!(asked.status, 200, "{}", asked.text);
    calling::approve(stand, "alice").await;
    without(&calling::poll(stand, "desk", &text(&asked.json["auth_req_id"])).await.json);
}
