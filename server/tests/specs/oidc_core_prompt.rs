//! OpenID Connect Core section 3.1.2: what a request demands of the authentication.

use serde_json::json;

use super::harness::{Browser, Stand, UI, auth, claims};
use reqwest::Method;

#[tokio::test]
async fn a_second_request_of_the_same_browser_needs_no_page_at_all() {
    let stand = Stand::start().await;
    let mut browser = Browser::new();
    stand.sign_in(&mut browser, "web", &[]).await;
    let params = browser.authorize(&stand, "web", &[]).await.params();
    assert!(params.contains_key("code"), "{params:?}");
    // Another client of the same user: signed in, but not yet consented.
    let asked = browser.authorize(&stand, "other", &[]).await;
    let prompt = stand.call(UI, Method::GET, &format!("/interactions/{}", asked.interaction()), None).await;
    assert_eq!(prompt.json["type"], "consent");
    assert_eq!(prompt.json["consent"]["reasons"], json!(["first_time"]));
}

#[tokio::test]
async fn prompt_none_never_shows_a_page() {
    let stand = Stand::start().await;
    let mut browser = Browser::new();
    let none = [("prompt", "none")];
    assert_eq!(browser.authorize(&stand, "web", &none).await.params()["error"], "login_required");
    stand.sign_in(&mut browser, "web", &[]).await;
    assert!(browser.authorize(&stand, "web", &none).await.params().contains_key("code"));
    assert_eq!(browser.authorize(&stand, "other", &none).await.params()["error"], "consent_required");
    let both = [("prompt", "none login")];
    assert_eq!(browser.authorize(&stand, "web", &both).await.params()["error"], "invalid_request");
}

#[tokio::test]
async fn prompt_login_and_max_age_ask_again_and_take_only_a_new_authentication() {
    let stand = Stand::start().await;
    let mut browser = Browser::new();
    stand.sign_in(&mut browser, "web", &[]).await;
    for (extra, reason) in [(("prompt", "login"), "prompt_login"), (("max_age", "100"), "max_age_exceeded")] {
        stand.clock.advance(200);
        let id = browser.authorize(&stand, "web", &[extra]).await.interaction();
        let prompt = stand.call(UI, Method::GET, &format!("/interactions/{id}"), None).await.json;
        assert_eq!(prompt["auth"]["reasons"], json!([reason]));
        let mut stale = auth("alice");
        stale["authenticated_at"] = json!(placet_sdk::Instant(stand.now() - 150).to_string());
        let again = stand.answer(&id, 1, &stale).await;
        assert_eq!(again.json["type"], "auth", "{}", again.text);
        assert_eq!(again.json["auth"]["attempt"], 2);
        assert_eq!(again.json["auth"]["reasons"][0], "answer_insufficient");
        let params = stand.finish(&mut browser, &id, "alice").await;
        let id_token = stand.redeem("web", &params["code"]).await.json["id_token"].clone();
        assert_eq!(claims(id_token.as_str().unwrap())["auth_time"], stand.now());
    }
}

#[tokio::test]
async fn an_essential_acr_is_demanded_and_a_voluntary_one_asked_for_once() {
    let stand = Stand::start().await;
    let essential = r#"{"id_token":{"acr":{"essential":true,"values":["urn:gold"]}}}"#;
    let id = Browser::new().authorize(&stand, "web", &[("claims", essential)]).await.interaction();
    let again = stand.answer(&id, 1, &auth("alice")).await;
    assert_eq!(again.json["type"], "auth");
    assert_eq!(again.json["auth"]["acr"]["essential"], true);
    let deny = json!({ "type": "deny", "error": "unmet_authentication_requirements" });
    assert_eq!(
        stand.answer(&id, 2, &deny).await.json["response"]["error"],
        "unmet_authentication_requirements"
    );

    let id =
        Browser::new().authorize(&stand, "web", &[("acr_values", "urn:gold urn:silver")]).await.interaction();
    assert_eq!(stand.answer(&id, 1, &auth("alice")).await.json["type"], "consent");
}

