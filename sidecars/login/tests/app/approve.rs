//! The page for requests that wait for a user who is elsewhere.

use std::sync::atomic::Ordering;

use http::StatusCode;
use placet_sdk::Instant;
use serde_json::{Value, json};

use crate::{
    browser::{Browser, Page},
    stage::{Stage, and, auth, consent, response},
};

/// A prompt of a request that was made elsewhere.
fn elsewhere(prompt: Value) -> Value {
    let more = json!({
        "kind": "ciba",
        "ciba": {"binding_message": "W4SCT", "delivery": "poll"},
        "request": {"scope": ["openid", "email"]},
    });
    and(prompt, more)
}

fn fixed() -> Value {
    elsewhere(auth(json!({"account": {"mode": "fixed", "sub": "alice"}})))
}

/// What is left once it is answered.
fn over() -> Value {
    let delivery = json!({"method": "none"});
    elsewhere(json!({"type": "response", "response": {"outcome": "success", "delivery": delivery}}))
}

async fn sign_in(browser: &Browser, name: &str) -> Page {
    let password = if name == "alice" { "wonderland" } else { "builder" };
    let page = browser.get("/approve").await;
    assert!(page.has("pass-sign-in"));
    let fields = [("username", name), ("password", password), ("action", "sign-in")];
    let answer = browser.submit(&page, &fields).await;
    assert_eq!(answer.location().as_deref(), Some("/approve"), "{}", answer.body);
    browser.get("/approve").await
}

#[tokio::test]
async fn a_user_sees_who_asks_for_what_with_the_message_and_nobody_else_does() {
    let stage = Stage::start().await;
    stage.fake.wait_for("alice", "ia_1", &[fixed(), elsewhere(consent()), over()]);
    let page = sign_in(&stage.browser(), "alice").await;
    for text in ["Acme Books asks for your approval", "W4SCT", "Signed in as Alice Liddell"] {
        assert!(page.says(text), "{text}: {}", page.body);
    }
    assert!(page.has("review-0") && page.has("deny-0") && page.says("http-equiv=\"refresh\""));
    assert!(page.header("cache-control").contains("no-store"));
    let other = sign_in(&stage.browser(), "bob").await;
    assert!(other.has("approve-none") && !other.says("W4SCT"));
}

#[tokio::test]
async fn what_is_reviewed_takes_the_password_of_this_page_and_ends_at_the_last_answer() {
    let stage = Stage::start().await;
    stage.fake.wait_for("alice", "ia_1", &[fixed(), elsewhere(consent()), over()]);
    let browser = stage.browser();
    let page = sign_in(&browser, "alice").await;
    let given = stage.now.fetch_add(300, Ordering::SeqCst);
    let next = browser.submit(&page, &[("action", "review")]).await.location().expect("to the consent");
    assert_eq!(next, "/consent?interaction=ia_1");
    let answers = stage.fake.answers("ia_1");
    assert_eq!((&answers[0]["sub"], &answers[0]["amr"]), (&json!("alice"), &json!(["pwd"])));
    assert_eq!(answers[0]["session"]["action"], "none", "nobody is signed in on this phone by it");
    let authenticated_at = Instant(given).to_string();
    assert_eq!(answers[0]["authenticated_at"], authenticated_at, "the password is as old as it is");
    let page = browser.get(&next).await;
    assert!(page.says("W4SCT") && !page.has("remember"));
    let done = browser.submit(&page, &[("action", "allow")]).await;
    assert!(done.has("done-page"), "{}", done.body);
    assert_eq!(stage.fake.answers("ia_1").len(), 2);
    assert!(browser.get("/approve").await.has("approve-none"));
}

#[tokio::test]
async fn a_request_is_denied_at_once() {
    let stage = Stage::start().await;
    stage.fake.wait_for("alice", "ia_1", &[fixed(), over()]);
    let browser = stage.browser();
    let page = sign_in(&browser, "alice").await;
    let answer = browser.submit(&page, &[("action", "deny")]).await;
    assert_eq!(answer.location().as_deref(), Some("/approve"));
    assert_eq!(stage.fake.answers("ia_1"), [json!({"type": "deny", "error": "access_denied"})]);
    // The same form once more: there is nothing to answer any more.
    assert_eq!(browser.submit(&page, &[("action", "deny")]).await.location().as_deref(), Some("/approve"));
    assert_eq!(stage.fake.answers("ia_1").len(), 1);
}

