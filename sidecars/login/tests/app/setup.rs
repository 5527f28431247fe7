//! Setting a second factor up: with the password, once, on the spot.

use http::StatusCode;
use placet_login::Settings;
use serde_json::json;

use crate::{
    browser::Page,
    second::{ALICE, BOB, CODES, MFA, demand, is_over, past_the_password, stage, step_up, type_code},
    stage::{START, Stage, auth, response},
};

/// Whether both users have a second factor.
fn is_enrolled(stage: &Stage) -> bool {
    std::fs::read_to_string(&stage.users).unwrap().matches("secret = \"v1.").count() == 2
}

fn secret_of(page: &Page) -> String {
    let rest = page.body.split("id=\"totp-secret\">").nth(1).unwrap();
    rest.split('<').next().unwrap().replace(' ', "")
}

/// The code of a secret, as an authenticator app makes it.
fn code_of(secret: &str, at: i64) -> String {
    let value = |c| u64::try_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(c).unwrap()).unwrap();
    let letters: Vec<char> = secret.chars().collect();
    // Eight letters of five bits are five bytes.
    let bytes = letters.chunks(8).flat_map(|group| {
        let bits = group.iter().fold(0, |bits, letter| bits << 5 | value(*letter));
        bits.to_be_bytes()[3..].to_vec()
    });
    let key: Vec<u8> = bytes.collect();
    let key = openssl::pkey::PKey::hmac(&key).unwrap();
    let mut signer = openssl::sign::Signer::new(openssl::hash::MessageDigest::sha1(), &key).unwrap();
    let mac = signer.sign_oneshot_to_vec(&(at / 30).to_be_bytes()).unwrap();
    let offset = usize::from(mac[19] & 15);
    let number = u32::from_be_bytes(mac[offset..offset + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

#[tokio::test]
async fn who_has_no_second_factor_sets_one_up_with_the_password() {
    let stage = stage(&["ia_1", "ia_2"]).await;
    let browser = stage.browser();
    let page = past_the_password(&browser, "ia_1", &BOB).await;
    for id in ["totp-qr", "totp-secret", "totp-link", "code", "setup-submit", "setup-cancel"] {
        assert!(page.has(id), "{id}");
    }
    assert!(page.says("Bob Baumann") && !page.says("<script") && !page.says("<img"));
    let secret = secret_of(&page);
    assert_eq!(secret.len(), 32);
    assert!(page.says(&format!("otpauth://totp/Placet:bob?secret={secret}")), "{}", page.body);
    let wrong = type_code(&browser, &page, "000000").await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(secret_of(&wrong), secret, "an app that scanned it keeps its secret");
    assert!(!is_enrolled(&stage));
    let code = code_of(&secret, START);
    assert!(is_over(&type_code(&browser, &wrong, &code).await));
    assert_eq!(stage.fake.answers("ia_1")[0]["acr"], MFA);
    let stored = std::fs::read_to_string(&stage.users).unwrap();
    assert!(is_enrolled(&stage) && !stored.contains(&secret));
    // From now on it is asked for, and its first code is used up.
    let page = past_the_password(&browser, "ia_2", &BOB).await;
    assert!(page.has("totp-submit") && !page.has("totp-qr"));
    assert!(type_code(&browser, &page, &code).await.says("was used before"));
    assert!(is_over(&type_code(&browser, &page, &code_of(&secret, START + 30)).await));
}

#[tokio::test]
async fn nothing_but_the_password_sets_a_second_factor_up_and_none_replaces_another() {
    let stage = Stage::start().await;
    stage.fake.script("ia_1", &[step_up(json!({}), json!({"sub": "bob"})), response()]);
    stage.fake.script("ia_2", &[demand(), response()]);
    stage.fake.script("ia_3", &[demand(), response()]);
    let browser = stage.browser();
    let page = browser.open("ia_1").await;
    assert!(page.has("password"), "a session alone sets nothing up");
    assert!(browser.get("/totp-setup?interaction=ia_1").await.location().unwrap().starts_with("/login"));
    let mut form = page.hidden();
    form.push(("code".to_owned(), "000000".to_owned()));
    assert!(browser.post("/totp-setup", &form).await.location().unwrap().starts_with("/login"));
    // Whoever has one cannot get to another one by the password: its proof names no secret.
    let page = past_the_password(&browser, "ia_2", &ALICE).await;
    let mut form = page.hidden();
    form.push(("code".to_owned(), CODES[2].to_owned()));
    assert!(browser.post("/totp-setup", &form).await.location().unwrap().starts_with("/login"));
    // Two pages of two browsers: the first that is finished counts.
    let other = stage.browser();
    let (mine, theirs) =
        (past_the_password(&browser, "ia_1", &BOB).await, past_the_password(&other, "ia_3", &BOB).await);
    assert!(is_over(&type_code(&browser, &mine, &code_of(&secret_of(&mine), START)).await));
    let late = type_code(&other, &theirs, &code_of(&secret_of(&theirs), START)).await;
    assert!(late.location().unwrap().starts_with("/login"), "{}", late.body);
    assert!(stage.fake.answers("ia_3").is_empty());
}

#[tokio::test]
async fn where_the_operator_sets_up_second_factors_others_are_told_so() {
    let change = |settings: &mut Settings| settings.second_factor.enrolment = false;
    let stage = Stage::with(change).await;
    stage.fake.script("ia_1", &[demand(), response()]);
    let browser = stage.browser();
    let page = past_the_password(&browser, "ia_1", &BOB).await;
    assert!(page.says("your account has none") && page.says("Go back to Acme Books"), "{}", page.body);
    assert!(is_over(&browser.submit(&page, &[("action", "unmet")]).await));
    let answer = &stage.fake.answers("ia_1")[0];
    assert_eq!(
        (&answer["type"], &answer["error"]),
        (&json!("deny"), &json!("unmet_authentication_requirements"))
    );
}

#[tokio::test]
async fn a_new_account_sets_a_second_factor_up_when_one_is_demanded() {
    let stage = Stage::start().await;
    let create = auth(json!({"acr": {"values": [MFA], "essential": true}, "create": true}));
    stage.fake.script("ia_1", &[create, response()]);
    let browser = stage.browser();
    let page = browser.get("/signup?interaction=ia_1").await;
    let fields = [
        ("username", "carol"),
        ("name", "Carol"),
        ("email", "carol@example.com"),
        ("password", "long enough"),
        ("password_again", "long enough"),
    ];
    let page = browser.submit(&page, &fields).await;
    assert!(page.has("totp-qr"), "{}", page.body);
    assert!(is_over(&type_code(&browser, &page, &code_of(&secret_of(&page), START)).await));
}
