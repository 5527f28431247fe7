//! What strangers can make the server keep is bounded, by each and by all of them, and those who came before go on.

use placet_server::config::Config;
use reqwest::{Method, RequestBuilder};
use serde_json::json;

use super::{
    calling::{self, Desk},
    device_flow::{self, devices},
    harness::{Browser, HEADLESS, Reply, Stand, UI, request},
    prover::{Prover, token_with},
};

const CREDENTIALS: [(&str, &str); 1] = [("grant_type", "client_credentials")];

/// A server behind a proxy that lets keep so much: three things of each address, seven in all.
async fn stand() -> Stand {
    Stand::with(|config| {
        config.limits.enabled = true;
        config.limits.pending_per_address = 3;
        config.limits.pending_in_all = 7;
        config.lifetimes.interaction = 900;
        config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
        devices(config);
    })
    .await
}

async fn send(request: RequestBuilder, address: &str) -> Reply {
    Reply::read(request.header("x-forwarded-for", address).send().await.unwrap()).await
}

fn kept(stand: &Stand, table: &str) -> usize {
    stand.rows(&format!("SELECT 'x' FROM {table}")).len()
}

fn query_of(changes: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(request(changes)).finish()
}

fn visit(stand: &Stand) -> RequestBuilder {
    let query = query_of(&[("client_id", "web")]);
    stand.http.get(format!("{}/authorize?{query}", stand.issuer))
}

#[tokio::test]
async fn sign_ins_that_nobody_finishes_are_so_many_of_an_address_and_in_all_and_others_are_finished() {
    let stand = stand().await;
    let mut browser = Browser::new();
    let begun = browser.authorize(&stand, "web", &[]).await.interaction();
    for count in 1..=10 {
        let reply = send(visit(&stand), "192.0.2.1").await;
        assert_eq!(reply.status, if count <= 3 { 303 } else { 429 }, "{}", reply.text);
        if count > 3 {
            assert_eq!(reply.header("retry-after"), "300");
            assert!(reply.text.contains("too many requests"), "{}", reply.text);
        }
    }
    assert_eq!(kept(&stand, "interactions"), 4);
    for stranger in 0..100 {
        let reply = send(visit(&stand), &format!("198.51.100.{stranger}")).await;
        assert_eq!(reply.status, if stranger < 3 { 303 } else { 429 }, "{}", reply.text);
    }
    assert_eq!(kept(&stand, "interactions"), 7);
    let params = stand.finish(&mut browser, &begun, "alice").await;
    assert_eq!(stand.redeem("web", &params["code"]).await.status, 200, "who came before goes on");
    stand.clock.advance(900);
    assert_eq!(send(visit(&stand), "192.0.2.1").await.status, 303);
}

#[tokio::test]
async fn pushed_requests_and_codes_of_devices_count_as_sign_ins_do() {
    let stand = stand().await;
    let mut form = request(&[]);
    form.push(("client_id", "spa"));
    let push = || stand.http.post(format!("{}/par", stand.issuer)).form(&form);
    let code = || device_flow::form(&stand, "/device_authorization", "tv", &[("scope", "openid")]);
    for status in [201, 201] {
        assert_eq!(send(push(), "192.0.2.1").await.status, status);
    }
    assert_eq!(send(code(), "192.0.2.1").await.status, 200);
    for refused in [push(), code(), visit(&stand), stand.http.get(format!("{}/device", stand.issuer))] {
        assert_eq!(send(refused, "192.0.2.1").await.status, 429);
    }
    assert_eq!((kept(&stand, "pushed_requests"), kept(&stand, "polled_requests")), (2, 1));
    // A client that proves who it is has limits of its own, but there is one end for all.
    for status in [201, 201, 201, 201, 429] {
        assert_eq!(stand.post("/par", "web", &request(&[])).await.status, status);
    }
    assert_eq!(kept(&stand, "pushed_requests"), 6);
}

#[tokio::test]
async fn what_one_client_pushes_is_its_own_limit_and_no_trouble_of_others() {
    let stand = Stand::with(|config| {
        config.limits.enabled = true;
        config.limits.clients.par = 3;
    })
    .await;
    for status in [201, 201, 201, 429, 429] {
        assert_eq!(stand.post("/par", "web", &request(&[])).await.status, status);
    }
    assert_eq!(kept(&stand, "pushed_requests"), 3);
    assert_eq!(stand.post("/par", "other", &request(&[])).await.status, 201);
}

#[tokio::test]
async fn users_who_are_asked_on_other_devices_are_so_many_of_a_client() {
    let desk = Desk::with(|config| {
        config.limits.enabled = true;
        config.limits.clients.ciba = 3;
    })
    .await;
    for status in [200, 200, 200, 429, 429] {
        assert_eq!(desk.ask("desk", &[]).await.status, status);
    }
    assert_eq!(kept(&desk.stand, "polled_requests"), 3);
    assert_eq!(calling::ask(&desk.stand, "desk2", &[]).await.status, 200);
}

