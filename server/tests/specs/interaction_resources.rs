//! Sessions, consents, authorizations, direct grants and reports: what a login app sees and ends.

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    harness::{Browser, HEADLESS, Reply, Stand, UI, auth, claims},
    helpers::{refresh, text},
};

const OFFLINE: &str = "openid email offline_access";

async fn get(stand: &Stand, path: &str) -> Value {
    let reply = stand.call(HEADLESS, Method::GET, path, None).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json
}

async fn items(stand: &Stand, path: &str) -> Vec<Value> {
    get(stand, path).await["items"].as_array().unwrap().clone()
}

async fn delete(stand: &Stand, path: &str) -> u16 {
    stand.call(HEADLESS, Method::DELETE, path, None).await.status
}

async fn post(stand: &Stand, path: &str, body: Value) -> Reply {
    stand.call(HEADLESS, Method::POST, path, Some(&body)).await
}

async fn report(stand: &Stand, body: Value) {
    let reply = post(stand, "/reports", body).await;
    assert_eq!(reply.status, 202, "{}", reply.text);
}

#[tokio::test]
async fn each_resource_needs_its_capability() {
    let stand = Stand::start().await;
    for (method, path, body) in [
        (Method::GET, "/sessions?sub=alice", None),
        (Method::GET, "/sessions/ses_x", None),
        (Method::DELETE, "/sessions/ses_x", None),
        (Method::GET, "/consents?sub=alice", None),
        (Method::DELETE, "/consents/cns_x", None),
        (Method::GET, "/authorizations?sub=alice", None),
        (Method::DELETE, "/authorizations/az_x", None),
        (Method::POST, "/grants", Some(json!({ "client_id": "web", "sub": "alice", "grant": {} }))),
        (Method::POST, "/reports", Some(json!({ "type": "account.disabled", "sub": "alice" }))),
    ] {
        let refused = stand.call(UI, method.clone(), path, body.as_ref()).await;
        assert_eq!((refused.status, refused.error()), (403, "capability_missing"), "{method} {path}");
    }
    assert_eq!(stand.tokens("web", "openid").await["token_type"], "Bearer", "alice is not disabled");
}

#[tokio::test]
async fn a_session_is_listed_read_and_ended() {
    let stand = Stand::start().await;
    let mut browser = Browser::new();
    let params = stand.sign_in(&mut browser, "web", &[("scope", "reports.read")]).await;
    let tokens = stand.redeem("web", &params["code"]).await.json;
    let list = items(&stand, "/sessions?sub=alice").await;
    assert_eq!(
        (list.len(), &list[0]["sub"], &list[0]["acr"]),
        (1, &json!("alice"), &json!("urn:placet:acr:pwd"))
    );
    let id = text(&list[0]["id"]);
    assert_eq!(get(&stand, &format!("/sessions/{id}")).await["id"], id.as_str());
    assert!(!browser.cookies["placet-sso"].contains(&id), "an id is never a credential");
    assert_eq!(items(&stand, "/sessions?sub=bob").await, Vec::<Value>::new());

    assert_eq!(delete(&stand, &format!("/sessions/{id}")).await, 204);
    assert_eq!(delete(&stand, &format!("/sessions/{id}")).await, 404);
    let gone = stand.call(HEADLESS, Method::GET, &format!("/sessions/{id}"), None).await;
    assert_eq!((gone.status, gone.error()), (404, "not_found"));
    assert!(!stand.is_active("web", &text(&tokens["access_token"])).await);
    let asked = browser.authorize(&stand, "web", &[("prompt", "none")]).await;
    assert_eq!(asked.params()["error"], "login_required");
}

