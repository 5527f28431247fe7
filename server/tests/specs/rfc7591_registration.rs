//! RFC 7591, RFC 7592: clients register themselves, within what the operator allows.

use placet_sdk::grant::Object;
use placet_server::{config::RegistrationMode, seal::hex};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    harness::{Browser, Reply, Stand, VERIFIER},
    helpers::text,
};

const URI: &str = "https://dynamic.example/cb";

async fn send(stand: &Stand, method: Method, path: &str, token: Option<&str>, body: Option<&Value>) -> Reply {
    let mut request = stand.http.request(method, format!("{}{path}", stand.issuer));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    if let Some(body) = body {
        request = request.json(body);
    }
    Reply::read(request.send().await.unwrap()).await
}

async fn register(stand: &Stand, extra: Value) -> Reply {
    let mut body = json!({ "redirect_uris": [URI] });
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    send(stand, Method::POST, "/register", None, Some(&body)).await
}

/// A registration at work.
struct Mine {
    path: String,
    token: String,
    id: String,
    metadata: Object,
}

impl Mine {
    async fn new(stand: &Stand, extra: Value) -> Self {
        let reply = register(stand, extra).await;
        assert_eq!(reply.status, 201, "{}", reply.text);
        let mut metadata = reply.json.as_object().unwrap().clone();
        for own in [
            "registration_access_token",
            "registration_client_uri",
            "client_secret_expires_at",
            "client_id_issued_at",
        ] {
            metadata.remove(own);
        }
        let id = text(&reply.json["client_id"]);
        assert_eq!(reply.json["registration_client_uri"], format!("{}/register/{id}", stand.issuer));
        Self {
            path: format!("/register/{id}"),
            token: text(&reply.json["registration_access_token"]),
            id,
            metadata,
        }
    }

    async fn call(&self, stand: &Stand, method: Method, body: Option<Value>) -> Reply {
        send(stand, method, &self.path, Some(&self.token), body.as_ref()).await
    }

    async fn update(&self, stand: &Stand, change: Value) -> Reply {
        let mut body = self.metadata.clone();
        body.extend(change.as_object().unwrap().clone());
        self.call(stand, Method::PUT, Some(Value::Object(body))).await
    }
}

/// Whether a secret authenticates a client: wrong credentials are 401, a wrong code is 400.
async fn authenticates(stand: &Stand, id: &str, secret: &str) -> bool {
    let form = [("grant_type", "authorization_code"), ("code", "x"), ("redirect_uri", URI)];
    let request = stand.http.post(format!("{}/token", stand.issuer)).basic_auth(id, Some(secret)).form(&form);
    request.send().await.unwrap().status() == 400
}

async fn tokens(stand: &Stand, mine: &Mine) -> Value {
    let extra = [("redirect_uri", URI), ("scope", "openid offline_access"), ("prompt", "consent")];
    let params = stand.sign_in(&mut Browser::new(), &mine.id, &extra).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", params["code"].as_str()),
        ("redirect_uri", URI),
        ("code_verifier", VERIFIER),
    ];
    let secret = text(&mine.metadata["client_secret"]);
    let request =
        stand.http.post(format!("{}/token", stand.issuer)).basic_auth(&mine.id, Some(secret)).form(&form);
    Reply::read(request.send().await.unwrap()).await.json
}

#[tokio::test]
async fn a_client_registers_and_can_be_used_at_once() {
    let stand = Stand::start().await;
    let reply =
        register(&stand, json!({ "client_name": "New", "client_name#de": "Neu", "unknown": 1 })).await;
    assert_eq!(reply.status, 201);
    assert_eq!(reply.header("cache-control"), "no-store");
    assert_eq!(reply.json["client_secret_expires_at"], 0);
    assert_eq!(reply.json["client_id_issued_at"], stand.now());
    assert_eq!(reply.json["token_endpoint_auth_method"], "client_secret_basic");
    assert_eq!(reply.json["grant_types"], json!(["authorization_code"]));
    assert_eq!(reply.json["response_types"], json!(["code"]));
    assert_eq!((&reply.json["client_name"], &reply.json["client_name#de"]), (&json!("New"), &json!("Neu")));
    assert!(reply.json.get("unknown").is_none());
    let (id, secret) = (text(&reply.json["client_id"]), text(&reply.json["client_secret"]));
    assert!(id.len() >= 22 && secret.len() >= 43);
    assert!(authenticates(&stand, &id, &secret).await);
    assert!(!authenticates(&stand, &id, "wrong").await);
}

