//! OpenID Connect Session Management 1.0.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{
    harness::{Browser, Reply, Stand, claims, query},
    leaving::log_out,
    policy_stage::everything,
};

const COOKIE: &str = "placet-op";

/// What the frame of the server would say to a page of this origin (section 3.2).
fn check(browser: &Browser, client: &str, origin: &str, session_state: &str) -> &'static str {
    let (_, salt) = session_state.split_once('.').expect("there is a salt");
    let state = browser.cookies.get(COOKIE).cloned().unwrap_or_default();
    let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(format!("{client} {origin} {state} {salt}")));
    if format!("{hash}.{salt}") == session_state { "unchanged" } else { "changed" }
}

fn of_web(browser: &Browser, session_state: &str) -> &'static str {
    check(browser, "web", "https://client.example", session_state)
}

#[tokio::test]
async fn a_client_sees_that_the_user_signed_out_or_in_as_somebody_else() {
    let stand = Stand::start().await;
    let mut browser = Browser::new();
    let state = stand.sign_in(&mut browser, "web", &[]).await["session_state"].clone();
    assert!(!state.contains(' '));
    assert_eq!(of_web(&browser, &state), "unchanged");
    assert_eq!(check(&browser, "other", "https://client.example", &state), "changed", "another client");
    assert_eq!(check(&browser, "web", "https://evil.example", &state), "changed", "another origin");

    // Another client of the same session changes nothing, nor does signing in silently; every value has its own salt.
    let other = stand.sign_in(&mut browser, "other", &[]).await["session_state"].clone();
    let silent =
        browser.authorize(&stand, "web", &[("prompt", "none")]).await.params()["session_state"].clone();
    assert_eq!((of_web(&browser, &state), of_web(&browser, &silent)), ("unchanged", "unchanged"));
    assert_ne!(silent, state);
    // A step-up keeps the session.
    let id = browser.authorize(&stand, "web", &[("prompt", "login")]).await.interaction();
    let session = super::policy_stage::prompt(&stand, &id).await["auth"]["account"].clone();
    assert!(session.is_object());

    stand.finish(&mut browser, &id, "bob").await;
    assert_eq!(of_web(&browser, &state), "changed");
    assert_eq!(check(&browser, "other", "https://client.example", &other), "changed");
    let again =
        browser.authorize(&stand, "web", &[("prompt", "none")]).await.params()["session_state"].clone();
    assert_eq!(of_web(&browser, &again), "unchanged");

    log_out(&stand, &mut browser, "session", &[]).await;
    assert!(!browser.cookies.contains_key(COOKIE), "{:?}", browser.cookies);
    assert_eq!(of_web(&browser, &again), "changed");
}

