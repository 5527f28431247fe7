//! Devices (RFC 8628 sections 3.4 and 3.5): the device code at the token endpoint, until there are tokens or an end.

use std::sync::Arc;

use reqwest::Method;
use serde_json::json;

use super::{
    device_flow::{
        DEVICE, agree, approve, approved, ask, devices, form, one_is_in_time, open, poll, prompt, refresh_tv,
        stand, start,
    },
    flaky::Flaky,
    harness::{Browser, HEADLESS, Reply, SECRET, Stand, UI, claims},
    helpers::{client, text},
    prover::{Prover, token},
};

#[tokio::test]
async fn whoever_asks_too_often_has_to_wait_longer_from_then_on() {
    let stand = stand().await;
    let codes = start(&stand, "tv", "openid").await;
    let asks = async |later: i64| {
        stand.clock.advance(later);
        let reply = poll(&stand, "tv", &codes.device).await;
        assert_eq!(reply.status, 400, "{}", reply.text);
        reply.error().to_owned()
    };
    assert_eq!(asks(0).await, "authorization_pending");
    assert_eq!(asks(4).await, "slow_down");
    assert_eq!(asks(9).await, "slow_down", "the interval is ten seconds now");
    assert_eq!(asks(14).await, "slow_down", "and now fifteen");
    assert_eq!(asks(20).await, "authorization_pending");
    // Once the user has agreed nobody has to wait for the sake of waiting.
    approve(&stand, &mut Browser::new(), &codes.user, "alice").await;
    assert_eq!(poll(&stand, "tv", &codes.device).await.status, 200);
}

#[tokio::test]
async fn a_device_whose_tokens_are_bound_proves_its_key_at_every_question() {
    let stand = Stand::with(|config| {
        devices(config);
        client(config, "box").metadata.dpop_bound_access_tokens = Some(true);
    })
    .await;
    let key = Prover::new();
    let codes = start(&stand, "box", "openid").await;
    let form = [("grant_type", DEVICE), ("device_code", codes.device.as_str())];
    let unproved = token(&stand, "box", &form, None).await;
    assert_eq!(unproved.error(), "invalid_dpop_proof", "{}", unproved.text);
    let proved = token(&stand, "box", &form, Some(&key)).await;
    assert_eq!(proved.error(), "authorization_pending", "{}", proved.text);
}

#[tokio::test]
async fn of_30_questions_at_once_one_is_in_time() {
    let stand = Arc::new(stand().await);
    let codes = start(&stand, "tv", "openid").await;
    one_is_in_time(&[stand], &codes.device, 30).await;
}

#[tokio::test]
async fn a_code_is_good_for_ten_minutes_whatever_its_user_did() {
    let stand = stand().await;
    let undecided = start(&stand, "tv", "openid").await;
    let late = approved(&stand, "tv", "openid").await;
    let mut browser = Browser::new();
    let id = open(&stand, &mut browser, Some(&undecided.user)).await;
    stand.clock.advance(598);
    let back = agree(&stand, &id, "alice").await;
    stand.clock.advance(2);
    for device_code in [&undecided.device, &late] {
        let reply = poll(&stand, "tv", device_code).await;
        assert_eq!((reply.status, reply.error()), (400, "expired_token"), "{}", reply.text);
    }
    assert_eq!(browser.get(&back).await.status, 400, "it is too late for an answer");
    let gone = stand.call(UI, Method::GET, &format!("/interactions/{id}"), None).await;
    assert_eq!((gone.status, gone.error()), (410, "interaction_expired"));
    stand.clock.advance(600);
    stand.server.store().purge(stand.now(), 100).await.unwrap();
    assert_eq!(poll(&stand, "tv", &undecided.device).await.error(), "invalid_grant");
}

#[tokio::test]
async fn a_code_is_only_good_for_the_client_it_was_issued_to() {
    let stand = stand().await;
    let codes = start(&stand, "tv", "openid").await;
    for _ in 0..3 {
        let stolen = poll(&stand, "box", &codes.device).await;
        assert_eq!((stolen.status, stolen.error()), (400, "invalid_grant"));
    }
    // Its questions do not count as those of the device.
    assert_eq!(poll(&stand, "tv", &codes.device).await.error(), "authorization_pending");
    approve(&stand, &mut Browser::new(), &codes.user, "alice").await;
    assert_eq!(poll(&stand, "box", &codes.device).await.error(), "invalid_grant");
    assert_eq!(poll(&stand, "tv", &codes.device).await.status, 200, "and use nothing up");
    for unknown in ["x", &codes.user] {
        assert_eq!(poll(&stand, "tv", unknown).await.error(), "invalid_grant");
    }
    let missing = form(&stand, "/token", "tv", &[("grant_type", DEVICE)]).send().await.unwrap();
    assert_eq!(Reply::read(missing).await.error(), "invalid_request");
}

