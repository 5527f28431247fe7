//! OpenID Connect Core sections 3.2 and 3.3: implicit and hybrid flows, and how their answers travel.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use placet_server::config::ConsentMode;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{
    harness::{Browser, CALLBACK, Reply, Stand, UI, auth, claims},
    helpers::{client, verified},
};

const FRONT: [&str; 5] = ["id_token", "id_token token", "code id_token", "code token", "code id_token token"];

fn half(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(&Sha256::digest(text)[..16])
}

/// Signs alice in and gives the page that the browser ends on.
async fn page(stand: &Stand, browser: &mut Browser, extra: &[(&str, &str)]) -> Reply {
    let id = browser.authorize(stand, "hybrid", extra).await.interaction();
    stand.answer(&id, 1, &auth("alice")).await;
    let done = stand.answer(&id, 2, &json!({ "type": "consent", "accept_all": true })).await;
    browser.get(done.json["response"]["delivery"]["uri"].as_str().unwrap()).await
}

#[tokio::test]
async fn each_response_type_gives_what_it_names_in_the_fragment_and_nothing_else() {
    let stand = Stand::start().await;
    for response_type in FRONT {
        let extra = [("response_type", response_type), ("nonce", "n-1")];
        let reply = page(&stand, &mut Browser::new(), &extra).await;
        let location = reply.header("location");
        assert!(location.starts_with(&format!("{CALLBACK}#")), "{location}");
        let params = reply.params();
        let parts: Vec<&str> = response_type.split(' ').collect();
        assert_eq!(params.contains_key("code"), parts.contains(&"code"), "{response_type}");
        assert_eq!(params.contains_key("id_token"), parts.contains(&"id_token"), "{response_type}");
        assert_eq!(params.contains_key("access_token"), parts.contains(&"token"), "{response_type}");
        assert_eq!(params["state"], "the-state");
        assert_eq!(params["iss"], stand.issuer);
        if let Some(token) = params.get("access_token") {
            assert_eq!((params["token_type"].as_str(), params["expires_in"].as_str()), ("Bearer", "600"));
            assert_eq!(stand.userinfo(token).await.json["email"], "alice@example.com");
        }
        if let Some(id_token) = params.get("id_token") {
            let (_, said) = verified(&stand, id_token).await;
            assert_eq!(said["nonce"], "n-1");
            let at_hash = params.get("access_token").map(|t| half(t));
            assert_eq!(said.get("at_hash").and_then(|h| h.as_str()), at_hash.as_deref());
            let c_hash = params.get("code").map(|c| half(c));
            assert_eq!(said.get("c_hash").and_then(|h| h.as_str()), c_hash.as_deref());
            assert_eq!(said["s_hash"], half("the-state"), "FAPI 1.0 part 2, section 5.2.2.1");
        }
        if let Some(code) = params.get("code") {
            let tokens = stand.redeem("hybrid", code).await;
            assert_eq!(tokens.status, 200, "{}", tokens.text);
            let second = claims(tokens.json["id_token"].as_str().unwrap());
            assert_eq!((&second["sub"], &second["nonce"]), (&json!("alice"), &json!("n-1")));
        }
    }
}

#[tokio::test]
async fn an_id_token_alone_carries_the_claims_and_one_with_company_does_not() {
    let stand = Stand::start().await;
    for response_type in FRONT {
        let extra = [("response_type", response_type), ("nonce", "n")];
        let params = page(&stand, &mut Browser::new(), &extra).await.params();
        let Some(id_token) = params.get("id_token") else { continue };
        assert_eq!(claims(id_token).get("email").is_some(), response_type == "id_token", "{response_type}");
    }
}

#[tokio::test]
async fn no_refresh_token_ever_comes_through_the_browser() {
    let stand = Stand::start().await;
    for response_type in FRONT {
        let extra = [
            ("response_type", response_type),
            ("nonce", "n"),
            ("scope", "openid offline_access"),
            ("prompt", "consent"),
        ];
        let reply = page(&stand, &mut Browser::new(), &extra).await;
        assert!(!reply.header("location").contains("refresh_token"));
    }
}

#[tokio::test]
async fn the_nonce_is_required_wherever_an_id_token_comes_through_the_browser() {
    let stand = Stand::start().await;
    for response_type in FRONT {
        let reply = Browser::new().authorize(&stand, "hybrid", &[("response_type", response_type)]).await;
        if response_type.contains("id_token") {
            let location = reply.header("location");
            assert!(location.starts_with(&format!("{CALLBACK}#")), "{location}");
            assert_eq!(reply.params()["error"], "invalid_request", "{response_type}");
        } else {
            reply.interaction();
        }
    }
}

#[tokio::test]
async fn an_id_token_needs_the_scope_openid() {
    let stand = Stand::start().await;
    let extra = [("response_type", "id_token"), ("nonce", "n"), ("scope", "reports.read")];
    assert_eq!(Browser::new().authorize(&stand, "hybrid", &extra).await.params()["error"], "invalid_request");
}

