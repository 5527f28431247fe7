//! Pushed authorization requests (RFC 9126).

use placet_server::config::UiConfig;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    harness::{Browser, CALLBACK, CHALLENGE, HEADLESS, Reply, SECRET, Stand, UI, auth, claims},
    helpers::{client, text},
    policy_stage::{allow, deny, everything},
    sidecar::Sidecar,
};

const BINDING: &str = "the-binding-of-this-browser-012345";

/// The parameters that `Browser::authorize` sends, with those of `extra` over them; an empty value leaves one out.
fn request<'a>(extra: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut params: std::collections::BTreeMap<&str, &str> = [
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid email"),
        ("state", "the-state"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]
    .into();
    params.extend(extra.iter().copied());
    params.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}

async fn push(stand: &Stand, client: &str, extra: &[(&str, &str)]) -> Reply {
    stand.post("/par", client, &request(extra)).await
}

/// The `request_uri` of a request that was pushed.
async fn pushed(stand: &Stand, client: &str, extra: &[(&str, &str)]) -> String {
    let reply = push(stand, client, extra).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    text(&reply.json["request_uri"])
}

/// Sends a browser with a pushed request and nothing else.
async fn visit(stand: &Stand, browser: &mut Browser, client: &str, request_uri: &str) -> Reply {
    visit_with(stand, browser, &[("client_id", client), ("request_uri", request_uri)]).await
}

async fn visit_with(stand: &Stand, browser: &mut Browser, params: &[(&str, &str)]) -> Reply {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
    browser.get(&format!("{}/authorize?{query}", stand.issuer)).await
}

#[track_caller]
fn assert_page(reply: &Reply, code: &str) {
    assert_eq!(reply.status, 400, "{reply:?}");
    assert!(reply.headers.get("location").is_none() && reply.text.contains("error-page"), "{}", reply.text);
    assert!(reply.text.contains(code), "the page does not say `{code}`: {}", reply.text);
}

#[track_caller]
fn assert_refused(reply: &Reply, code: &str) {
    assert_eq!((reply.status, reply.error()), (400, code), "{}", reply.text);
    assert!(reply.headers.get("location").is_none());
}

/// Answers as the login app until the browser could go back; gives where to.
async fn way_back(stand: &Stand, id: &str, sub: &str) -> String {
    let mut prompt = stand.call(UI, Method::GET, &format!("/interactions/{id}"), None).await.json;
    while prompt["type"] != "response" {
        let body = if prompt["type"] == "auth" { auth(sub) } else { everything() };
        let step = u32::try_from(prompt["step"].as_u64().unwrap()).unwrap();
        let reply = stand.answer(id, step, &body).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        prompt = reply.json;
    }
    text(&prompt["response"]["delivery"]["uri"])
}

#[tokio::test]
async fn a_pushed_request_leads_to_a_code() {
    let stand = Stand::start().await;
    let reply = push(&stand, "web", &[("nonce", "n-1")]).await;
    assert_eq!((reply.status, &reply.json["expires_in"]), (201, &json!(90)), "{}", reply.text);
    assert_eq!(reply.header("cache-control"), "no-store");
    let uri = text(&reply.json["request_uri"]);
    let secret =
        uri.strip_prefix("urn:ietf:params:oauth:request_uri:").expect("the prefix of the specification");
    assert!(secret.len() >= 22, "{uri}");
    let mut browser = Browser::new();
    let id = visit(&stand, &mut browser, "web", &uri).await.interaction();
    let shown = stand.call(UI, Method::GET, &format!("/interactions/{id}"), None).await.json;
    assert_eq!((&shown["request"]["pushed"], &shown["request"]["signed"]), (&json!(true), &json!(false)));
    assert_eq!(shown["request"]["scope"], json!(["openid", "email"]));
    let params = stand.finish(&mut browser, &id, "alice").await;
    assert_eq!(params["state"], "the-state");
    let tokens = stand.redeem("web", &params["code"]).await.json;
    assert_eq!(claims(&text(&tokens["id_token"]))["nonce"], "n-1");
}

#[tokio::test]
async fn it_is_good_for_its_client_alone_and_beside_it_nothing_counts() {
    let stand = Stand::start().await;
    let uri = pushed(&stand, "web", &[]).await;
    let mut browser = Browser::new();
    assert_page(&visit(&stand, &mut browser, "other", &uri).await, "invalid_request_uri");
    assert_page(&visit(&stand, &mut browser, "nobody", &uri).await, "invalid_client");
    let without = visit_with(&stand, &mut browser, &[("request_uri", &uri)]).await;
    assert_page(&without, "invalid_request");
    // Whoever carries the request cannot change it (section 4).
    let params = [
        ("client_id", "web"),
        ("request_uri", uri.as_str()),
        ("redirect_uri", "https://evil.example/"),
        ("scope", "openid reports.read"),
        ("state", "another-state"),
        ("prompt", "none"),
    ];
    let id = visit_with(&stand, &mut browser, &params).await.interaction();
    let shown = stand.call(UI, Method::GET, &format!("/interactions/{id}"), None).await.json;
    assert_eq!(shown["request"]["scope"], json!(["openid", "email"]));
    let params = stand.finish(&mut browser, &id, "alice").await;
    assert_eq!(params["state"], "the-state");
}

