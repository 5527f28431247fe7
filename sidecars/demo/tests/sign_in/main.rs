//! Signing in at a provider that keeps to the protocol, and at one that does not.

mod browser;
mod call;
mod op;
mod step_up;

use std::sync::Arc;

use browser::{Browser, Page, app};
use op::{Fault, Op};
use reqwest::StatusCode;
use url::Url;

pub(crate) async fn setting() -> (Arc<Op>, Browser) {
    let op = Op::start().await;
    let browser = Browser::new(app(&op.issuer).await);
    (op, browser)
}

fn with(back: &Url, name: &str, value: Option<&str>) -> String {
    let kept = back.query_pairs().into_owned().filter(|(key, _)| key != name);
    let pairs: Vec<_> = kept.chain(value.map(|value| (name.to_owned(), value.to_owned()))).collect();
    let mut changed = back.clone();
    changed.query_pairs_mut().clear().extend_pairs(pairs);
    changed.to_string()
}

#[track_caller]
fn assert_refused(page: &Page, code: &str) {
    assert_eq!(page.status, StatusCode::BAD_REQUEST, "{}", page.text());
    assert!(page.html.contains("id=\"error\""), "{}", page.html);
    assert!(page.html.contains(&format!("<code id=\"error-code\">{code}</code>")), "{}", page.text());
}

#[tokio::test]
async fn a_user_signs_in_and_sees_what_the_app_got() {
    let (op, browser) = setting().await;
    let page = browser.sign_in().await;
    let text = page.text();
    for shown in [
        "\"name\": \"Alice <Wonder>\"",
        "\"email_verified\": true",
        "\"jti\": \"access-1\"",
        "\"typ\": \"at+jwt\"",
        "offline_access",
        "(lifetime 300 s)",
        "present",
    ] {
        assert!(text.contains(shown), "`{shown}` is missing in {text}");
    }
    assert_eq!(op.asked("code_challenge_method").as_deref(), Some("S256"));
    assert_eq!(op.asked("scope").as_deref(), Some("openid profile email"));
}

#[tokio::test]
async fn what_is_chosen_on_the_start_page_is_asked_for() {
    let (op, browser) = setting().await;
    let form = "?scope=openid&scope=phone&prompt=create&max_age=60&acr_values=a+b&ui_locales=de";
    browser.ask(&format!("{form}&response_mode=form_post")).await;
    for (name, value) in [
        ("scope", "openid phone"),
        ("prompt", "create"),
        ("max_age", "60"),
        ("acr_values", "a b"),
        ("ui_locales", "de"),
        ("response_mode", "form_post"),
    ] {
        assert_eq!(op.asked(name).as_deref(), Some(value), "{name}");
    }
}

#[tokio::test]
async fn the_provider_may_begin_a_sign_in_here_and_nobody_else() {
    let (op, browser) = setting().await;
    let begun = |issuer: &str| {
        let pairs = [("iss", issuer), ("login_hint", "alice"), ("target_link_uri", "https://evil.example")];
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
    };
    let back = browser.ask(&format!("?{}", begun(&op.issuer))).await;
    assert_eq!(op.asked("scope").as_deref(), Some("openid profile email"));
    assert_eq!(op.asked("login_hint").as_deref(), Some("alice"));
    assert_eq!(browser.get(back.as_str()).await.location(), "/session", "not where the link says");
    let refused = browser.get(&format!("/login?{}", begun("https://evil.example"))).await;
    assert_refused(&refused, "issuer_unknown");
    let posted = browser.post("/login", &[("iss", &op.issuer)]).await;
    assert!(posted.location().starts_with("/login?iss=http"), "{}", posted.location());
}

#[tokio::test]
async fn an_answer_with_another_state_is_refused() {
    let (op, browser) = setting().await;
    let back = browser.ask("").await;
    assert_refused(&browser.get(&with(&back, "state", Some("another"))).await, "state_mismatch");
    assert_refused(&browser.get(&with(&back, "state", None)).await, "state_mismatch");
    assert_eq!(op.exchanges(), 0);
}

#[tokio::test]
async fn an_answer_that_arrives_in_another_browser_is_refused() {
    let op = Op::start().await;
    let address = app(&op.issuer).await;
    let (mine, other) = (Browser::new(address), Browser::new(address));
    let back = mine.ask("").await;
    other.ask("").await;
    assert_refused(&other.get(back.as_str()).await, "state_mismatch");
    assert_refused(&Browser::new(address).get(back.as_str()).await, "state_mismatch");
    assert_eq!(op.exchanges(), 0);
}

