//! Clients in the admin API.

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    administering::{TOKEN, call, get, stand, url},
    harness::{Browser, CALLBACK, Reply},
};

fn books() -> Value {
    json!({
        "metadata": { "redirect_uris": [CALLBACK], "client_name": "Books", "scope": "openid email" },
        "settings": { "data": { "tier": "gold" } },
    })
}

#[tokio::test]
async fn a_client_is_registered_used_changed_given_a_new_secret_and_deleted() {
    let stand = stand().await;
    let created = call(&stand, TOKEN, Method::POST, "/clients", Some(&books())).await;
    assert_eq!(created.status, 201, "{}", created.text);
    let id = created.json["client_id"].as_str().unwrap().to_owned();
    let secret = created.json["client_secret"].as_str().unwrap().to_owned();
    assert_eq!(created.json["settings"]["data"]["tier"], "gold");

    let path = format!("/clients/{id}");
    let shown = get(&stand, &path).await;
    assert!(shown.json["client_secret"].is_null(), "a secret is shown once");
    let listed = get(&stand, "/clients").await;
    let ids: Vec<&Value> = listed.json["items"].as_array().unwrap().iter().map(|c| &c["client_id"]).collect();
    assert!(ids.contains(&&json!("web")) && ids.contains(&&json!(id)), "{ids:?}");

    let mut browser = Browser::new();
    let params = stand.sign_in(&mut browser, &id, &[]).await;
    let redeem = |secret: String, code: String| {
        let request =
            stand.http.post(format!("{}/token", stand.issuer)).basic_auth(&id, Some(secret)).form(&[
                ("grant_type", "authorization_code"),
                ("code", code.as_str()),
                ("redirect_uri", CALLBACK),
                ("code_verifier", super::harness::VERIFIER),
            ]);
        async move { Reply::read(request.send().await.unwrap()).await }
    };
    let tokens = redeem(secret.clone(), params["code"].clone()).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text);

    let rotated = call(&stand, TOKEN, Method::POST, &format!("{path}/secret"), None).await;
    assert_eq!(rotated.status, 200, "{}", rotated.text);
    assert_ne!(rotated.json["client_secret"], json!(secret));
    let old = redeem(secret, "x".to_owned()).await;
    assert_eq!(old.error(), "invalid_client", "the old secret ends at once");

    let mut changed = books();
    changed["metadata"]["client_name"] = json!("More books");
    let stale =
        stand.http.put(url(&stand, &path)).bearer_auth(TOKEN).header("if-match", "\"1\"").json(&changed);
    let stale = Reply::read(stale.send().await.unwrap()).await;
    assert_eq!((stale.status, stale.error()), (412, "changed_meanwhile"), "{}", stale.text);
    let put = call(&stand, TOKEN, Method::PUT, &path, Some(&changed)).await;
    assert_eq!((put.status, &put.json["metadata"]["client_name"]), (200, &json!("More books")));

    let access = tokens.json["access_token"].as_str().unwrap();
    assert_eq!(stand.userinfo(access).await.status, 200);
    assert_eq!(call(&stand, TOKEN, Method::DELETE, &path, None).await.status, 204);
    assert_eq!(stand.userinfo(access).await.status, 401, "what it had ends with it");
    assert_eq!(get(&stand, &path).await.status, 404);
}

#[tokio::test]
async fn a_client_that_comes_from_elsewhere_brings_its_secret_along() {
    let stand = stand().await;
    let mut client = books();
    client["client_id"] = json!("books-web");
    client["client_secret"] = json!("a secret of the old server, 43 characters ~");
    client["metadata"]["grant_types"] = json!(["client_credentials"]);
    let created = call(&stand, TOKEN, Method::POST, "/clients", Some(&client)).await;
    assert_eq!(created.status, 201, "{}", created.text);
    assert!(created.json["client_secret"].is_null(), "who brings it knows it");
    let authenticates = async |secret: &str| {
        let request = stand.http.post(format!("{}/token", stand.issuer));
        let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let request = request.basic_auth("books-web", Some(encoded));
        Reply::read(request.form(&[("grant_type", "client_credentials")]).send().await.unwrap()).await.status
    };
    assert_eq!(authenticates("a secret of the old server, 43 characters ~").await, 200);

    for (secret, method, why) in [
        ("thirty-one-characters-are-no-key", "none", "it has no use for one"),
        ("thirty-one-characters-are-no-ke", "client_secret_basic", "it is short"),
        ("a secret with a line break in it, \n and more", "client_secret_basic", "it is not printable"),
        ("demo-secret-for-development-only-0123456789", "client_secret_basic", "everybody knows it"),
    ] {
        let mut wrong = client.clone();
        wrong["client_secret"] = json!(secret);
        wrong["metadata"]["token_endpoint_auth_method"] = json!(method);
        let refused = call(&stand, TOKEN, Method::PUT, "/clients/books-web", Some(&wrong)).await;
        assert_eq!(refused.status, 422, "{why}: {}", refused.text);
        assert!(!refused.text.contains(secret), "{why}");
    }
    assert_eq!(
        authenticates("a secret of the old server, 43 characters ~").await,
        200,
        "nothing was changed"
    );

    client["client_secret"] = json!("another one, that replaces it: 0123456789");
    assert_eq!(call(&stand, TOKEN, Method::PUT, "/clients/books-web", Some(&client)).await.status, 200);
    assert_eq!(authenticates("another one, that replaces it: 0123456789").await, 200);
    assert_eq!(authenticates("a secret of the old server, 43 characters ~").await, 401);
}