#[tokio::test]
async fn of_50_racing_redemptions_one_wins_and_the_authorization_dies() {
    let stand = Arc::new(stand().await);
    let device_code = approved(&stand, "box", "openid").await;
    let mut races = Vec::new();
    for _ in 0..50 {
        let (stand, device_code) = (stand.clone(), device_code.clone());
        races.push(tokio::spawn(async move { poll(&stand, "box", &device_code).await }));
    }
    let mut won = Vec::new();
    for race in races {
        let reply = race.await.unwrap();
        match reply.status {
            200 => won.push(text(&reply.json["access_token"])),
            _ => assert_eq!((reply.status, reply.error()), (400, "invalid_grant"), "{}", reply.text),
        }
    }
    assert_eq!(won.len(), 1);
    assert!(!stand.is_active("web", &won[0]).await);
    assert_eq!(stand.userinfo(&won[0]).await.status, 401);
    assert_eq!(stand.events("token.reuse_detected").len(), 1);
}

#[tokio::test]
async fn a_second_redemption_ends_what_the_first_one_got() {
    let stand = stand().await;
    let device_code = approved(&stand, "tv", "openid offline_access").await;
    let tokens = poll(&stand, "tv", &device_code).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text);
    assert_eq!(poll(&stand, "box", &device_code).await.error(), "invalid_grant");
    assert_eq!(stand.userinfo(&text(&tokens.json["access_token"])).await.status, 200, "others end nothing");
    assert_eq!(poll(&stand, "tv", &device_code).await.error(), "invalid_grant");
    assert_eq!(stand.userinfo(&text(&tokens.json["access_token"])).await.status, 401);
    let late = refresh_tv(&stand, &text(&tokens.json["refresh_token"])).await;
    assert_eq!(late.error(), "invalid_grant");
}

#[tokio::test]
async fn whoever_lost_the_account_or_took_it_back_gets_nothing() {
    let stand = stand().await;
    let disabled = approved(&stand, "tv", "openid").await;
    let codes = start(&stand, "tv", "openid").await;
    approve(&stand, &mut Browser::new(), &codes.user, "bob").await;
    stand.server.store().set_subject_disabled("alice", true, stand.now(), Vec::new()).await.unwrap();
    let reply = poll(&stand, "tv", &disabled).await;
    assert_eq!((reply.status, reply.error()), (400, "invalid_grant"), "{}", reply.text);

    let list = stand.call(HEADLESS, Method::GET, "/consents?sub=bob", None).await;
    let path = format!("/consents/{}", text(&list.json["items"][0]["id"]));
    assert_eq!(stand.call(HEADLESS, Method::DELETE, &path, None).await.status, 204);
    assert_eq!(poll(&stand, "tv", &codes.device).await.error(), "invalid_grant");

    // A user who is disabled cannot connect anything.
    let codes = start(&stand, "tv", "openid").await;
    let page = approve(&stand, &mut Browser::new(), &codes.user, "alice").await;
    assert!(page.text.contains("is not connected"), "{}", page.text);
    assert_eq!(poll(&stand, "tv", &codes.device).await.error(), "access_denied");
}

#[tokio::test]
async fn a_device_that_proved_a_key_has_to_prove_it_again() {
    let stand = stand().await;
    let (prover, thief) = (Prover::new(), Prover::new());
    let proof_at =
        |prover: &Prover, path: &str| prover.proof_of(&super::prover::claims(&stand, "POST", path));
    let request = form(&stand, "/device_authorization", "tv", &[("scope", "reports.read")]);
    let request = request.header("DPoP", proof_at(&prover, "/device_authorization"));
    let asked = Reply::read(request.send().await.unwrap()).await;
    assert_eq!(asked.status, 200, "{}", asked.text);
    let device_code = text(&asked.json["device_code"]);
    let fetch = async |proof: Option<String>| {
        let params = [("grant_type", DEVICE), ("device_code", device_code.as_str())];
        let mut request = form(&stand, "/token", "tv", &params);
        if let Some(proof) = proof {
            request = request.header("DPoP", proof);
        }
        Reply::read(request.send().await.unwrap()).await
    };
    assert_eq!(fetch(Some(proof_at(&thief, "/token"))).await.error(), "invalid_grant");
    assert_eq!(fetch(None).await.error(), "invalid_grant");
    assert_eq!(fetch(Some(proof_at(&prover, "/token"))).await.error(), "authorization_pending");
    approve(&stand, &mut Browser::new(), &text(&asked.json["user_code"]), "alice").await;
    assert_eq!(fetch(Some(proof_at(&thief, "/token"))).await.error(), "invalid_grant");
    assert_eq!(fetch(None).await.error(), "invalid_grant");
    let tokens = fetch(Some(proof_at(&prover, "/token"))).await;
    assert_eq!((tokens.status, &tokens.json["token_type"]), (200, &json!("DPoP")), "{}", tokens.text);
    assert_eq!(claims(&text(&tokens.json["access_token"]))["cnf"]["jkt"], json!(prover.jkt()));
    // The refresh token of a public client is bound to the key, too.
    let late = refresh_tv(&stand, &text(&tokens.json["refresh_token"])).await;
    assert_eq!(late.error(), "invalid_grant");

    let wrong = form(&stand, "/device_authorization", "tv", &[]).header("DPoP", proof_at(&prover, "/token"));
    assert_eq!(Reply::read(wrong.send().await.unwrap()).await.error(), "invalid_dpop_proof");
}