#[tokio::test]
async fn a_public_client_gets_no_secret() {
    let stand = Stand::start().await;
    let reply = register(&stand, json!({ "token_endpoint_auth_method": "none" })).await;
    assert_eq!(reply.status, 201);
    assert!(reply.json.get("client_secret").is_none());
}

#[tokio::test]
async fn the_operator_decides_who_may_register() {
    let closed = Stand::with(|c| c.registration.mode = RegistrationMode::Closed).await;
    let reply = register(&closed, json!({})).await;
    assert_eq!((reply.status, reply.error()), (403, "insufficient_scope"));
    let token = "initial-access-token-0123456789";
    let guarded = Stand::with(|c| {
        c.registration.mode = RegistrationMode::InitialAccessToken;
        c.registration.initial_access_token_sha256 = vec![hex(&Sha256::digest(token))];
    })
    .await;
    let body = json!({ "redirect_uris": [URI] });
    for (presented, status) in [(None, 401), (Some("wrong"), 401), (Some(token), 201), (Some(token), 201)] {
        let reply = send(&guarded, Method::POST, "/register", presented, Some(&body)).await;
        assert_eq!(reply.status, status, "{presented:?}");
    }
}

#[tokio::test]
async fn nobody_grants_themselves_what_only_the_operator_gives() {
    let stand = Stand::start().await;
    for (extra, member) in [
        (json!({ "grant_types": ["authorization_code", "client_credentials"] }), "grant_types"),
        (json!({ "grant_types": ["password"] }), "grant_types"),
        (json!({ "grant_types": ["urn:ietf:params:oauth:grant-type:token-exchange"] }), "grant_types"),
        (json!({ "scope": "openid ui" }), "scope"),
        (json!({ "scope": "admin" }), "scope"),
        (json!({ "scope": "openid reports.read" }), "scope"),
        (json!({ "token_endpoint_auth_method": "private_key_jwt" }), "token_endpoint_auth_method"),
    ] {
        let reply = register(&stand, extra.clone()).await;
        assert_eq!((reply.status, reply.error()), (400, "invalid_client_metadata"), "{extra}");
        assert!(text(&reply.json["error_description"]).contains(member), "{}", reply.text);
    }
    let reply = register(
        &stand,
        json!({ "first_party": true, "consent": "implicit", "settings": { "introspect_all": true },
            "data": {}, "client_id": "web", "client_secret": "chosen" }),
    )
    .await;
    assert_eq!(reply.status, 201);
    for member in ["first_party", "consent", "settings", "data"] {
        assert!(reply.json.get(member).is_none(), "{member}");
    }
    assert_ne!(reply.json["client_id"], "web");
    assert_ne!(reply.json["client_secret"], "chosen");
    assert!(!text(&reply.json["scope"]).contains("reports"), "the default is what is allowed");
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let stand = Stand::start().await;
    for (extra, error, member) in [
        (json!({ "redirect_uris": [] }), "invalid_redirect_uri", "redirect_uris"),
        (json!({ "redirect_uris": ["http://evil.example/"] }), "invalid_redirect_uri", "redirect_uris"),
        (json!({ "redirect_uris": ["https://a.example/#f"] }), "invalid_redirect_uri", "redirect_uris"),
        (json!({ "redirect_uris": ["javascript:alert(1)"] }), "invalid_redirect_uri", "redirect_uris"),
        (json!({ "redirect_uris": "https://a.example/" }), "invalid_client_metadata", "redirect_uris"),
        (json!({ "response_types": ["id_token"] }), "invalid_client_metadata", "response_types"),
        (
            json!({ "id_token_signed_response_alg": "none" }),
            "invalid_client_metadata",
            "id_token_signed_response_alg",
        ),
        (
            json!({ "id_token_signed_response_alg": "HS256", "token_endpoint_auth_method": "none" }),
            "invalid_client_metadata",
            "id_token_signed_response_alg",
        ),
        (
            json!({ "userinfo_signed_response_alg": "RS1" }),
            "invalid_client_metadata",
            "userinfo_signed_response_alg",
        ),
        (json!({ "logo_uri": "javascript:alert(1)" }), "invalid_client_metadata", "logo_uri"),
        (
            json!({ "post_logout_redirect_uris": ["data:x"] }),
            "invalid_client_metadata",
            "post_logout_redirect_uris",
        ),
        (json!({ "client_name": 7 }), "invalid_client_metadata", "client_name"),
        (json!({ "client_name": "x".repeat(3000) }), "invalid_client_metadata", "client_name"),
        (json!({ "default_max_age": -1 }), "invalid_client_metadata", "default_max_age"),
    ] {
        let reply = register(&stand, extra.clone()).await;
        assert_eq!((reply.status, reply.error()), (400, error), "{extra}");
        assert!(text(&reply.json["error_description"]).contains(&format!("`{member}`")), "{}", reply.text);
    }
}

