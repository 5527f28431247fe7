//! Creating an account.

use http::StatusCode;
use serde_json::json;

use crate::stage::{RESUME, Stage, and, auth, response};

const CAROL: [(&str, &str); 5] = [
    ("name", "Carol Danvers"),
    ("email", "carol@example.com"),
    ("username", "carol"),
    ("password", "higher-further"),
    ("password_again", "higher-further"),
];

fn signup() -> serde_json::Value {
    let ui = json!({"ui": {"locales": [], "screen": "signup"}});
    and(auth(json!({"reasons": ["prompt_create"], "create": true})), ui)
}

#[tokio::test]
async fn a_new_user_is_stored_and_signed_in() {
    let stage = Stage::start().await;
    stage.fake.script("ia_1", &[signup(), response()]);
    stage.fake.script("ia_2", &[auth(json!({})), response()]);
    let browser = stage.browser();
    let page = browser.open("ia_1").await;
    assert_eq!(page.action(), "/signup");
    let sent = browser.submit(&page, &CAROL).await;
    assert_eq!(sent.location().as_deref(), Some(RESUME));
    let answer = stage.fake.answers("ia_1")[0].clone();
    assert_eq!(answer["session"]["claims"]["email"], "carol@example.com");
    assert_eq!(answer["session"]["claims"]["email_verified"], false);
    let stored = std::fs::read_to_string(&stage.users).unwrap();
    assert!(stored.contains("carol@example.com") && !stored.contains("higher-further"));
    let page = browser.open("ia_2").await;
    browser.submit(&page, &[("username", "carol"), ("password", "higher-further")]).await;
    assert_eq!(stage.fake.answers("ia_2")[0]["sub"], answer["sub"]);
}

#[tokio::test]
async fn every_field_says_what_is_wrong_with_it() {
    let stage = Stage::start().await;
    stage.fake.script("ia_1", &[signup(), response()]);
    let browser = stage.browser();
    let page = browser.open("ia_1").await;
    let fields = [
        ("name", " "),
        ("email", "carol@"),
        ("username", "c a"),
        ("password", "short"),
        ("password_again", "x"),
    ];
    let wrong = browser.submit(&page, &fields).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    for id in ["name", "email", "username", "password", "password-again"] {
        assert!(wrong.has(&format!("{id}-error")), "{id}");
        assert!(wrong.tag(id).contains(&format!("aria-describedby=\"{id}-error\"")), "{id}");
    }
    assert!(wrong.says("value=\"carol@\"") && !wrong.says("value=\"short\""));
    assert!(stage.fake.answers("ia_1").is_empty());
}

#[tokio::test]
async fn names_and_addresses_of_others_are_taken() {
    let stage = Stage::start().await;
    stage.fake.script("ia_1", &[signup(), response()]);
    let browser = stage.browser();
    let page = browser.open("ia_1").await;
    let mut fields = CAROL;
    fields[2].1 = "Alice";
    assert!(browser.submit(&page, &fields).await.says("This username is taken"));
    let mut fields = CAROL;
    fields[1].1 = "ALICE@example.com";
    assert!(browser.submit(&page, &fields).await.says("an account with this email address"));
}

#[tokio::test]
async fn a_form_that_is_sent_twice_makes_one_account() {
    let stage = Stage::start().await;
    stage.fake.script("ia_1", &[signup(), response()]);
    let browser = stage.browser();
    let page = browser.open("ia_1").await;
    let (one, two) = tokio::join!(browser.submit(&page, &CAROL), browser.submit(&page, &CAROL));
    assert_eq!(one.location().as_deref(), Some(RESUME), "{}", one.body);
    assert_eq!(two.location().as_deref(), Some(RESUME), "{}", two.body);
    assert_eq!(stage.fake.answers("ia_1").len(), 1);
}

#[tokio::test]
async fn when_the_server_did_not_answer_the_form_can_be_sent_again() {
    let stage = Stage::start().await;
    stage.fake.script("ia_1", &[signup(), response()]);
    let browser = stage.browser();
    let page = browser.open("ia_1").await;
    stage.fake.play.lock().unwrap().refuse_put = Some(json!({"status": 503, "code": "policy_unavailable"}));
    let failed = browser.submit(&page, &CAROL).await;
    assert_eq!(failed.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!failed.says("higher-further"));
    stage.fake.play.lock().unwrap().refuse_put = None;
    assert_eq!(browser.submit(&page, &CAROL).await.location().as_deref(), Some(RESUME));
}

#[tokio::test]
async fn nobody_signs_up_where_it_is_not_allowed() {
    let stage = Stage::start().await;
    stage.fake.script("ia_1", &[auth(json!({})), response()]);
    let browser = stage.browser();
    let page = browser.open("ia_1").await;
    let to = browser.get("/signup?interaction=ia_1").await.location();
    assert_eq!(to.as_deref(), Some("/login?interaction=ia_1"));
    let mut fields = page.hidden();
    fields.extend(CAROL.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let sent = browser.post("/signup", &fields).await;
    assert_eq!(sent.location().as_deref(), Some("/login?interaction=ia_1"));
    assert!(!std::fs::read_to_string(&stage.users).unwrap().contains("carol"));
}

#[tokio::test]
async fn sign_in_and_sign_up_lead_to_each_other() {
    let stage = Stage::start().await;
    stage.fake.script("ia_1", &[auth(json!({"create": true}))]);
    let browser = stage.browser();
    let login = browser.open("ia_1").await;
    assert!(login.tag("create-account").contains("/signup?interaction=ia_1"));
    let page = browser.get("/signup?interaction=ia_1").await;
    assert!(page.tag("sign-in").contains("/login?interaction=ia_1"));
}
