//! RFC 7662: token introspection.

use std::sync::Arc;

use placet_sdk::grant::Encoding;
use serde_json::{Value, json};

use super::{
    harness::{Browser, Stand, VERIFIER},
    helpers::{client, keep_client, refresh, text},
};

const API: &str = "https://api.example";

async fn look(stand: &Stand, caller: &str, token: &str) -> Value {
    let reply = stand.post("/introspect", caller, &[("token", token)]).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.header("cache-control"), "no-store");
    reply.json
}

/// An access token of a client that `api` is the audience of.
async fn token_for_api(stand: &Stand, client: &str) -> String {
    let extra = [("resource", API), ("scope", "openid reports.read")];
    let params = stand.sign_in(&mut Browser::new(), client, &extra).await;
    text(&stand.redeem(client, &params["code"]).await.json["access_token"])
}

#[tokio::test]
async fn its_own_client_and_its_audience_see_a_token_and_nobody_else_does() {
    let stand = Stand::start().await;
    for client in ["web", "opaque"] {
        let for_api = token_for_api(&stand, client).await;
        for caller in [client, "api"] {
            let seen = look(&stand, caller, &for_api).await;
            assert_eq!(seen["active"], true, "{caller}");
            assert_eq!(seen["token_type"], "Bearer");
            assert_eq!(seen["client_id"], client);
            assert_eq!(seen["sub"], "alice");
            assert_eq!(seen["aud"], API);
            assert_eq!(seen["iss"], stand.issuer);
            assert_eq!(seen["scope"], "openid reports.read");
            assert_eq!((&seen["iat"], &seen["exp"]), (&json!(stand.now()), &json!(stand.now() + 600)));
        }
        assert_eq!(look(&stand, "other", &for_api).await, json!({ "active": false }));
        assert_eq!(look(&stand, "service", &for_api).await, json!({ "active": false }));

        let for_us = text(&stand.tokens(client, "openid").await["access_token"]);
        assert_eq!(look(&stand, client, &for_us).await["active"], true);
        assert_eq!(look(&stand, "api", &for_us).await, json!({ "active": false }));
    }
}

#[tokio::test]
async fn the_operator_can_let_one_client_see_everything() {
    let stand = Stand::with(|config| client(config, "service").settings.introspect_all = true).await;
    let token = text(&stand.tokens("web", "openid").await["access_token"]);
    assert!(stand.is_active("service", &token).await);
}

#[tokio::test]
async fn callers_must_authenticate_and_public_ones_cannot() {
    let stand = Stand::start().await;
    let token = text(&stand.tokens("web", "openid").await["access_token"]);
    for form in [vec![("token", token.as_str())], vec![("token", &token), ("client_id", "spa")]] {
        let reply = stand.post_public("/introspect", &form).await;
        assert_eq!((reply.status, reply.error()), (401, "invalid_client"));
        assert!(reply.header("www-authenticate").starts_with("Basic"));
    }
}

#[tokio::test]
async fn what_is_no_token_is_inactive_and_no_token_at_all_is_an_error() {
    let stand = Stand::start().await;
    let long = "a".repeat(5_000);
    for token in ["x", ".", "..", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "\u{fc}", &long] {
        assert_eq!(look(&stand, "web", token).await, json!({ "active": false }), "{token}");
    }
    let none = stand.post("/introspect", "web", &[]).await;
    assert_eq!((none.status, none.error()), (400, "invalid_request"));
}

#[tokio::test]
async fn a_refresh_token_is_seen_by_its_own_client_alone_and_only_while_it_is_current() {
    let stand = Stand::start().await;
    let first = text(&stand.tokens("web", "openid offline_access").await["refresh_token"]);
    let seen = look(&stand, "web", &first).await;
    assert_eq!(seen["active"], true);
    assert_eq!(seen["client_id"], "web");
    assert_eq!(seen["sub"], "alice");
    assert_eq!(seen["scope"], "openid offline_access");
    assert_eq!(seen["exp"], stand.now() + 30 * 86_400);
    assert!(seen.get("token_type").is_none(), "that would be the type of an access token");
    for caller in ["other", "api"] {
        assert_eq!(look(&stand, caller, &first).await, json!({ "active": false }));
    }
    let second = text(&refresh(&stand, "web", &first).await.json["refresh_token"]);
    assert_eq!(look(&stand, "web", &first).await, json!({ "active": false }));
    assert!(stand.is_active("web", &second).await);
}

