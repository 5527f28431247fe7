//! OpenID Connect Core section 5.3.2: `UserInfo` responses that are signed, encrypted, or both.

use placet_oauth::client::ClientMetadata;
use serde_json::{Value, json};

use super::{
    encrypting::{Reader, Shelf},
    harness::{Reply, Stand},
    helpers::{client, header, text, verified},
};

async fn with(id: &str, change: impl FnOnce(&mut ClientMetadata)) -> Stand {
    Stand::with(|config| change(&mut client(config, id).metadata)).await
}

/// Asks with a fresh access token.
async fn asked(stand: &Stand, id: &str) -> Reply {
    let tokens = stand.tokens(id, "openid email").await;
    stand.userinfo(&text(&tokens["access_token"])).await
}

#[track_caller]
fn is_jwt(reply: &Reply) {
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.header("content-type"), "application/jwt");
    assert_eq!(reply.header("cache-control"), "no-store");
}

fn expected(stand: &Stand) -> Value {
    json!({
        "iss": stand.issuer, "aud": "web", "sub": "alice", "email": "alice@example.com", "email_verified": true,
    })
}

#[tokio::test]
async fn it_is_signed_with_the_algorithm_that_the_client_registered() {
    for alg in ["RS256", "PS256", "ES256", "EdDSA"] {
        let stand = with("web", |web| web.userinfo_signed_response_alg = Some(alg.to_owned())).await;
        let reply = asked(&stand, "web").await;
        is_jwt(&reply);
        let (header, said) = verified(&stand, &reply.text).await;
        assert_eq!(header["alg"], alg);
        assert_eq!(said, expected(&stand));
        let plain = asked(&stand, "other").await;
        assert_eq!((plain.header("content-type"), &plain.json["sub"]), ("application/json", &json!("alice")));
    }
}

#[tokio::test]
async fn it_is_encrypted_with_and_without_a_signature() {
    let reader = Reader::p256("k");
    let both = with("web", |web| {
        web.jwks = Some(reader.jwks());
        web.userinfo_signed_response_alg = Some("ES256".to_owned());
        web.userinfo_encrypted_response_alg = Some("ECDH-ES+A128KW".to_owned());
        web.userinfo_encrypted_response_enc = Some("A256GCM".to_owned());
    })
    .await;
    let reply = asked(&both, "web").await;
    is_jwt(&reply);
    let (outer, inside) = reader.open(&reply.text);
    assert_eq!((&outer["cty"], &outer["enc"]), (&json!("JWT"), &json!("A256GCM")));
    assert_eq!(verified(&both, &inside).await.1, expected(&both));

    let only = with("web", |web| {
        web.jwks = Some(reader.jwks());
        web.userinfo_encrypted_response_alg = Some("ECDH-ES".to_owned());
    })
    .await;
    let reply = asked(&only, "web").await;
    is_jwt(&reply);
    let (outer, inside) = reader.open(&reply.text);
    assert!(outer.get("cty").is_none(), "what is inside is no JWT");
    assert_eq!(serde_json::from_str::<Value>(&inside).unwrap(), expected(&only));
}

#[tokio::test]
async fn it_is_signed_with_the_secret_of_the_client() {
    let stand = with("web", |web| web.userinfo_signed_response_alg = Some("HS256".to_owned())).await;
    let reply = asked(&stand, "web").await;
    is_jwt(&reply);
    assert_eq!(header(&reply.text)["alg"], "HS256");
}

#[tokio::test]
async fn an_error_stays_json_and_costs_no_token() {
    let shelf = Shelf::empty().await;
    let stand = with("single", |client| {
        client.jwks_uri = Some(shelf.uri.clone());
        client.userinfo_encrypted_response_alg = Some("ECDH-ES".to_owned());
    })
    .await;
    let reply = stand.userinfo("nothing").await;
    assert_eq!((reply.status, reply.error()), (401, "invalid_token"));
    let token = text(&stand.tokens("single", "openid email").await["access_token"]);
    let reply = stand.userinfo(&token).await;
    assert_eq!((reply.status, reply.error()), (503, "temporarily_unavailable"), "{}", reply.text);
    assert!(!reply.text.contains("alice"), "nothing is sent in clear");
    let reader = Reader::p256("k");
    shelf.put(reader.jwks());
    let reply = stand.userinfo(&token).await;
    is_jwt(&reply);
    assert!(reader.open(&reply.text).1.contains("alice@example.com"));
    assert_eq!(stand.userinfo(&token).await.status, 401, "it was for a single use");
}
