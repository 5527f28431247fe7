//! Consent.

use http::StatusCode;
use serde_json::{Value, json};

use crate::stage::{RESUME, Stage, consent, response};

#[tokio::test]
async fn the_page_says_who_asks_for_what_and_whose_it_is() {
    let stage = Stage::start().await;
    stage.fake.script("ia_1", &[consent()]);
    let page = stage.browser().open("ia_1").await;
    for text in [
        "Acme Books asks for access",
        "Signed in as Alice Liddell",
        "Read your invoices",
        "already allowed",
        "Keep access while you are away",
        "your phone number",
        "Delivery alerts",
        "Remember this decision",
        "payment",
    ] {
        assert!(page.says(text), "{text}");
    }
    assert!(page.has("consent-allow") && page.has("consent-deny"));
    assert!(page.tag("scope-0").contains("disabled"), "a required scope cannot be declined");
    assert!(!page.tag("scope-1").contains("disabled"));
}

#[tokio::test]
async fn exactly_what_is_checked_is_granted() {
    let stage = Stage::start().await;
    stage.fake.script("ia_1", &[consent(), response()]);
    let browser = stage.browser();
    let page = browser.open("ia_1").await;
    let fields = [
        ("scope:email", "on"),
        ("scope:offline_access", "on"),
        ("scope:admin", "on"),
        ("claim:nickname", "on"),
        ("claim:birthdate", "on"),
        ("detail:0", "on"),
        ("remember", "on"),
        ("action", "allow"),
    ];
    assert_eq!(browser.submit(&page, &fields).await.location().as_deref(), Some(RESUME));
    let expected = json!({
        "type": "consent",
        "grant": {
            "scope": ["openid", "email", "offline_access"],
            "claims": {"userinfo": ["email"], "id_token": ["email", "nickname"]},
            "authorization_details": [{"type": "payment", "creditor": "Acme"}],
        },
        "remember": {"mode": "always"},
    });
    assert_eq!(stage.fake.answers("ia_1"), [expected]);
}

#[tokio::test]
async fn nothing_checked_grants_the_required_scope_alone_and_is_not_remembered() {
    let stage = Stage::start().await;
    stage.fake.script("ia_1", &[consent(), response()]);
    let browser = stage.browser();
    let page = browser.open("ia_1").await;
    browser.submit(&page, &[("action", "allow")]).await;
    let answer = &stage.fake.answers("ia_1")[0];
    assert_eq!(answer["grant"], json!({"scope": ["openid"]}));
    assert_eq!(answer["remember"]["mode"], "never");
}

#[tokio::test]
async fn denying_grants_nothing() {
    let stage = Stage::start().await;
    stage.fake.script("ia_1", &[consent(), response()]);
    let browser = stage.browser();
    let page = browser.open("ia_1").await;
    browser.submit(&page, &[("scope:email", "on"), ("action", "deny")]).await;
    let answer = &stage.fake.answers("ia_1")[0];
    assert_eq!((&answer["type"], &answer["error"]), (&json!("deny"), &json!("access_denied")));
}

#[tokio::test]
async fn a_form_without_a_decision_decides_nothing() {
    let stage = Stage::start().await;
    stage.fake.script("ia_1", &[consent(), response()]);
    let browser = stage.browser();
    let page = browser.open("ia_1").await;
    assert_eq!(browser.submit(&page, &[]).await.status, StatusCode::BAD_REQUEST);
    assert!(stage.fake.play.lock().unwrap().puts.is_empty());
}

#[tokio::test]
async fn offline_access_that_is_not_allowed_is_neither_shown_nor_granted() {
    let stage = Stage::start().await;
    let mut prompt = consent();
    prompt["consent"]["offline"] = json!({"requested": true, "allowed": false});
    stage.fake.script("ia_1", &[prompt, response()]);
    let browser = stage.browser();
    let page = browser.open("ia_1").await;
    assert!(!page.says("Keep access"));
    browser.submit(&page, &[("scope:offline_access", "on"), ("action", "allow")]).await;
    assert_eq!(stage.fake.answers("ia_1")[0]["grant"]["scope"], json!(["openid"]));
}

