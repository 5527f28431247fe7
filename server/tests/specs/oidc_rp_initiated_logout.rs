//! OpenID Connect RP-Initiated Logout 1.0, and what dies with a session.

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    harness::{Browser, HEADLESS, Reply, Stand, UI, query},
    helpers::{refresh, text},
};

const BYE: &str = "https://client.example/bye";

async fn logout(stand: &Stand, browser: &mut Browser, params: &[(&str, &str)]) -> Reply {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
    browser.get(&format!("{}/logout?{query}", stand.issuer)).await
}

/// Answers the confirmation and brings the browser back.
async fn confirm(stand: &Stand, browser: &mut Browser, asked: &Reply, answer: &Value) -> Reply {
    let id = asked.interaction();
    let done = stand.answer(&id, 1, answer).await;
    assert_eq!(done.json["type"], "response", "{}", done.text);
    browser.get(done.json["response"]["delivery"]["uri"].as_str().unwrap()).await
}

fn yes(scope: &str) -> Value {
    json!({ "type": "confirm", "accepted": true, "scope": scope })
}

/// Signs in and redeems.
async fn tokens(stand: &Stand, browser: &mut Browser, client: &str, extra: &[(&str, &str)]) -> Value {
    let params = stand.sign_in(browser, client, extra).await;
    stand.redeem(client, &params["code"]).await.json
}

async fn is_signed_in(stand: &Stand, browser: &mut Browser) -> bool {
    let params = browser.clone().authorize(stand, "web", &[("prompt", "none")]).await.params();
    params.get("error").is_none_or(|error| error != "login_required")
}

#[tokio::test]
async fn the_user_is_asked_and_sent_back_with_the_state() {
    let stand = Stand::start().await;
    let mut browser = Browser::new();
    let hint = text(&tokens(&stand, &mut browser, "web", &[]).await["id_token"]);
    let params = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", BYE), ("state", "s & t")];
    let asked = logout(&stand, &mut browser, &params).await;
    let id = asked.interaction();
    let prompt = stand.call(UI, Method::GET, &format!("/interactions/{id}"), None).await.json;
    assert_eq!((&prompt["kind"], &prompt["type"]), (&json!("logout"), &json!("confirm")));
    assert_eq!(prompt["confirm"]["choices"], json!(["client", "session", "subject"]));
    assert_eq!(prompt["logout"]["hint_verified"], true);
    assert_eq!(prompt["logout"]["clients"], json!(["web"]));
    assert_eq!(prompt["client"]["name"], "Books");
    assert!(is_signed_in(&stand, &mut browser).await, "nothing has taken effect yet");
    let back = confirm(&stand, &mut browser, &asked, &yes("session")).await;
    let location = back.header("location");
    assert!(location.starts_with(&format!("{BYE}?")), "{location}");
    assert_eq!(query(location)["state"], "s & t");
    assert!(!browser.cookies.contains_key("placet-sso"));
    assert!(!is_signed_in(&stand, &mut browser).await);
}

#[tokio::test]
async fn it_may_be_posted_and_without_a_place_to_go_there_is_a_page() {
    let stand = Stand::start().await;
    let mut browser = Browser::new();
    let hint = text(&tokens(&stand, &mut browser, "web", &[]).await["id_token"]);
    let moved =
        Browser::new().post(&format!("{}/logout", stand.issuer), &[("id_token_hint", hint.as_str())]).await;
    assert_eq!(moved.status, 303);
    let asked = browser.get(moved.header("location")).await;
    let page = confirm(&stand, &mut browser, &asked, &yes("session")).await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("You are signed out"), "{}", page.text);
    assert!(!is_signed_in(&stand, &mut browser).await);
}

#[tokio::test]
async fn the_pages_speak_the_language_of_the_request_and_else_of_the_browser() {
    let stand = Stand::start().await;
    let mut browser = Browser::speaking("de");
    tokens(&stand, &mut browser, "web", &[]).await;
    let refused = logout(&stand, &mut browser, &[("id_token_hint", "x")]).await;
    assert!(refused.text.contains("kann nicht bearbeitet werden"), "{}", refused.text);
    let asked = logout(&stand, &mut browser, &[]).await;
    let page = confirm(&stand, &mut browser, &asked, &yes("session")).await;
    assert!(page.text.contains("lang=\"de\"") && page.text.contains("Sie sind abgemeldet"), "{}", page.text);
    let nobody = logout(&stand, &mut browser, &[("ui_locales", "fr en")]).await;
    assert!(nobody.text.contains("lang=\"en\"") && nobody.text.contains("You are signed out"));
}

