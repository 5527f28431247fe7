//! RFC 9068 and RFC 7516: access tokens that their resource server alone can read.

use placet_oauth::grant_type::GrantType;
use serde_json::json;

use super::{
    encrypting::{Reader, Shelf},
    exchanging::{ACCESS, EXCHANGE, REFRESH},
    harness::{Reply, Stand, claims},
    helpers::{client, refresh, text},
    locking::{LOCKED, OPEN, code, granted, look, own, read, resources, stand, users},
    policy_stage::allow,
    prover::{Prover, token},
    sidecar::Sidecar,
};

#[track_caller]
fn unavailable(reply: &Reply) {
    assert_eq!((reply.status, reply.error()), (503, "temporarily_unavailable"), "{}", reply.text);
    assert!(!reply.header("retry-after").is_empty());
    assert!(reply.json.get("access_token").is_none());
}

#[tokio::test]
async fn every_grant_gives_tokens_that_the_resource_alone_can_read() {
    let reader = Reader::p256("k1");
    let stand = stand(&reader).await;
    let machine = stand.post("/token", "service", &own(LOCKED)).await.json;
    let (outer, _) = reader.open(&text(&machine["access_token"]));
    assert_eq!((&outer["alg"], &outer["enc"]), (&json!("ECDH-ES+A256KW"), &json!("A256GCM")));
    assert_eq!(outer["kid"], "k1");
    assert_eq!(read(&stand, &reader, &machine["access_token"]).await["sub"], "service");

    let tokens = users(&stand).await;
    assert_eq!(read(&stand, &reader, &tokens["access_token"]).await["sub"], "alice");
    let again = refresh(&stand, "web", &text(&tokens["refresh_token"])).await.json;
    assert_eq!(read(&stand, &reader, &again["access_token"]).await["sub"], "alice");

    let extra = [("resource", LOCKED), ("response_type", "code token"), ("nonce", "n")];
    let response = granted(&stand, "hybrid", &extra).await;
    assert_eq!(read(&stand, &reader, &json!(response["access_token"])).await["sub"], "alice");
}

#[tokio::test]
async fn so_does_an_exchange() {
    let reader = Reader::rsa("k1");
    let sidecar = Sidecar::start(|_| allow()).await;
    let encryption = json!({ "alg": "RSA-OAEP-256", "enc": "A128CBC-HS256", "jwks": reader.jwks() });
    let stand = Stand::with(|config| {
        resources(config, &encryption);
        for id in ["web", "service", "vault"] {
            client(config, id).metadata.grant_types.get_or_insert_default().push(GrantType::TokenExchange);
        }
        config.policy.push(sidecar.policy("exchange", &["grant.token_exchange"]));
    })
    .await;
    let clear = text(&stand.tokens("web", "openid reports.read").await["access_token"]);
    let form = |token, kind, resource| {
        [
            ("grant_type", EXCHANGE),
            ("subject_token", token),
            ("subject_token_type", kind),
            ("resource", resource),
        ]
    };
    let locked = stand.post("/token", "web", &form(&clear, ACCESS, LOCKED)).await;
    assert_eq!(locked.status, 200, "{}", locked.text);
    assert_eq!(read(&stand, &reader, &locked.json["access_token"]).await["sub"], "alice");

    // Presented back, it is recognized: by its client, and by the server that it is for. What comes of it ends with it.
    let tokens = users(&stand).await;
    let token = text(&tokens["access_token"]);
    let mut derived = Vec::new();
    for id in ["web", "vault"] {
        let reply = stand.post("/token", id, &form(&token, ACCESS, OPEN)).await;
        assert_eq!(reply.status, 200, "{id}: {}", reply.text);
        derived.push((id, text(&reply.json["access_token"])));
    }
    let refresh_token = text(&tokens["refresh_token"]);
    let by_refresh = stand.post("/token", "web", &form(&refresh_token, REFRESH, LOCKED)).await;
    read(&stand, &reader, &by_refresh.json["access_token"]).await;
    let foreign = stand.post("/token", "service", &form(&token, ACCESS, OPEN)).await;
    assert_eq!((foreign.status, foreign.error()), (400, "invalid_request"));
    let (_, inner) = reader.open(&token);
    for id in ["web", "vault"] {
        let inside = stand.post("/token", id, &form(&inner, ACCESS, OPEN)).await;
        assert_eq!((inside.status, inside.error()), (400, "invalid_request"), "{id}");
    }
    assert_eq!(stand.post("/revoke", "web", &[("token", &token)]).await.status, 200);
    for (id, token) in derived {
        assert!(!stand.is_active(id, &token).await, "{id}");
    }
}