#[tokio::test]
async fn a_request_that_is_unknown_or_mistaken_gets_a_page_and_says_no_more() {
    let stand = Stand::start().await;
    let uri = pushed(&stand, "web", &[]).await;
    let mut browser = Browser::new();
    let prefix = "urn:ietf:params:oauth:request_uri:";
    for wrong in [format!("{uri}x"), prefix.to_owned(), format!("{prefix}guess")] {
        // A redirect URI beside it is not the one that was pushed, so nobody is sent there.
        let params = [("client_id", "web"), ("request_uri", wrong.as_str()), ("redirect_uri", CALLBACK)];
        assert_page(&visit_with(&stand, &mut browser, &params).await, "invalid_request_uri");
    }
    let both = [("client_id", "web"), ("request_uri", uri.as_str()), ("request", "a.b.c")];
    assert_page(&visit_with(&stand, &mut browser, &both).await, "exclude each other");
    let twice = [("client_id", "web"), ("request_uri", uri.as_str()), ("request_uri", uri.as_str())];
    assert_page(&visit_with(&stand, &mut browser, &twice).await, "invalid_request");
    visit(&stand, &mut browser, "web", &uri).await.interaction();
}

#[tokio::test]
async fn it_opens_interactions_until_it_expires_and_they_go_on_beyond_that() {
    let stand = Stand::start().await;
    let uri = pushed(&stand, "web", &[]).await;
    let (mut first, mut second) = (Browser::new(), Browser::new());
    let id = visit(&stand, &mut first, "web", &uri).await.interaction();
    stand.clock.advance(89);
    let other = visit(&stand, &mut second, "web", &uri).await.interaction();
    assert_ne!(id, other);
    stand.clock.advance(1);
    assert_page(&visit(&stand, &mut Browser::new(), "web", &uri).await, "invalid_request_uri");
    stand.clock.advance(600);
    // The row is purged long before the user is done.
    assert_eq!(stand.server.store().purge(stand.now(), 100).await.unwrap(), 1);
    assert!(stand.finish(&mut first, &id, "alice").await.contains_key("code"));
    let late = way_back(&stand, &other, "alice").await;
    assert_page(&second.get(&late).await, "answered already");
}

#[tokio::test]
async fn a_second_visit_before_the_response_is_harmless_and_after_it_refused() {
    let stand = Stand::start().await;
    let uri = pushed(&stand, "web", &[]).await;
    let mut browser = Browser::new();
    let abandoned = visit(&stand, &mut browser, "web", &uri).await.interaction();
    let id = visit(&stand, &mut browser, "web", &uri).await.interaction();
    assert!(stand.finish(&mut browser, &id, "alice").await.contains_key("code"));
    assert_page(&visit(&stand, &mut browser, "web", &uri).await, "invalid_request_uri");
    let back = way_back(&stand, &abandoned, "alice").await;
    assert_page(&browser.get(&back).await, "answered already");
    // The interaction is over for good.
    assert_page(&browser.get(&back).await, "is over");
}

#[tokio::test]
async fn of_20_racing_completions_of_one_pushed_request_one_gets_a_response() {
    let stand = Stand::start().await;
    let uri = pushed(&stand, "web", &[]).await;
    let mut ready = Vec::new();
    for _ in 0..20 {
        let mut browser = Browser::new();
        let id = visit(&stand, &mut browser, "web", &uri).await.interaction();
        let back = way_back(&stand, &id, "alice").await;
        ready.push((browser, back));
    }
    let racing = ready.into_iter().map(|(mut browser, back)| async move { browser.get(&back).await });
    let replies = futures_util::future::join_all(racing).await;
    let (won, lost): (Vec<_>, Vec<_>) = replies.into_iter().partition(|reply| reply.status == 303);
    assert_eq!((won.len(), lost.len()), (1, 19));
    assert!(won[0].params().contains_key("code"));
    for reply in &lost {
        assert_page(reply, "answered already");
    }
    assert_eq!(stand.events("authorization.granted").len(), 1);
}