#[tokio::test]
async fn a_declined_logout_ends_nothing_and_still_goes_back() {
    let stand = Stand::start().await;
    for answer in [json!({ "type": "confirm", "accepted": false }), json!({ "type": "deny" })] {
        let mut browser = Browser::new();
        let tokens = tokens(&stand, &mut browser, "web", &[]).await;
        let hint = text(&tokens["id_token"]);
        let params = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", BYE)];
        let asked = logout(&stand, &mut browser, &params).await;
        let back = confirm(&stand, &mut browser, &asked, &answer).await;
        assert_eq!(back.header("location"), BYE);
        assert!(is_signed_in(&stand, &mut browser).await);
        assert!(stand.is_active("web", &text(&tokens["access_token"])).await);

        let asked = logout(&stand, &mut browser, &[]).await;
        let page = confirm(&stand, &mut browser, &asked, &answer).await;
        assert!(page.text.contains("You are still signed in"), "{}", page.text);
    }
}

#[tokio::test]
async fn with_a_session_dies_what_was_not_promised_to_work_offline() {
    let stand = Stand::start().await;
    let mut browser = Browser::new();
    let online = tokens(&stand, &mut browser, "web", &[("scope", "reports.read")]).await;
    let extra = [("scope", "openid offline_access"), ("prompt", "consent")];
    let offline = tokens(&stand, &mut browser, "web", &extra).await;
    let elsewhere = tokens(&stand, &mut Browser::new(), "web", &[("scope", "reports.read")]).await;
    let asked = logout(&stand, &mut browser, &[]).await;
    confirm(&stand, &mut browser, &asked, &yes("session")).await;

    assert!(!stand.is_active("web", &text(&online["access_token"])).await);
    assert_eq!(refresh(&stand, "web", &text(&online["refresh_token"])).await.error(), "invalid_grant");
    assert!(stand.is_active("web", &text(&offline["access_token"])).await);
    let again = refresh(&stand, "web", &text(&offline["refresh_token"])).await;
    assert_eq!(again.status, 200, "{}", again.text);
    assert!(stand.is_active("web", &text(&elsewhere["access_token"])).await);
    assert_eq!(refresh(&stand, "web", &text(&elsewhere["refresh_token"])).await.status, 200);
}

#[tokio::test]
async fn an_unredeemed_code_of_the_session_dies_with_it() {
    let stand = Stand::start().await;
    let mut browser = Browser::new();
    let params = stand.sign_in(&mut browser, "web", &[]).await;
    let asked = logout(&stand, &mut browser, &[]).await;
    confirm(&stand, &mut browser, &asked, &yes("session")).await;
    assert_eq!(stand.redeem("web", &params["code"]).await.error(), "invalid_grant");
}

#[tokio::test]
async fn the_scope_client_ends_one_client_and_the_scope_subject_every_session_of_the_user() {
    let stand = Stand::start().await;
    let (mut here, mut there, mut of_bob) = (Browser::new(), Browser::new(), Browser::new());
    let web = tokens(&stand, &mut here, "web", &[]).await;
    let other = tokens(&stand, &mut here, "other", &[]).await;
    let far = tokens(&stand, &mut there, "web", &[]).await;
    let id = of_bob.authorize(&stand, "web", &[]).await.interaction();
    stand.finish(&mut of_bob, &id, "bob").await;
    let hint = text(&web["id_token"]);
    let active = async |tokens: &Value, client| stand.is_active(client, &text(&tokens["access_token"])).await;

    let asked = logout(&stand, &mut here, &[("id_token_hint", &hint)]).await;
    confirm(&stand, &mut here, &asked, &yes("client")).await;
    assert!(!active(&web, "web").await);
    assert!(active(&other, "other").await && active(&far, "web").await);
    assert!(is_signed_in(&stand, &mut here).await);

    let asked = logout(&stand, &mut here, &[("id_token_hint", &hint)]).await;
    confirm(&stand, &mut here, &asked, &yes("subject")).await;
    assert!(!active(&other, "other").await && !active(&far, "web").await);
    assert!(!is_signed_in(&stand, &mut here).await && !is_signed_in(&stand, &mut there).await);
    assert!(is_signed_in(&stand, &mut of_bob).await);
}

