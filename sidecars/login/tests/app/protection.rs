//! Forms of strangers, headers, and what the app refuses to start with.

use http::StatusCode;
use placet_login::{Server, Settings};
use serde_json::json;

use crate::stage::{RESUME, Stage, auth, consent, response, settings};

const GOOD: [(&str, &str); 2] = [("username", "alice"), ("password", "wonderland")];

#[tokio::test]
async fn a_form_that_this_browser_was_not_shown_is_refused_and_nothing_is_sent() {
    let stage = Stage::start().await;
    stage.fake.script("ia_1", &[consent(), response()]);
    let (mine, other) = (stage.browser(), stage.browser());
    let page = mine.open("ia_1").await;
    other.open("ia_1").await;
    let calls = stage.fake.calls();
    let allow = ("action", "allow");
    let refused = [
        other.submit(&page, &[allow]).await,
        stage.browser().submit(&page, &[allow]).await,
        mine.submit(&page, &[allow, ("csrf", "")]).await,
        mine.submit(&page, &[allow, ("csrf", "AAAA")]).await,
        mine.submit(&page, &[allow, ("step", "2")]).await,
        mine.submit(&page, &[allow, ("step", "x")]).await,
        mine.submit(&page, &[allow, ("interaction", "ia_2")]).await,
    ];
    for page in refused {
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        assert!(page.has("error-page") && page.says("Nothing was sent"));
    }
    let mine = mine.sent_by("cross-site");
    let sent_by_another_site = mine.submit(&page, &[allow]).await;
    assert_eq!(sent_by_another_site.status, StatusCode::FORBIDDEN, "whatever it holds");
    assert_eq!(stage.fake.calls(), calls);
    let mine = mine.sent_by("same-origin");
    assert_eq!(mine.submit(&page, &[allow]).await.location().as_deref(), Some(RESUME));
}

#[tokio::test]
async fn a_form_that_is_not_one_is_refused() {
    let stage = Stage::start().await;
    stage.fake.script("ia_1", &[auth(json!({})), response()]);
    let browser = stage.browser();
    let page = browser.open("ia_1").await;
    let fields: Vec<String> = page.hidden().iter().map(|(name, value)| format!("{name}={value}")).collect();
    let good = format!("{}&username=alice&password=wonderland", fields.join("&"));
    let urlencoded = "application/x-www-form-urlencoded";
    for (media_type, body) in [
        ("text/plain", good.clone()),
        (urlencoded, format!("{good}&username=bob")),
        (urlencoded, format!("{good}&x=%zz")),
        (urlencoded, format!("{good}&x=%ff")),
    ] {
        let refused = browser.post_raw("/login", media_type, body).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    }
    let large = format!("{good}&x={}", "a".repeat(70_000));
    assert_eq!(browser.post_raw("/login", urlencoded, large).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(stage.fake.answers("ia_1").is_empty());
    assert_eq!(browser.post_raw("/login", urlencoded, good).await.location().as_deref(), Some(RESUME));
}

#[tokio::test]
async fn pages_carry_a_strict_policy_and_are_not_stored() {
    let stage = Stage::with(|settings| settings.public_url = "https://login.example/".parse().unwrap()).await;
    stage.fake.script("ia_1", &[auth(json!({}))]);
    let page = stage.browser().get("/login?interaction=ia_1").await;
    let policy = page.header("content-security-policy");
    let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap();
    let expected = format!(
        "default-src 'none'; style-src 'self'; img-src 'self' https: data: http://localhost:*; \
         script-src 'nonce-{nonce}'; frame-ancestors 'none'; base-uri 'none'"
    );
    assert_eq!(policy, expected, "with the pictures that development mode adds");
    assert_eq!(page.header("cache-control"), "no-store");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    let cookie = page.header("set-cookie");
    assert!(cookie.starts_with("__Host-placet-login="), "{cookie}");
    for flag in ["; Path=/", "; HttpOnly", "; SameSite=Lax", "; Secure"] {
        assert!(cookie.contains(flag), "{cookie}");
    }
}

#[tokio::test]
async fn outside_development_mode_pictures_come_over_https_alone() {
    let first = Stage::start().await;
    let users = first.users.clone();
    let stage = Stage::with(|settings| {
        settings.dev = false;
        settings.key_file = Some(users.with_extension("key"));
        settings.users = users;
    })
    .await;
    stage.fake.script("ia_1", &[auth(json!({}))]);
    let page = stage.browser().get("/login?interaction=ia_1").await;
    assert!(page.header("content-security-policy").contains("img-src 'self' https: data:;"));
}

#[tokio::test]
async fn a_browser_keeps_its_cookie() {
    let stage = Stage::start().await;
    stage.fake.script("ia_1", &[auth(json!({}))]);
    let browser = stage.browser();
    assert!(!browser.get("/login?interaction=ia_1").await.header("set-cookie").is_empty());
    assert!(browser.get("/login?interaction=ia_1").await.header("set-cookie").is_empty());
}

#[tokio::test]
async fn the_style_sheet_is_cached_by_its_content() {
    let stage = Stage::start().await;
    stage.fake.script("ia_1", &[auth(json!({}))]);
    let browser = stage.browser();
    let page = browser.open("ia_1").await;
    let href = page.body.split("rel=\"stylesheet\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(href.starts_with("/assets/style.css?v="));
    let style = browser.get(href).await;
    assert!(style.header("content-type").starts_with("text/css"));
    assert!(style.header("cache-control").contains("immutable"));
    assert!(style.says("--accent:#3451d1") && style.says("prefers-color-scheme:dark"));
}

#[tokio::test]
async fn forms_outlive_a_restart_where_there_is_a_key_file() {
    let first = Stage::start().await;
    let key = first.users.with_file_name("key");
    std::fs::write(&key, [7; 32]).unwrap();
    let fake = first.fake.clone();
    fake.script("ia_1", &[auth(json!({})), response()]);
    let start = || async {
        let (key, api) = (key.clone(), fake.base.clone());
        Stage::with(move |settings| {
            settings.key_file = Some(key);
            settings.api = api;
        })
        .await
    };
    let (one, two) = (start().await, start().await);
    let browser = one.browser();
    let page = browser.open("ia_1").await;
    let moved = browser.to(&two.base);
    assert_eq!(moved.submit(&page, &GOOD).await.location().as_deref(), Some(RESUME));
}

#[tokio::test]
async fn a_public_address_with_a_path_is_refused_at_the_start() {
    let stage = Stage::start().await;
    let settings = Settings {
        public_url: "https://example.com/login/".parse().unwrap(),
        ..settings(&stage.fake, &stage.users)
    };
    let error = Server::bind(settings).await.err().unwrap().to_string();
    assert!(error.contains("must have no path"), "{error}");
}