#[tokio::test]
async fn the_trouble_of_the_store_is_nobodys_fault_and_uses_nothing_up() {
    let (plain, store, _folder) = super::faults::stand("device").await;
    let inner: Arc<Flaky> = store;
    let stand = Stand::on(inner.clone(), devices).await;
    drop(plain);
    let is_trouble = |reply: &Reply| reply.status == 503 && !reply.header("retry-after").is_empty();
    inner.set_down(true);
    assert!(is_trouble(&ask(&stand, "tv", &[("scope", "openid")]).await));
    inner.set_down(false);
    let codes = start(&stand, "tv", "openid").await;
    let mut browser = Browser::new();
    let link = format!("{}/device?user_code={}", stand.issuer, codes.user);
    inner.set_down(true);
    assert!(is_trouble(&poll(&stand, "tv", &codes.device).await));
    let page = browser.get(&link).await;
    assert_eq!((page.status, page.text.contains("id=\"error-page\"")), (503, true));
    inner.set_down(false);
    let id = browser.get(&link).await.interaction();
    inner.set_down(true);
    let reply = stand.answer(&id, 1, &super::device_flow::confirm(true)).await;
    assert!(is_trouble(&reply), "{reply:?}");
    inner.set_down(false);
    let back = agree(&stand, &id, "alice").await;
    inner.set_down(true);
    assert_eq!(browser.get(&back).await.status, 503);
    inner.set_down(false);
    assert_eq!(browser.get(&back).await.status, 200);
    inner.set_down(true);
    assert!(is_trouble(&poll(&stand, "tv", &codes.device).await));
    inner.set_down(false);
    assert_eq!(poll(&stand, "tv", &codes.device).await.status, 200);
}

#[tokio::test]
async fn a_client_that_was_taken_away_gets_nothing_and_leads_nowhere() {
    let stand = Stand::with(|config| {
        devices(config);
        config.registration.allowed_grants.push(DEVICE.to_owned());
    })
    .await;
    let body = json!({ "client_name": "Radio", "grant_types": [DEVICE], "response_types": [],
        "token_endpoint_auth_method": "none" });
    let request = stand.http.post(format!("{}/register", stand.issuer)).json(&body);
    let client = Reply::read(request.send().await.unwrap()).await.json;
    let id = text(&client["client_id"]);
    let asked = stand.post_public("/device_authorization", &[("client_id", &id)]).await.json;
    let url = format!("{}/register/{id}", stand.issuer);
    let gone = stand.http.delete(url).bearer_auth(text(&client["registration_access_token"]));
    assert_eq!(gone.send().await.unwrap().status(), 204);
    let prompt = {
        let id = open(&stand, &mut Browser::new(), Some(&text(&asked["user_code"]))).await;
        prompt(&stand, &id).await
    };
    assert_eq!(prompt["type"], "user_code", "{prompt}");
}

#[tokio::test]
async fn a_secret_client_has_to_authenticate_when_it_asks_again() {
    let stand = stand().await;
    let device_code = approved(&stand, "box", "openid").await;
    let bare = stand
        .post_public("/token", &[("grant_type", DEVICE), ("device_code", &device_code), ("client_id", "box")])
        .await;
    assert_eq!((bare.status, bare.error()), (401, "invalid_client"));
    let wrong = stand.http.post(format!("{}/token", stand.issuer)).basic_auth("box", Some("wrong"));
    let wrong = wrong.form(&[("grant_type", DEVICE), ("device_code", &device_code)]).send().await.unwrap();
    assert_eq!(wrong.status(), 401);
    let right = stand.http.post(format!("{}/token", stand.issuer)).basic_auth("box", Some(SECRET));
    let right = right.form(&[("grant_type", DEVICE), ("device_code", &device_code)]).send().await.unwrap();
    assert_eq!(right.status(), 200);
}

#[tokio::test]
async fn tokens_that_are_fetched_late_live_as_long_as_any() {
    let stand = stand().await;
    let device_code = approved(&stand, "box", "openid").await;
    stand.clock.advance(595);
    let tokens = poll(&stand, "box", &device_code).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text);
    let access = text(&tokens.json["access_token"]);
    stand.clock.advance(599);
    assert_eq!(stand.userinfo(&access).await.status, 200);
    stand.clock.advance(1);
    assert_eq!(stand.userinfo(&access).await.status, 401);
}
