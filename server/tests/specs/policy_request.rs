//! `authorization.request`, `docs/protocol.md`: what a policy may make of a request before anybody is asked.

use std::sync::atomic::Ordering;

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    harness::{Browser, HEADLESS, Stand, UI, auth, claims, query, ui},
    helpers::{client, text},
    policy_stage::{
        allow, assert_unavailable, challenge, everything, failing, prompt, reply, rows, set, stand,
    },
    sidecar::Sidecar,
};
use placet_server::config::FrontDoor;

const HOOK: [&str; 1] = ["authorization.request"];

#[tokio::test]
async fn a_policy_is_asked_before_anybody_else_and_sees_the_request() {
    let sidecar = Sidecar::start(|_| allow()).await;
    let stand = Stand::with(|config| {
        config.policy.push(sidecar.policy("guard", &HOOK));
        config.passed_parameters = vec!["campaign".to_owned()];
    })
    .await;
    let mut browser = Browser::new();
    let extra = [("campaign", "autumn"), ("acr_values", "gold silver"), ("max_age", "3600"), ("hidden", "x")];
    let id = browser.authorize(&stand, "web", &extra).await.interaction();
    let asked = sidecar.requests();
    let [request] = asked.as_slice() else { panic!("asked {} times", asked.len()) };
    assert_eq!(request["request"]["endpoint"], "authorize");
    assert_eq!(request["request"]["remote"]["ip"], "127.0.0.1");
    assert_eq!(request["request"]["parameters"], json!({ "campaign": ["autumn"] }));
    assert_eq!(request["client"]["client_id"], "web");
    assert_eq!(request["grant"]["requested"]["scope"], json!(["openid", "email"]));
    let section = &request["authorization_request"];
    assert_eq!(section["session_present"], false);
    assert_eq!(section["request"]["parameters"], json!({ "campaign": ["autumn"] }));
    assert_eq!(section["request"]["max_age"], 3600);
    assert!(!request.to_string().contains("the-state"), "{request}");
    assert!(request.get("subject").is_none() && request.get("session").is_none());
    let demand = json!({
        "acr_values": ["gold", "silver"], "acr_essential": false, "max_age": 3600, "force_auth": false, "ui": "login",
    });
    assert_eq!(request["proposal"]["demand"], demand);
    assert_eq!(request["limits"]["demand"]["uis"], json!(["login"]));
    assert_eq!(request["limits"]["grant"]["scope"], json!(["openid", "email"]));

    stand.finish(&mut browser, &id, "alice").await;
    assert_eq!(sidecar.requests().len(), 1, "it is asked once for each request");
    browser.authorize(&stand, "web", &[]).await.params();
    let again = &sidecar.requests()[1];
    assert_eq!(again["authorization_request"]["session_present"], true);
    assert_eq!((&again["session"]["sub"], &again["session"]["amr"]), (&json!("alice"), &json!(["pwd"])));
}

#[tokio::test]
async fn what_a_policy_demands_counts_like_what_the_request_demands() {
    let demand = json!({ "acr_values": ["gold"], "acr_essential": true, "max_age": 900 });
    let sidecar = Sidecar::start(move |_| set(&json!({ "demand": demand }))).await;
    let stand = stand(&sidecar, &HOOK).await;
    let mut browser = Browser::new();
    let id = browser.authorize(&stand, "web", &[("max_age", "3600")]).await.interaction();
    let first = prompt(&stand, &id).await;
    assert_eq!(first["auth"]["acr"], json!({ "values": ["gold"], "essential": true }));
    assert_eq!(first["auth"]["max_age"], 900);
    let short = reply(&stand, &id, &auth("alice")).await;
    assert_eq!(short.json["auth"]["reasons"], json!(["answer_insufficient", "acr_insufficient"]));
    let mut strong = auth("alice");
    strong["acr"] = json!("gold");
    reply(&stand, &id, &strong).await;
    let params = stand.finish(&mut browser, &id, "alice").await;
    let tokens = stand.redeem("web", &params["code"]).await.json;
    assert_eq!(claims(&text(&tokens["id_token"]))["acr"], "gold");
    // The session meets the demand as well, as long as it is not too old.
    assert!(browser.authorize(&stand, "web", &[]).await.params().contains_key("code"));
    stand.clock.advance(901);
    let id = browser.authorize(&stand, "web", &[]).await.interaction();
    assert_eq!(prompt(&stand, &id).await["auth"]["reasons"], json!(["max_age_exceeded"]));
}

#[tokio::test]
async fn a_policy_cannot_lower_what_the_request_demands() {
    let essential = r#"{"id_token":{"acr":{"essential":true,"values":["gold","silver"]}}}"#;
    let asked = [("claims", essential), ("max_age", "60")];
    for demand in [
        json!({ "acr_essential": false }),
        json!({ "acr_values": [] }),
        json!({ "acr_values": ["bronze"] }),
        json!({ "max_age": 61 }),
        json!({ "max_age": null }),
        json!({ "ui": "headless" }),
        json!({ "ui": "nobody" }),
    ] {
        let shown = demand.to_string();
        let sidecar = Sidecar::start(move |_| set(&json!({ "demand": demand }))).await;
        let stand = stand(&sidecar, &HOOK).await;
        let params = Browser::new().authorize(&stand, "web", &asked).await.params();
        assert_eq!(params["error"], "temporarily_unavailable", "{shown}");
    }
}