#[tokio::test]
async fn long_lists_come_in_pages() {
    let stand = Stand::start().await;
    for _ in 0..52 {
        let body = json!({ "client_id": "web", "sub": "alice", "grant": { "scope": ["openid"] } });
        assert_eq!(post(&stand, "/grants", body).await.status, 200);
    }
    let first = get(&stand, "/authorizations?sub=alice").await;
    assert_eq!(first["items"].as_array().unwrap().len(), 50);
    let cursor = text(&first["next_cursor"]);
    let second = get(&stand, &format!("/authorizations?sub=alice&cursor={cursor}")).await;
    assert_eq!(second["items"].as_array().unwrap().len(), 2);
    assert!(second.get("next_cursor").is_none());
    let mut ids: Vec<String> = [&first, &second]
        .iter()
        .flat_map(|page| page["items"].as_array().unwrap())
        .map(|item| text(&item["id"]))
        .collect();
    ids.dedup();
    assert_eq!(ids.len(), 52);
    for bad in [
        "/authorizations",
        "/authorizations?sub=",
        "/authorizations?sub=a&sub=b",
        "/consents?sub=alice&cursor=%00",
    ] {
        let reply = stand.call(HEADLESS, Method::GET, bad, None).await;
        assert_eq!((reply.status, reply.error()), (400, "invalid_request"), "{bad}");
    }
}

#[tokio::test]
async fn deleting_a_consent_ends_what_was_granted_under_it() {
    let stand = Stand::start().await;
    let mut browser = Browser::new();
    let extra = [("scope", OFFLINE), ("prompt", "consent")];
    let params = stand.sign_in(&mut browser, "web", &extra).await;
    let first = stand.redeem("web", &params["code"]).await.json;
    let params = browser.authorize(&stand, "web", &[]).await.params();
    let second = stand.redeem("web", &params["code"]).await.json;
    let of_other = stand.tokens("other", "openid").await;

    let consents = items(&stand, "/consents?sub=alice").await;
    let consent = consents.iter().find(|c| c["client_id"] == "web").unwrap();
    assert_eq!(consent["client_name"], "Books");
    assert_eq!(consent["scope"], json!(["openid", "email", "offline_access"]));
    let path = format!("/consents/{}", consent["id"].as_str().unwrap());
    assert_eq!(delete(&stand, &path).await, 204);
    assert_eq!(delete(&stand, &path).await, 404);
    for tokens in [&first, &second] {
        assert!(!stand.is_active("web", &text(&tokens["access_token"])).await);
    }
    assert_eq!(refresh(&stand, "web", &text(&first["refresh_token"])).await.error(), "invalid_grant");
    assert!(stand.is_active("other", &text(&of_other["access_token"])).await);
    let asked = browser.authorize(&stand, "web", &[("prompt", "none")]).await;
    assert_eq!(asked.params()["error"], "consent_required");
}

#[tokio::test]
async fn deleting_an_authorization_ends_it_alone_and_the_consent_stays() {
    let stand = Stand::start().await;
    let mut browser = Browser::new();
    let params = stand.sign_in(&mut browser, "web", &[]).await;
    let gone = stand.redeem("web", &params["code"]).await.json;
    let list = items(&stand, "/authorizations?sub=alice").await;
    let params = browser.authorize(&stand, "web", &[]).await.params();
    let kept = stand.redeem("web", &params["code"]).await.json;
    assert_eq!((list.len(), &list[0]["client_id"]), (1, &json!("web")));
    let path = format!("/authorizations/{}", list[0]["id"].as_str().unwrap());
    assert_eq!(delete(&stand, &path).await, 204);
    assert_eq!(delete(&stand, &path).await, 404);
    assert!(!stand.is_active("web", &text(&gone["access_token"])).await);
    assert!(stand.is_active("web", &text(&kept["access_token"])).await);
    assert_eq!(items(&stand, "/consents?sub=alice").await.len(), 1);
}

