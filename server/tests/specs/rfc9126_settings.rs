//! Pushed authorization requests (RFC 9126): what operators, policies and login apps say about them.

use placet_server::config::UiConfig;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    harness::{Browser, CALLBACK, HEADLESS, Reply, Stand, auth, request},
    helpers::{client, text},
    policy_stage::{allow, deny, everything},
    pushing::{assert_page, assert_refused, push, pushed, visit, visit_with},
    sidecar::Sidecar,
};

const BINDING: &str = "the-binding-of-this-browser-012345";

#[tokio::test]
async fn an_operator_or_a_client_can_insist_on_it() {
    for all in [true, false] {
        let stand = Stand::with(|config| {
            config.par.required = all;
            let metadata = &mut client(config, "web").metadata;
            metadata.require_pushed_authorization_requests = (!all).then_some(true);
        })
        .await;
        let mut browser = Browser::new();
        let direct = browser.authorize(&stand, "web", &[]).await.params();
        assert_eq!((direct["error"].as_str(), direct["state"].as_str()), ("invalid_request", "the-state"));
        assert!(direct["error_description"].contains("pushed"), "{direct:?}");
        // Another kind of `request_uri`, or a request object, does not do.
        let foreign = browser.authorize(&stand, "web", &[("request_uri", "https://client.example/r")]).await;
        assert!(foreign.params()["error_description"].contains("pushed"));
        let object = visit_with(&stand, &mut browser, &[("client_id", "web"), ("request", "a.b.c")]).await;
        assert_page(&object, "pushed");
        let uri = pushed(&stand, "web", &[]).await;
        let id = visit(&stand, &mut browser, "web", &uri).await.interaction();
        assert!(stand.finish(&mut browser, &id, "alice").await.contains_key("code"));
        let of_another = browser.authorize(&stand, "other", &[("prompt", "login")]).await;
        assert_eq!(of_another.header("location").starts_with("https://login.example/"), !all);
    }
}

#[tokio::test]
async fn discovery_and_registration_know_it() {
    let stand = Stand::with(|config| config.par.required = true).await;
    let url = format!("{}/.well-known/oauth-authorization-server", stand.issuer);
    let document = Reply::read(stand.http.get(url).send().await.unwrap()).await.json;
    assert_eq!(document["pushed_authorization_request_endpoint"], format!("{}/par", stand.issuer));
    assert_eq!(document["require_pushed_authorization_requests"], true);
    let stand = Stand::start().await;
    let body = json!({ "redirect_uris": [CALLBACK], "require_pushed_authorization_requests": true });
    let made = stand.http.post(format!("{}/register", stand.issuer)).json(&body).send().await.unwrap();
    let made = Reply::read(made).await;
    assert_eq!((made.status, &made.json["require_pushed_authorization_requests"]), (201, &json!(true)));
    let direct = Browser::new().authorize(&stand, &text(&made.json["client_id"]), &[]).await.params();
    assert!(direct["error_description"].contains("pushed"), "{direct:?}");
}

#[tokio::test]
async fn policies_are_asked_when_it_is_pushed_and_again_when_a_browser_comes() {
    let sidecar = Sidecar::start(|_| allow()).await;
    let stand = Stand::with(|config| {
        config.policy.push(sidecar.policy("guard", &["authorization.request"]));
    })
    .await;
    let uri = pushed(&stand, "web", &[]).await;
    visit(&stand, &mut Browser::new(), "web", &uri).await.interaction();
    let asked = sidecar.requests();
    let [at_par, at_door] = asked.as_slice() else { panic!("asked {} times", asked.len()) };
    for (request, endpoint) in [(at_par, "par"), (at_door, "authorize")] {
        assert_eq!(request["request"]["endpoint"], endpoint);
        assert_eq!(request["authorization_request"]["request"]["pushed"], true);
        assert_eq!(request["authorization_request"]["session_present"], false);
        assert_eq!(request["client"]["client_id"], "web");
    }
}

#[tokio::test]
async fn both_looks_of_a_policy_must_allow_and_a_broken_one_stops_the_push() {
    for (at, code) in [("par", "access_denied"), ("par", "unmet_authentication_requirements")] {
        let sidecar = Sidecar::start(
            move |request| {
                if request["request"]["endpoint"] == at { deny(code) } else { allow() }
            },
        )
        .await;
        let stand = Stand::with(|config| {
            config.policy.push(sidecar.policy("guard", &["authorization.request"]));
        })
        .await;
        assert_refused(&push(&stand, "web", &[]).await, code);
        assert!(stand.rows("SELECT 'x' FROM pushed_requests").is_empty());
    }
    let sidecar = Sidecar::start(|request| {
        if request["request"]["endpoint"] == "authorize" { deny("access_denied") } else { allow() }
    })
    .await;
    let stand = Stand::with(|config| {
        config.policy.push(sidecar.policy("guard", &["authorization.request"]));
    })
    .await;
    let uri = pushed(&stand, "web", &[]).await;
    let mut browser = Browser::new();
    assert_eq!(visit(&stand, &mut browser, "web", &uri).await.params()["error"], "access_denied");
    assert_page(&visit(&stand, &mut browser, "web", &uri).await, "invalid_request_uri");
    let sidecar = Sidecar::start(|_| json!({ "decision": "perhaps" })).await;
    let stand = Stand::with(|config| {
        config.policy.push(sidecar.policy("guard", &["authorization.request"]));
    })
    .await;
    let broken = push(&stand, "web", &[]).await;
    assert_eq!((broken.status, broken.error()), (503, "temporarily_unavailable"), "{}", broken.text);
}

