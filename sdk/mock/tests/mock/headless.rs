//! The headless front door: the app opens interactions itself.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::stage::{Stage, settings, valid};

const BINDING: &str = "a-secret-of-this-browser";

async fn stage() -> Stage {
    let mut headless = settings(&["all"]);
    headless.headless = true;
    Stage::with(headless).await
}

fn open(query: &str) -> Value {
    json!({
        "kind": "authorization",
        "request": {"method": "GET", "query": query},
        "browser": {"sessions": [], "binding": BINDING},
    })
}

async fn put(stage: &Stage, (id, step): (&str, u32), body: &Value, binding: &str) -> crate::stage::Reply {
    let request = stage.request(Method::PUT, &format!("/interactions/{id}/steps/{step}"));
    stage.send(request.header("placet-browser-binding", binding).json(body)).await
}

#[tokio::test]
async fn an_app_with_the_redirect_front_door_opens_nothing() {
    let refused = Stage::start().await.post("/interactions", &open("scenario=first-login")).await;
    assert_eq!(refused.problem(), (403, "capability_missing".to_owned()));
}

#[tokio::test]
async fn the_request_of_the_browser_opens_the_scenario_that_it_names() {
    let stage = stage().await;
    let sent = stage.page("/start/first-login").await;
    let query = sent.header("location").split_once('?').unwrap().1.to_owned();
    assert!(query.starts_with("scenario=first-login&client_id=books-web&"), "{query}");
    let opened = stage.post("/interactions", &open(&query)).await;
    assert_eq!(opened.status, StatusCode::CREATED);
    let prompt = opened.json();
    valid("prompt", &prompt);
    let id = prompt["id"].as_str().unwrap();
    assert_eq!(opened.header("location"), format!("/ui/v1/interactions/{id}"));
    let auth = json!({"type": "auth", "sub": "alice"});
    let foreign = put(&stage, (id, 1), &auth, "a-secret-of-another-one").await;
    assert_eq!(foreign.problem(), (403, "binding_mismatch".to_owned()));
    assert_eq!(put(&stage, (id, 1), &auth, BINDING).await.json()["type"], "consent");
    let last = put(&stage, (id, 2), &json!({"type": "consent", "accept_all": true}), BINDING).await.json();
    valid("prompt", &last);
    assert_eq!(last["response"]["session"]["cookie"]["name"], "__Host-placet-sso");
    let uri = last["response"]["delivery"]["uri"].as_str().unwrap();
    assert!(uri.contains(&format!("/client/{id}?code=")), "{uri}");
    assert_eq!(stage.page(&uri[uri.find("/client").unwrap()..]).await.status, StatusCode::OK);
    assert_eq!(stage.report(id).await["verdict"], "expected");
}

#[tokio::test]
async fn a_form_is_delivered_by_the_app() {
    let stage = stage().await;
    let prompt = stage.post("/interactions", &open("scenario=response-form-post")).await.json();
    let id = prompt["id"].as_str().unwrap();
    let last = put(&stage, (id, 1), &json!({"type": "auth", "sub": "alice"}), BINDING).await.json();
    let delivery = &last["response"]["delivery"];
    assert_eq!(delivery["method"], "form_post");
    assert!(delivery["fields"]["code"].is_string() && delivery["fields"]["iss"].is_string());
    let uri = delivery["uri"].as_str().unwrap();
    let posted =
        stage.send(stage.http.post(format!("{}{}", stage.base, &uri[uri.find("/client").unwrap()..]))).await;
    assert_eq!(posted.header("location"), format!("/runs/{id}"));
}

#[tokio::test]
async fn without_a_name_the_scenario_that_was_started_last_is_played_if_it_is_of_that_kind() {
    let stage = stage().await;
    stage.page("/start/logout-frames").await;
    let logout = json!({"kind": "logout", "browser": {"sessions": ["handle"]}});
    let prompt = stage.post("/interactions", &logout).await.json();
    assert_eq!((&prompt["kind"], &prompt["confirm"]["what"]), (&json!("logout"), &json!("logout")));
    let id = prompt["id"].as_str().unwrap();
    let last = put(&stage, (id, 1), &json!({"type": "confirm", "accepted": true}), "").await.json();
    assert_eq!(last["response"]["logout"]["clear_cookies"], json!(["__Host-placet-sso"]));
    let device = json!({"kind": "device", "browser": {}});
    assert_eq!(stage.post("/interactions", &device).await.json()["type"], "user_code");
}

#[tokio::test]
async fn an_idempotency_key_opens_one_interaction() {
    let stage = stage().await;
    let post = |body: &Value| {
        stage.send(stage.request(Method::POST, "/interactions").header("idempotency-key", "k1").json(body))
    };
    let first = post(&open("scenario=first-login")).await.json();
    assert_eq!(post(&open("scenario=first-login")).await.json()["id"], first["id"]);
    assert_eq!(post(&open("scenario=max-age")).await.problem(), (422, "idempotency_conflict".to_owned()));
}
