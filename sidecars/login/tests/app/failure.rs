//! What the browser sees when something does not work.

use http::StatusCode;
use serde_json::json;

use crate::stage::{RESUME, Stage, auth, consent, response};

const GOOD: [(&str, &str); 2] = [("username", "alice"), ("password", "wonderland")];

#[tokio::test]
async fn an_interaction_that_is_not_known_is_a_friendly_404() {
    let stage = Stage::start().await;
    let page = stage.browser().get("/?interaction=ia_nowhere").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(page.has("error-page") && page.says("not known"));
}

#[tokio::test]
async fn an_id_that_cannot_be_one_is_not_even_asked_for() {
    let stage = Stage::start().await;
    let browser = stage.browser();
    for id in ["x", "ia_", "ia_a%2F..%2Fsessions", "ia_a.b", &format!("ia_{}", "a".repeat(100))] {
        let page = browser.get(&format!("/?interaction={id}")).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{id}");
    }
    for path in ["/", "/login", "/?interaction=", "/?interaction=ia_1&interaction=ia_2", "/?interaction=%zz"]
    {
        assert_eq!(browser.get(path).await.status, StatusCode::BAD_REQUEST, "{path}");
    }
    assert_eq!(stage.fake.calls(), 0);
}

#[tokio::test]
async fn an_expired_interaction_offers_to_start_again_where_that_is_safe() {
    let stage = Stage::start().await;
    let expired = |uri: &str| json!({"status": 410, "code": "interaction_expired", "restart_uri": uri});
    stage.fake.play.lock().unwrap().refuse_all = Some(expired("https://books.example/login"));
    let page = stage.browser().get("/login?interaction=ia_1").await;
    assert_eq!(page.status, StatusCode::GONE);
    assert!(page.has("error-page") && page.tag("restart").contains("https://books.example/login"));
    stage.fake.play.lock().unwrap().refuse_all = Some(expired("javascript:alert(1)"));
    let page = stage.browser().get("/login?interaction=ia_1").await;
    assert!(!page.has("restart") && !page.says("javascript:"));
}

#[tokio::test]
async fn a_double_click_is_one_answer_and_leads_to_one_place() {
    let stage = Stage::start().await;
    stage.fake.script("ia_1", &[auth(json!({})), response()]);
    let browser = stage.browser();
    let page = browser.open("ia_1").await;
    let (one, two) = tokio::join!(browser.submit(&page, &GOOD), browser.submit(&page, &GOOD));
    let later = browser.submit(&page, &GOOD).await;
    for sent in [one, two, later] {
        assert_eq!(sent.location().as_deref(), Some(RESUME));
    }
    let puts = stage.fake.play.lock().unwrap().puts.clone();
    assert!(puts.iter().all(|put| *put == puts[0]), "{puts:?}");
    assert_eq!(stage.fake.answers("ia_1").len(), 1);
}

#[tokio::test]
async fn the_back_button_leads_to_the_current_step() {
    let stage = Stage::start().await;
    stage.fake.script("ia_1", &[auth(json!({})), consent(), response()]);
    let browser = stage.browser();
    let page = browser.open("ia_1").await;
    let consent = "/consent?interaction=ia_1";
    assert_eq!(browser.submit(&page, &GOOD).await.location().as_deref(), Some(consent));
    let again = browser.submit(&page, &[("username", "bob"), ("password", "builder")]).await;
    assert_eq!(again.location().as_deref(), Some(consent));
    assert_eq!(browser.get("/login?interaction=ia_1").await.location().as_deref(), Some(consent));
}

#[tokio::test]
async fn a_form_of_an_earlier_step_is_not_sent_though_its_page_is_shown_again() {
    let stage = Stage::start().await;
    let again = auth(json!({"reasons": ["answer_insufficient"], "attempt": 2}));
    stage.fake.script("ia_1", &[auth(json!({})), again, response()]);
    let browser = stage.browser();
    let page = browser.open("ia_1").await;
    browser.submit(&page, &GOOD).await;
    let late = browser.submit(&page, &[("username", "bob"), ("password", "builder")]).await;
    assert_eq!(late.location().as_deref(), Some("/login?interaction=ia_1"));
    assert_eq!(stage.fake.play.lock().unwrap().puts.len(), 1);
}

