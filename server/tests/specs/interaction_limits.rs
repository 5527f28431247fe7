//! The interaction API, `docs/protocol.md`: what a login app sets of tokens is judged like what a policy sets.

use placet_sdk::grant::Rotation;
use placet_server::config::{Capability, Config};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    harness::{Browser, HEADLESS, Reply, Stand, auth},
    helpers::{client, refresh, text},
    policy_stage::{reply, set},
    sidecar::Sidecar,
};

/// A user who is asked for consent by an app that may set tokens.
async fn asked(stand: &Stand, browser: &mut Browser) -> String {
    let extra = [("scope", "openid email offline_access"), ("prompt", "consent")];
    let id = browser.authorize(stand, "web", &extra).await.interaction();
    assert_eq!(reply(stand, &id, &auth("alice")).await.status, 200);
    id
}

async fn consent(stand: &Stand, id: &str, grant: &Value) -> Reply {
    reply(stand, id, &json!({ "type": "consent", "accept_all": true, "grant": grant })).await
}

/// The tokens of an answer that was accepted.
async fn tokens(stand: &Stand, browser: &mut Browser, answered: &Reply) -> Value {
    assert_eq!(answered.status, 200, "{}", answered.text);
    let back = text(&answered.json["response"]["delivery"]["uri"]);
    let params = browser.get(&back).await.params();
    stand.redeem("web", &params["code"]).await.json
}

fn shapes_tokens(config: &mut Config) {
    config.ui[0].capabilities = vec![Capability::SetTokens];
}

#[track_caller]
fn assert_refused(refused: &Reply, pointer: &str) {
    assert_eq!((refused.status, refused.error()), (422, "invalid_answer"), "{pointer}: {}", refused.text);
    let error = &refused.json["errors"][0];
    assert_eq!((&error["pointer"], &error["code"]), (&json!(pointer), &json!("limit")), "{}", refused.text);
}

#[tokio::test]
async fn no_time_and_no_rotation_is_beyond_the_limits_of_the_client() {
    let stand = Stand::with(|config| {
        shapes_tokens(config);
        let own = &mut client(config, "web").settings.refresh_token;
        (own.lifetime, own.max_idle, own.grace) = (Some(3600), Some(600), Some(30));
    })
    .await;
    let id = asked(&stand, &mut Browser::new()).await;
    for (name, value) in [
        ("lifetime", json!(3601)),
        ("lifetime", json!(0)),
        ("max_idle", json!(601)),
        ("max_idle", json!(0)),
        ("grace", json!(31)),
        ("rotation", json!("never")),
        ("rotation", json!("auto")),
    ] {
        let grant = json!({ "refresh_token": { name: value } });
        assert_refused(&consent(&stand, &id, &grant).await, &format!("/grant/refresh_token/{name}"));
        let direct = json!({ "client_id": "web", "sub": "alice", "grant": {
            "scope": ["openid", "offline_access"], "refresh_token": { name: value } } });
        let direct = stand.call(HEADLESS, Method::POST, "/grants", Some(&direct)).await;
        assert_refused(&direct, &format!("/grant/refresh_token/{name}"));
    }
}

#[tokio::test]
async fn what_a_policy_offers_binds_the_app_in_every_member() {
    let offer = json!({ "grant": {
        "access_token": { "encoding": "opaque", "single_use": true, "audience": ["https://api.example"] },
        "refresh_token": { "lifetime": 600, "max_idle": 60, "rotation": "always", "grace": 10 },
        "id_token": { "reissue_on_refresh": false },
    } });
    let sidecar = Sidecar::start(move |_| set(&offer)).await;
    let stand = Stand::with(|config| {
        config.policy.push(sidecar.policy("guard", &["interaction.evaluate"]));
        shapes_tokens(config);
        config.clients.iter_mut().for_each(|c| c.settings.access_token.audience = Vec::new());
        client(config, "web").settings.refresh_token.rotation = Some(Rotation::Never);
        client(config, "web").settings.access_token.audience =
            vec!["https://api.example".to_owned(), "https://other.example".to_owned()];
        config.resources.push("https://other.example".to_owned());
    })
    .await;
    let mut browser = Browser::new();
    let id = asked(&stand, &mut browser).await;
    for (section, name, value) in [
        ("access_token", "encoding", json!("jwt")),
        ("access_token", "single_use", json!(false)),
        ("access_token", "audience", json!(["https://other.example"])),
        ("refresh_token", "lifetime", json!(0)),
        ("refresh_token", "lifetime", json!(601)),
        ("refresh_token", "max_idle", json!(0)),
        ("refresh_token", "max_idle", json!(61)),
        ("refresh_token", "rotation", json!("never")),
        ("refresh_token", "grace", json!(11)),
        ("id_token", "reissue_on_refresh", json!(true)),
    ] {
        let grant = json!({ section: { name: value } });
        assert_refused(&consent(&stand, &id, &grant).await, &format!("/grant/{section}/{name}"));
    }
    let less = json!({ "refresh_token": { "lifetime": 300, "max_idle": 60 } });
    let answered = consent(&stand, &id, &less).await;
    let first = tokens(&stand, &mut browser, &answered).await;
    assert!(!text(&first["access_token"]).contains('.'));
    let second = refresh(&stand, "web", &text(&first["refresh_token"])).await.json;
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    assert!(second.get("id_token").is_none());
    stand.clock.advance(60);
    assert_eq!(refresh(&stand, "web", &text(&second["refresh_token"])).await.error(), "invalid_grant");
}

#[tokio::test]
async fn as_long_as_the_authorization_is_the_longest_and_fine_where_nothing_is_shorter() {
    for own in [None, Some(0)] {
        let stand = Stand::with(|config| {
            shapes_tokens(config);
            config.lifetimes.refresh_token = 1000;
            config.lifetimes.refresh_token_idle = 0;
            client(config, "web").settings.refresh_token.lifetime = own;
        })
        .await;
        let mut browser = Browser::new();
        let id = asked(&stand, &mut browser).await;
        let grant = json!({ "refresh_token": { "lifetime": 0, "max_idle": 0 } });
        let answered = consent(&stand, &id, &grant).await;
        let first = tokens(&stand, &mut browser, &answered).await;
        stand.clock.advance(999);
        let second = refresh(&stand, "web", &text(&first["refresh_token"])).await;
        assert_eq!(second.status, 200, "{}", second.text);
        stand.clock.advance(1);
        let over = refresh(&stand, "web", &text(&second.json["refresh_token"])).await;
        assert_eq!(over.error(), "invalid_grant");
    }
}