#[tokio::test]
async fn tokens_never_travel_in_the_query() {
    let stand = Stand::start().await;
    for response_type in FRONT {
        let extra = [("response_type", response_type), ("nonce", "n"), ("response_mode", "query")];
        let reply = Browser::new().authorize(&stand, "hybrid", &extra).await;
        assert_eq!(reply.params()["error"], "invalid_request", "{response_type}");
    }
    let code = [("response_mode", "fragment")];
    let reply = page(&stand, &mut Browser::new(), &code).await;
    assert!(reply.header("location").starts_with(&format!("{CALLBACK}#code=")), "{reply:?}");
}

#[tokio::test]
async fn the_flows_are_off_unless_registered() {
    let stand = Stand::start().await;
    for response_type in FRONT {
        let extra = [("response_type", response_type), ("nonce", "n")];
        let params = Browser::new().authorize(&stand, "web", &extra).await.params();
        assert_eq!(params["error"], "unauthorized_client", "{response_type}");
    }
    for response_type in ["token", "code code", "none", "id_token code nonsense"] {
        let extra = [("response_type", response_type), ("nonce", "n")];
        let params = Browser::new().authorize(&stand, "hybrid", &extra).await.params();
        assert_eq!(params["error"], "unsupported_response_type", "{response_type}");
    }
}

#[tokio::test]
async fn a_form_posts_the_answer_by_a_script_that_alone_may_run() {
    let stand = Stand::start().await;
    let extra = [("response_type", "code id_token"), ("nonce", "n"), ("response_mode", "form_post")];
    let mut browser = Browser::new();
    let reply = page(&stand, &mut browser, &extra).await;
    assert_eq!(reply.status, 200);
    assert!(reply.header("content-type").starts_with("text/html"));
    assert_eq!(reply.header("cache-control"), "no-store");
    let policy = reply.header("content-security-policy");
    let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap();
    assert!(nonce.len() >= 22);
    assert_eq!(reply.text.matches("<script").count(), 1);
    assert!(reply.text.contains(&format!("nonce=\"{nonce}\"")), "{}", reply.text);
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe-inline"), "{policy}");
    assert!(!policy.contains("form-action"), "it would stop the form from reaching the client");
    assert!(reply.text.contains(&format!("action=\"{CALLBACK}\"")));
    for name in ["code", "id_token", "state", "iss"] {
        assert!(reply.text.contains(&format!("name=\"{name}\"")), "{name}");
    }
    assert!(!reply.text.contains("access_token"));
    assert!(browser.cookies.contains_key("placet-sso"), "the answer brings the session along");
    let next = page_again(&stand, &mut browser, &extra).await;
    assert!(!next.header("content-security-policy").contains(nonce), "a nonce is used once");
}

async fn page_again(stand: &Stand, browser: &mut Browser, extra: &[(&str, &str)]) -> Reply {
    let id = browser.authorize(stand, "hybrid", extra).await.interaction();
    let done = stand.answer(&id, 1, &json!({ "type": "consent", "accept_all": true })).await;
    browser.get(done.json["response"]["delivery"]["uri"].as_str().unwrap()).await
}

#[tokio::test]
async fn an_error_is_posted_too_and_what_a_client_sent_cannot_break_out_of_the_page() {
    let stand = Stand::start().await;
    let state = "\"><script>alert(1)</script>";
    let extra = [("response_mode", "form_post"), ("prompt", "none"), ("state", state)];
    let reply = Browser::new().authorize(&stand, "web", &extra).await;
    assert_eq!(reply.status, 200);
    assert!(reply.text.contains("name=\"error\""));
    assert!(reply.text.contains("login_required"));
    assert!(!reply.text.contains("<script>alert"), "{}", reply.text);
}

#[tokio::test]
async fn nobody_is_asked_when_nothing_has_to_be_and_the_fragment_comes_at_once() {
    let stand = Stand::with(|config| {
        let hybrid = client(config, "hybrid");
        hybrid.settings.first_party = true;
        hybrid.settings.consent = ConsentMode::Implicit;
    })
    .await;
    let mut browser = Browser::new();
    stand.sign_in(&mut browser, "web", &[]).await;
    let extra = [("response_type", "id_token"), ("nonce", "n"), ("prompt", "none")];
    let params = browser.authorize(&stand, "hybrid", &extra).await.params();
    assert_eq!(claims(&params["id_token"])["sub"], "alice");
}

#[tokio::test]
async fn a_denial_travels_as_the_answer_would_have() {
    let stand = Stand::start().await;
    let mut browser = Browser::new();
    let extra = [("response_type", "id_token token"), ("nonce", "n")];
    let id = browser.authorize(&stand, "hybrid", &extra).await.interaction();
    let prompt = stand.call(UI, reqwest::Method::GET, &format!("/interactions/{id}"), None).await;
    assert_eq!(prompt.json["type"], "auth");
    let done = stand.answer(&id, 1, &json!({ "type": "deny" })).await;
    let reply = browser.get(done.json["response"]["delivery"]["uri"].as_str().unwrap()).await;
    assert!(reply.header("location").starts_with(&format!("{CALLBACK}#error=access_denied")), "{reply:?}");
}
