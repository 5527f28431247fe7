//! The transfer page: what the API refuses leads to a stronger sign-in, once, and back (RFC 9470).

use reqwest::StatusCode;

use crate::{browser::Browser, op::Fault, setting};

/// Asks for a transfer; where the app sends the browser.
async fn transfer(browser: &Browser) -> String {
    let csrf = browser.get("/transfer").await.csrf();
    let form = [("csrf", csrf.as_str()), ("to", "Dormouse <b>"), ("amount", "12.50")];
    browser.post("/transfer", &form).await.location().to_owned()
}

#[tokio::test]
async fn a_challenge_of_the_api_leads_to_the_provider_with_what_it_asks_for_and_back_to_the_transfer() {
    let (op, browser) = setting().await;
    browser.sign_in().await;
    let away = transfer(&browser).await;
    assert!(away.starts_with(&format!("{}/authorize?", op.issuer)), "{away}");
    op.err(Fault::Strong);
    let back = browser.get(&away).await;
    for (name, value) in [("acr_values", "urn:placet:acr:mfa"), ("max_age", "300")] {
        assert_eq!(op.asked(name).as_deref(), Some(value), "{name}");
    }
    assert!(op.asked("scope").expect("a scope").contains("offline_access"), "no less than before");
    let done = browser.get(back.location()).await;
    assert_eq!(done.location(), "/transfer");
    let page = browser.get("/transfer").await;
    let text = page.text();
    for shown in ["insufficient_user_authentication", "Done: 200", "Dormouse <b>", "12.50", "max_age=\"300\""]
    {
        assert!(text.contains(shown), "`{shown}` is missing in {text}");
    }
    assert!(!page.html.contains("Dormouse <b>"), "what was typed is escaped");
    assert_eq!(op.exchanges(), 2);
    assert_eq!(transfer(&browser).await, "/transfer", "from now on the token will do");
}

#[tokio::test]
async fn a_second_refusal_is_shown_and_leads_nowhere() {
    let (op, browser) = setting().await;
    browser.sign_in().await;
    let away = transfer(&browser).await;
    let back = browser.get(&away).await;
    assert_eq!(browser.get(back.location()).await.location(), "/transfer");
    let page = browser.get("/transfer").await;
    assert_eq!(page.html.matches("The API refused").count(), 2, "{}", page.text());
    assert_eq!(op.exchanges(), 2);
}

#[tokio::test]
async fn another_sign_in_makes_no_transfer() {
    let (op, browser) = setting().await;
    browser.sign_in().await;
    transfer(&browser).await;
    op.err(Fault::Strong);
    browser.sign_in().await;
    assert!(!browser.get("/transfer").await.text().contains("Done: 200"));
}

#[tokio::test]
async fn the_api_challenges_whoever_comes() {
    let (_op, browser) = setting().await;
    assert_eq!(browser.get("/transfer").await.location(), "/", "nobody is signed in");
    let nobody = browser.post_from_elsewhere("/api/transfer", &[("to", "me")]).await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
}