#[tokio::test]
async fn an_answer_of_another_issuer_is_refused() {
    let (op, browser) = setting().await;
    let back = browser.ask("").await;
    let page = browser.get(&with(&back, "iss", Some("https://evil.example"))).await;
    assert_refused(&page, "iss_mismatch");
    assert_eq!(op.exchanges(), 0);
}

#[tokio::test]
async fn an_answer_must_name_its_issuer_when_the_provider_says_it_does() {
    let (op, browser) = setting().await;
    let back = browser.ask("").await;
    assert_refused(&browser.get(&with(&back, "iss", None)).await, "iss_mismatch");
    assert_eq!(op.exchanges(), 0);
}

#[tokio::test]
async fn an_id_token_with_another_nonce_is_refused() {
    let (op, browser) = setting().await;
    op.err(Fault::WrongNonce);
    let back = browser.ask("").await;
    assert_refused(&browser.get(back.as_str()).await, "nonce_mismatch");
    assert_eq!(browser.get("/session").await.location(), "/");
}

#[tokio::test]
async fn an_access_token_that_the_id_token_does_not_vouch_for_is_refused() {
    let (op, browser) = setting().await;
    op.err(Fault::WrongAccessTokenHash);
    let back = browser.ask("").await;
    assert_refused(&browser.get(back.as_str()).await, "id_token_invalid");
}

#[tokio::test]
async fn a_provider_may_change_its_key() {
    let (op, browser) = setting().await;
    browser.sign_in().await;
    op.err(Fault::NewKey);
    assert!(browser.sign_in().await.text().contains("access-2"));
}

#[tokio::test]
async fn an_error_of_the_provider_is_shown_with_its_description() {
    let (op, browser) = setting().await;
    let state =
        browser.ask("").await.query_pairs().find(|(name, _)| name == "state").expect("state").1.into_owned();
    let answer = format!(
        "/callback?error=access_denied&error_description=the+user+said+%3Cb%3Eno%3C/b%3E&state={state}&iss={}",
        op.issuer
    );
    let page = browser.get(&answer).await;
    assert_refused(&page, "access_denied");
    assert!(page.text().contains("the user said <b>no</b>"), "{}", page.html);
    assert!(!page.html.contains("<b>no"), "the description is escaped");
}

