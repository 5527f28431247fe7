//! The second factor: asked for when it is demanded, good once, hard to guess.

use std::sync::atomic::Ordering;

use http::StatusCode;
use placet_login::{Server, Settings};
use serde_json::{Value, json};

use crate::{
    browser::{Browser, Page},
    stage::{RESUME, START, Stage, and, auth, response, settings},
};

pub(crate) const ALICE: [(&str, &str); 2] = [("username", "alice"), ("password", "wonderland")];
pub(crate) const BOB: [(&str, &str); 2] = [("username", "bob"), ("password", "builder")];
/// The codes of alice's secret, which is that of RFC 6238, in the five time steps from `START - 60` on.
pub(crate) const CODES: [&str; 5] = ["042752", "721960", "874195", "059722", "336081"];
pub(crate) const MFA: &str = "urn:placet:acr:mfa";

pub(crate) fn demand() -> Value {
    auth(json!({"acr": {"values": [MFA], "essential": true}}))
}

/// The demand, where this browser has a session with the first factor.
pub(crate) fn step_up(more: Value, session: Value) -> Value {
    let reasons = json!({"reasons": ["acr_insufficient"], "acr": {"values": [MFA], "essential": true}});
    let known = json!({
        "id": "ses_9", "sub": "alice", "authenticated_at": "2026-11-23T08:00:00Z", "acr": "urn:placet:acr:pwd",
        "amr": ["pwd"],
    });
    and(auth(and(reasons, more)), json!({"session": and(known, session)}))
}

pub(crate) async fn stage(interactions: &[&str]) -> Stage {
    let stage = Stage::start().await;
    for id in interactions {
        stage.fake.script(id, &[demand(), response()]);
    }
    stage
}

/// Opens an interaction and gives the password; the page that follows.
pub(crate) async fn past_the_password(browser: &Browser, id: &str, who: &[(&str, &str)]) -> Page {
    let page = browser.open(id).await;
    assert!(page.has("password"), "{}", page.body);
    browser.submit(&page, who).await
}

pub(crate) async fn type_code(browser: &Browser, page: &Page, code: &str) -> Page {
    browser.submit(page, &[("code", code)]).await
}

pub(crate) fn is_over(page: &Page) -> bool {
    page.location().as_deref() == Some(RESUME)
}

#[tokio::test]
async fn a_demand_that_a_password_does_not_meet_leads_to_the_second_factor() {
    let stage = stage(&["ia_1"]).await;
    let browser = stage.browser();
    let page = browser.open("ia_1").await;
    let page = browser.submit(&page, &[ALICE[0], ALICE[1], ("remember_me", "on")]).await;
    assert_eq!(page.status, StatusCode::OK);
    for id in ["code", "totp-submit", "totp-cancel", "other-account"] {
        assert!(page.has(id), "{id}: {}", page.body);
    }
    assert!(page.says("Signed in as Alice Liddell") && !page.says("wonderland") && !page.says("<script"));
    assert!(page.tag("code").contains("autocomplete=\"one-time-code\""));
    assert!(page.header("content-security-policy").starts_with("default-src 'none'; style-src 'self'"));
    assert!(stage.fake.answers("ia_1").is_empty(), "a password alone is no answer");
    assert!(is_over(&type_code(&browser, &page, CODES[2]).await));
    let answer = &stage.fake.answers("ia_1")[0];
    assert_eq!((&answer["sub"], &answer["acr"]), (&json!("alice"), &json!(MFA)));
    assert_eq!(answer["amr"], json!(["pwd", "otp", "mfa"]));
    let session = &answer["session"];
    assert_eq!((&session["action"], &session["persistent"]), (&json!("create"), &json!(true)));
}

#[tokio::test]
async fn whoever_is_signed_in_with_a_password_is_asked_for_the_second_factor_alone() {
    let stage = Stage::start().await;
    stage.fake.script("ia_1", &[step_up(json!({}), json!({})), response()]);
    let by_policy = json!({
        "reasons": ["policy_step_up"], "message": "Payments need more", "not_before": "2026-11-23T07:59:59Z",
        "account": {"mode": "fixed", "sub": "alice"},
    });
    stage.fake.script("ia_2", &[step_up(by_policy, json!({})), response()]);
    let browser = stage.browser();
    let page = browser.open("ia_1").await;
    assert!(page.has("code") && !page.has("password"), "{}", page.body);
    assert!(page.says("Alice Liddell"));
    assert!(is_over(&type_code(&browser, &page, CODES[1]).await));
    let answer = &stage.fake.answers("ia_1")[0];
    assert_eq!((&answer["acr"], &answer["amr"]), (&json!(MFA), &json!(["pwd", "otp", "mfa"])));
    assert_eq!((&answer["session"]["action"], &answer["session"]["id"]), (&json!("reuse"), &json!("ses_9")));
    assert_eq!(answer["session"]["persistent"], Value::Null, "the session stays as it was");
    let page = browser.open("ia_2").await;
    assert!(page.has("code") && page.says("Payments need more") && !page.has("other-account"));
    assert!(is_over(&type_code(&browser, &page, CODES[2]).await));
}