#[tokio::test]
async fn a_policy_lets_no_session_answer() {
    let sidecar = Sidecar::start(|request| {
        if request["authorization_request"]["session_present"] == true {
            set(&json!({ "demand": { "force_auth": true } }))
        } else {
            allow()
        }
    })
    .await;
    let stand = stand(&sidecar, &HOOK).await;
    let mut browser = Browser::new();
    stand.sign_in(&mut browser, "web", &[]).await;
    let silent = browser.authorize(&stand, "web", &[("prompt", "none")]).await.params();
    assert_eq!(silent["error"], "login_required");
    stand.clock.advance(10);
    let id = browser.authorize(&stand, "web", &[]).await.interaction();
    let asked = prompt(&stand, &id).await;
    assert_eq!(asked["auth"]["reasons"], json!(["policy_step_up"]));
    let mut stale = auth("alice");
    stale["authenticated_at"] = json!(placet_sdk::Instant(stand.now() - 5).to_string());
    let again = reply(&stand, &id, &stale).await.json;
    assert_eq!(again["auth"]["reasons"], json!(["answer_insufficient", "policy_step_up"]));
    assert!(stand.finish(&mut browser, &id, "alice").await.contains_key("code"));
}

#[tokio::test]
async fn a_policy_sends_the_user_to_another_login_app_of_the_same_door() {
    const OTHER: &str = "ui-token-of-another-redirect-app-0123456789";
    let sidecar = Sidecar::start(|_| set(&json!({ "demand": { "ui": "partners" } }))).await;
    let stand = Stand::with(|config| {
        config.policy.push(sidecar.policy("guard", &HOOK));
        let mut partners = ui("partners", OTHER, FrontDoor::Redirect);
        partners.login_uri = "https://partners.example/login".to_owned();
        config.ui.push(partners);
    })
    .await;
    let mut browser = Browser::new();
    let asked = browser.authorize(&stand, "web", &[]).await;
    let location = asked.header("location");
    assert!(location.starts_with("https://partners.example/login?"), "{location}");
    assert_eq!(sidecar.requests()[0]["limits"]["demand"]["uis"], json!(["login", "partners"]));
    let path = format!("/interactions/{}", query(location)["interaction"]);
    let first = stand.call(UI, Method::GET, &path, None).await;
    assert_eq!((first.status, first.error()), (404, "interaction_not_found"));
    assert_eq!(stand.call(OTHER, Method::GET, &path, None).await.json["type"], "auth");
    let step = |n: u32| format!("{path}/steps/{n}");
    stand.call(OTHER, Method::PUT, &step(1), Some(&auth("alice"))).await;
    let done = stand.call(OTHER, Method::PUT, &step(2), Some(&everything())).await.json;
    let params = browser.get(done["response"]["delivery"]["uri"].as_str().unwrap()).await.params();
    assert!(params.contains_key("code"), "{params:?}");
}

#[tokio::test]
async fn what_a_policy_takes_away_is_neither_offered_nor_granted() {
    let sidecar = Sidecar::start(|_| {
        set(&json!({ "grant": {
            "scope": ["openid", "email"], "claims": { "userinfo": ["email"] },
            "resources": ["https://api.example"],
            "access_token": { "lifetime": 60 },
        } }))
    })
    .await;
    let stand = Stand::with(|config| {
        config.policy.push(sidecar.policy("guard", &HOOK));
        client(config, "web").settings.default_scope = vec!["reports.read".to_owned()];
    })
    .await;
    let mut browser = Browser::new();
    let query = "client_id=web&response_type=code&scope=openid+email+phone+reports.read&code_challenge_method=S256\
                 &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&resource=https%3A%2F%2Fapi.example\
                 &redirect_uri=https%3A%2F%2Fclient.example%2Fcallback&resource=";
    let query = format!("{}/authorize?{query}{}", stand.issuer, stand.issuer);
    let id = browser.get(&query).await.interaction();
    let consent = reply(&stand, &id, &auth("alice")).await.json;
    let offered: Vec<&Value> =
        consent["consent"]["scope"].as_array().unwrap().iter().map(|s| &s["value"]).collect();
    assert_eq!(offered, ["openid", "email"]);
    let names: Vec<&Value> =
        consent["consent"]["claims"].as_array().unwrap().iter().map(|c| &c["name"]).collect();
    assert_eq!(names, ["email"]);
    assert_eq!(consent["consent"]["defaults"]["access_token"]["lifetime"], 60);
    for grant in [
        json!({ "scope": ["openid", "phone"] }),
        json!({ "scope": ["openid"], "resources": [stand.issuer] }),
        json!({ "scope": ["openid"], "claims": { "userinfo": ["phone_number"] } }),
    ] {
        let refused = reply(&stand, &id, &json!({ "type": "consent", "grant": grant })).await;
        assert_eq!((refused.status, refused.error()), (403, "capability_missing"), "{grant}");
    }
    let params = stand.finish(&mut browser, &id, "alice").await;
    let tokens = stand.redeem("web", &params["code"]).await.json;
    // The operator assigns `reports.read` without asking, but the policy took it away.
    assert_eq!((&tokens["scope"], &tokens["expires_in"]), (&json!("openid email"), &json!(60)));
    assert_eq!(claims(&text(&tokens["access_token"]))["aud"], "https://api.example");
    // The consent for less is remembered, and covers the next request of the same kind.
    assert!(browser.get(&query).await.params().contains_key("code"));
}