async fn open_headless(stand: &Stand, uri: &str) -> Value {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("client_id", "web"), ("request_uri", uri)])
        .finish();
    let body = json!({
        "kind": "authorization", "request": { "method": "GET", "query": query }, "browser": { "binding": BINDING },
    });
    let reply = stand.call(HEADLESS, Method::POST, "/interactions", Some(&body)).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    reply.json
}

async fn finish_headless(stand: &Stand, mut prompt: Value) -> Value {
    let id = text(&prompt["id"]);
    while prompt["type"] == "auth" || prompt["type"] == "consent" {
        let body = if prompt["type"] == "auth" { auth("alice") } else { everything() };
        let url = format!("{}/interactions/{id}/steps/{}", stand.api, prompt["step"]);
        let request = stand.http.put(url).bearer_auth(HEADLESS).header("placet-browser-binding", BINDING);
        let reply = Reply::read(request.json(&body).send().await.unwrap()).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        prompt = reply.json;
    }
    prompt
}

#[tokio::test]
async fn the_headless_front_door_takes_it_too() {
    let stand = Stand::start().await;
    let uri = pushed(&stand, "web", &[]).await;
    let (first, second) = (open_headless(&stand, &uri).await, open_headless(&stand, &uri).await);
    assert_eq!(first["request"]["pushed"], true);
    let done = finish_headless(&stand, first).await;
    assert_eq!((&done["type"], &done["response"]["outcome"]), (&json!("response"), &json!("success")));
    let late = finish_headless(&stand, second).await;
    assert_eq!(
        (&late["type"], &late["error"]["error"]),
        (&json!("error"), &json!("invalid_request")),
        "{late}"
    );
    let again = open_headless(&stand, &uri).await;
    assert_eq!((&again["type"], &again["error"]["error"]), (&json!("error"), &json!("invalid_request_uri")));
    let silent = pushed(&stand, "web", &[("prompt", "none")]).await;
    let refused = open_headless(&stand, &silent).await;
    assert_eq!(refused["response"]["error"], "login_required", "{refused}");
    assert_eq!(open_headless(&stand, &silent).await["error"]["error"], "invalid_request_uri");
}

#[tokio::test]
async fn its_lifetime_is_the_operators_within_bounds() {
    let stand = Stand::with(|config| config.lifetimes.pushed_request = 5).await;
    let reply = push(&stand, "web", &[]).await;
    assert_eq!(reply.json["expires_in"], 5);
    stand.clock.advance(5);
    let late = visit(&stand, &mut Browser::new(), "web", &text(&reply.json["request_uri"])).await;
    assert_page(&late, "invalid_request_uri");
    for seconds in [0, 4, 601] {
        let mut config = placet_server::config::Config { development: true, ..Default::default() };
        config.lifetimes.pushed_request = seconds;
        let wrong = config.check().unwrap_err().to_string();
        assert!(wrong.contains("lifetimes.pushed_request"), "{wrong}");
    }
}

#[tokio::test]
async fn strangers_cannot_push_more_than_they_could_ask_for() {
    let stand = Stand::with(|config| {
        config.limits.enabled = true;
        config.limits.authorize = 2;
    })
    .await;
    let mut form = request(&[]);
    form.push(("client_id", "spa"));
    for status in [201, 201, 429] {
        assert_eq!(stand.post_public("/par", &form).await.status, status);
    }
    assert_eq!(push(&stand, "web", &[]).await.status, 201, "who proves who it is has a limit of its own");
}

#[tokio::test]
async fn a_client_that_changed_since_is_told_once() {
    let stand = Stand::start().await;
    super::helpers::keep_client(&stand, |_| {}).await;
    let uri = pushed(&stand, "kept", &[]).await;
    let mut kept = (*stand.server.client("kept").await.unwrap().unwrap()).clone();
    kept.metadata.scope = Some("openid".to_owned());
    assert!(stand.server.store().update_client(kept.to_record().unwrap(), Vec::new()).await.unwrap());
    stand.server.forget_client("kept").await;
    let mut browser = Browser::new();
    let told = visit(&stand, &mut browser, "kept", &uri).await.params();
    assert_eq!((told["error"].as_str(), told["state"].as_str()), ("invalid_scope", "the-state"));
    assert_page(&visit(&stand, &mut browser, "kept", &uri).await, "invalid_request_uri");
}

#[tokio::test]
async fn the_ui_that_is_asked_about_is_one_that_exists() {
    // A server without any login app can still be asked about by policies at push time, but not answer.
    let sidecar = Sidecar::start(|_| allow()).await;
    let stand = Stand::with(|config| {
        config.ui = Vec::<UiConfig>::new();
        config.policy.push(sidecar.policy("guard", &["authorization.request"]));
    })
    .await;
    assert_eq!(push(&stand, "web", &[]).await.status, 503);
}
