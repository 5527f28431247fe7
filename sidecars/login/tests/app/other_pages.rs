//! Signing out, devices, and pages that policies ask for.

use http::StatusCode;
use serde_json::{Value, json};

use crate::stage::{RESUME, Stage, auth, consent, response};

fn logout(section: &Value) -> Value {
    let mut confirm = json!({"what": "logout"});
    confirm.as_object_mut().unwrap().extend(section.as_object().unwrap().clone());
    json!({"kind": "logout", "type": "confirm", "confirm": confirm})
}

fn device() -> Value {
    json!({
        "kind": "device",
        "type": "confirm",
        "confirm": {"what": "device", "warn": ["different_network"]},
        "device": {
            "user_code": "WDJB-MJHT",
            "prefilled": true,
            "ip": "203.0.113.9",
            "user_agent": "AcmeTV/7",
            "started_at": "2026-11-23T10:59:02Z",
        },
    })
}

fn user_code(left: u32) -> Value {
    json!({"kind": "device", "type": "user_code", "user_code": {"attempts_left": left}})
}

fn custom() -> Value {
    let params = json!({"url": "https://acme.example/terms", "risk": "javascript:alert(1)"});
    json!({"type": "custom", "custom": {"name": "accept_terms", "params": params, "message": "New terms"}})
}

#[tokio::test]
async fn each_prompt_has_an_address_of_its_own_and_others_lead_there() {
    let stage = Stage::start().await;
    let error = json!({"error": "invalid_request", "error_description": "x", "retryable": false});
    let error = json!({"type": "error", "error": error});
    let prompts = [
        (auth(json!({})), "login"),
        (consent(), "consent"),
        (logout(&json!({})), "logout"),
        (device(), "device"),
        (user_code(5), "device"),
        (custom(), "custom"),
        (error, "error"),
    ];
    let browser = stage.browser();
    for (prompt, name) in prompts {
        stage.fake.script("ia_1", &[prompt]);
        let right = format!("/{name}?interaction=ia_1");
        for path in ["/?interaction=ia_1", "/select?interaction=ia_1", "/done?interaction=ia_1"] {
            let page = browser.get(path).await;
            assert_eq!(page.status, StatusCode::SEE_OTHER, "{path}");
            assert_eq!(page.location().as_ref(), Some(&right), "{path}");
        }
        assert_eq!(browser.get(&right).await.location(), None, "{name}");
    }
}

#[tokio::test]
async fn what_a_policy_says_is_on_the_page_and_is_text() {
    let stage = Stage::start().await;
    let message = "Payments need <b>more</b>";
    let select = json!({"mode": "select", "candidates": [{
        "session_id": "ses_AAAAAAAAAAAAAAAAAAAAAA", "sub": "u-alice", "authenticated_at": "2026-11-23T10:59:02Z",
    }]});
    let mut of_consent = consent();
    of_consent["consent"]["message"] = json!(message);
    let prompts = [
        auth(json!({"message": message, "reasons": ["policy_step_up"]})),
        auth(json!({"message": message, "account": select})),
        auth(json!({"message": message, "amr": {"values": ["otp"]}})),
        of_consent,
    ];
    for prompt in prompts {
        stage.fake.script("ia_1", &[prompt]);
        let page = stage.browser().open("ia_1").await;
        assert!(page.tag("message").starts_with("<p"), "{}", page.body);
        assert!(page.says("Payments need &#60;b&#62;more"), "{}", page.body);
    }
}