#[tokio::test]
async fn an_id_token_hint_binds_the_request_to_its_user() {
    let stand = Stand::start().await;
    let mut browser = Browser::new();
    let params = stand.sign_in(&mut browser, "web", &[]).await;
    let hint = stand.redeem("web", &params["code"]).await.json["id_token"].as_str().unwrap().to_owned();
    let silent = [("prompt", "none"), ("id_token_hint", hint.as_str())];
    assert!(browser.authorize(&stand, "web", &silent).await.params().contains_key("code"));

    let mut of_bob = Browser::new();
    let id = of_bob.authorize(&stand, "web", &[]).await.interaction();
    stand.finish(&mut of_bob, &id, "bob").await;
    assert_eq!(of_bob.authorize(&stand, "web", &silent).await.params()["error"], "login_required");
    let id = of_bob.authorize(&stand, "web", &[("id_token_hint", &hint)]).await.interaction();
    let prompt = stand.call(UI, Method::GET, &format!("/interactions/{id}"), None).await.json;
    assert_eq!(prompt["auth"]["account"], json!({ "mode": "fixed", "sub": "alice" }));
    assert_eq!(stand.answer(&id, 1, &auth("bob")).await.json["auth"]["reasons"][1], "subject_mismatch");

    let foreign = [("id_token_hint", hint.as_str())];
    assert_eq!(of_bob.authorize(&stand, "other", &foreign).await.params()["error"], "invalid_request");
    let forged = format!("{}x", &hint[..hint.len() - 1]);
    let forged = [("id_token_hint", forged.as_str())];
    assert_eq!(of_bob.authorize(&stand, "web", &forged).await.params()["error"], "invalid_request");
}

#[tokio::test]
async fn select_account_offers_the_accounts_of_this_browser_and_only_those() {
    let stand = Stand::start().await;
    let mut browser = Browser::new();
    stand.sign_in(&mut browser, "web", &[]).await;
    let id = browser.authorize(&stand, "web", &[("prompt", "login")]).await.interaction();
    stand.finish(&mut browser, &id, "bob").await;

    let id = browser.authorize(&stand, "web", &[("prompt", "select_account")]).await.interaction();
    let prompt = stand.call(UI, Method::GET, &format!("/interactions/{id}"), None).await.json;
    assert_eq!(prompt["auth"]["account"]["mode"], "select");
    let candidates = prompt["auth"]["account"]["candidates"].as_array().unwrap().clone();
    let subs: Vec<&str> = candidates.iter().map(|c| c["sub"].as_str().unwrap()).collect();
    assert_eq!(subs, ["bob", "alice"]);

    let mut choice = auth("alice");
    choice["session"] = json!({ "action": "reuse", "id": candidates[0]["session_id"] });
    let wrong = stand.answer(&id, 1, &choice).await;
    assert_eq!((wrong.status, wrong.error()), (422, "invalid_answer"));
    choice["session"]["id"] = candidates[1]["session_id"].clone();
    assert_eq!(stand.answer(&id, 1, &choice).await.json["type"], "response");
}

#[tokio::test]
async fn what_is_not_supported_is_refused_by_redirect() {
    let stand = Stand::start().await;
    for (extra, error) in [
        (("request_uri", "urn:x"), "request_uri_not_supported"),
        (("registration", "{}"), "registration_not_supported"),
        (("response_type", "id_token"), "unauthorized_client"),
        (("scope", "admin"), "invalid_scope"),
        (("prompt", "sing"), "invalid_request"),
        (("max_age", "-1"), "invalid_request"),
        (("display", "hologram"), "invalid_request"),
        (("resource", "https://unknown.example"), "invalid_target"),
        (("claims", "{"), "invalid_request"),
    ] {
        let params = Browser::new().authorize(&stand, "web", &[extra]).await.params();
        assert_eq!(params["error"], error, "{extra:?}");
        assert_eq!(params["iss"], stand.issuer);
    }
}
