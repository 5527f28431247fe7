//! Revocation of everything of somebody: who may ask for it, and how. What ends by it: `fate.rs`.

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    administering::{ROLES, TOKEN, call, one_role, stand},
    harness::{Reply, Stand},
    helpers::text,
};

const PATHS: [&str; 2] = ["/revocations", "/global-token-revocation"];

async fn post(stand: &Stand, path: &str, body: &Value) -> Reply {
    call(stand, TOKEN, Method::POST, path, Some(body)).await
}

/// The access token of alice, and whether it still counts.
async fn token(stand: &Stand) -> String {
    text(&stand.tokens("web", "openid").await["access_token"])
}

#[tokio::test]
async fn the_role_revoke_alone_may_revoke() {
    let stand = stand().await;
    let access = token(&stand).await;
    let opaque = json!({ "sub_id": { "format": "opaque", "id": "alice" } });
    for (path, body) in PATHS.into_iter().zip([json!({ "sub": "alice" }), opaque]) {
        for role in ROLES.into_iter().filter(|role| *role != "revoke") {
            let reply = call(&stand, &one_role(role), Method::POST, path, Some(&body)).await;
            assert_eq!((reply.status, text(&reply.json["code"])), (403, "role_missing".to_owned()), "{role}");
        }
        let stranger = call(&stand, "stranger", Method::POST, path, Some(&body)).await;
        assert_eq!(stranger.status, 401);
        let read = call(&stand, TOKEN, Method::GET, path, None).await;
        assert_eq!(read.status, 405, "{}", read.text);
        assert!(stand.is_active("web", &access).await);
    }
    assert!(stand.events("access.revoked").is_empty());
    let reply =
        call(&stand, &one_role("revoke"), Method::POST, PATHS[0], Some(&json!({ "sub": "alice" }))).await;
    assert_eq!(reply.status, 204);
    assert!(!stand.is_active("web", &access).await);
}

#[tokio::test]
async fn exactly_one_name_says_whose_everything_is_revoked() {
    let stand = stand().await;
    let access = token(&stand).await;
    for body in [
        json!({}),
        json!({ "sub": "alice", "client_id": "web" }),
        json!({ "sub": "alice", "actor": "alice" }),
        json!({ "sub": "" }),
        json!({ "sub": "a\nb" }),
        json!({ "sub": "a".repeat(256) }),
        json!({ "client_id": ["web"] }),
        json!({ "subject": "alice" }),
        json!({ "everybody": false }),
        json!({ "everybody": true, "sub": "alice" }),
    ] {
        let reply = post(&stand, "/revocations", &body).await;
        assert_eq!((reply.status, text(&reply.json["code"])), (422, "invalid_answer".to_owned()), "{body}");
    }
    assert!(stand.is_active("web", &access).await);
    assert!(stand.events("access.revoked").is_empty());
}

#[tokio::test]
async fn each_revocation_is_recorded_once_also_if_there_was_nothing() {
    let stand = stand().await;
    for (body, of, name) in [
        (json!({ "sub": "alice" }), "subject", "alice"),
        (json!({ "client_id": "web" }), "client", "web"),
        (json!({ "actor": "nobody" }), "actor", "nobody"),
        (json!({ "everybody": true }), "everybody", "everybody"),
    ] {
        assert_eq!(post(&stand, "/revocations", &body).await.status, 204);
        let recorded = stand.events("access.revoked").pop().unwrap();
        assert_eq!(recorded, (name.to_owned(), json!({ "of": of, "by": "admin:root" })));
    }
    assert_eq!(stand.events("access.revoked").len(), 4);
}

/// draft-parecki-oauth-global-token-revocation section 3.
#[tokio::test]
async fn an_identity_provider_names_the_user_by_a_subject_identifier() {
    let stand = stand().await;
    let issuer = stand.issuer.clone();
    for sub_id in [
        json!({ "format": "opaque", "id": "alice" }),
        json!({ "format": "iss_sub", "iss": issuer, "sub": "alice" }),
    ] {
        let access = token(&stand).await;
        let reply = post(&stand, PATHS[1], &json!({ "sub_id": sub_id })).await;
        assert_eq!((reply.status, reply.text.as_str()), (204, ""));
        assert!(!stand.is_active("web", &access).await, "{sub_id}");
    }
    let access = token(&stand).await;
    for (sub_id, status) in [
        (json!({ "format": "email", "email": "alice@example.com" }), 400),
        (json!({ "format": "opaque" }), 400),
        (json!({ "format": "opaque", "id": "alice", "sub": "bob" }), 400),
        (json!({ "format": "iss_sub", "sub": "alice" }), 400),
        (json!({ "id": "alice" }), 400),
        (json!("alice"), 400),
        (json!({ "format": "iss_sub", "iss": "https://other.example", "sub": "alice" }), 404),
        (json!({ "format": "opaque", "id": "" }), 404),
    ] {
        let reply = post(&stand, PATHS[1], &json!({ "sub_id": sub_id })).await;
        assert_eq!(reply.status, status, "{sub_id}: {}", reply.text);
    }
    assert_eq!(post(&stand, PATHS[1], &json!({})).await.status, 400);
    assert!(stand.is_active("web", &access).await);
}
