//! The mock's own pages.

use placet_mock::BUILT_IN;
use reqwest::StatusCode;
use serde_json::json;

use crate::stage::Stage;

#[tokio::test]
async fn the_front_page_links_every_scenario() {
    let stage = Stage::start().await;
    let page = stage.page("/").await;
    for (name, _) in BUILT_IN {
        assert!(page.text.contains(&format!("href=\"/start/{name}\"")), "{name}");
    }
    assert!(page.text.contains(crate::stage::UI));
}

#[tokio::test]
async fn pages_run_no_script_and_load_nothing_from_elsewhere() {
    let stage = Stage::start().await;
    let (id, _) = stage.begin("first-login").await;
    for path in ["/", &format!("/runs/{id}"), "/nothing"] {
        let page = stage.page(path).await;
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; style-src 'self'"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        assert!(!page.text.contains("<script") && !page.text.contains(" style=\""));
    }
    let front = stage.page("/").await;
    let at = front.text.find("/assets/").unwrap();
    let path = front.text[at..].split('"').next().unwrap();
    assert_eq!(stage.page(path).await.header("content-type"), "text/css; charset=utf-8");
    assert_eq!(stage.page("/assets/other.css").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_an_app_sends_is_shown_as_text() {
    let stage = Stage::start().await;
    let (id, _) = stage.begin("login-only").await;
    stage.answer(&id, 1, &json!({"type": "auth", "sub": "<b>alice</b>"})).await;
    let page = stage.page(&format!("/runs/{id}")).await;
    assert!(!page.text.contains("<b>alice") && page.text.contains("alice"), "{}", page.text);
}

#[tokio::test]
async fn the_ticket_has_to_be_the_one_of_the_last_prompt() {
    let stage = Stage::start().await;
    let (id, cookie) = stage.begin("login-only").await;
    let last = stage.answer(&id, 1, &json!({"type": "auth", "sub": "alice"})).await.json();
    for path in
        ["/resume", "/resume?i=ia_1&t=x", &format!("/resume?i={id}&t=guess"), &format!("/resume?i={id}")]
    {
        assert_eq!(stage.page(path).await.status, StatusCode::BAD_REQUEST, "{path}");
    }
    assert_eq!(stage.report(&id).await["verdict"], "under_way");
    assert_eq!(stage.back(&last, &cookie).await.status, StatusCode::OK);
    assert_eq!(stage.report(&id).await["verdict"], "expected");
}

#[tokio::test]
async fn another_browser_than_the_one_that_started_is_noticed() {
    let stage = Stage::start().await;
    for cookie in ["", "placet-mock-ib=another"] {
        let (id, _) = stage.begin("login-only").await;
        let last = stage.answer(&id, 1, &json!({"type": "auth", "sub": "alice"})).await.json();
        stage.back(&last, cookie).await;
        let report = stage.report(&id).await;
        assert_eq!(report["verdict"], "different");
        assert!(report["reasons"][0].as_str().unwrap().starts_with("another browser came back"));
    }
}

#[tokio::test]
async fn the_frames_of_a_logout_are_counted() {
    let stage = Stage::start().await;
    let (id, _) = stage.begin("logout-frames").await;
    let last = stage.answer(&id, 1, &json!({"type": "confirm", "accepted": true})).await.json();
    let frames = last["response"]["logout"]["frontchannel"].as_array().unwrap().clone();
    assert_eq!(frames.len(), 2);
    for frame in &frames {
        let uri = frame.as_str().unwrap();
        let loaded = stage.page(&uri[uri.find("/frontchannel").unwrap()..]).await;
        assert_eq!(loaded.status, StatusCode::OK);
        assert_eq!(loaded.header("content-security-policy"), "default-src 'none'; frame-ancestors *");
    }
    assert_eq!(stage.report(&id).await["frames_loaded"], json!(["books-web", "tv-app"]));
}
