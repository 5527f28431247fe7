//! The account page, and the pass that opens it and the page for requests.

use std::sync::atomic::Ordering;

use http::StatusCode;
use placet_login::Settings;
use serde_json::{Value, json};

use crate::{
    browser::{Browser, Page},
    second::CODES,
    stage::{Stage, auth, response},
};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

fn session(id: &str, sub: &str, data: &Value) -> Value {
    json!({ "id": id, "sub": sub, "authenticated_at": "2026-11-23T09:00:00Z", "data": data })
}

/// A stage whose server keeps two sessions of a user, and two applications.
async fn stage_of(sub: &str) -> Stage {
    let stage = Stage::start().await;
    let known = json!({ "device": "Firefox · Linux", "address": "192.0.2.7", "browser": "of somebody else" });
    let sessions = vec![session("ses_1", sub, &known), session("ses_2", sub, &json!({}))];
    let consent = json!({
        "id": "cns_1", "sub": sub, "client_id": "books", "scope": ["email"], "claims": [],
        "client": { "client_id": "books", "name": "Books & <Co>", "logo_uri": "https://books.example/logo.png" },
        "sign_in_uri": "https://books.example/login?iss=https%3A%2F%2Fas.example", "granted_at": "2026-10-20T09:00:00Z",
    });
    let grant = |id: &str, client: &str| {
        json!({
            "id": id, "sub": sub, "client_id": client, "scope": ["reports.read"],
            "client": { "client_id": client }, "sign_in_uri": "javascript:alert(1)",
            "created_at": "2026-11-21T09:00:00Z", "expires_at": "2027-11-21T09:00:00Z",
        })
    };
    let grants = vec![grant("az_1", "books"), grant("az_2", "tv"), grant("az_3", "books")];
    let kept = [("sessions", sessions), ("consents", vec![consent]), ("authorizations", grants)];
    stage.fake.play.lock().unwrap().kept.extend(kept.map(|(name, items)| (name.to_owned(), items)));
    stage
}

fn deleted(stage: &Stage) -> Vec<String> {
    stage.fake.play.lock().unwrap().deleted.clone()
}

async fn give_password(browser: &Browser, path: &str, name: &str) -> Page {
    let password = if name == "alice" { "wonderland" } else { "builder" };
    let page = browser.get(path).await;
    assert!(page.has("pass-sign-in"), "{}", page.body);
    let fields = [("username", name), ("password", password), ("action", "sign-in")];
    let answer = browser.submit(&page, &fields).await;
    assert_eq!(answer.location().as_deref(), Some(path), "{}", answer.body);
    browser.get(path).await
}

/// The account page of bob, who has no second factor.
async fn signed_in(browser: &Browser) -> Page {
    let page = give_password(browser, "/account", "bob").await;
    assert!(page.has("account-leave"), "{}", page.body);
    page
}

async fn act(browser: &Browser, page: &Page, action: &str, id: &str) -> Page {
    browser.submit(page, &[("action", action), ("id", id)]).await
}

#[tokio::test]
async fn whoever_opens_the_page_gives_the_password() {
    let stage = stage_of("bob").await;
    let browser = stage.browser();
    let page = browser.get("/account").await;
    assert!(page.has("pass-sign-in") && !page.says("ses_"), "{}", page.body);
    let fields = [("username", "bob"), ("password", "wrong"), ("action", "sign-in")];
    let wrong = browser.submit(&page, &fields).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.has("form-error") && wrong.says("value=\"bob\""), "{}", wrong.body);
    let page = signed_in(&browser).await;
    for words in [
        "Firefox · Linux",
        "192.0.2.7",
        "Unknown device",
        "Books &#38; &#60;Co&#62;",
        ">tv<",
        "See your email address",
        "reports.read",
        "20 October 2026",
    ] {
        assert!(page.says(words), "{words}: {}", page.body);
    }
    // A sign-in begins where the client says, with the issuer; what is no web page is no link.
    assert!(page.tag("open-0").contains("href=\"https://books.example/login?iss=https%3A%2F%2Fas.example\""));
    assert!(!page.has("open-1") && !page.says("javascript:"), "{}", page.body);
    assert!(!page.says("az_") && !page.says("cns_") && !page.says("This browser"), "{}", page.body);
    assert!(page.header("cache-control").contains("no-store"));
    browser.submit(&page, &[("action", "sign-out")]).await;
    assert!(browser.get("/account").await.has("pass-sign-in"));
}