#[tokio::test]
async fn what_cannot_be_registered_is_pointed_at_and_changes_nothing() {
    let stand = stand().await;
    for (body, pointer) in [
        (json!({ "metadata": { "redirect_uris": ["ftp://x"] } }), "/metadata"),
        (json!({ "metadata": {}, "colour": "red" }), "/colour"),
        (json!({ "metadata": { "redirect_uris": [CALLBACK] }, "settings": { "colour": 1 } }), "/settings"),
        (
            json!({ "metadata": { "redirect_uris": [CALLBACK] }, "settings": { "consent": "implicit" } }),
            "/settings/consent",
        ),
        (
            json!({ "metadata": { "redirect_uris": [CALLBACK] },
                "settings": { "refresh_token": { "grace": 301 } } }),
            "/settings/refresh_token/grace",
        ),
        (
            json!({ "metadata": { "redirect_uris": [CALLBACK] },
                "settings": { "access_token": { "signing_alg": "HS256" } } }),
            "/settings/access_token/signing_alg",
        ),
        (
            json!({ "metadata": { "redirect_uris": [CALLBACK] },
                "settings": { "access_token": { "claims": { "sub": "root" } } } }),
            "/settings/access_token/claims",
        ),
        (
            json!({ "metadata": { "redirect_uris": [CALLBACK] },
                "settings": { "access_token": { "profile": "unknown" } } }),
            "/settings/access_token/profile",
        ),
        (
            json!({
                "metadata": {
                    "redirect_uris": [CALLBACK], "response_types": ["code", "code token"],
                    "grant_types": ["authorization_code", "implicit"],
                },
                "settings": { "access_token": { "sender_constraint": "required" } },
            }),
            "/settings/access_token/sender_constraint",
        ),
        (json!({ "client_id": "a\nb", "metadata": { "redirect_uris": [CALLBACK] } }), "/client_id"),
    ] {
        let reply = call(&stand, TOKEN, Method::POST, "/clients", Some(&body)).await;
        assert_eq!((reply.status, reply.error()), (422, "invalid_answer"), "{body}: {}", reply.text);
        let at = reply.json["errors"][0]["pointer"].as_str().unwrap();
        assert!(at.starts_with(pointer), "{at} is not {pointer}");
    }
    let taken = json!({ "client_id": "web", "metadata": { "redirect_uris": [CALLBACK] } });
    let reply = call(&stand, TOKEN, Method::POST, "/clients", Some(&taken)).await;
    assert_eq!((reply.status, reply.error()), (409, "client_exists"));
    for (method, path) in [(Method::DELETE, "/clients/web"), (Method::POST, "/clients/web/secret")] {
        let reply = call(&stand, TOKEN, method, path, None).await;
        assert_eq!((reply.status, reply.error()), (409, "client_configured"));
    }
}

#[tokio::test]
async fn a_client_whose_id_a_path_cannot_hold_is_managed_like_any_other() {
    let stand = stand().await;
    let id = "https://app.example/a b?c=d&e+f%2F";
    let mut body = books();
    body["client_id"] = json!(id);
    let created = call(&stand, TOKEN, Method::POST, "/clients", Some(&body)).await;
    assert_eq!((created.status, &created.json["client_id"]), (201, &json!(id)), "{}", created.text);
    let path = "/clients/https%3A%2F%2Fapp.example%2Fa%20b%3Fc%3Dd%26e%2Bf%252F";
    assert_eq!(get(&stand, path).await.json["client_id"], json!(id));
    assert_eq!(call(&stand, TOKEN, Method::POST, &format!("{path}/secret"), None).await.status, 200);
    assert_eq!(call(&stand, TOKEN, Method::PUT, path, Some(&body)).await.status, 200);
    assert_eq!(call(&stand, TOKEN, Method::DELETE, path, None).await.status, 204);
    assert_eq!(get(&stand, path).await.status, 404);
}