#[tokio::test]
async fn it_comes_wherever_the_response_goes() {
    let stand = Stand::start().await;
    let mut browser = Browser::new();
    stand.sign_in(&mut browser, "hybrid", &[]).await;
    let check = |browser: &Browser, state: &str| check(browser, "hybrid", "https://client.example", state);
    for (response_type, mode) in
        [("code", "query"), ("code", "fragment"), ("code id_token", "fragment"), ("id_token", "fragment")]
    {
        let extra =
            [("response_type", response_type), ("response_mode", mode), ("nonce", "n"), ("prompt", "none")];
        let reply = browser.authorize(&stand, "hybrid", &extra).await;
        let mark = if mode == "query" { '?' } else { '#' };
        let (_, params) = reply.header("location").split_once(mark).unwrap_or_else(|| panic!("{reply:?}"));
        assert_eq!(check(&browser, &query(&format!("?{params}"))["session_state"]), "unchanged");
    }
    let extra = [("response_mode", "form_post"), ("prompt", "none")];
    let form = browser.authorize(&stand, "hybrid", &extra).await;
    let value = form.text.split("name=\"session_state\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(check(&browser, value), "unchanged");
    let extra = [("response_mode", "jwt"), ("prompt", "none")];
    let params = browser.authorize(&stand, "hybrid", &extra).await.params();
    assert_eq!(params.len(), 1);
    let inside = claims(&params["response"]);
    assert_eq!(check(&browser, inside["session_state"].as_str().unwrap()), "unchanged");
}

#[tokio::test]
async fn the_cookie_says_nothing_and_opens_nothing() {
    let stand = Stand::start().await;
    let mut browser = Browser::new();
    let asked = browser.authorize(&stand, "web", &[]).await;
    let id = asked.interaction();
    let prompt = stand.answer(&id, 1, &super::harness::auth("alice")).await.json;
    assert!(!browser.cookies.contains_key(COOKIE), "nothing has taken effect");
    let done =
        stand.answer(&id, u32::try_from(prompt["step"].as_u64().unwrap()).unwrap(), &everything()).await.json;
    let back = browser.get(done["response"]["delivery"]["uri"].as_str().unwrap()).await;
    let lines: Vec<_> =
        back.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap()).collect();
    let line = lines.iter().find(|line| line.starts_with(COOKIE)).expect("it is set");
    assert!(!line.contains("HttpOnly") && line.contains("Path=/") && line.contains("SameSite=Lax"), "{line}");
    let handles = lines.iter().find(|line| line.starts_with("placet-sso")).expect("it is set");
    assert!(handles.contains("HttpOnly"), "{handles}");
    let value = browser.cookies[COOKIE].clone();
    let ids = stand.rows("SELECT id FROM sessions");
    assert!(!handles.contains(&value) && ids.iter().all(|id| !id.contains(&value) && !value.contains(id)));
    let mut thief = Browser::new();
    thief.cookies.insert(COOKIE.to_owned(), value.clone());
    thief.cookies.insert("placet-sso".to_owned(), value);
    let refused = thief.authorize(&stand, "web", &[("prompt", "none")]).await.params();
    assert_eq!(refused["error"], "login_required");
    assert!(!refused.contains_key("session_state"));
}

#[tokio::test]
async fn a_lost_or_foreign_cookie_is_mended_at_the_next_response() {
    let stand = Stand::start().await;
    let mut browser = Browser::new();
    let state = stand.sign_in(&mut browser, "web", &[]).await["session_state"].clone();
    let value = browser.cookies[COOKIE].clone();
    for broken in [None, Some("something-else")] {
        browser.cookies.remove(COOKIE);
        browser.cookies.extend(broken.map(|value| (COOKIE.to_owned(), value.to_owned())));
        assert_eq!(of_web(&browser, &state), "changed");
        browser.authorize(&stand, "web", &[("prompt", "none")]).await.params();
        assert_eq!((&browser.cookies[COOKIE], of_web(&browser, &state)), (&value, "unchanged"));
    }
}

#[tokio::test]
async fn only_openid_requests_and_clients_with_pages_get_it() {
    let stand = Stand::start().await;
    let params = stand.sign_in(&mut Browser::new(), "web", &[("scope", "reports.read")]).await;
    assert!(params.contains_key("code") && !params.contains_key("session_state"), "{params:?}");
}

#[tokio::test]
async fn the_frame_may_be_loaded_by_every_site_and_runs_its_own_script_only() {
    let stand = Stand::start().await;
    let document =
        stand.http.get(format!("{}/.well-known/openid-configuration", stand.issuer)).send().await.unwrap();
    let document: Value = document.json().await.unwrap();
    let uri = document["check_session_iframe"].as_str().unwrap();
    assert_eq!(uri, format!("{}/check_session", stand.issuer));
    let page = Reply::read(stand.http.get(uri).send().await.unwrap()).await;
    assert_eq!(page.status, 200);
    let policy = page.header("content-security-policy");
    let script = page.text.split("<script>").nth(1).unwrap().split("</script>").next().unwrap();
    let digest = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(script));
    assert!(policy.contains(&format!("script-src 'sha256-{digest}'")), "{policy}");
    assert!(!policy.contains("frame-ancestors") && page.header("x-frame-options").is_empty());
    assert!(script.contains("\"placet-op=\""), "{script}");
    assert!(page.headers.get("set-cookie").is_none());
    assert!(page.header("cache-control").contains("max-age"), "{}", page.header("cache-control"));
}