#[tokio::test]
async fn a_scope_that_was_not_offered_is_refused() {
    let stand = Stand::start().await;
    let mut browser = Browser::new();
    tokens(&stand, &mut browser, "web", &[]).await;
    let id = logout(&stand, &mut browser, &[]).await.interaction();
    let refused = stand.answer(&id, 1, &yes("client")).await;
    assert_eq!((refused.status, refused.error()), (422, "invalid_answer"));
    assert_eq!(refused.json["errors"][0]["pointer"], "/scope");
}

#[tokio::test]
async fn what_cannot_be_trusted_gets_a_page_and_never_a_redirect() {
    let stand = Stand::start().await;
    let mut browser = Browser::new();
    let hint = text(&tokens(&stand, &mut browser, "web", &[]).await["id_token"]);
    let access = text(&tokens(&stand, &mut Browser::new(), "web", &[]).await["access_token"]);
    let forged = format!("{}x", &hint[..hint.len() - 1]);
    for params in [
        vec![("id_token_hint", hint.as_str()), ("client_id", "other")],
        vec![("id_token_hint", &forged)],
        vec![("id_token_hint", &access)],
        vec![("client_id", "nobody")],
        vec![("post_logout_redirect_uri", BYE)],
        vec![("client_id", "web"), ("post_logout_redirect_uri", "https://evil.example/")],
        vec![("client_id", "web"), ("post_logout_redirect_uri", "https://client.example/bye/")],
        vec![("client_id", "web"), ("post_logout_redirect_uri", "https://client.example/bye?x")],
        vec![("id_token_hint", &hint), ("post_logout_redirect_uri", "https://client.example/callback")],
        vec![("state", "a"), ("state", "b")],
    ] {
        let reply = logout(&stand, &mut browser, &params).await;
        assert_eq!(reply.status, 400, "{params:?}");
        assert!(reply.headers.get("location").is_none());
        assert!(reply.text.contains("id=\"error-page\""));
    }
    assert!(is_signed_in(&stand, &mut browser).await);
}

#[tokio::test]
async fn an_expired_hint_still_says_who_asks() {
    let stand = Stand::start().await;
    let mut browser = Browser::new();
    let hint = text(&tokens(&stand, &mut browser, "web", &[]).await["id_token"]);
    stand.clock.advance(3_600);
    let asked = logout(&stand, &mut browser, &[("id_token_hint", &hint)]).await;
    let id = asked.interaction();
    let prompt = stand.call(UI, Method::GET, &format!("/interactions/{id}"), None).await.json;
    assert_eq!(prompt["logout"]["hint_verified"], true);
}

#[tokio::test]
async fn where_nobody_is_signed_in_nobody_is_asked() {
    let stand = Stand::start().await;
    let params = [("client_id", "web"), ("post_logout_redirect_uri", BYE), ("state", "s")];
    let back = logout(&stand, &mut Browser::new(), &params).await;
    assert_eq!((back.status, back.header("location")), (303, format!("{BYE}?state=s").as_str()));
    let page = logout(&stand, &mut Browser::new(), &[]).await;
    assert!(page.status == 200 && page.text.contains("You are signed out"));
}

#[tokio::test]
async fn another_browser_cannot_finish_a_logout() {
    let stand = Stand::start().await;
    let mut browser = Browser::new();
    tokens(&stand, &mut browser, "web", &[]).await;
    let id = logout(&stand, &mut browser, &[]).await.interaction();
    let done = stand.answer(&id, 1, &yes("subject")).await.json;
    let uri = done["response"]["delivery"]["uri"].as_str().unwrap();
    assert_eq!(Browser::new().get(uri).await.status, 400);
    assert!(is_signed_in(&stand, &mut browser).await);
    let list = stand.call(HEADLESS, Method::GET, "/sessions?sub=alice", None).await.json;
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
}