#[tokio::test]
async fn an_answer_works_once_and_the_session_survives_its_repetition() {
    let (op, browser) = setting().await;
    let back = browser.ask("").await;
    assert_eq!(browser.get(back.as_str()).await.location(), "/session");
    assert_refused(&browser.get(back.as_str()).await, "state_mismatch");
    assert_eq!(op.exchanges(), 1);
    assert_eq!(browser.get("/session").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_posted_answer_needs_no_cookie_but_the_request_after_it_does() {
    let (op, browser) = setting().await;
    let back = browser.ask("?scope=openid&response_mode=form_post").await;
    let pairs: Vec<_> = back.query_pairs().into_owned().collect();
    let form: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let kept = browser.post_from_elsewhere("/callback", &form).await;
    assert_eq!(kept.status, StatusCode::SEE_OTHER);
    assert!(!kept.location().contains("code-1"), "{}", kept.location());
    assert_eq!(browser.get(kept.location()).await.location(), "/session");
    assert_refused(&browser.get(kept.location()).await, "state_mismatch");
    assert_eq!(op.exchanges(), 1);
}

#[tokio::test]
async fn the_buttons_call_the_provider_and_show_its_answers() {
    let (_op, browser) = setting().await;
    browser.sign_in().await;
    assert!(browser.press("/userinfo").await.text().contains("\"team\": \"tea\""));
    assert!(browser.press("/introspect").await.text().contains("\"authorization_id\": \"az-1\""));
    assert!(browser.press("/revoke").await.text().contains("The provider accepted."));
    let refreshed = browser.press("/refresh").await.text();
    assert!(refreshed.contains("The tokens below are new.") && refreshed.contains("access-2"), "{refreshed}");
}

#[tokio::test]
async fn signing_out_ends_both_sessions() {
    let (op, browser) = setting().await;
    let csrf = browser.sign_in().await.csrf();
    let away = browser.post("/logout", &[("csrf", &csrf)]).await;
    let url = Url::parse(away.location()).expect("a URL");
    assert!(away.location().starts_with(&format!("{}/logout?", op.issuer)));
    let sent =
        |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    assert_eq!(sent("client_id").as_deref(), Some("demo"));
    assert!(sent("id_token_hint").is_some());
    assert!(sent("post_logout_redirect_uri").expect("where to return").ends_with('/'));
    assert_eq!(browser.get("/session").await.location(), "/");
    let state = sent("state").expect("a state");
    assert!(!browser.get("/?state=another").await.html.contains("id=\"signed-out\""));
    assert!(browser.get(&format!("/?state={state}")).await.html.contains("id=\"signed-out\""));
}

#[tokio::test]
async fn a_button_pressed_from_elsewhere_does_nothing() {
    let (op, browser) = setting().await;
    let csrf = browser.sign_in().await.csrf();
    for path in ["/refresh", "/userinfo", "/introspect", "/revoke", "/revoke-refresh", "/logout", "/transfer"]
    {
        assert_eq!(browser.post(path, &[("csrf", "guessed")]).await.status, StatusCode::FORBIDDEN);
        assert_eq!(browser.post_from_elsewhere(path, &[("csrf", &csrf)]).await.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(op.exchanges(), 1);
    assert_eq!(browser.get("/session").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_provider_that_is_down_is_told_with_a_way_to_try_again() {
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let issuer = format!("http://{}", nobody.local_addr().expect("it is bound"));
    drop(nobody);
    let browser = Browser::new(app(&issuer).await);
    let page = browser.get("/login?scope=openid&prompt=login").await;
    assert_eq!(page.status, StatusCode::BAD_GATEWAY);
    assert!(page.html.contains("id=\"error\""));
    assert!(page.html.contains("href=\"/login?scope=openid&#38;prompt=login\""), "{}", page.html);
}

#[tokio::test]
async fn every_page_forbids_scripts_and_framing() {
    let (_op, browser) = setting().await;
    browser.sign_in().await;
    for path in ["/", "/session", "/transfer", "/callback", "/nowhere", "/assets/style.css", "/healthz"] {
        let page = browser.get(path).await;
        assert!(page.csp.starts_with("default-src 'none'; style-src 'self'"), "{path}");
        assert!(page.csp.contains("frame-ancestors 'none'"), "{path}");
    }
    assert_eq!(browser.get("/healthz").await.status, StatusCode::OK);
    assert_eq!(browser.get("/nowhere").await.status, StatusCode::NOT_FOUND);
    assert_eq!(browser.get("/logout").await.status, StatusCode::METHOD_NOT_ALLOWED);
}

/// The page of the television, once it shows something else than its code.
async fn changed(browser: &Browser) -> Page {
    for _ in 0..200 {
        let page = browser.get("/tv").await;
        if !page.html.contains("tv-user-code") {
            return page;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the television waits for ever");
}

#[tokio::test]
async fn a_television_shows_its_code_until_somebody_has_answered() {
    let (op, browser) = setting().await;
    let off = browser.get("/tv").await;
    assert!(off.text().contains("The television is off"), "{}", off.text());
    assert_eq!(browser.post("/tv", &[]).await.location(), "/tv");
    let page = browser.get("/tv").await;
    assert!(page.html.contains("http-equiv=\"refresh\""), "it looks again without a script");
    assert!(page.text().contains("WDJB-MJHT"), "{}", page.text());
    assert!(page.html.contains("/device?user_code=WDJB-MJHT") && page.html.contains("id=\"tv-qr\""));
    assert_eq!(op.asked("scope").as_deref(), Some("openid profile offline_access"));
    op.answer_for_television(true);
    let page = changed(&browser).await;
    assert!(page.text().contains("Good evening, 248289761001"), "{}", page.text());
    assert!(!page.html.contains("http-equiv=\"refresh\""));
}

#[tokio::test]
async fn a_television_that_was_refused_says_so_and_can_ask_again() {
    let (op, browser) = setting().await;
    browser.post("/tv", &[]).await;
    op.answer_for_television(false);
    let page = changed(&browser).await;
    assert!(page.html.contains("<code id=\"error-code\">access_denied</code>"), "{}", page.text());
    let other = browser.another();
    assert!(other.get("/tv").await.text().contains("The television is off"), "it is this browser's");
    op.answer_for_television(true);
    browser.post("/tv", &[]).await;
    assert!(changed(&browser).await.text().contains("Good evening"));
}

#[tokio::test]
async fn a_provider_without_the_grant_leaves_the_television_off() {
    let browser = Browser::new(app("http://127.0.0.1:9").await);
    let page = browser.post("/tv", &[]).await;
    assert_eq!(page.status, StatusCode::BAD_GATEWAY);
    assert!(page.html.contains("id=\"retry\" href=\"/tv\""), "{}", page.html);
}