#[tokio::test]
async fn a_password_that_does_not_suffice_is_asked_for_again() {
    let stage = Stage::start().await;
    let again = json!({"attempt": 2, "account": {"mode": "fixed", "sub": "alice"}});
    stage.fake.wait_for("alice", "ia_1", &[elsewhere(auth(again)), elsewhere(consent()), over()]);
    let browser = stage.browser();
    let page = sign_in(&browser, "alice").await;
    let next = browser.submit(&page, &[("action", "review")]).await;
    assert_eq!(next.location().as_deref(), Some("/login?interaction=ia_1"));
    assert!(stage.fake.answers("ia_1").is_empty());
}

#[tokio::test]
async fn nobody_answers_for_another_user() {
    let stage = Stage::start().await;
    stage.fake.wait_for("alice", "ia_1", &[fixed(), over()]);
    stage.fake.wait_for("bob", "ia_2", &[elsewhere(consent()), over()]);
    let browser = stage.browser();
    let page = sign_in(&browser, "alice").await;
    for action in ["deny", "review"] {
        let answer = browser.submit(&page, &[("id", "ia_2"), ("action", action)]).await;
        assert_eq!(answer.location().as_deref(), Some("/approve"));
    }
    // Nor at the page of consent, with an address from somewhere.
    let answer = browser.get("/consent?interaction=ia_2").await;
    assert_eq!(answer.location().as_deref(), Some("/approve"));
    assert!(stage.fake.answers("ia_2").is_empty());
}

#[tokio::test]
async fn the_page_of_consent_is_for_whoever_signed_in_on_it() {
    let stage = Stage::start().await;
    stage.fake.wait_for("alice", "ia_1", &[elsewhere(consent()), over()]);
    let browser = stage.browser();
    sign_in(&browser, "alice").await;
    let page = browser.open("ia_1").await;
    assert!(page.says("W4SCT"));
    // Signed out in another tab, and the form sent from this one.
    let list = browser.get("/approve").await;
    browser.submit(&list, &[("action", "sign-out")]).await;
    assert!(browser.get("/approve").await.has("pass-sign-in"));
    let answer = browser.submit(&page, &[("action", "allow")]).await;
    assert_eq!(answer.location().as_deref(), Some("/approve"));
    assert!(stage.fake.answers("ia_1").is_empty());
    // What was begun by a browser goes on as ever.
    stage.fake.script("ia_3", &[consent(), response()]);
    assert!(stage.browser().open("ia_3").await.has("consent-allow"));
}

#[tokio::test]
async fn a_forged_form_does_nothing() {
    let stage = Stage::start().await;
    stage.fake.wait_for("alice", "ia_1", &[fixed(), over()]);
    let browser = stage.browser();
    let page = sign_in(&browser, "alice").await;
    for csrf in ["", "forged"] {
        let answer = browser.submit(&page, &[("csrf", csrf), ("action", "deny")]).await;
        assert!(answer.status.is_client_error(), "{}", answer.status);
    }
    let stranger = stage.browser();
    stranger.get("/approve").await;
    let answer = stranger.submit(&page, &[("action", "deny")]).await;
    assert!(answer.status.is_client_error(), "a form of another browser");
    assert!(stage.fake.answers("ia_1").is_empty());
}

#[tokio::test]
async fn a_wrong_password_opens_nothing() {
    let stage = Stage::start().await;
    stage.fake.wait_for("alice", "ia_1", &[fixed(), over()]);
    let browser = stage.browser();
    let page = browser.get("/approve").await;
    let fields = [("username", "alice"), ("password", "bob"), ("action", "sign-in")];
    let answer = browser.submit(&page, &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(browser.get("/approve").await.has("pass-sign-in"));
}