#[tokio::test]
async fn a_policy_refuses_the_request_and_nothing_is_kept() {
    let sidecar = Sidecar::start(|_| {
        json!({ "decision": "deny", "error": {
            "code": "unauthorized_client", "description": "no contract", "uri": "https://as.example/contracts",
        } })
    })
    .await;
    let stand = stand(&sidecar, &HOOK).await;
    for extra in [&[][..], &[("prompt", "none")]] {
        let params = Browser::new().authorize(&stand, "web", extra).await.params();
        assert_eq!(params["error"], "unauthorized_client");
        assert_eq!(params["error_description"], "no contract");
        assert_eq!(params["error_uri"], "https://as.example/contracts");
        assert_eq!((params["state"].as_str(), &params["iss"]), ("the-state", &stand.issuer));
    }
    let body = opening();
    let refused = stand.call(HEADLESS, Method::POST, "/interactions", Some(&body)).await.json;
    assert_eq!(refused["response"]["error"], "unauthorized_client");
    let uri = text(&refused["response"]["delivery"]["uri"]);
    assert_eq!(query(&uri)["error"], "unauthorized_client");
    let path = format!("/interactions/{}", text(&refused["id"]));
    assert_eq!(stand.call(HEADLESS, Method::GET, &path, None).await.status, 410);
}

fn opening() -> Value {
    let query = "client_id=web&response_type=code&scope=openid&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM\
                 &code_challenge_method=S256&redirect_uri=https%3A%2F%2Fclient.example%2Fcallback";
    json!({
        "kind": "authorization", "request": { "method": "GET", "query": query },
        "browser": {
            "binding": "binding-of-the-browser-0123456789", "sessions": [],
            "ip": "203.0.113.9", "user_agent": "Browser/1",
        },
    })
}

#[tokio::test]
async fn a_headless_app_tells_where_its_browser_is() {
    let sidecar = Sidecar::start(|_| allow()).await;
    let stand = stand(&sidecar, &HOOK).await;
    stand.call(HEADLESS, Method::POST, "/interactions", Some(&opening())).await;
    let mut odd = opening();
    odd["browser"]["ip"] = json!("somewhere");
    stand.call(HEADLESS, Method::POST, "/interactions", Some(&odd)).await;
    let asked = sidecar.requests();
    assert_eq!(asked[0]["request"]["remote"]["ip"], "203.0.113.9");
    assert_eq!(asked[0]["request"]["user_agent"], "Browser/1");
    assert_eq!(asked[0]["limits"]["demand"]["uis"], json!(["headless"]));
    assert!(asked[1]["request"].get("remote").is_none());
}

#[tokio::test]
async fn while_the_policy_fails_no_request_is_let_in() {
    let (sidecar, fails) = failing(|_| allow()).await;
    let stand = stand(&sidecar, &HOOK).await;
    fails.store(true, Ordering::SeqCst);
    let params = Browser::new().authorize(&stand, "web", &[]).await.params();
    assert_eq!(params["error"], "temporarily_unavailable");
    assert_unavailable(&stand.call(HEADLESS, Method::POST, "/interactions", Some(&opening())).await);
    fails.store(false, Ordering::SeqCst);
    let opened = stand.call(HEADLESS, Method::POST, "/interactions", Some(&opening())).await;
    assert_eq!(opened.json["type"], "auth");
}

#[tokio::test]
async fn a_policy_that_grants_more_or_challenges_here_fails() {
    let nobody = challenge(&json!({ "kind": "consent" }));
    let more = set(&json!({ "grant": { "scope": ["openid", "email", "phone"] } }));
    let consent = set(&json!({ "consent": { "ask": true } }));
    for decision in [nobody, more, consent] {
        let shown = decision.to_string();
        let sidecar = Sidecar::start(move |_| decision.clone()).await;
        let stand = stand(&sidecar, &HOOK).await;
        let mut browser = Browser::new();
        let params = browser.authorize(&stand, "web", &[]).await.params();
        assert_eq!(params["error"], "temporarily_unavailable", "{shown}");
        assert_eq!(rows(&stand, "alice").await, (0, 0, 0));
    }
}