#[tokio::test]
async fn an_answer_that_lost_a_race_leads_to_the_current_step() {
    let stage = Stage::start().await;
    stage.fake.script("ia_1", &[consent(), response()]);
    let browser = stage.browser();
    let page = browser.open("ia_1").await;
    for code in ["step_conflict", "step_ahead"] {
        stage.fake.play.lock().unwrap().refuse_put = Some(json!({"status": 409, "code": code}));
        let sent = browser.submit(&page, &[("action", "allow")]).await;
        assert_eq!(sent.location().as_deref(), Some("/consent?interaction=ia_1"), "{code}");
    }
}

#[tokio::test]
async fn when_the_server_cannot_answer_the_user_can_go_on_where_they_were() {
    let stage = Stage::start().await;
    stage.fake.script("ia_1", &[consent(), response()]);
    let browser = stage.browser();
    let page = browser.open("ia_1").await;
    stage.fake.play.lock().unwrap().refuse_put = Some(json!({"status": 503, "code": "policy_unavailable"}));
    let failed = browser.submit(&page, &[("scope:email", "on"), ("action", "allow")]).await;
    assert_eq!(failed.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(failed.has("try-again") && !failed.header("retry-after").is_empty());
    stage.fake.play.lock().unwrap().refuse_put = None;
    let fields: Vec<_> = failed.hidden();
    let sent = browser.post("/consent", &fields).await;
    assert_eq!(sent.location().as_deref(), Some(RESUME));
    assert_eq!(stage.fake.answers("ia_1")[0]["grant"]["scope"], json!(["openid", "email"]));
}

#[tokio::test]
async fn a_retry_page_never_holds_a_password() {
    let stage = Stage::start().await;
    stage.fake.script("ia_1", &[auth(json!({})), response()]);
    let browser = stage.browser();
    let page = browser.open("ia_1").await;
    stage.fake.play.lock().unwrap().refuse_put = Some(json!({"status": 503, "code": "policy_unavailable"}));
    let failed = browser.submit(&page, &GOOD).await;
    assert!(!failed.says("wonderland") && failed.tag("try-again").contains("/login?interaction=ia_1"));
}

#[tokio::test]
async fn a_server_that_is_away_is_a_503_with_a_way_to_retry() {
    let stage = Stage::with(|settings| settings.api = "http://127.0.0.1:1/ui/v1".parse().unwrap()).await;
    let page = stage.browser().get("/login?interaction=ia_1").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.tag("try-again").contains("/?interaction=ia_1"));
}

#[tokio::test]
async fn too_many_tries_ask_for_patience() {
    let stage = Stage::start().await;
    stage.fake.play.lock().unwrap().refuse_all = Some(json!({"status": 429, "code": "too_many_attempts"}));
    let page = stage.browser().get("/device?interaction=ia_1").await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(page.says("Please wait"));
}

#[tokio::test]
async fn a_refusal_of_this_app_itself_is_not_blamed_on_the_user() {
    let stage = Stage::with(|settings| settings.token = "wrong".to_owned()).await;
    let page = stage.browser().get("/login?interaction=ia_1").await;
    assert_eq!(page.status, StatusCode::BAD_GATEWAY);
    assert!(page.has("error-page") && page.says("not your fault") && page.says("unauthorized"));
}

#[tokio::test]
async fn an_answer_that_is_not_taken_leads_back_to_the_page_and_says_the_code() {
    let stage = Stage::start().await;
    stage.fake.script("ia_1", &[consent(), response()]);
    let browser = stage.browser();
    let page = browser.open("ia_1").await;
    stage.fake.play.lock().unwrap().refuse_put = Some(json!({"status": 422, "code": "invalid_answer"}));
    let failed = browser.submit(&page, &[("action", "allow")]).await;
    assert_eq!(failed.status, StatusCode::BAD_GATEWAY);
    assert!(failed.says("not your fault") && failed.says("invalid_answer"));
    assert!(failed.tag("try-again").contains("/consent?interaction=ia_1"));
    stage.fake.play.lock().unwrap().refuse_put = Some(json!({"status": 401, "code": "unauthorized"}));
    assert!(!browser.submit(&page, &[("action", "allow")]).await.has("try-again"), "that would not help");
}

#[tokio::test]
async fn an_address_that_is_not_there_is_a_page_too() {
    let stage = Stage::start().await;
    let page = stage.browser().get("/nowhere/at/all").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(page.has("error-page"));
    assert_eq!(stage.browser().get("/healthz").await.body, "ok\n");
}
