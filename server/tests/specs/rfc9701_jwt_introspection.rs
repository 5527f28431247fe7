//! RFC 9701: introspection responses that are signed JWTs.

use placet_sdk::grant::Encoding;
use serde_json::{Value, json};

use super::{
    encrypting::{Reader, Shelf},
    harness::{Browser, Reply, SECRET, Stand},
    helpers::{client, text, verified},
};

const API: &str = "https://api.example";
const JWT: &str = "application/token-introspection+jwt";

/// Introspection by `caller`, who accepts `accept`.
async fn look(stand: &Stand, caller: &str, token: &str, accept: &str) -> Reply {
    let request = stand
        .http
        .post(format!("{}/introspect", stand.issuer))
        .basic_auth(caller, Some(SECRET))
        .header("accept", accept)
        .form(&[("token", token)]);
    Reply::read(request.send().await.unwrap()).await
}

#[track_caller]
fn is_jwt(reply: &Reply) {
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.header("content-type"), JWT);
    assert_eq!(reply.header("cache-control"), "no-store");
}

async fn token_for_api(stand: &Stand, id: &str) -> String {
    let extra = [("resource", API), ("scope", "openid reports.read")];
    let params = stand.sign_in(&mut Browser::new(), id, &extra).await;
    text(&stand.redeem(id, &params["code"]).await.json["access_token"])
}

#[tokio::test]
async fn who_asks_for_a_jwt_gets_the_answer_signed_and_for_itself() {
    let stand = Stand::start().await;
    for id in ["web", "opaque"] {
        let token = token_for_api(&stand, id).await;
        let plain = look(&stand, "api", &token, "application/json").await;
        assert_eq!((plain.header("content-type"), &plain.json["active"]), ("application/json", &json!(true)));
        let reply = look(&stand, "api", &token, JWT).await;
        is_jwt(&reply);
        let (header, said) = verified(&stand, &reply.text).await;
        assert_eq!((&header["typ"], &header["alg"]), (&json!("token-introspection+jwt"), &json!("RS256")));
        let expected = json!({
            "iss": stand.issuer, "aud": "api", "iat": stand.now(), "token_introspection": plain.json,
        });
        assert_eq!(said, expected, "no `sub`, no `exp`: it is no access token");
    }
}

#[tokio::test]
async fn the_answer_about_what_does_not_count_is_signed_as_well() {
    let stand = Stand::start().await;
    let token = text(&stand.tokens("web", "openid").await["access_token"]);
    for unknown in ["nothing", &token] {
        let reply = look(&stand, "api", unknown, JWT).await;
        is_jwt(&reply);
        let (_, said) = verified(&stand, &reply.text).await;
        assert_eq!(said["token_introspection"], json!({ "active": false }));
    }
    let refused = look(&stand, "spa", &token, JWT).await;
    assert_eq!((refused.status, refused.header("content-type")), (401, "application/json"));
}

#[tokio::test]
async fn the_caller_says_with_accept_what_it_wants() {
    let stand = Stand::start().await;
    let token = text(&stand.tokens("web", "openid").await["access_token"]);
    for (accept, wanted) in [
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("application/json, application/token-introspection+jwt;q=0.5", "application/json"),
        ("application/token-introspection+jwt;q=0", "application/json"),
        ("application/json;q=0.5, application/token-introspection+jwt", JWT),
        ("Application/Token-Introspection+JWT", JWT),
    ] {
        assert_eq!(look(&stand, "web", &token, accept).await.header("content-type"), wanted, "{accept}");
    }
}

#[tokio::test]
async fn it_is_signed_and_encrypted_as_the_caller_registered() {
    let reader = Reader::rsa("k");
    let stand = Stand::with(|config| {
        let api = &mut client(config, "api").metadata;
        api.jwks = Some(reader.jwks());
        api.introspection_signed_response_alg = Some("PS256".to_owned());
        api.introspection_encrypted_response_alg = Some("RSA-OAEP-256".to_owned());
        let service = &mut client(config, "service").metadata;
        service.introspection_signed_response_alg = Some("HS256".to_owned());
    })
    .await;
    let token = token_for_api(&stand, "web").await;
    let reply = look(&stand, "api", &token, JWT).await;
    is_jwt(&reply);
    let (outer, inside) = reader.open(&reply.text);
    assert_eq!((&outer["cty"], &outer["enc"]), (&json!("JWT"), &json!("A128CBC-HS256")));
    let (header, said) = verified(&stand, &inside).await;
    assert_eq!((&header["alg"], &said["token_introspection"]["sub"]), (&json!("PS256"), &json!("alice")));
    let reply = look(&stand, "service", &token, JWT).await;
    is_jwt(&reply);
    assert_eq!(super::helpers::header(&reply.text)["alg"], "HS256");
}

#[tokio::test]
async fn a_single_use_token_is_not_spent_on_an_answer_that_cannot_be_sent() {
    let shelf = Shelf::empty().await;
    let stand = Stand::with(|config| {
        let single = &mut client(config, "web").settings.access_token;
        single.encoding = Some(Encoding::Opaque);
        single.single_use = true;
        let api = &mut client(config, "api").metadata;
        api.jwks_uri = Some(shelf.uri.clone());
        api.introspection_encrypted_response_alg = Some("ECDH-ES".to_owned());
    })
    .await;
    let token = token_for_api(&stand, "web").await;
    let reply = look(&stand, "api", &token, JWT).await;
    assert_eq!((reply.status, reply.error()), (503, "temporarily_unavailable"), "{}", reply.text);
    assert!(!reply.text.contains("alice"));
    let reader = Reader::p256("k");
    shelf.put(reader.jwks());
    let mut active = Vec::new();
    for _ in 0..2 {
        let reply = look(&stand, "api", &token, JWT).await;
        is_jwt(&reply);
        let (_, inside) = reader.open(&reply.text);
        let said: Value = verified(&stand, &inside).await.1;
        active.push(said["token_introspection"]["active"].clone());
    }
    assert_eq!(active, [json!(true), json!(false)]);
}