#[tokio::test]
async fn a_policy_that_asks_for_more_after_the_password_does_not_cost_it_again() {
    let stage = Stage::start().await;
    let more = |sub: &str, reasons: Value| {
        auth(json!({
            "reasons": reasons, "acr": {"values": [MFA], "essential": true}, "account": {"mode": "fixed", "sub": sub},
        }))
    };
    let step_up = json!(["policy_step_up"]);
    stage.fake.script("ia_1", &[auth(json!({})), more("alice", step_up.clone()), response()]);
    stage.fake.script("ia_2", &[auth(json!({})), more("bob", step_up), response()]);
    stage.fake.script("ia_3", &[auth(json!({})), more("alice", json!(["answer_insufficient"])), response()]);
    let browser = stage.browser();
    let page = past_the_password(&browser, "ia_1", &ALICE).await;
    assert!(page.has("totp-submit"), "{}", page.body);
    assert!(is_over(&type_code(&browser, &page, CODES[2]).await));
    assert_eq!(stage.fake.answers("ia_1")[1]["amr"], json!(["pwd", "otp", "mfa"]));
    // It is the user of whom more is asked, and nothing else is wrong.
    for id in ["ia_2", "ia_3"] {
        let to = past_the_password(&browser, id, &ALICE).await.location().unwrap();
        assert!(to.starts_with("/login"), "{id}: {to}");
    }
}

#[tokio::test]
async fn somebody_else_can_sign_in_instead() {
    let stage = Stage::start().await;
    stage.fake.script("ia_1", &[step_up(json!({}), json!({})), response()]);
    let browser = stage.browser();
    browser.open("ia_1").await;
    let page = browser.get("/login?interaction=ia_1&another=1").await;
    assert!(page.has("password"));
    assert!(browser.submit(&page, &BOB).await.has("totp-qr"));
}

#[tokio::test]
async fn a_session_that_does_not_count_is_no_first_factor() {
    for (more, session) in [
        (json!({"reasons": ["acr_insufficient", "max_age_exceeded"]}), json!({})),
        (json!({"reasons": ["prompt_login", "acr_insufficient"]}), json!({})),
        (json!({"reasons": ["answer_insufficient", "acr_insufficient"], "attempt": 2}), json!({})),
        (json!({"not_before": "2026-11-23T08:00:01Z"}), json!({})),
        (json!({"account": {"mode": "fixed", "sub": "bob"}}), json!({})),
        (json!({}), json!({"amr": ["otp"]})),
        (json!({}), json!({"amr": []})),
        (json!({}), json!({"sub": "bob"})),
        (json!({}), json!({"sub": "ghost"})),
    ] {
        let stage = Stage::start().await;
        let prompt = step_up(more.clone(), session.clone());
        stage.fake.script("ia_1", &[prompt, response()]);
        let browser = stage.browser();
        let page = browser.open("ia_1").await;
        assert!(page.has("password") && !page.has("totp-submit"), "{more} {session}");
        // Nor does it count for who goes to the other page, or sends its form, by hand.
        assert!(browser.get("/totp?interaction=ia_1").await.location().unwrap().starts_with("/login"));
        let mut form = page.hidden();
        form.push(("code".to_owned(), CODES[2].to_owned()));
        let sent = browser.post("/totp", &form).await;
        assert!(sent.location().unwrap().starts_with("/login"), "{more} {session}");
        assert!(stage.fake.answers("ia_1").is_empty());
    }
}

