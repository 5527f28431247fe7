//! Policies, exchanges and other keys at refresh tokens that carry everything themselves.

use placet_oauth::id::Secret;
use placet_sdk::grant::Rotation;
use placet_server::{
    housekeeping,
    seal::{MasterKeys, SymmetricKey},
    server::{Environment, Server},
};
use serde_json::{Value, json};

use super::{
    exchanging::{REFRESH, Scene},
    harness::Stand,
    helpers::{client, decode, refresh, text},
    sidecar::Sidecar,
    stateless::{SCOPE, granted, is_over, rows, stateless},
};

/// A policy that sets this of the first refresh, and nothing of the others; with the tokens of `web`, which do not rotate.
async fn refreshed(set: Value) -> (Stand, String, Value) {
    refreshed_of("web", set).await
}

/// The same with the tokens of this client.
async fn refreshed_of(client: &str, set: Value) -> (Stand, String, Value) {
    let sidecar = Sidecar::start(move |asked| {
        let first = asked["refresh_token"]["last_used_at"] == asked["refresh_token"]["first_issued_at"];
        if first {
            json!({ "decision": "allow", "set": { "grant": { "refresh_token": set } } })
        } else {
            json!({ "decision": "allow" })
        }
    })
    .await;
    let stand = Stand::with(|config| {
        stateless(config);
        config.policy.push(sidecar.policy("guard", &["grant.refresh_token"]));
    })
    .await;
    let first = granted(&stand, client).await;
    let reply = refresh(&stand, client, &first).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    (stand, first, reply.json)
}

#[tokio::test]
async fn a_policy_can_end_a_refresh_token_and_then_none_of_its_family_counts() {
    let (stand, first, second) = refreshed(json!({ "issue": false })).await;
    assert!(second.get("refresh_token").is_none(), "{second}");
    assert!(stand.is_active("web", &text(&second["access_token"])).await);
    is_over(&stand, "web", &first).await;
    assert!(!stand.is_active("web", &first).await);
}

#[tokio::test]
async fn a_policy_can_let_a_refresh_token_live_shorter_the_earlier_one_too() {
    for (patch, life) in [(json!({ "lifetime": 60 }), 60), (json!({ "max_idle": 30 }), 30)] {
        for late in [false, true] {
            let (stand, first, second) = refreshed(patch.clone()).await;
            stand.clock.advance(if late { life } else { life - 1 });
            for token in [text(&second["refresh_token"]), first] {
                let reply = refresh(&stand, "web", &token).await;
                assert_eq!(reply.status, if late { 400 } else { 200 }, "{patch} {}", reply.text);
            }
        }
    }
}

#[tokio::test]
async fn a_family_that_a_policy_lets_rotate_is_stored_from_then_on_and_knows_a_replay() {
    let (stand, first, second) = refreshed(json!({ "rotation": "always" })).await;
    let second = text(&second["refresh_token"]);
    stand.clock.advance(61);
    let third = refresh(&stand, "web", &second).await;
    assert_eq!(third.status, 200, "{}", third.text);
    is_over(&stand, "web", &first).await;
    is_over(&stand, "web", &text(&third.json["refresh_token"])).await;
    assert_eq!(stand.events("token.reuse_detected").len(), 1);
}

#[tokio::test]
async fn what_a_policy_ended_does_not_begin_anew_once_nothing_is_stored_of_it_any_more() {
    for client in ["web", "other"] {
        for patch in [json!({ "issue": false }), json!({ "lifetime": 60 })] {
            let (stand, first, second) = refreshed_of(client, patch.clone()).await;
            stand.clock.advance(61);
            housekeeping::purge(&stand.server).await.unwrap();
            assert_eq!(rows(&stand, "families"), 0, "{client}: {patch}");
            is_over(&stand, client, &first).await;
            if let Some(second) = second.get("refresh_token") {
                is_over(&stand, client, &text(second)).await;
            }
        }
    }
}