#[tokio::test]
async fn a_direct_grant_gives_tokens_like_any_other() {
    let stand = Stand::start().await;
    let body =
        json!({ "client_id": "web", "sub": "carol", "grant": { "scope": ["openid", "offline_access"] } });
    let reply = post(&stand, "/grants", body).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(claims(&text(&reply.json["id_token"]))["sub"], "carol");
    assert!(stand.is_active("web", &text(&reply.json["access_token"])).await);
    assert_eq!(refresh(&stand, "web", &text(&reply.json["refresh_token"])).await.status, 200);

    let mut browser = Browser::new();
    stand.sign_in(&mut browser, "web", &[]).await;
    let session = text(&items(&stand, "/sessions?sub=alice").await[0]["id"]);
    let body = json!({ "client_id": "web", "session": session, "grant": { "scope": ["openid"] } });
    let id = claims(&text(&post(&stand, "/grants", body).await.json["id_token"]));
    assert_eq!((&id["sub"], &id["acr"]), (&json!("alice"), &json!("urn:placet:acr:pwd")));
}

#[tokio::test]
async fn a_direct_grant_has_the_limits_of_its_client_and_app() {
    let stand = Stand::start().await;
    for (body, status) in [
        (json!({ "client_id": "other", "sub": "a", "grant": {} }), 403),
        (json!({ "client_id": "nobody", "sub": "a", "grant": {} }), 403),
        (json!({ "client_id": "web", "grant": {} }), 422),
        (json!({ "client_id": "web", "sub": "a", "session": "ses_x", "grant": {} }), 422),
        (json!({ "client_id": "web", "session": "ses_x", "grant": {} }), 422),
        (json!({ "client_id": "web", "sub": "", "grant": {} }), 422),
        (json!({ "client_id": "web", "sub": "a", "grant": { "scope": ["admin"] } }), 422),
        (json!({ "client_id": "web", "sub": "a", "grant": { "sub": "b" } }), 422),
        (json!({ "client_id": "web", "sub": "a", "grant": { "access_token": { "lifetime": 9999 } } }), 422),
        (
            json!({ "client_id": "web", "sub": "a", "grant": { "access_token": { "claims": { "iss": 1 } } } }),
            422,
        ),
        (json!({ "client_id": "web", "sub": "a", "grant": { "resources": ["https://no.example"] } }), 422),
        (json!({ "client_id": "web", "sub": "a", "grant": {}, "more": 1 }), 422),
    ] {
        let reply = post(&stand, "/grants", body.clone()).await;
        assert_eq!(reply.status, status, "{body}: {}", reply.text);
    }
}

#[tokio::test]
async fn a_disabled_account_is_stopped_everywhere_at_once() {
    let stand = Stand::start().await;
    let mut browser = Browser::new();
    let extra = [("scope", OFFLINE), ("prompt", "consent")];
    let params = stand.sign_in(&mut browser, "web", &extra).await;
    let tokens = stand.redeem("web", &params["code"]).await.json;
    let code = browser.authorize(&stand, "web", &[]).await.params()["code"].clone();
    let mut waiting = Browser::new();
    let pending = waiting.authorize(&stand, "web", &[]).await.interaction();
    let mut late = Browser::new();
    let answered = late.authorize(&stand, "web", &[]).await.interaction();
    let done = stand.answer(&answered, 1, &auth("alice")).await.json;

    report(&stand, json!({ "type": "account.disabled", "sub": "alice" })).await;
    assert!(!stand.is_active("web", &text(&tokens["access_token"])).await);
    assert_eq!(stand.userinfo(&text(&tokens["access_token"])).await.status, 401);
    assert_eq!(refresh(&stand, "web", &text(&tokens["refresh_token"])).await.error(), "invalid_grant");
    assert_eq!(stand.redeem("web", &code).await.error(), "invalid_grant");
    let silent = browser.authorize(&stand, "web", &[("prompt", "none")]).await;
    assert_eq!(silent.params()["error"], "login_required");
    let uri = text(&done["response"]["delivery"]["uri"]);
    assert_eq!(late.get(&uri).await.params()["error"], "access_denied");
    let done = stand.answer(&pending, 1, &auth("alice")).await.json;
    let uri = text(&done["response"]["delivery"]["uri"]);
    assert_eq!(waiting.get(&uri).await.params()["error"], "access_denied");
    let grant = json!({ "client_id": "web", "sub": "alice", "grant": { "scope": ["openid"] } });
    let refused = post(&stand, "/grants", grant.clone()).await;
    assert_eq!((refused.status, refused.error()), (403, "account_disabled"));
    assert_eq!(items(&stand, "/sessions?sub=alice").await, Vec::<Value>::new());

    report(&stand, json!({ "type": "account.enabled", "sub": "alice" })).await;
    assert_eq!(refresh(&stand, "web", &text(&tokens["refresh_token"])).await.error(), "invalid_grant");
    assert_eq!(post(&stand, "/grants", grant).await.status, 200);
    assert_eq!(stand.tokens("web", "openid").await["token_type"], "Bearer");
}