#[tokio::test]
async fn a_code_is_good_once_and_no_earlier_one_after_it() {
    let stage = stage(&["ia_1", "ia_2", "ia_3"]).await;
    let browser = stage.browser();
    let page = past_the_password(&browser, "ia_1", &ALICE).await;
    assert!(is_over(&type_code(&browser, &page, CODES[2]).await));
    let page = past_the_password(&browser, "ia_2", &ALICE).await;
    for code in [CODES[2], CODES[1]] {
        let again = type_code(&browser, &page, code).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(again.says("was used before"), "{}", again.body);
    }
    assert!(is_over(&type_code(&browser, &page, CODES[3]).await));
    // Also by another instance, and after a restart.
    let other = Stage::at(stage.users.clone(), |_| {}).await;
    other.fake.script("ia_3", &[demand(), response()]);
    let browser = other.browser();
    let page = past_the_password(&browser, "ia_3", &ALICE).await;
    assert!(type_code(&browser, &page, CODES[3]).await.says("was used before"));
    other.now.store(START + 30, Ordering::SeqCst);
    assert!(is_over(&type_code(&browser, &page, CODES[4]).await));
}

#[tokio::test]
async fn the_same_form_twice_is_the_same_answer_also_when_the_server_did_not_take_it_at_first() {
    let stage = stage(&["ia_1"]).await;
    let browser = stage.browser();
    let page = past_the_password(&browser, "ia_1", &ALICE).await;
    stage.fake.play.lock().unwrap().refuse_put =
        Some(json!({"status": 503, "code": "temporarily_unavailable"}));
    let down = type_code(&browser, &page, CODES[2]).await;
    assert_eq!(down.status, StatusCode::SERVICE_UNAVAILABLE);
    stage.fake.play.lock().unwrap().refuse_put = None;
    assert!(is_over(&type_code(&browser, &page, CODES[2]).await), "the code was not lost");
    let puts = stage.fake.play.lock().unwrap().puts.clone();
    assert_eq!(puts.len(), 2);
    assert_eq!(puts[0].2, puts[1].2);
}