#[tokio::test]
async fn a_family_whose_row_was_lost_is_over() {
    let (stand, first, second) = refreshed(json!({ "lifetime": 600 })).await;
    stand.database().execute("DELETE FROM families", []).unwrap();
    for token in [first, text(&second["refresh_token"])] {
        is_over(&stand, "web", &token).await;
        assert!(!stand.is_active("web", &token).await);
    }

    let scene = Scene::with(|config, _| {
        stateless(config);
        client(config, "web").settings.refresh_token.rotation = Some(Rotation::Always);
    })
    .await;
    let first = text(&scene.user("alice").await["refresh_token"]);
    let second = text(&refresh(&scene.stand, "web", &first).await.json["refresh_token"]);
    scene.stand.database().execute("DELETE FROM families", []).unwrap();
    let typed = [("subject_token_type", REFRESH)];
    scene.refused_unasked("web", &second, &typed, "invalid_request").await;
    for token in [&second, &first] {
        is_over(&scene.stand, "web", token).await;
        assert_eq!(scene.exchange("web", token, &typed).await.error(), "invalid_request");
    }
}

#[tokio::test]
async fn what_a_policy_takes_away_at_the_redemption_does_not_come_back_with_a_refresh() {
    let sidecar =
        Sidecar::start(|_| json!({ "decision": "allow", "set": { "grant": { "scope": ["reports.read"] } } }))
            .await;
    let stand = Stand::with(|config| {
        stateless(config);
        // It gets tokens past the policies of the code.
        config.clients.retain(|client| client.client_id != "hybrid");
        config.policy.push(sidecar.policy("guard", &["grant.authorization_code"]));
    })
    .await;
    let tokens = stand.tokens("web", "reports.read reports.write").await;
    assert_eq!(tokens["scope"], "reports.read");
    let next = refresh(&stand, "web", &text(&tokens["refresh_token"])).await;
    assert_eq!(next.json["scope"], "reports.read", "{}", next.text);
}

#[tokio::test]
async fn it_is_exchanged_as_a_stored_one_is_and_what_comes_of_it_ends_with_it() {
    for rotation in [Rotation::Never, Rotation::Always] {
        let scene = Scene::with(|config, _| {
            stateless(config);
            client(config, "web").settings.refresh_token.rotation = Some(rotation);
        })
        .await;
        let typed = [("subject_token_type", REFRESH)];
        let token = text(&scene.user("alice").await["refresh_token"]);
        let derived = scene.exchanged("web", &token, &typed).await["access_token"].clone();
        assert!(scene.is_live("web", &derived).await);
        let next = text(&refresh(&scene.stand, "web", &token).await.json["refresh_token"]);
        let again = scene.exchange("web", &token, &typed).await;
        let expected = if rotation == Rotation::Never { 200 } else { 400 };
        assert_eq!(again.status, expected, "{}", again.text);
        assert!(scene.is_live("web", &derived).await, "to exchange an old one is no replay");
        let derived = scene.exchanged("web", &next, &typed).await["access_token"].clone();
        assert_eq!(scene.stand.post("/revoke", "web", &[("token", &next)]).await.status, 200);
        assert!(!scene.is_live("web", &derived).await);
        scene.refused_unasked("web", &next, &typed, "invalid_request").await;
    }
}

#[tokio::test]
async fn a_change_of_the_master_key_ends_none() {
    let stand = Stand::with(stateless).await;
    let tokens = stand.tokens("web", SCOPE).await;
    let token = Secret::new(text(&tokens["refresh_token"]));
    let key = |byte| SymmetricKey::new([byte; 32]);
    for master in [MasterKeys::new(key(6), vec![key(5)]), MasterKeys::new(key(6), vec![])] {
        let environment = Environment { master, ..stand.environment() };
        let server = Server::start(stand.server.config().clone(), environment).await.unwrap();
        let context = format!("refresh_token of {}", stand.issuer);
        assert!(server.root().carried().open(&context, &decode(token.expose())[1..]).is_some());
    }
}