#[tokio::test]
async fn any_response_spends_it_whatever_it_says() {
    let stand = Stand::start().await;
    let mut browser = Browser::new();
    // Nobody is asked, nothing is stored: it is a response nevertheless.
    let uri = pushed(&stand, "web", &[("prompt", "none")]).await;
    let silent = visit(&stand, &mut browser, "web", &uri).await.params();
    assert_eq!((silent["error"].as_str(), silent["state"].as_str()), ("login_required", "the-state"));
    assert_page(&visit(&stand, &mut browser, "web", &uri).await, "invalid_request_uri");
    // The user says no.
    let uri = pushed(&stand, "web", &[]).await;
    let id = visit(&stand, &mut browser, "web", &uri).await.interaction();
    let other = visit(&stand, &mut browser, "web", &uri).await.interaction();
    let said = stand.answer(&id, 1, &json!({ "type": "deny", "error": "access_denied" })).await;
    let back = text(&said.json["response"]["delivery"]["uri"]);
    assert_eq!(browser.get(&back).await.params()["error"], "access_denied");
    let late = way_back(&stand, &other, "alice").await;
    assert_page(&browser.get(&late).await, "answered already");
    // A browser that asks for its answer again gets it.
    assert_eq!(browser.get(&back).await.params()["error"], "access_denied");
}

#[tokio::test]
async fn what_is_pushed_is_checked_like_a_request_of_a_browser() {
    let stand = Stand::start().await;
    for (extra, code) in [
        (("redirect_uri", "https://evil.example/"), "invalid_request"),
        (("redirect_uri", ""), "invalid_request"),
        (("response_type", ""), "invalid_request"),
        (("response_type", "id_token"), "unauthorized_client"),
        (("response_type", "nothing"), "unsupported_response_type"),
        (("scope", "admin"), "invalid_scope"),
        (("prompt", "sing"), "invalid_request"),
        (("resource", "https://unknown.example"), "invalid_target"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("registration", "{}"), "registration_not_supported"),
        (("id_token_hint", "a.b.c"), "invalid_request"),
        (("request_uri", "urn:ietf:params:oauth:request_uri:x"), "invalid_request"),
        (("request_uri", "https://client.example/request"), "invalid_request"),
    ] {
        let reply = push(&stand, "web", &[extra]).await;
        assert_eq!((reply.status, reply.error()), (400, code), "{extra:?}: {}", reply.text);
        assert!(reply.headers.get("location").is_none());
    }
    let long = "x".repeat(33 * 1024);
    assert_refused(&push(&stand, "web", &[("hidden", &long)]).await, "invalid_request");
    let twice = [("scope", "openid"), ("scope", "email")];
    let mut form = request(&[("scope", "")]);
    form.extend(twice);
    assert_refused(&stand.post("/par", "web", &form).await, "invalid_request");
}

#[tokio::test]
async fn a_client_proves_itself_as_at_the_token_endpoint() {
    let stand = Stand::start().await;
    let form = request(&[]);
    let with = |more: &[(&'static str, &'static str)]| {
        let mut form = form.clone();
        form.extend(more);
        form
    };
    let nobody = stand.post_public("/par", &form).await;
    assert_eq!((nobody.status, nobody.error()), (401, "invalid_client"), "{}", nobody.text);
    let named = stand.post_public("/par", &with(&[("client_id", "web")])).await;
    assert_eq!((named.status, named.error()), (401, "invalid_client"), "{}", named.text);
    let wrong = stand.post_public("/par", &with(&[("client_id", "post"), ("client_secret", "wrong")])).await;
    assert_eq!((wrong.status, wrong.error()), (401, "invalid_client"), "{}", wrong.text);
    let of_another = stand.post("/par", "web", &with(&[("client_id", "other")])).await;
    assert_refused(&of_another, "invalid_request");
    let posted = stand.post_public("/par", &with(&[("client_id", "post"), ("client_secret", SECRET)])).await;
    assert_eq!(posted.status, 201, "{}", posted.text);
    let public = stand.post_public("/par", &with(&[("client_id", "spa")])).await;
    assert_eq!(public.status, 201, "{}", public.text);
    let uri = text(&public.json["request_uri"]);
    let mut browser = Browser::new();
    let id = visit(&stand, &mut browser, "spa", &uri).await.interaction();
    assert!(stand.finish(&mut browser, &id, "alice").await.contains_key("code"));
    // Public clients need PKCE here too.
    let mut bare = request(&[("code_challenge", ""), ("code_challenge_method", "")]);
    bare.push(("client_id", "spa"));
    assert_refused(&stand.post_public("/par", &bare).await, "invalid_request");
    let url = format!("{}/par", stand.issuer);
    let got = Reply::read(stand.http.get(&url).send().await.unwrap()).await;
    assert_eq!((got.status, got.header("allow")), (405, "POST"));
}

#[tokio::test]
async fn a_stolen_store_opens_nothing() {
    let stand = Stand::start().await;
    let uri = pushed(&stand, "web", &[("login_hint", "alice@example.com")]).await;
    let secret = uri.rsplit(':').next().unwrap();
    let rows = stand.rows("SELECT hex(digest) || ' ' || hex(sealed) FROM pushed_requests");
    assert_eq!(rows.len(), 1);
    let hex = |text: &str| placet_server::seal::hex(text.as_bytes()).to_uppercase();
    for clear in [secret, "alice@example.com", "the-state"] {
        assert!(!rows[0].contains(&hex(clear)), "{clear} lies in the store");
    }
}

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
