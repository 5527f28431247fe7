//! The ends of an interaction, and the language of pages.

use http::StatusCode;
use serde_json::{Value, json};

use crate::stage::{RESUME, Stage, and, auth, consent, response};

fn end(kind: &str, outcome: &str, delivery: &Value) -> Value {
    json!({"kind": kind, "type": "response", "response": {"outcome": outcome, "delivery": delivery}})
}

#[tokio::test]
async fn a_finished_interaction_sends_the_browser_on_from_every_address() {
    let stage = Stage::start().await;
    stage.fake.script("ia_1", &[response()]);
    for path in ["/", "/login", "/consent", "/done"] {
        let page = stage.browser().get(&format!("{path}?interaction=ia_1")).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER);
        assert_eq!(page.location().as_deref(), Some(RESUME));
    }
}

#[tokio::test]
async fn a_form_for_the_client_submits_itself_and_has_a_button_for_those_without_scripts() {
    let stage = Stage::start().await;
    let fields = json!({"code": "a\"b", "state": "<s>"});
    let delivery = json!({"method": "form_post", "uri": "https://books.example/cb", "fields": fields});
    stage.fake.script("ia_1", &[end("authorization", "success", &delivery)]);
    let page = stage.browser().open("ia_1").await;
    assert_eq!(page.action(), "https://books.example/cb");
    assert!(
        page.has("deliver-submit") && page.says("value=\"a&#34;b\"") && page.says("value=\"&#60;s&#62;\"")
    );
    let nonce = page.body.split("<script nonce=\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(page.header("content-security-policy").contains(&format!("script-src 'nonce-{nonce}'")));
    assert_eq!(page.header("referrer-policy"), "no-referrer");
}

#[tokio::test]
async fn a_form_never_goes_to_an_address_that_is_not_one_of_the_web() {
    let stage = Stage::start().await;
    let delivery = json!({"method": "form_post", "uri": "javascript:alert(1)", "fields": {}});
    stage.fake.script("ia_1", &[end("authorization", "success", &delivery)]);
    let page = stage.browser().open("ia_1").await;
    assert_eq!(page.status, StatusCode::BAD_GATEWAY);
    assert!(!page.says("javascript:"));
}

#[tokio::test]
async fn a_device_s_user_is_sent_back_to_the_device() {
    let stage = Stage::start().await;
    stage.fake.script("ia_1", &[end("device", "success", &json!({"method": "none"}))]);
    stage.fake.script("ia_2", &[end("device", "error", &json!({"method": "none"}))]);
    stage.fake.script("ia_3", &[end("logout", "success", &json!({"method": "none"}))]);
    let browser = stage.browser();
    assert!(browser.get("/done?interaction=ia_1").await.says("go back to your device now"));
    assert!(browser.get("/done?interaction=ia_2").await.says("Nothing was allowed"));
    assert!(browser.get("/done?interaction=ia_3").await.says("You are signed out"));
}

#[tokio::test]
async fn a_request_that_cannot_be_answered_ends_on_the_error_page() {
    let stage = Stage::start().await;
    let error =
        json!({"error": "invalid_request", "error_description": "<unregistered>", "retryable": false});
    stage.fake.script("ia_1", &[json!({"type": "error", "error": error})]);
    let page = stage.browser().open("ia_1").await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert!(page.has("error-page") && page.says("invalid_request"));
    assert!(page.says("Request cannot be processed") && page.says("&#60;unregistered&#62;"));
}

#[tokio::test]
async fn pages_speak_the_language_of_the_request_or_else_of_the_browser() {
    let stage = Stage::start().await;
    stage.fake.script("ia_1", &[auth(json!({}))]);
    stage.fake.script("ia_2", &[and(auth(json!({})), json!({"ui": {"locales": ["de-AT"]}}))]);
    stage.fake.script("ia_3", &[and(consent(), json!({"ui": {"locales": ["de"]}}))]);
    let english = stage.browser();
    let german = stage.browser().speaking("de-DE,de;q=0.9,en;q=0.5");
    assert!(english.open("ia_1").await.says("<html lang=\"en\">"));
    let page = german.open("ia_1").await;
    assert!(page.says("<html lang=\"de\">") && page.says("Anmelden"));
    assert!(english.open("ia_2").await.says("Passwort"));
    let page = english.open("ia_3").await;
    assert!(page.says("Alice Liddell (Wunderland)") && page.says("Ihre Telefonnummer"));
    assert!(german.get("/?interaction=ia_x").await.says("nicht bekannt"));
}
