//! The headless front door: the login app is the authorization endpoint and keeps the browser itself.

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    harness::{Browser, CALLBACK, CHALLENGE, HEADLESS, Reply, Stand, UI, auth, claims, query},
    helpers::{header, text},
};

const BINDING: &str = "binding-of-the-browser-0123456789";

fn request(client: &str, extra: &[(&str, &str)]) -> String {
    let mut params = vec![
        ("client_id", client),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid email"),
        ("state", "s"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    params.retain(|(name, _)| extra.iter().all(|(n, _)| n != name));
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(params).extend_pairs(extra).finish()
}

fn opening(query: &str, sessions: &[&str]) -> Value {
    json!({
        "kind": "authorization", "request": { "method": "GET", "query": query },
        "browser": { "binding": BINDING, "sessions": sessions },
    })
}

async fn send(stand: &Stand, method: Method, path: &str, headers: &[(&str, &str)], body: &Value) -> Reply {
    let mut request =
        stand.http.request(method, format!("{}{path}", stand.api)).bearer_auth(HEADLESS).json(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Reply::read(request.send().await.unwrap()).await
}

async fn open(stand: &Stand, body: &Value) -> Value {
    let reply = stand.call(HEADLESS, Method::POST, "/interactions", Some(body)).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    assert!(reply.header("location").ends_with(reply.json["id"].as_str().unwrap()));
    reply.json
}

async fn answer(stand: &Stand, prompt: &Value, body: &Value) -> Reply {
    let path = format!("/interactions/{}/steps/{}", prompt["id"].as_str().unwrap(), prompt["step"]);
    send(stand, Method::PUT, &path, &[("placet-browser-binding", BINDING)], body).await
}

/// Answers everything with yes, and with this grant; gives the response.
async fn granted(stand: &Stand, query: &str, consent: &Value) -> Reply {
    let prompt = open(stand, &opening(query, &[])).await;
    let prompt = answer(stand, &prompt, &auth("alice")).await.json;
    answer(stand, &prompt, consent).await
}

fn all() -> Value {
    json!({ "type": "consent", "accept_all": true, "remember": { "mode": "always" } })
}

async fn redeemed(stand: &Stand, client: &str, reply: &Reply) -> Value {
    assert_eq!(reply.json["type"], "response", "{}", reply.text);
    let params = query(reply.json["response"]["delivery"]["uri"].as_str().unwrap());
    let tokens = stand.redeem(client, &params["code"]).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text);
    tokens.json
}

#[tokio::test]
async fn the_app_gets_the_response_and_the_cookie_to_set() {
    let stand = Stand::start().await;
    for method in ["GET", "POST"] {
        let mut body = opening("", &[]);
        let member = if method == "GET" { "query" } else { "form" };
        body["request"] = json!({ "method": method, member: request("web", &[]) });
        let prompt = open(&stand, &body).await;
        assert_eq!((&prompt["type"], &prompt["step"]), (&json!("auth"), &json!(1)));
        let prompt = answer(&stand, &prompt, &auth("alice")).await.json;
        let done = answer(&stand, &prompt, &json!({ "type": "consent", "accept_all": true })).await;
        let response = &done.json["response"];
        assert_eq!(
            (&response["outcome"], &response["delivery"]["method"]),
            (&json!("success"), &json!("redirect"))
        );
        let uri = response["delivery"]["uri"].as_str().unwrap();
        assert!(uri.starts_with(&format!("{CALLBACK}?code=")), "{uri}");
        assert_eq!(query(uri)["iss"], stand.issuer);
        assert_eq!(response["session"]["cookie"]["name"], "placet-sso");
        assert!(text(&response["session"]["id"]).starts_with("ses_"));
        assert_eq!(claims(&text(&redeemed(&stand, "web", &done).await["id_token"]))["sub"], "alice");
    }
}

#[tokio::test]
async fn the_sessions_of_the_browser_are_its_single_sign_on() {
    let stand = Stand::start().await;
    let done = granted(&stand, &request("web", &[]), &all()).await;
    let handle = text(&done.json["response"]["session"]["cookie"]["value"]);
    let again = open(&stand, &opening(&request("web", &[]), &[&handle])).await;
    assert_eq!(again["type"], "response");
    assert!(query(again["response"]["delivery"]["uri"].as_str().unwrap()).contains_key("code"));
    let id = text(&done.json["response"]["session"]["id"]);
    let by_id = open(&stand, &opening(&request("web", &[]), &[&id])).await;
    assert_eq!(by_id["type"], "auth", "the id of a session is no credential");
}

#[tokio::test]
async fn prompt_none_is_answered_without_asking() {
    let stand = Stand::start().await;
    let silent = request("web", &[("prompt", "none")]);
    let refused = open(&stand, &opening(&silent, &[])).await;
    assert_eq!(
        (&refused["type"], &refused["response"]["error"]),
        (&json!("response"), &json!("login_required"))
    );
    let uri = text(&refused["response"]["delivery"]["uri"]);
    assert_eq!(query(&uri)["error"], "login_required");
    let done = granted(&stand, &request("web", &[]), &all()).await;
    let handle = text(&done.json["response"]["session"]["cookie"]["value"]);
    let granted = open(&stand, &opening(&silent, &[&handle])).await;
    assert_eq!(granted["response"]["outcome"], "success");
}

#[tokio::test]
async fn a_request_without_a_safe_destination_is_an_error_prompt() {
    let stand = Stand::start().await;
    for query in
        [request("nobody", &[]), request("web", &[("redirect_uri", "https://evil.example/")]), String::new()]
    {
        let prompt = open(&stand, &opening(&query, &[])).await;
        assert_eq!(prompt["type"], "error", "{prompt}");
        assert!(prompt.get("response").is_none());
    }
    let bad = open(&stand, &opening(&request("web", &[("resource", "https://unknown.example")]), &[])).await;
    assert_eq!(bad["response"]["error"], "invalid_target");
}

#[tokio::test]
async fn every_answer_must_come_from_the_browser_that_opened() {
    let stand = Stand::start().await;
    let mut body = opening(&request("web", &[]), &[]);
    for binding in [Value::Null, json!("short"), json!("x".repeat(256))] {
        body["browser"]["binding"] = binding;
        let refused = stand.call(HEADLESS, Method::POST, "/interactions", Some(&body)).await;
        assert_eq!((refused.status, refused.error()), (422, "invalid_answer"));
        assert_eq!(refused.json["errors"][0]["pointer"], "/browser/binding");
    }
    let prompt = open(&stand, &opening(&request("web", &[]), &[])).await;
    let id = prompt["id"].as_str().unwrap();
    for headers in [vec![], vec![("placet-browser-binding", "binding-of-another-browser-0123456789")]] {
        let path = format!("/interactions/{id}/steps/1");
        let refused = send(&stand, Method::PUT, &path, &headers, &auth("alice")).await;
        assert_eq!((refused.status, refused.error()), (403, "binding_mismatch"));
        let path = format!("/interactions/{id}/data");
        let refused = send(&stand, Method::PUT, &path, &headers, &json!({})).await;
        assert_eq!((refused.status, refused.error()), (403, "binding_mismatch"));
    }
    assert_eq!(answer(&stand, &prompt, &auth("alice")).await.status, 200);
}

#[tokio::test]
async fn the_redirect_app_may_not_open_anything() {
    let stand = Stand::start().await;
    let body = opening(&request("web", &[]), &[]);
    let refused = stand.call(UI, Method::POST, "/interactions", Some(&body)).await;
    assert_eq!((refused.status, refused.error()), (403, "capability_missing"));
}

#[tokio::test]
async fn an_idempotency_key_opens_once() {
    let stand = Stand::start().await;
    let key = [("idempotency-key", "key-1")];
    let body = opening(&request("web", &[]), &[]);
    let post = async |body: &Value| send(&stand, Method::POST, "/interactions", &key, body).await;
    let first = post(&body).await;
    assert_eq!(first.status, 201);
    assert_eq!(post(&body).await.json, first.json);
    let other = post(&opening(&request("other", &[]), &[])).await;
    assert_eq!((other.status, other.error()), (422, "idempotency_conflict"));
    let without = open(&stand, &body).await;
    assert_ne!(without["id"], first.json["id"]);
    stand.clock.advance(601);
    assert_ne!(post(&body).await.json["id"], first.json["id"]);
}

#[tokio::test]
async fn a_body_that_names_what_is_not_there_is_refused() {
    let stand = Stand::start().await;
    let browser = json!({ "binding": BINDING });
    for (body, pointer) in [
        (json!({ "kind": "authorization", "browser": browser }), "/request"),
        (
            json!({ "kind": "authorization", "request": { "method": "GET" }, "browser": browser }),
            "/request/query",
        ),
        (json!({ "kind": "ciba", "browser": browser }), "/kind"),
        (json!({ "kind": "dance", "browser": browser }), "/kind"),
        (json!({ "kind": "logout", "initiator": "op", "browser": browser }), "/session_id"),
    ] {
        let reply = stand.call(HEADLESS, Method::POST, "/interactions", Some(&body)).await;
        assert_eq!((reply.status, reply.error()), (422, "invalid_answer"), "{body}");
        assert_eq!(reply.json["errors"][0]["pointer"], pointer, "{}", reply.text);
    }
}

#[tokio::test]
async fn a_logout_is_confirmed_here_too_and_says_which_cookies_to_clear() {
    let stand = Stand::start().await;
    for op in [true, false] {
        let done =
            granted(&stand, &request("web", &[]), &json!({ "type": "consent", "accept_all": true })).await;
        let handle = text(&done.json["response"]["session"]["cookie"]["value"]);
        let mut body = json!({
            "kind": "logout", "browser": { "binding": BINDING, "sessions": [handle] },
        });
        if op {
            body["initiator"] = json!("op");
            body["sub"] = json!("alice");
        } else {
            let query = "client_id=web&post_logout_redirect_uri=https%3A%2F%2Fclient.example%2Fbye&state=x";
            body["request"] = json!({ "method": "GET", "query": query });
        }
        let prompt = open(&stand, &body).await;
        assert_eq!(prompt["type"], "confirm", "{prompt}");
        assert_eq!(prompt["logout"]["initiator"], if op { "op" } else { "rp" });
        let yes = json!({ "type": "confirm", "accepted": true, "scope": "session" });
        let ended = answer(&stand, &prompt, &yes).await.json;
        assert_eq!(ended["response"]["logout"]["clear_cookies"], json!(["placet-sso"]), "{ended}");
        if !op {
            assert_eq!(ended["response"]["delivery"]["uri"], "https://client.example/bye?state=x");
        }
        let again = open(&stand, &opening(&request("web", &[]), &[&handle])).await;
        assert_eq!(again["type"], "auth");
    }
}

#[tokio::test]
async fn an_app_with_set_tokens_shapes_the_tokens() {
    let stand = Stand::start().await;
    let consent = json!({ "type": "consent", "accept_all": true, "grant": {
        "access_token": { "encoding": "opaque", "lifetime": 60, "claims": { "tier": "gold" } },
        "id_token": { "lifetime": 30, "claims": { "department": "books" } },
        "userinfo": { "claims": { "points": 7 } },
        "refresh_token": { "issue": true, "lifetime": 100 },
    } });
    let done = granted(&stand, &request("web", &[]), &consent).await;
    let tokens = redeemed(&stand, "web", &done).await;
    let access = text(&tokens["access_token"]);
    assert!(!access.contains('.'));
    assert_eq!(tokens["expires_in"], 60);
    let seen = stand.post("/introspect", "web", &[("token", &access)]).await.json;
    assert_eq!((&seen["tier"], &seen["exp"]), (&json!("gold"), &json!(stand.now() + 60)));
    let id = claims(&text(&tokens["id_token"]));
    assert_eq!((&id["department"], &id["exp"]), (&json!("books"), &json!(stand.now() + 30)));
    assert_eq!(stand.userinfo(&access).await.json["points"], 7);
    let refreshing = text(&tokens["refresh_token"]);
    stand.clock.advance(99);
    let again = super::helpers::refresh(&stand, "web", &refreshing).await;
    assert_eq!(again.status, 200, "{}", again.text);
    stand.clock.advance(1);
    let over = super::helpers::refresh(&stand, "web", &text(&again.json["refresh_token"])).await;
    assert_eq!(over.error(), "invalid_grant");
}

#[tokio::test]
async fn what_goes_beyond_the_operators_limits_is_refused_and_the_step_stays() {
    let stand = Stand::start().await;
    let prompt = open(&stand, &opening(&request("single", &[]), &[])).await;
    let prompt = answer(&stand, &prompt, &auth("alice")).await.json;
    for (grant, pointer, code) in [
        (json!({ "access_token": { "lifetime": 601 } }), "/grant/access_token/lifetime", "limit"),
        (json!({ "access_token": { "lifetime": 0 } }), "/grant/access_token/lifetime", "limit"),
        (json!({ "access_token": { "single_use": false } }), "/grant/access_token/single_use", "limit"),
        (
            json!({ "access_token": { "audience": ["https://api.example"] } }),
            "/grant/access_token/audience",
            "limit",
        ),
        (
            json!({ "access_token": { "claims": { "sub": "x" } } }),
            "/grant/access_token/claims/sub",
            "reserved",
        ),
        (json!({ "id_token": { "lifetime": 601 } }), "/grant/id_token/lifetime", "limit"),
        (json!({ "id_token": { "audience": ["x"] } }), "/grant/id_token/audience", "limit"),
        (json!({ "id_token": { "claims": { "nonce": "x" } } }), "/grant/id_token/claims/nonce", "reserved"),
        (json!({ "userinfo": { "claims": { "iss": "x" } } }), "/grant/userinfo/claims/iss", "reserved"),
        (json!({ "refresh_token": { "lifetime": 15_552_001 } }), "/grant/refresh_token/lifetime", "limit"),
        (json!({ "refresh_token": { "grace": 61 } }), "/grant/refresh_token/grace", "limit"),
        (json!({ "data": { "x": "y".repeat(9000) } }), "/grant/data", "too_large"),
    ] {
        let body = json!({ "type": "consent", "accept_all": true, "grant": grant });
        let refused = answer(&stand, &prompt, &body).await;
        assert_eq!((refused.status, refused.error()), (422, "invalid_answer"), "{grant}: {}", refused.text);
        let error = &refused.json["errors"][0];
        assert_eq!((&error["pointer"], &error["code"]), (&json!(pointer), &json!(code)), "{grant}");
    }
    assert_eq!(answer(&stand, &prompt, &all()).await.json["type"], "response");
}

#[tokio::test]
async fn impersonation_needs_its_capability_and_keeps_nobodys_consent() {
    let stand = Stand::start().await;
    let consent = json!({ "type": "consent", "accept_all": true, "grant": { "sub": "bob" } });
    let done = granted(&stand, &request("web", &[]), &consent).await;
    let tokens = redeemed(&stand, "web", &done).await;
    assert_eq!(claims(&text(&tokens["id_token"]))["sub"], "bob");
    let sessions = stand.call(HEADLESS, Method::GET, "/sessions?sub=bob", None).await.json;
    assert_eq!(sessions["items"], json!([]), "bob was not signed in");

    let without = Stand::with(|config| config.ui[1].capabilities.clear()).await;
    let refused = granted(&without, &request("web", &[]), &consent).await;
    assert_eq!((refused.status, refused.error()), (403, "capability_missing"));
    assert_eq!(refused.json["errors"][0]["pointer"], "/grant/sub");
    let denied = Stand::with(|config| config.ui[1].sub_deny = vec!["bo*".to_owned()]).await;
    assert_eq!(granted(&denied, &request("web", &[]), &consent).await.status, 403);
}

#[tokio::test]
async fn widening_the_scope_needs_its_capability_and_has_limits() {
    let stand = Stand::with(|config| {
        super::helpers::client(config, "web").settings.denied_scope = vec!["reports.write".to_owned()];
    })
    .await;
    let consent = |scope: &[&str]| json!({ "type": "consent", "grant": { "scope": scope } });
    let wider = consent(&["openid", "email", "reports.read"]);
    let done = granted(&stand, &request("web", &[]), &wider).await;
    let tokens = redeemed(&stand, "web", &done).await;
    assert_eq!(tokens["scope"], "openid email reports.read");
    assert_eq!(header(&text(&tokens["access_token"]))["typ"], "at+jwt");
    for scope in ["reports.write", "offline_access"] {
        let refused = granted(&stand, &request("web", &[]), &consent(&["openid", scope])).await;
        assert_eq!((refused.status, refused.error()), (422, "invalid_answer"), "{scope}");
    }
    let without = Stand::with(|config| config.ui[1].capabilities.clear()).await;
    let refused = granted(&without, &request("web", &[]), &wider).await;
    assert_eq!((refused.status, refused.error()), (403, "capability_missing"));
}

#[tokio::test]
async fn its_interactions_cannot_be_finished_at_the_other_door() {
    let stand = Stand::start().await;
    let prompt = open(&stand, &opening(&request("web", &[]), &[])).await;
    let id = prompt["id"].as_str().unwrap();
    assert_eq!(stand.answer(id, 1, &auth("alice")).await.error(), "interaction_not_found");
    let page = Browser::new().get(&format!("{}/resume?i={id}&t=x", stand.issuer)).await;
    assert_eq!(page.status, 400);
}