#[tokio::test]
async fn the_resource_server_may_ask_about_it_and_nobody_learns_what_is_inside() {
    let reader = Reader::p256("k1");
    let stand = stand(&reader).await;
    let token = text(&users(&stand).await["access_token"]);
    let said = look(&stand, "vault", &token).await;
    assert_eq!((&said["active"], &said["sub"]), (&json!(true), &json!("alice")));
    let inside = read(&stand, &reader, &json!(token)).await;
    for name in ["sub", "scope", "exp", "jti", "client_id", "auth_time"] {
        assert_eq!(said[name], inside[name], "{name}");
    }
    // The client knows what the token endpoint told it, and no more.
    let mut known: Vec<String> =
        look(&stand, "web", &token).await.as_object().unwrap().keys().cloned().collect();
    known.sort_unstable();
    assert_eq!(known, ["active", "aud", "client_id", "exp", "iat", "iss", "scope", "token_type"]);
    for other in ["other", "service", "api"] {
        assert_eq!(look(&stand, other, &token).await, json!({ "active": false }));
    }
    // In clear, there is nothing to hide from it.
    let clear = text(&stand.tokens("web", "openid").await["access_token"]);
    assert_eq!(look(&stand, "web", &clear).await["sub"], "alice");
}

#[tokio::test]
async fn what_is_inside_is_no_token_and_neither_is_what_was_altered() {
    let reader = Reader::p256("k1");
    let stand = stand(&reader).await;
    for token in [
        text(&users(&stand).await["access_token"]),
        text(&stand.post("/token", "service", &own(LOCKED)).await.json["access_token"]),
    ] {
        let (_, inner) = reader.open(&token);
        let mut altered = token.clone();
        altered.truncate(token.len() - 1);
        for not_it in [&inner, &altered, &format!("{token}."), &format!("{token}A")] {
            assert!(!stand.is_active("vault", not_it).await, "{not_it}");
            assert!(!stand.is_active("web", not_it).await, "{not_it}");
            assert_eq!(stand.userinfo(not_it).await.status, 401);
            // Nor is anything revoked by it.
            assert_eq!(stand.post("/revoke", "web", &[("token", not_it)]).await.status, 200);
        }
        assert!(stand.is_active("vault", &token).await);
        // Userinfo is no matter of this resource.
        let reply = stand.userinfo(&token).await;
        assert_eq!(reply.status, 401);
        assert!(reply.header("www-authenticate").contains("meant for another resource"), "{reply:?}");
    }
}

#[tokio::test]
async fn it_ends_when_it_is_revoked_when_its_grant_ends_and_when_its_time_is_over() {
    let reader = Reader::p256("k1");
    let stand = stand(&reader).await;
    let tokens = users(&stand).await;
    let token = text(&tokens["access_token"]);
    assert_eq!(stand.post("/revoke", "other", &[("token", &token)]).await.status, 200);
    assert!(stand.is_active("vault", &token).await, "it is not theirs");
    assert_eq!(stand.post("/revoke", "web", &[("token", &token)]).await.status, 200);
    assert!(!stand.is_active("vault", &token).await);

    let next = refresh(&stand, "web", &text(&tokens["refresh_token"])).await.json;
    let token = text(&next["access_token"]);
    assert!(stand.is_active("vault", &token).await);
    stand.post("/revoke", "web", &[("token", &text(&next["refresh_token"]))]).await;
    assert!(!stand.is_active("vault", &token).await);

    let machine = text(&stand.post("/token", "service", &own(LOCKED)).await.json["access_token"]);
    assert!(stand.is_active("vault", &machine).await);
    stand.clock.advance(601);
    assert!(!stand.is_active("vault", &machine).await);
}