#[tokio::test]
async fn a_disabled_account_stops_one_user_and_nobody_else() {
    let stand = Stand::start().await;
    let tokens = stand.tokens("web", OFFLINE).await;
    for sub in ["bob", "Alice", "alice2", "ali"] {
        report(&stand, json!({ "type": "account.disabled", "sub": sub })).await;
    }
    assert!(stand.is_active("web", &text(&tokens["access_token"])).await);
    assert_eq!(refresh(&stand, "web", &text(&tokens["refresh_token"])).await.status, 200);
}

#[tokio::test]
async fn a_changed_credential_ends_the_sessions_if_it_should() {
    let stand = Stand::start().await;
    let mut browser = Browser::new();
    let params = stand.sign_in(&mut browser, "web", &[("scope", "reports.read")]).await;
    let online = stand.redeem("web", &params["code"]).await.json;
    let offline = stand.tokens("web", OFFLINE).await;
    report(&stand, json!({ "type": "credential.changed", "sub": "alice" })).await;
    report(&stand, json!({ "type": "login.failed", "sub": "alice", "reason": "wrong password" })).await;
    assert_eq!(items(&stand, "/sessions?sub=alice").await.len(), 2);
    report(&stand, json!({ "type": "credential.changed", "sub": "alice", "end_sessions": true })).await;
    assert_eq!(items(&stand, "/sessions?sub=alice").await, Vec::<Value>::new());
    assert!(!stand.is_active("web", &text(&online["access_token"])).await);
    assert_eq!(refresh(&stand, "web", &text(&offline["refresh_token"])).await.status, 200);
}

#[tokio::test]
async fn a_report_that_says_nothing_sensible_is_refused() {
    let stand = Stand::start().await;
    for body in [
        json!({ "type": "account.exploded", "sub": "alice" }),
        json!({ "type": "account.disabled" }),
        json!({ "type": "account.disabled", "sub": "" }),
        json!({ "type": "account.disabled", "sub": "a\u{0}b" }),
        json!({ "type": "account.disabled", "sub": "x".repeat(256) }),
        json!({ "type": "account.disabled", "sub": "alice", "end_sessions": true }),
        json!({ "type": "account.disabled", "sub": "alice", "more": 1 }),
    ] {
        let reply = post(&stand, "/reports", body.clone()).await;
        assert_eq!((reply.status, reply.error()), (422, "invalid_answer"), "{body}");
    }
}

#[tokio::test]
async fn a_consent_withdrawn_before_the_browser_is_back_is_asked_for_again() {
    let stand = Stand::start().await;
    stand.sign_in(&mut Browser::new(), "web", &[]).await;
    let mut browser = Browser::new();
    let id = browser.authorize(&stand, "web", &[]).await.interaction();
    let done = stand.answer(&id, 1, &super::harness::auth("alice")).await;
    assert_eq!(done.json["type"], "response", "the consent is remembered");
    let consents = stand.call(HEADLESS, Method::GET, "/consents?sub=alice", None).await;
    let consent = consents.json["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(stand.call(HEADLESS, Method::DELETE, &format!("/consents/{consent}"), None).await.status, 204);
    let back = browser.get(done.json["response"]["delivery"]["uri"].as_str().unwrap()).await;
    assert!(back.header("location").starts_with("https://login.example/start?"), "{back:?}");
}