#[tokio::test]
async fn a_pass_is_over_after_a_quarter_of_an_hour() {
    let stage = stage_of("bob").await;
    let browser = stage.browser();
    signed_in(&browser).await;
    stage.now.fetch_add(899, Ordering::SeqCst);
    assert!(browser.get("/account").await.has("account-leave"));
    stage.now.fetch_add(1, Ordering::SeqCst);
    assert!(browser.get("/account").await.has("pass-sign-in"));
}

#[tokio::test]
async fn one_sign_in_is_good_at_both_pages_and_so_is_leaving() {
    let stage = stage_of("bob").await;
    let browser = stage.browser();
    give_password(&browser, "/approve", "bob").await;
    let account = browser.get("/account").await;
    assert!(account.has("account-leave"), "{}", account.body);
    browser.submit(&account, &[("action", "sign-out")]).await;
    assert!(browser.get("/approve").await.has("pass-sign-in"));
}

#[tokio::test]
async fn who_has_a_second_factor_gives_it_for_the_account_page_and_once_only() {
    let stage = stage_of("alice").await;
    let browser = stage.browser();
    give_password(&browser, "/approve", "alice").await;
    let page = browser.get("/account").await;
    assert!(page.has("pass-code") && !page.says("Firefox"), "{}", page.body);
    // Nothing is done by who has given the password alone.
    let shut = act(&browser, &page, "end-others", "").await;
    assert_eq!(shut.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(shut.has("pass-code") && deleted(&stage).is_empty(), "{}", shut.body);
    let wrong = browser.submit(&page, &[("action", "verify"), ("code", "000000")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.has("form-error"), "{}", wrong.body);
    let right = browser.submit(&page, &[("action", "verify"), ("code", CODES[2])]).await;
    assert_eq!(right.location().as_deref(), Some("/account"), "{}", right.body);
    assert!(browser.get("/account").await.says("Firefox"));
    // The same code in another browser: it is used up.
    let other = stage.browser();
    let page = give_password(&other, "/account", "alice").await;
    let again = other.submit(&page, &[("action", "verify"), ("code", CODES[2])]).await;
    assert!(again.has("pass-code") && again.says("was used before"), "{}", again.body);
    // Or it is somebody else.
    other.submit(&page, &[("action", "sign-out")]).await;
    assert!(other.get("/account").await.has("pass-sign-in"));
}

#[tokio::test]
async fn guesses_at_the_code_are_counted() {
    let stage = stage_of("alice").await;
    let browser = stage.browser();
    let page = give_password(&browser, "/account", "alice").await;
    for _ in 0..5 {
        browser.submit(&page, &[("action", "verify"), ("code", "000000")]).await;
    }
    let right = browser.submit(&page, &[("action", "verify"), ("code", CODES[2])]).await;
    assert_eq!(right.status, StatusCode::TOO_MANY_REQUESTS, "{}", right.body);
    assert!(!right.header("retry-after").is_empty());
}

#[tokio::test]
async fn one_session_the_other_sessions_and_an_application_are_ended() {
    let stage = stage_of("bob").await;
    let browser = stage.browser();
    let page = signed_in(&browser).await;
    let done = act(&browser, &page, "end-session", "ses_1").await;
    assert_eq!(done.location().as_deref(), Some("/account?done=ended"), "{}", done.body);
    assert!(browser.get("/account?done=ended").await.has("account-done"));
    // What is gone already is as good as ended.
    assert_eq!(act(&browser, &page, "end-session", "ses_1").await.status, StatusCode::SEE_OTHER);
    act(&browser, &page, "withdraw", "books").await;
    act(&browser, &page, "end-others", "").await;
    let expected =
        ["sessions/ses_1", "consents/cns_1", "authorizations/az_1", "authorizations/az_3", "sessions/ses_2"];
    assert_eq!(deleted(&stage), expected);
    assert!(browser.get("/account").await.has("no-sessions"));
    assert!(!browser.get("/account?done=%3Cscript%3E").await.has("account-done"));
}

#[tokio::test]
async fn the_session_of_this_browser_is_marked_and_stays_when_the_others_end() {
    let stage = stage_of("bob").await;
    let browser = stage.browser().called(FIREFOX);
    stage.fake.script("ia_1", &[auth(json!({})), response()]);
    let page = browser.open("ia_1").await;
    browser.submit(&page, &[("username", "bob"), ("password", "builder")]).await;
    let data = stage.fake.answers("ia_1").remove(0)["session"]["data"].clone();
    assert_eq!((&data["address"], &data["device"]), (&json!("127.0.0.1"), &json!("Firefox · Linux")));
    stage.fake.play.lock().unwrap().kept.get_mut("sessions").unwrap().push(session("ses_3", "bob", &data));
    let page = signed_in(&browser).await;
    assert_eq!(page.body.matches("This browser").count(), 1, "{}", page.body);
    assert!(page.says("Sign out everywhere else"));
    let first = page.body.split("<li>").nth(1).unwrap();
    assert!(first.contains("This browser") && first.contains("ses_3"), "it comes first: {first}");
    act(&browser, &page, "end-others", "").await;
    assert_eq!(deleted(&stage), ["sessions/ses_1", "sessions/ses_2"]);
    let page = browser.get("/account").await;
    assert!(page.says("This browser") && !page.has("end-others"), "{}", page.body);
    // Another browser of the same user does not have the mark, nor has this browser for another user.
    let other = stage.browser();
    assert!(!signed_in(&other).await.says("This browser"));
    stage.fake.script("ia_2", &[auth(json!({})), response()]);
    let page = browser.open("ia_2").await;
    browser.submit(&page, &[("username", "alice"), ("password", "wonderland")]).await;
    assert_ne!(stage.fake.answers("ia_2").remove(0)["session"]["data"]["browser"], data["browser"]);
}

#[tokio::test]
async fn lists_of_many_pages_are_read_to_their_end() {
    let stage = stage_of("bob").await;
    let many: Vec<Value> = (0..250).map(|n| session(&format!("ses_{n}"), "bob", &json!({}))).collect();
    stage.fake.play.lock().unwrap().kept.insert("sessions".to_owned(), many);
    let browser = stage.browser();
    let page = signed_in(&browser).await;
    assert!(page.has("end-249"));
    act(&browser, &page, "end-others", "").await;
    assert_eq!(deleted(&stage).len(), 250);
}

#[tokio::test]
async fn nobody_ends_what_is_not_theirs_and_no_other_site_ends_anything() {
    let stage = stage_of("bob").await;
    let browser = stage.browser();
    let page = signed_in(&browser).await;
    for (action, id) in
        [("end-session", "ses_of_alice"), ("withdraw", "unknown"), ("end-session", "../consents/cns_1")]
    {
        assert_eq!(act(&browser, &page, action, id).await.status, StatusCode::SEE_OTHER);
    }
    // Forms of nobody, of another browser, of another user in this browser, and of nobody in this one.
    let other = stage.browser();
    let foreign = signed_in(&other).await.hidden();
    let fresh = stage.browser();
    let before = fresh.get("/account").await;
    signed_in(&fresh).await;
    assert_eq!(act(&fresh, &before, "end-others", "").await.status, StatusCode::FORBIDDEN);
    for csrf in ["", "AAAA", foreign[0].1.as_str()] {
        let answer = browser.submit(&page, &[("csrf", csrf), ("action", "end-others")]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(act(&browser, &page, "something", "").await.status, StatusCode::BAD_REQUEST);
    browser.submit(&page, &[("action", "sign-out")]).await;
    assert_eq!(act(&browser, &page, "end-others", "").await.status, StatusCode::FORBIDDEN);
    give_password(&browser, "/approve", "alice").await;
    assert_eq!(act(&browser, &page, "end-others", "").await.status, StatusCode::FORBIDDEN);
    assert!(deleted(&stage).is_empty());
}

#[tokio::test]
async fn a_form_that_another_site_sent_does_nothing_whatever_it_holds() {
    let stage = stage_of("bob").await;
    let browser = stage.browser();
    let page = signed_in(&browser).await;
    let browser = browser.sent_by("cross-site");
    assert_eq!(act(&browser, &page, "end-others", "").await.status, StatusCode::FORBIDDEN);
    assert_eq!(act(&browser, &page, "sign-out", "").await.status, StatusCode::FORBIDDEN);
    assert!(deleted(&stage).is_empty());
    let browser = browser.sent_by("same-origin");
    assert!(browser.get("/account").await.has("account-leave"));
    assert_eq!(act(&browser, &page, "end-others", "").await.status, StatusCode::SEE_OTHER);
    assert_eq!(deleted(&stage).len(), 2);
}

#[tokio::test]
async fn a_pass_counts_in_its_own_browser_and_unaltered() {
    let stage = stage_of("bob").await;
    let browser = stage.browser();
    signed_in(&browser).await;
    let pass = browser.cookie("placet-pass").unwrap();
    let thief = stage.browser();
    thief.get("/account").await;
    thief.keep("placet-pass", &pass);
    assert!(thief.get("/account").await.has("pass-sign-in"));
    let parts: Vec<&str> = pass.split('.').collect();
    let [sub, until, factors, mark] = parts[..] else { panic!("{pass}") };
    let later = until.parse::<u32>().unwrap() + 1;
    for forged in [
        format!("{sub}.{later}.{factors}.{mark}"),
        format!("{sub}.{until}.2.{mark}"),
        format!("YWxpY2U.{until}.{factors}.{mark}"),
        format!("{sub}.{until}.{factors}."),
        "x".to_owned(),
        "...".to_owned(),
    ] {
        browser.keep("placet-pass", &forged);
        assert!(browser.get("/account").await.has("pass-sign-in"), "{forged}");
    }
    browser.keep("placet-pass", &pass);
    assert!(browser.get("/account").await.has("account-leave"));
}

#[tokio::test]
async fn another_password_ends_a_pass() {
    let key = |settings: &mut Settings| settings.key_file = Some(settings.users.with_extension("key"));
    let stage = Stage::start().await;
    std::fs::write(stage.users.with_extension("key"), [7; 32]).unwrap();
    let (before, again) =
        (Stage::at(stage.users.clone(), key).await, Stage::at(stage.users.clone(), key).await);
    let browser = before.browser();
    signed_in(&browser).await;
    let browser = browser.to(&again.base);
    assert!(browser.get("/account").await.has("account-leave"), "another instance knows the pass");
    let text = std::fs::read_to_string(&stage.users).unwrap();
    let hash = |text: &str| text.matches("$argon2").count();
    assert!(hash(&text) >= 2, "{text}");
    // Both users get the password of the other.
    let mut hashes = text.split('"').filter(|part| part.starts_with("$argon2"));
    let (one, two) = (hashes.next().unwrap(), hashes.next().unwrap());
    let changed = text.replace(one, "first").replace(two, one).replace("first", two);
    std::fs::write(&stage.users, changed).unwrap();
    let later = Stage::at(stage.users.clone(), key).await;
    assert!(browser.to(&later.base).get("/account").await.has("pass-sign-in"));
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_told_and_can_be_tried_again() {
    let stage = stage_of("bob").await;
    let browser = stage.browser();
    signed_in(&browser).await;
    stage.fake.play.lock().unwrap().refuse_all = Some(json!({ "status": 503, "code": "unavailable" }));
    let page = browser.get("/account").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.says("href=\"/account\""), "{}", page.body);
}

#[tokio::test]
async fn the_page_speaks_german() {
    let stage = stage_of("bob").await;
    let browser = stage.browser().speaking("de");
    let page = signed_in(&browser).await;
    for words in ["Wo Sie angemeldet sind", "Apps mit Zugriff", "20. Oktober 2026", "Überall abmelden"] {
        assert!(page.says(words), "{words}: {}", page.body);
    }
}