#[tokio::test]
async fn a_registration_is_read_replaced_and_deleted_by_its_own_token() {
    let stand = Stand::start().await;
    let mine =
        Mine::new(&stand, json!({ "client_name": "Old", "policy_uri": "https://dynamic.example/p" })).await;
    let read = mine.call(&stand, Method::GET, None).await;
    assert_eq!((read.status, &read.json["client_name"]), (200, &json!("Old")));
    assert!(read.json.get("client_secret").is_none(), "nobody here knows it any more");

    let body = json!({ "client_id": mine.id, "redirect_uris": [URI], "client_name": "New" });
    let updated = mine.call(&stand, Method::PUT, Some(body)).await;
    assert_eq!((updated.status, &updated.json["client_name"]), (200, &json!("New")));
    let read = mine.call(&stand, Method::GET, None).await;
    assert!(read.json.get("policy_uri").is_none(), "an update replaces everything");
    let secret = text(&mine.metadata["client_secret"]);
    assert!(authenticates(&stand, &mine.id, &secret).await, "the secret stays");

    let deleted = mine.call(&stand, Method::DELETE, None).await;
    assert_eq!((deleted.status, deleted.text.as_str()), (204, ""));
    assert_eq!(mine.call(&stand, Method::GET, None).await.status, 401);
    assert!(!authenticates(&stand, &mine.id, &secret).await);
}

#[tokio::test]
async fn updates_are_checked_like_creations_and_change_nothing_when_refused() {
    let stand = Stand::start().await;
    let mine = Mine::new(&stand, json!({ "client_name": "Old" })).await;
    for change in [
        json!({ "scope": "openid admin" }),
        json!({ "grant_types": ["client_credentials"] }),
        json!({ "redirect_uris": [] }),
        json!({ "client_id": "web" }),
        json!({ "client_id": null }),
        json!({ "client_secret": "a-secret-of-my-own-choice-0123456789" }),
        json!({ "registration_access_token": mine.token }),
        json!({ "client_secret_expires_at": 0 }),
        json!({ "client_id_issued_at": 1 }),
    ] {
        let reply = mine.update(&stand, change.clone()).await;
        assert_eq!(reply.status, 400, "{change}");
    }
    let read = mine.call(&stand, Method::GET, None).await.json;
    assert_eq!((&read["client_name"], &read["redirect_uris"]), (&json!("Old"), &json!([URI])));
}

#[tokio::test]
async fn the_secret_comes_and_goes_with_the_method() {
    let stand = Stand::start().await;
    let mine = Mine::new(&stand, json!({})).await;
    let secret = text(&mine.metadata["client_secret"]);
    let public = mine.update(&stand, json!({ "token_endpoint_auth_method": "none" })).await;
    assert_eq!(public.status, 200, "{}", public.text);
    assert!(public.json.get("client_secret").is_none());
    assert!(!authenticates(&stand, &mine.id, &secret).await);
    let back = json!({ "client_secret": null, "token_endpoint_auth_method": "client_secret_basic" });
    let again = mine.update(&stand, back).await;
    let fresh = text(&again.json["client_secret"]);
    assert_ne!(fresh, secret);
    assert!(authenticates(&stand, &mine.id, &fresh).await);
    assert!(!authenticates(&stand, &mine.id, &secret).await);
}

