//! Signing in and choosing an account.

use http::StatusCode;
use serde_json::{Value, json};

use crate::stage::{RESUME, Stage, and, auth, response};

const GOOD: [(&str, &str); 2] = [("username", "alice"), ("password", "wonderland")];

#[tokio::test]
async fn the_page_has_its_stable_ids_and_names_the_client() {
    let stage = Stage::start().await;
    stage.fake.script("ia_1", &[auth(json!({}))]);
    let page = stage.browser().open("ia_1").await;
    assert_eq!(page.status, StatusCode::OK);
    for id in ["username", "password", "remember-me", "login-submit", "login-cancel"] {
        assert!(page.has(id), "{id}");
    }
    assert!(page.says("Sign in") && page.says("to continue to Acme Books"));
    assert!(page.says("https://books.example/privacy") && page.says("rel=\"noopener"));
    assert!(!page.has("create-account"));
}

#[tokio::test]
async fn the_right_password_is_answered_with_claims_and_a_new_session() {
    let stage = Stage::start().await;
    stage.fake.script("ia_1", &[auth(json!({})), response()]);
    let browser = stage.browser();
    let page = browser.open("ia_1").await;
    let sent = browser.submit(&page, &[GOOD[0], GOOD[1], ("remember_me", "on")]).await;
    assert_eq!((sent.status, sent.location().as_deref()), (StatusCode::SEE_OTHER, Some(RESUME)));
    let answer = &stage.fake.answers("ia_1")[0];
    assert_eq!(answer["sub"], "alice");
    assert_eq!(answer["amr"], json!(["pwd"]));
    assert_eq!(answer["acr"], "urn:placet:acr:pwd");
    assert_eq!(answer["session"]["action"], "create");
    assert_eq!(answer["session"]["persistent"], true);
    let claims = &answer["session"]["claims"];
    assert_eq!(claims["email"], "alice@example.com");
    assert_eq!(claims["address"]["country"], "GB");
    assert!(claims["name#ja"].is_string() && claims["updated_at"].is_number());
    assert_eq!(claims["sub"], Value::Null);
}

#[tokio::test]
async fn an_email_address_is_as_good_as_a_username() {
    let stage = Stage::start().await;
    stage.fake.script("ia_1", &[auth(json!({})), response()]);
    let browser = stage.browser();
    let page = browser.open("ia_1").await;
    let fields = [("username", " Bob@Example.com"), ("password", "builder")];
    assert_eq!(browser.submit(&page, &fields).await.location().as_deref(), Some(RESUME));
    assert_eq!(stage.fake.answers("ia_1")[0]["sub"], "bob");
}

#[tokio::test]
async fn signing_in_again_upgrades_the_session_there_is() {
    let stage = Stage::start().await;
    let session =
        json!({"session": {"id": "ses_9", "sub": "alice", "authenticated_at": "2026-11-23T08:00:00Z"}});
    let prompt = and(auth(json!({"reasons": ["prompt_login"]})), session);
    stage.fake.script("ia_1", &[prompt.clone(), response()]);
    stage.fake.script("ia_2", &[prompt, response()]);
    let browser = stage.browser();
    let page = browser.open("ia_1").await;
    assert!(page.says("confirm that it is you"));
    browser.submit(&page, &GOOD).await;
    let mine = &stage.fake.answers("ia_1")[0]["session"];
    assert_eq!((&mine["action"], &mine["id"]), (&json!("reuse"), &json!("ses_9")));
    assert_eq!(mine["persistent"], Value::Null);
    let page = browser.open("ia_2").await;
    browser.submit(&page, &[("username", "bob"), ("password", "builder")]).await;
    assert_eq!(stage.fake.answers("ia_2")[0]["session"]["action"], "create");
}