#[tokio::test]
async fn a_refresh_token_that_was_idle_for_too_long_is_inactive_though_its_authorization_lives() {
    let stand = Stand::with(|config| client(config, "web").settings.refresh_token.max_idle = Some(100)).await;
    let tokens = stand.tokens("web", "openid offline_access").await;
    let token = text(&tokens["refresh_token"]);
    stand.clock.advance(99);
    assert_eq!(look(&stand, "web", &token).await["exp"], stand.now() + 1);
    stand.clock.advance(1);
    assert_eq!(look(&stand, "web", &token).await, json!({ "active": false }));
    assert!(stand.is_active("web", &text(&tokens["access_token"])).await);
}

#[tokio::test]
async fn of_100_racing_looks_at_a_single_use_token_exactly_one_finds_it_active() {
    let (stand, store, _folder) = super::faults::stand("single-use").await;
    let stand = Arc::new(stand);
    let token = token_for_api(&stand, "single").await;
    for _ in 0..3 {
        assert!(stand.is_active("single", &token).await, "its own client's look uses nothing up");
        assert!(!stand.is_active("other", &token).await);
    }
    // All have found the token unused before the first one uses it.
    store.gather(100);
    let mut races = Vec::new();
    for _ in 0..100 {
        let (stand, token) = (stand.clone(), token.clone());
        races.push(tokio::spawn(async move { stand.is_active("api", &token).await }));
    }
    let mut found = 0;
    for race in races {
        found += usize::from(race.await.unwrap());
    }
    assert_eq!(found, 1);
    assert!(!stand.is_active("single", &token).await);
    assert!(!stand.is_active("api", &token).await);
}

#[tokio::test]
async fn a_single_use_token_is_good_for_one_userinfo_call() {
    let stand = Stand::start().await;
    let token = text(&stand.tokens("single", "openid email").await["access_token"]);
    assert!(!token.contains('.'), "a JWT cannot be used up");
    assert_eq!(stand.userinfo(&token).await.status, 200);
    let again = stand.userinfo(&token).await;
    assert_eq!((again.status, again.error()), (401, "invalid_token"));
}

#[tokio::test]
async fn a_token_is_inactive_from_the_second_it_ends() {
    let stand = Stand::start().await;
    for client in ["web", "opaque"] {
        let token = text(&stand.tokens(client, "openid").await["access_token"]);
        stand.clock.advance(599);
        assert!(stand.is_active(client, &token).await, "{client}");
        stand.clock.advance(1);
        assert!(!stand.is_active(client, &token).await, "{client}");
        assert_eq!(stand.userinfo(&token).await.status, 401, "{client}");
    }
}

#[tokio::test]
async fn time_that_runs_backwards_brings_no_revoked_token_back() {
    let stand = Stand::start().await;
    let token = text(&stand.tokens("web", "openid").await["access_token"]);
    assert_eq!(stand.post("/revoke", "web", &[("token", &token)]).await.status, 200);
    stand.clock.advance(-120);
    assert!(!stand.is_active("web", &token).await);
}

#[tokio::test]
async fn lifetime_and_extra_claims_are_those_of_the_client_and_never_the_servers_own_names() {
    for encoding in [Encoding::Jwt, Encoding::Opaque] {
        let stand = Stand::start().await;
        keep_client(&stand, |settings| {
            let settings = &mut settings.access_token;
            settings.encoding = Some(encoding);
            settings.lifetime = Some(30);
            settings.claims = serde_json::from_value(
                json!({ "tier": "gold", "sub": "mallory", "scope": "admin", "client_id": "api", "act": {} }),
            )
            .unwrap();
        })
        .await;
        let reply = stand.tokens("kept", "openid").await;
        assert_eq!(reply["expires_in"], 30);
        let token = text(&reply["access_token"]);
        let seen = look(&stand, "kept", &token).await;
        assert_eq!(seen["tier"], "gold");
        assert_eq!(seen["sub"], "alice");
        assert_eq!(seen["scope"], "openid");
        assert_eq!(seen["client_id"], "kept");
        assert!(seen.get("act").is_none());
        stand.clock.advance(30);
        assert!(!stand.is_active("kept", &token).await);
    }
}

#[tokio::test]
async fn a_public_clients_tokens_are_seen_by_the_resource_server() {
    let stand = Stand::start().await;
    let extra = [("resource", API), ("scope", "reports.read")];
    let params = stand.sign_in(&mut Browser::new(), "spa", &extra).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "spa"),
        ("code", &params["code"]),
        ("redirect_uri", super::harness::CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let token = text(&stand.post_public("/token", &form).await.json["access_token"]);
    assert!(stand.is_active("api", &token).await);
}