#[tokio::test]
async fn proofs_that_are_remembered_are_as_many_as_requests_that_are_let_in() {
    let stand = Stand::with(|config| {
        config.limits.enabled = true;
        config.limits.token = 5;
    })
    .await;
    let key = Prover::new();
    for count in 1..=20 {
        let reply = token_with(&stand, "service", &CREDENTIALS, &[&key.proof(&stand)]).await;
        assert_eq!(reply.status, if count <= 5 { 200 } else { 429 }, "{}", reply.text);
    }
    assert_eq!(kept(&stand, "used_once"), 5);
}

#[tokio::test]
async fn a_flood_of_addresses_takes_no_more_memory_and_frees_nobody_of_a_limit() {
    let stand = Stand::with(|config| {
        config.limits.enabled = true;
        config.limits.keys = 64;
        config.limits.token = 100;
        config.limits.failures = 3;
        config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;
    let ask = async |address: &str, secret: &str| {
        let request = stand.http.post(format!("{}/token", stand.issuer)).basic_auth("service", Some(secret));
        send(request.form(&CREDENTIALS), address).await.status
    };
    while ask("192.0.2.1", "a guess").await == 401 {}
    for stranger in 0..500_u32 {
        let [.., high, low] = stranger.to_be_bytes();
        assert_eq!(ask(&format!("10.0.{high}.{low}"), super::harness::SECRET).await, 200);
    }
    assert_eq!(ask("192.0.2.1", super::harness::SECRET).await, 429, "it has to wait still");
}

#[tokio::test]
async fn registrations_and_answers_are_so_many_and_end_no_interaction() {
    let stand = Stand::with(|config| {
        config.limits.enabled = true;
        config.limits.register = 3;
        config.limits.answers = 3;
    })
    .await;
    let before = kept(&stand, "clients");
    for count in 1..=10 {
        let metadata = json!({ "redirect_uris": ["https://client.example/cb"] });
        let request = stand.http.post(format!("{}/register", stand.issuer)).json(&metadata);
        let reply = Reply::read(request.send().await.unwrap()).await;
        assert_eq!(reply.status, if count <= 3 { 201 } else { 429 }, "{}", reply.text);
    }
    assert_eq!(kept(&stand, "clients"), before + 3);
    let mut browser = Browser::new();
    let id = browser.authorize(&stand, "web", &[]).await.interaction();
    // What a login app reports of failed sign-ins is an answer like any other.
    let failed = json!({ "type": "auth", "error": "unknown" });
    for _ in 0..10 {
        stand.answer(&id, 1, &failed).await;
    }
    let waits = stand.answer(&id, 1, &failed).await;
    assert_eq!((waits.status, waits.error()), (429, "too_many_requests"));
    let prompt = stand.call(UI, reqwest::Method::GET, &format!("/interactions/{id}"), None).await;
    assert_eq!((prompt.status, prompt.json["type"].as_str()), (200, Some("auth")));
    stand.clock.advance(60);
    let params = stand.finish(&mut browser, &id, "alice").await;
    assert_eq!(stand.redeem("web", &params["code"]).await.status, 200);
}

#[tokio::test]
async fn there_is_one_end_for_all_that_is_begun_at_whichever_door() {
    let bounded = |config: &mut Config| {
        config.limits.enabled = true;
        config.limits.pending_in_all = 2;
    };
    let desk = Desk::with(bounded).await;
    for status in [200, 200, 429] {
        assert_eq!(desk.ask("desk", &[]).await.status, status);
    }
    assert_eq!(kept(&desk.stand, "polled_requests"), 2);

    let stand = Stand::with(bounded).await;
    let query = query_of(&[("client_id", "web")]);
    let body = json!({
        "kind": "authorization", "request": { "method": "GET", "query": query },
        "browser": { "binding": "binding-of-this-browser-0123456789" },
    });
    for status in [201, 201, 429] {
        let reply = stand.call(HEADLESS, Method::POST, "/interactions", Some(&body)).await;
        assert_eq!(reply.status, status, "{}", reply.text);
        assert_eq!(status == 429, !reply.header("retry-after").is_empty());
    }
    assert_eq!(kept(&stand, "interactions"), 2);

    let stand = Stand::with(|config| {
        bounded(config);
        devices(config);
    })
    .await;
    let device = format!("{}/device", stand.issuer);
    for status in [303, 303, 429] {
        let reply = Browser::new().get(&device).await;
        assert_eq!(reply.status, status, "{}", reply.text);
    }
    assert_eq!(kept(&stand, "interactions"), 2);

    let stand = Stand::with(bounded).await;
    let mut browser = Browser::new();
    stand.sign_in(&mut browser, "web", &[]).await;
    let logout = format!("{}/logout", stand.issuer);
    for status in [303, 429] {
        let reply = browser.get(&logout).await;
        assert_eq!(reply.status, status, "{}", reply.text);
    }
}