#[tokio::test]
async fn an_unknown_user_and_a_wrong_password_cannot_be_told_apart() {
    let stage = Stage::start().await;
    stage.fake.script("ia_1", &[auth(json!({})), response()]);
    let browser = stage.browser();
    let page = browser.open("ia_1").await;
    let wrong = browser.submit(&page, &[("username", "alice"), ("password", "guess")]).await;
    let unknown = browser.submit(&page, &[("username", "mallory"), ("password", "guess")]).await;
    let long = "x".repeat(2000);
    let too_long = browser.submit(&page, &[("username", "alice"), ("password", &long)]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(wrong.status, unknown.status);
    assert_eq!(wrong.body, unknown.body.replace("mallory", "alice"));
    assert_eq!(wrong.body, too_long.body);
    assert!(
        wrong.says("role=\"alert\"") && wrong.tag("password").contains("aria-describedby=\"form-error\"")
    );
    assert!(!wrong.says("guess"));
    assert!(stage.fake.answers("ia_1").is_empty());
}

#[tokio::test]
async fn a_failure_is_reported_for_users_there_are_and_for_nobody_else() {
    let stage = Stage::start().await;
    stage.fake.script("ia_1", &[auth(json!({}))]);
    let browser = stage.browser();
    let page = browser.open("ia_1").await;
    browser.submit(&page, &[("username", "mallory"), ("password", "guess")]).await;
    browser.submit(&page, &[("username", "alice"), ("password", "guess")]).await;
    for _ in 0..200 {
        if !stage.fake.play.lock().unwrap().reports.is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let reports = stage.fake.play.lock().unwrap().reports.clone();
    assert_eq!(reports, [json!({"type": "login.failed", "sub": "alice"})]);
}

#[tokio::test]
async fn after_ten_failures_an_account_waits_by_whichever_name_it_is_called() {
    let stage = Stage::start().await;
    stage.fake.script("ia_1", &[auth(json!({})), response()]);
    let browser = stage.browser();
    let page = browser.open("ia_1").await;
    for round in 0..10 {
        let name = if round % 2 == 0 { "alice" } else { "ALICE@example.com" };
        let page = browser.submit(&page, &[("username", name), ("password", "guess")]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let blocked = browser.submit(&page, &GOOD).await;
    assert_eq!(blocked.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(blocked.says("too many attempts") && !blocked.header("retry-after").is_empty());
    let other = browser.submit(&page, &[("username", "bob"), ("password", "builder")]).await;
    assert_eq!(other.location().as_deref(), Some(RESUME));
}

#[tokio::test]
async fn a_password_in_the_address_does_nothing() {
    let stage = Stage::start().await;
    stage.fake.script("ia_1", &[auth(json!({})), response()]);
    let page = stage.browser().get("/login?interaction=ia_1&username=alice&password=wonderland").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.says("wonderland"));
    assert!(stage.fake.answers("ia_1").is_empty());
}

#[tokio::test]
async fn a_hint_fills_in_the_username_and_cannot_break_out_of_it() {
    let stage = Stage::start().await;
    let hint = json!({"ui": {"locales": [], "login_hint": "\"><script>alert(1)</script>"}});
    stage.fake.script("ia_1", &[and(auth(json!({})), hint)]);
    let page = stage.browser().open("ia_1").await;
    assert!(!page.says("<script>") && page.says("&#34;&#62;&#60;script&#62;"));
}

#[tokio::test]
async fn a_demanded_account_is_the_only_one_that_can_answer() {
    let stage = Stage::start().await;
    let fixed = auth(json!({"reasons": ["max_age_exceeded"], "account": {"mode": "fixed", "sub": "alice"}}));
    stage.fake.script("ia_1", &[fixed, response()]);
    let browser = stage.browser();
    let page = browser.open("ia_1").await;
    assert!(page.tag("username").contains("readonly") && page.tag("username").contains("value=\"alice\""));
    assert!(page.says("Alice Liddell"));
    let bob = browser.submit(&page, &[("username", "bob"), ("password", "builder")]).await;
    assert_eq!(bob.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(stage.fake.answers("ia_1").is_empty());
    assert_eq!(browser.submit(&page, &GOOD).await.location().as_deref(), Some(RESUME));
}

#[tokio::test]
async fn the_first_demanded_class_that_a_password_satisfies_is_asserted() {
    let stage = Stage::start().await;
    stage
        .fake
        .script("ia_1", &[auth(json!({"acr": {"values": ["mfa", "1"], "essential": true}})), response()]);
    let browser = stage.browser();
    let page = browser.open("ia_1").await;
    browser.submit(&page, &GOOD).await;
    assert_eq!(stage.fake.answers("ia_1")[0]["acr"], "1");
}

#[tokio::test]
async fn a_demand_that_no_password_meets_ends_in_an_honest_denial() {
    let stage = Stage::start().await;
    stage.fake.script("ia_1", &[auth(json!({"acr": {"values": ["mfa"], "essential": true}})), response()]);
    let browser = stage.browser();
    let page = browser.open("ia_1").await;
    assert!(!page.has("password") && page.says("Go back to Acme Books"));
    browser.submit(&page, &[("action", "deny")]).await;
    let answer = &stage.fake.answers("ia_1")[0];
    assert_eq!(
        (&answer["type"], &answer["error"]),
        (&json!("deny"), &json!("unmet_authentication_requirements"))
    );
}

#[tokio::test]
async fn cancelling_denies() {
    let stage = Stage::start().await;
    stage.fake.script("ia_1", &[auth(json!({})), response()]);
    let browser = stage.browser();
    let page = browser.open("ia_1").await;
    let fields = [("username", ""), ("password", ""), ("action", "deny")];
    assert_eq!(browser.submit(&page, &fields).await.location().as_deref(), Some(RESUME));
    assert_eq!(stage.fake.answers("ia_1")[0]["error"], "access_denied");
}

fn choice(more: Value) -> Value {
    let candidates = json!([
        {"session_id": "ses_1", "sub": "alice", "authenticated_at": "2026-11-23T08:40:00Z", "acr": "1", "amr": ["pwd"]},
        {"session_id": "ses_2", "sub": "ghost", "authenticated_at": "2026-11-23T08:50:00Z"},
    ]);
    let account = json!({"mode": "select", "candidates": candidates});
    let section = and(json!({"account": account, "reasons": ["prompt_select_account"]}), more);
    auth(section)
}

#[tokio::test]
async fn a_chosen_account_with_a_good_session_needs_no_password() {
    let stage = Stage::start().await;
    stage.fake.script("ia_1", &[choice(json!({})), response()]);
    let browser = stage.browser();
    let page = browser.open("ia_1").await;
    assert!(page.says("Alice Liddell") && page.says("ghost") && page.has("other-account"));
    let sent = browser.submit(&page, &[("account", "ses_1")]).await;
    assert_eq!(sent.location().as_deref(), Some(RESUME));
    let answer = &stage.fake.answers("ia_1")[0];
    assert_eq!((&answer["sub"], &answer["acr"]), (&json!("alice"), &json!("1")));
    assert_eq!(answer["authenticated_at"], "2026-11-23T08:40:00Z");
    assert_eq!(answer["session"]["id"], "ses_1");
    assert_eq!(answer["session"]["action"], "reuse");
}

#[tokio::test]
async fn a_chosen_account_whose_session_is_too_old_is_asked_for_its_password() {
    let stage = Stage::start().await;
    let old = choice(json!({"not_before": "2026-11-23T09:00:00Z"}));
    stage.fake.script("ia_1", &[old, response()]);
    let browser = stage.browser();
    let page = browser.open("ia_1").await;
    let to = browser.submit(&page, &[("account", "ses_1")]).await.location().unwrap();
    assert_eq!(to, "/login?interaction=ia_1&account=ses_1");
    let login = browser.get(&to).await;
    assert!(login.tag("username").contains("readonly") && login.says("Alice Liddell"));
    let wrong = browser.submit(&login, &[("username", "alice"), ("password", "guess")]).await;
    assert!(wrong.tag("username").contains("readonly"), "the choice is kept");
    browser.submit(&wrong, &GOOD).await;
    assert_eq!(stage.fake.answers("ia_1")[0]["session"]["id"], "ses_1");
}

#[tokio::test]
async fn when_the_server_finds_a_chosen_session_too_weak_the_password_is_asked() {
    let stage = Stage::start().await;
    let again = choice(json!({"reasons": ["answer_insufficient"], "attempt": 2}));
    stage.fake.script("ia_1", &[choice(json!({})), again, response()]);
    let browser = stage.browser();
    let page = browser.open("ia_1").await;
    let to = browser.submit(&page, &[("account", "ses_1")]).await.location().unwrap();
    assert_eq!(to, "/login?interaction=ia_1&account=ses_1");
    assert!(browser.get(&to).await.says("That was not enough"));
}