#[tokio::test]
async fn a_wrong_token_an_unknown_client_and_one_of_the_operator_look_alike() {
    let stand = Stand::start().await;
    let (mine, foreign) = (Mine::new(&stand, json!({})).await, Mine::new(&stand, json!({})).await);
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let body = (method == Method::PUT).then(|| json!({ "client_id": "x", "redirect_uris": [URI] }));
        let mut seen = Vec::new();
        for (path, token) in [
            (mine.path.as_str(), foreign.token.as_str()),
            (&mine.path, "wrong"),
            ("/register/unknown", &mine.token),
            ("/register/web", &mine.token),
            ("/register/web", super::harness::SECRET),
        ] {
            let reply = send(&stand, method.clone(), path, Some(token), body.as_ref()).await;
            seen.push((reply.status, reply.text.clone(), reply.header("www-authenticate").to_owned()));
        }
        assert_eq!((seen[0].0, seen[0].1.contains("invalid_token")), (401, true));
        assert!(seen.iter().all(|s| *s == seen[0]), "{seen:?}");
        assert_eq!(send(&stand, method, &mine.path, None, body.as_ref()).await.status, 401);
    }
    assert_eq!(mine.call(&stand, Method::GET, None).await.status, 200);
}

#[tokio::test]
async fn with_a_client_dies_everything_it_had() {
    let stand = Stand::start().await;
    let grants = json!({ "grant_types": ["authorization_code", "refresh_token"] });
    let mine = Mine::new(&stand, grants).await;
    let tokens = tokens(&stand, &mine).await;
    let access = text(&tokens["access_token"]);
    assert!(tokens["refresh_token"].is_string());
    assert_eq!(stand.userinfo(&access).await.status, 200);
    assert_eq!(mine.call(&stand, Method::DELETE, None).await.status, 204);
    assert_eq!(stand.userinfo(&access).await.status, 401);
    let reply = Browser::new().authorize(&stand, &mine.id, &[("redirect_uri", URI)]).await;
    assert_eq!(reply.status, 400);
    for path in ["/consents?sub=alice", "/authorizations?sub=alice"] {
        let list = stand.call(super::harness::HEADLESS, Method::GET, path, None).await;
        assert_eq!(list.json["items"], json!([]), "{path}");
    }
}

#[tokio::test]
async fn a_body_that_is_no_json_object_is_refused() {
    let stand = Stand::start().await;
    for (media_type, body) in [
        ("text/plain", "{}"),
        ("application/json", ""),
        ("application/json", "[]"),
        ("application/json", "{"),
        (
            "application/json",
            r#"{"redirect_uris":["https://a.example/"],"redirect_uris":["https://b.example/"]}"#,
        ),
        ("application/json", "{} {}"),
    ] {
        let request = stand
            .http
            .post(format!("{}/register", stand.issuer))
            .header("content-type", media_type)
            .body(body);
        let reply = Reply::read(request.send().await.unwrap()).await;
        assert_eq!((reply.status, reply.error()), (400, "invalid_client_metadata"), "{media_type} {body}");
    }
}

#[tokio::test]
async fn a_code_never_goes_to_a_redirect_uri_that_was_taken_away_meanwhile() {
    let stand = Stand::start().await;
    let registered = stand
        .http
        .post(format!("{}/register", stand.issuer))
        .json(&serde_json::json!({
            "redirect_uris": ["https://old.example/cb", "https://new.example/cb"], "scope": "openid email",
        }))
        .send()
        .await
        .unwrap();
    let registered = super::harness::Reply::read(registered).await.json;
    let text = |name: &str| registered[name].as_str().unwrap().to_owned();
    let mut browser = super::harness::Browser::new();
    let client_id = text("client_id");
    let extra = [("redirect_uri", "https://old.example/cb")];
    let id = browser.authorize(&stand, &client_id, &extra).await.interaction();
    stand.answer(&id, 1, &super::harness::auth("alice")).await;
    let consent = serde_json::json!({ "type": "consent", "accept_all": true });
    let done = stand.answer(&id, 2, &consent).await;
    let update = serde_json::json!({
        "client_id": client_id, "redirect_uris": ["https://new.example/cb"], "scope": "openid email",
    });
    let request = stand
        .http
        .put(text("registration_client_uri"))
        .bearer_auth(text("registration_access_token"))
        .json(&update);
    assert_eq!(request.send().await.unwrap().status(), 200);
    let back = browser.get(done.json["response"]["delivery"]["uri"].as_str().unwrap()).await;
    assert_eq!(back.status, 400, "{back:?}");
    assert!(back.headers.get("location").is_none());
}