#[tokio::test]
async fn signing_out_offers_its_reach_and_sends_the_chosen_one() {
    let stage = Stage::start().await;
    let choices = json!({"choices": ["client", "session", "subject"], "default": "session"});
    stage.fake.script("ia_1", &[logout(&choices), response()]);
    let browser = stage.browser();
    let page = browser.open("ia_1").await;
    assert!(page.has("logout-confirm") && page.has("logout-cancel"));
    assert!(page.tag("scope-session").contains("checked") && page.says("Only from Acme Books"));
    let none = browser.submit(&page, &[("action", "confirm"), ("scope", "everything")]).await;
    assert_eq!(none.status, StatusCode::BAD_REQUEST);
    browser.submit(&page, &[("action", "confirm"), ("scope", "subject")]).await;
    assert_eq!(
        stage.fake.answers("ia_1"),
        [json!({"type": "confirm", "accepted": true, "scope": "subject"})]
    );
}

#[tokio::test]
async fn without_choices_signing_out_names_no_reach() {
    let stage = Stage::start().await;
    stage.fake.script("ia_1", &[logout(&json!({})), response()]);
    let browser = stage.browser();
    let page = browser.open("ia_1").await;
    assert!(!page.says("type=\"radio\""));
    browser.submit(&page, &[("action", "confirm")]).await;
    assert_eq!(stage.fake.answers("ia_1"), [json!({"type": "confirm", "accepted": true})]);
}

#[tokio::test]
async fn staying_signed_in_is_an_answer_too() {
    let stage = Stage::start().await;
    stage.fake.script("ia_1", &[logout(&json!({"choices": ["session", "subject"]})), response()]);
    let browser = stage.browser();
    let page = browser.open("ia_1").await;
    browser.submit(&page, &[("action", "deny"), ("scope", "session")]).await;
    assert_eq!(stage.fake.answers("ia_1"), [json!({"type": "confirm", "accepted": false})]);
}

#[tokio::test]
async fn a_device_shows_its_code_and_what_is_odd_about_it() {
    let stage = Stage::start().await;
    stage.fake.script("ia_1", &[device(), response()]);
    let browser = stage.browser();
    let page = browser.open("ia_1").await;
    for text in ["WDJB-MJHT", "another network", "AcmeTV/7", "203.0.113.9"] {
        assert!(page.says(text), "{text}");
    }
    browser.submit(&page, &[("action", "confirm")]).await;
    assert_eq!(stage.fake.answers("ia_1"), [json!({"type": "confirm", "accepted": true})]);
}

#[tokio::test]
async fn a_wrong_code_is_asked_again() {
    let stage = Stage::start().await;
    stage.fake.script("ia_1", &[user_code(5), user_code(4), user_code(1), device()]);
    let browser = stage.browser();
    let page = browser.open("ia_1").await;
    let again = browser.submit(&page, &[("user_code", " wdjb mjh ")]).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(again.says("4 attempts left"));
    assert_eq!(stage.fake.answers("ia_1")[0], json!({"type": "user_code", "user_code": "wdjb mjh"}));
    let last = browser.submit(&again, &[("user_code", "x")]).await;
    assert!(last.says("one attempt left"));
    let good = browser.submit(&last, &[("user_code", "WDJB-MJHT")]).await;
    assert_eq!(good.location().as_deref(), Some("/device?interaction=ia_1"));
}

#[tokio::test]
async fn a_policy_s_page_shows_its_message_and_brings_back_the_decision() {
    let stage = Stage::start().await;
    stage.fake.script("ia_1", &[custom(), response()]);
    stage.fake.script("ia_2", &[custom(), response()]);
    let browser = stage.browser();
    let page = browser.open("ia_1").await;
    assert!(page.says("New terms") && page.says("href=\"https://acme.example/terms\""));
    assert!(!page.says("href=\"javascript:"));
    let sent = browser.submit(&page, &[("action", "accept")]).await;
    assert_eq!(sent.location().as_deref(), Some(RESUME));
    let result =
        |accepted: bool| json!({"type": "custom", "name": "accept_terms", "result": {"accepted": accepted}});
    assert_eq!(stage.fake.answers("ia_1"), [result(true)]);
    let page = browser.open("ia_2").await;
    browser.submit(&page, &[("action", "deny")]).await;
    assert_eq!(stage.fake.answers("ia_2"), [result(false)]);
}