#[tokio::test]
async fn a_client_s_links_are_web_addresses_or_no_links() {
    let stage = Stage::start().await;
    let mut prompt = consent();
    prompt["client"] = json!({
        "client_id": "x",
        "name": "<b>Evil</b>",
        "policy_uri": "javascript:alert(1)",
        "tos_uri": "https://evil.example/tos",
        "logo_uri": "javascript:alert(2)",
    });
    stage.fake.script("ia_1", &[prompt]);
    let page = stage.browser().open("ia_1").await;
    assert!(!page.says("javascript:") && !page.says("<b>Evil"));
    assert!(page.says("https://evil.example/tos"));
}

#[tokio::test]
async fn the_user_is_named_even_if_the_directory_does_not_know_them() {
    let stage = Stage::start().await;
    let mut prompt = consent();
    prompt["consent"]["subject"] = json!({"sub": "imported-7"});
    prompt["consent"]["claims"] = Value::Array(Vec::new());
    stage.fake.script("ia_1", &[prompt]);
    assert!(stage.browser().open("ia_1").await.says("Signed in as imported-7"));
}

#[tokio::test]
async fn details_are_shown_in_words_and_granted_as_they_came() {
    let stage = Stage::start().await;
    let mut prompt = consent();
    let payment = json!({
        "type": "payment_initiation", "status": "granted", "instructedAmount": {"currency": "EUR", "amount": "49.90"},
        "creditorName": "<b>Acme</b>", "reference": "Order 4711",
    });
    prompt["consent"]["authorization_details"] = json!([payment]);
    prompt["consent"]["authorization_details_info"] = json!([{
        "title": "Make a payment", "description": "Money leaves your account", "labels": {"/creditorName": "Payee"},
    }]);
    stage.fake.script("ia_1", &[prompt, response()]);
    let browser = stage.browser();
    let page = browser.open("ia_1").await;
    for text in ["Make a payment", "Money leaves your account", "49.90 EUR", "Payee", "Order 4711"] {
        assert!(page.says(text), "{text}");
    }
    assert!(!page.says("<b>Acme") && !page.says("payment_initiation"));
    browser.submit(&page, &[("detail:0", "on"), ("action", "allow")]).await;
    let mut granted = payment;
    granted.as_object_mut().unwrap().remove("status");
    assert_eq!(stage.fake.answers("ia_1")[0]["grant"]["authorization_details"], json!([granted]));
}

/// A request for one payment, and for these scope values, each with its status.
fn paying(scope: &[(&str, &str)]) -> Value {
    let mut prompt = consent();
    let scope: Vec<Value> =
        scope.iter().map(|(value, status)| json!({"value": value, "status": status})).collect();
    prompt["consent"]["scope"] = json!(scope);
    prompt["consent"]["claims"] = json!([]);
    prompt["consent"]["offline"] = json!({"requested": false, "allowed": false});
    prompt["consent"]["authorization_details"] = json!([{"type": "payment", "status": "new", "amount": "5"}]);
    prompt["consent"]["authorization_details_info"] = json!([{"title": "Make a payment", "one_time": true}]);
    prompt
}

#[tokio::test]
async fn what_is_good_for_one_time_is_said_to_be_asked_each_time() {
    let stage = Stage::start().await;
    stage.fake.script("ia_1", &[paying(&[("openid", "new")]), response()]);
    let browser = stage.browser();
    let page = browser.open("ia_1").await;
    assert!(
        page.has("remember") && page.says("asked each time</em>") && page.says("except for what is marked")
    );
    browser.submit(&page, &[("detail:0", "on"), ("remember", "on"), ("action", "allow")]).await;
    assert_eq!(stage.fake.answers("ia_1")[0]["remember"]["mode"], "always");
    stage.fake.script("ia_2", &[consent()]);
    let page = browser.open("ia_2").await;
    assert!(!page.says("asked each time") && page.says("You will not be asked again for the same access.<"));
}

#[tokio::test]
async fn where_all_there_is_to_decide_is_for_one_time_remembering_is_not_offered() {
    let stage = Stage::start().await;
    stage.fake.script("ia_1", &[paying(&[("openid", "granted")]), response()]);
    let browser = stage.browser();
    let page = browser.open("ia_1").await;
    assert!(!page.has("remember") && page.says("you will be asked again next time"), "{}", page.body);
    browser.submit(&page, &[("detail:0", "on"), ("action", "allow")]).await;
    assert_eq!(stage.fake.answers("ia_1")[0]["remember"]["mode"], "never");
}
