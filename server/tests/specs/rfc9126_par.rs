//! Pushed authorization requests (RFC 9126).

use reqwest::Method;
use serde_json::json;

use super::{
    harness::{Browser, CALLBACK, Reply, SECRET, Stand, UI, auth, claims, request},
    helpers::text,
    policy_stage::everything,
    pushing::{assert_page, assert_refused, push, pushed, visit, visit_with},
};

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