#[tokio::test]
async fn without_a_key_there_is_no_token_and_nothing_is_used_up() {
    let shelf = Shelf::empty().await;
    let encryption = json!({ "alg": "ECDH-ES", "enc": "A128GCM", "jwks_uri": shelf.uri });
    let stand = Stand::with(|config| resources(config, &encryption)).await;
    let code = code(&stand).await;
    unavailable(&stand.redeem("web", &code).await);
    unavailable(&stand.post("/token", "service", &own(LOCKED)).await);
    // A key of another kind is none.
    shelf.put(Reader::rsa("k1").jwks());
    let refused = stand.redeem("web", &code).await;
    unavailable(&refused);
    assert!(refused.text.contains(LOCKED), "{}", refused.text);
    // Tokens for others do not depend on it.
    assert_eq!(stand.post("/token", "service", &own(OPEN)).await.status, 200);

    let reader = Reader::p256("k2");
    shelf.put(reader.jwks());
    // It has just been fetched, and is not fetched again at once.
    let fresh = Stand::with(|config| resources(config, &encryption)).await;
    let machine = fresh.post("/token", "service", &own(LOCKED)).await.json;
    assert_eq!(read(&fresh, &reader, &machine["access_token"]).await["client_id"], "service");
}

#[tokio::test]
async fn a_code_is_good_once_the_keys_of_the_resource_are_back() {
    let shelf = Shelf::empty().await;
    let encryption = json!({ "alg": "ECDH-ES", "enc": "A128GCM", "jwks_uri": shelf.uri });
    let stand = Stand::with(|config| resources(config, &encryption)).await;
    let code = code(&stand).await;
    unavailable(&stand.redeem("web", &code).await);
    let reader = Reader::p256("k1");
    shelf.put(reader.jwks());
    let tokens = stand.redeem("web", &code).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text);
    read(&stand, &reader, &tokens.json["access_token"]).await;
    let token = text(&tokens.json["refresh_token"]);
    assert_eq!(refresh(&stand, "web", &token).await.status, 200);
}

#[tokio::test]
async fn a_bound_token_is_bound_inside_and_in_what_is_said_of_it() {
    let reader = Reader::p256("k1");
    let stand = stand(&reader).await;
    let key = Prover::new();
    let reply = token(&stand, "service", &own(LOCKED), Some(&key)).await;
    assert_eq!(reply.json["token_type"], "DPoP", "{}", reply.text);
    let cnf = json!({ "jkt": key.jkt() });
    assert_eq!(read(&stand, &reader, &reply.json["access_token"]).await["cnf"], cnf);
    let said = look(&stand, "vault", &text(&reply.json["access_token"])).await;
    assert_eq!((&said["cnf"], &said["token_type"]), (&cnf, &json!("DPoP")));
}

#[tokio::test]
async fn the_store_keeps_a_digest_of_it_and_nothing_of_tokens_in_clear() {
    let reader = Reader::p256("k1");
    let stand = stand(&reader).await;
    let rows = || stand.rows("SELECT CAST(COUNT(*) AS TEXT) FROM tokens")[0].clone();
    let clear = text(&stand.post("/token", "service", &own(OPEN)).await.json["access_token"]);
    assert_eq!(claims(&clear)["aud"], OPEN);
    assert_eq!(rows(), "0");
    stand.post("/token", "service", &own(LOCKED)).await;
    assert_eq!(rows(), "1");
}
