//! The call centre, which asks users who are elsewhere.

use reqwest::StatusCode;

use crate::{
    browser::{Browser, Page},
    op::Fault,
    setting,
};

async fn post(browser: &Browser, page: &Page, path: &str, fields: &[(&str, &str)]) -> Page {
    let csrf = page.csrf();
    let mut form = vec![("csrf", csrf.as_str())];
    form.extend(fields);
    browser.post(path, &form).await
}

#[tokio::test]
async fn the_app_waits_for_a_user_who_is_elsewhere() {
    let (op, browser) = setting().await;
    let page = browser.get("/call-centre").await;
    assert!(page.html.contains("id=\"ask\""), "{}", page.text());
    let asked = post(&browser, &page, "/call-centre", &[("hint", "alice"), ("message", "W4SCT")]).await;
    assert_eq!(asked.status, StatusCode::SEE_OTHER, "{}", asked.text());
    assert_eq!(op.asked("binding_message").as_deref(), Some("W4SCT"));
    assert_eq!(op.asked("scope").as_deref(), Some("openid profile email"));
    let page = browser.get("/call-centre").await;
    assert!(page.html.contains("id=\"waiting\"") && page.html.contains("http-equiv=\"refresh\""));
    assert!(page.text().contains("W4SCT"));
    let page = browser.get("/call-centre").await;
    assert!(page.html.contains("id=\"approved\""), "{}", page.text());
    assert!(page.text().contains("\"sub\": \"248289761001\""), "{}", page.text());
    let next = post(&browser, &page, "/call-centre/end", &[]).await;
    assert_eq!(next.status, StatusCode::SEE_OTHER);
    assert!(browser.get("/call-centre").await.html.contains("id=\"ask\""));
}

#[tokio::test]
async fn an_id_token_for_another_client_is_refused() {
    let (op, browser) = setting().await;
    op.err(Fault::WrongNonce);
    let page = browser.get("/call-centre").await;
    post(&browser, &page, "/call-centre", &[("hint", "alice")]).await;
    browser.get("/call-centre").await;
    let page = browser.get("/call-centre").await;
    assert!(page.html.contains("id=\"refused\"") && !page.html.contains("id=\"approved\""));
}

#[tokio::test]
async fn an_error_of_the_provider_is_shown_and_a_forged_form_asks_nothing() {
    let (op, browser) = setting().await;
    let page = browser.get("/call-centre").await;
    let failed = post(&browser, &page, "/call-centre", &[("hint", "nobody")]).await;
    assert!(failed.text().contains("unknown_user_id"), "{}", failed.text());
    let forged = browser.post("/call-centre", &[("csrf", "forged"), ("hint", "alice")]).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    assert_eq!(op.asked("login_hint").as_deref(), Some("nobody"));
}