#[tokio::test]
async fn wrong_codes_are_told_reported_and_few() {
    let stage = stage(&["ia_1", "ia_2"]).await;
    let browser = stage.browser();
    let page = past_the_password(&browser, "ia_1", &ALICE).await;
    for code in ["000000", "", "12345", "abcdef", CODES[0]] {
        let wrong = type_code(&browser, &page, code).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{code}");
        assert!(wrong.says("role=\"alert\"") && wrong.tag("code").contains("aria-invalid=\"true\""));
    }
    let blocked = type_code(&browser, &page, CODES[2]).await;
    assert_eq!(blocked.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(!blocked.header("retry-after").is_empty());
    // It is the account that waits, whatever the browser.
    let other = stage.browser();
    let page = past_the_password(&other, "ia_2", &ALICE).await;
    assert_eq!(type_code(&other, &page, CODES[2]).await.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(stage.fake.answers("ia_1").is_empty() && stage.fake.answers("ia_2").is_empty());
    for _ in 0..200 {
        if stage.fake.play.lock().unwrap().reports.len() >= 5 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let reports = stage.fake.play.lock().unwrap().reports.clone();
    assert_eq!(reports.len(), 5, "{reports:?}");
    assert_eq!(reports[0], json!({"type": "login.failed", "sub": "alice"}));
}

#[tokio::test]
async fn racing_guesses_are_all_counted() {
    let stage = stage(&["ia_1"]).await;
    let browser = stage.browser();
    let page = past_the_password(&browser, "ia_1", &ALICE).await;
    let guesses = (0..40).map(|n| {
        let (browser, page) = (&browser, &page);
        async move { type_code(browser, page, &format!("{n:06}")).await.status }
    });
    let mut looked_at = 0;
    for status in futures(guesses).await {
        looked_at += usize::from(status == StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(looked_at, 5);
}

/// Runs them at the same time.
async fn futures<F: Future>(all: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut all: Vec<_> = all.map(|one| (Box::pin(one), None)).collect();
    std::future::poll_fn(|context| {
        let mut ready = true;
        for (future, output) in &mut all {
            if output.is_none() {
                match future.as_mut().poll(context) {
                    std::task::Poll::Ready(value) => *output = Some(value),
                    std::task::Poll::Pending => ready = false,
                }
            }
        }
        if ready { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    all.into_iter().filter_map(|(_, output)| output).collect()
}

#[tokio::test]
async fn the_password_counts_in_its_browser_for_its_step_and_not_for_ever() {
    let stage = stage(&["ia_1", "ia_2"]).await;
    let browser = stage.browser();
    let page = past_the_password(&browser, "ia_1", &ALICE).await;
    let proof = page.hidden().into_iter().find(|(name, _)| name == "proof").unwrap().1;
    // In another interaction of this browser, and in another browser.
    for other in [&browser, &stage.browser()] {
        let login = other.open("ia_2").await;
        let mut form = login.hidden();
        form.extend([("proof".to_owned(), proof.clone()), ("code".to_owned(), CODES[2].to_owned())]);
        assert!(other.post("/totp", &form).await.location().unwrap().starts_with("/login"));
    }
    let forged = format!("A{}", &proof[1..]);
    for (field, wait) in [(forged.as_str(), 0), ("", 0), (".", 0), (proof.as_str(), 601)] {
        stage.now.store(START + wait, Ordering::SeqCst);
        let sent = browser.submit(&page, &[("proof", field), ("code", CODES[2])]).await;
        assert!(sent.location().unwrap().starts_with("/login"), "{field} {wait}");
    }
    assert!(stage.fake.answers("ia_1").is_empty() && stage.fake.answers("ia_2").is_empty());
    stage.now.store(START, Ordering::SeqCst);
    assert!(is_over(&type_code(&browser, &page, CODES[2]).await), "none of it used the code up");
}

#[tokio::test]
async fn a_wish_is_fulfilled_by_who_can_and_costs_the_others_nothing() {
    let stage = Stage::start().await;
    for id in ["ia_1", "ia_2", "ia_3"] {
        stage.fake.script(id, &[auth(json!({"acr": {"values": [MFA], "essential": false}})), response()]);
    }
    let browser = stage.browser();
    assert!(is_over(&past_the_password(&browser, "ia_1", &BOB).await));
    assert_eq!(stage.fake.answers("ia_1")[0]["acr"], "urn:placet:acr:pwd");
    let page = past_the_password(&browser, "ia_2", &ALICE).await;
    assert!(is_over(&type_code(&browser, &page, CODES[2]).await));
    assert_eq!(stage.fake.answers("ia_2")[0]["acr"], MFA);
    // Cancelling there refuses the request: it is the user who does not want to.
    let page = past_the_password(&browser, "ia_3", &ALICE).await;
    assert!(is_over(&browser.submit(&page, &[("action", "deny")]).await));
    assert_eq!(stage.fake.answers("ia_3")[0]["error"], "access_denied");
}

#[tokio::test]
async fn it_can_be_the_rule_to_use_a_second_factor_that_there_is() {
    let stage = Stage::with(|settings| settings.second_factor.always = true).await;
    for id in ["ia_1", "ia_2"] {
        stage.fake.script(id, &[auth(json!({})), response()]);
    }
    let browser = stage.browser();
    assert!(past_the_password(&browser, "ia_1", &ALICE).await.has("totp-submit"));
    assert!(is_over(&past_the_password(&browser, "ia_2", &BOB).await));
}

#[tokio::test]
async fn under_another_key_nobody_gets_in_and_nobody_sets_up_anew() {
    let stage = stage(&[]).await;
    let key = stage.users.with_extension("other");
    std::fs::write(&key, [7; 32]).unwrap();
    let other = Stage::at(stage.users.clone(), |settings| settings.key_file = Some(key)).await;
    other.fake.script("ia_1", &[demand(), response()]);
    let browser = other.browser();
    let page = past_the_password(&browser, "ia_1", &ALICE).await;
    assert!(page.has("totp-submit") && !page.has("totp-qr"));
    assert_eq!(type_code(&browser, &page, CODES[2]).await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(other.fake.answers("ia_1").is_empty());
}

#[tokio::test]
async fn without_a_key_file_there_are_no_second_factors_and_none_is_forgotten() {
    let stage = stage(&[]).await;
    let without_key = Settings { dev: false, ..settings(&stage.fake, &stage.users) };
    let refused = Server::bind(without_key).await.err().unwrap().to_string();
    assert!(refused.contains("name the key file"), "{refused}");
    // Where no user has one, the demand is out of reach.
    let empty = stage.users.with_extension("empty");
    std::fs::write(&empty, "").unwrap();
    let stage = Stage::at(empty, |settings| settings.dev = false).await;
    stage.fake.script("ia_1", &[demand(), response()]);
    let page = stage.browser().open("ia_1").await;
    assert!(!page.has("password") && page.says("is not available here"), "{}", page.body);
}

#[tokio::test]
async fn the_pages_speak_german() {
    let stage = stage(&["ia_1", "ia_2"]).await;
    let browser = stage.browser().speaking("de");
    assert!(past_the_password(&browser, "ia_1", &ALICE).await.says("Code eingeben"));
    assert!(past_the_password(&browser, "ia_2", &BOB).await.says("Zweiten Faktor einrichten"));
}
