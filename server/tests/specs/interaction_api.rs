//! The interaction API: prompts, answers, idempotency, and who may do what.

use std::sync::Arc;

use reqwest::Method;
use serde_json::json;

use super::harness::{Browser, HEADLESS, Stand, UI, auth};

#[tokio::test]
async fn nobody_gets_in_without_the_bearer_of_a_registered_app() {
    let stand = Stand::start().await;
    let service = stand.post("/token", "service", &[("grant_type", "client_credentials")]).await;
    let own = service.json["access_token"].as_str().unwrap().to_owned();
    for token in ["", "wrong", &own] {
        let reply = stand.call(token, Method::GET, "/sessions?sub=alice", None).await;
        assert_eq!((reply.status, reply.error()), (401, "unauthorized"));
        assert_eq!(reply.header("content-type"), "application/problem+json");
    }
}

#[tokio::test]
async fn the_same_answer_again_gives_the_same_prompt_and_another_one_a_conflict() {
    let stand = Stand::start().await;
    let id = Browser::new().authorize(&stand, "web", &[]).await.interaction();
    let first = stand.answer(&id, 1, &auth("alice")).await;
    assert_eq!(first.json["type"], "consent");
    let again = stand.answer(&id, 1, &auth("alice")).await;
    assert_eq!(again.status, 200);
    assert_eq!(again.header("placet-replayed"), "true");
    assert_eq!(again.json, first.json);

    let conflict = stand.answer(&id, 1, &auth("bob")).await;
    assert_eq!((conflict.status, conflict.error()), (409, "step_conflict"));
    assert_eq!(
        (&conflict.json["current_step"], &conflict.json["current_type"]),
        (&json!(2), &json!("consent"))
    );
    let ahead = stand.answer(&id, 3, &auth("alice")).await;
    assert_eq!((ahead.status, ahead.error()), (409, "step_ahead"));
    let mismatch = stand.answer(&id, 2, &auth("alice")).await;
    assert_eq!((mismatch.status, mismatch.error()), (422, "type_mismatch"));
}

#[tokio::test]
async fn of_100_racing_answers_with_different_users_one_wins() {
    let stand = Arc::new(Stand::start().await);
    let id = Browser::new().authorize(&stand, "web", &[]).await.interaction();
    let mut races = Vec::new();
    for n in 0..100 {
        let (stand, id) = (stand.clone(), id.clone());
        races.push(tokio::spawn(async move { stand.answer(&id, 1, &auth(&format!("user{n}"))).await }));
    }
    let mut won = 0;
    for race in races {
        let reply = race.await.unwrap();
        match reply.status {
            200 => won += 1,
            409 => assert_eq!(reply.error(), "step_conflict"),
            other => panic!("{other}: {}", reply.text),
        }
    }
    assert_eq!(won, 1);
}

#[tokio::test]
async fn a_body_that_is_not_what_the_contract_says_points_at_what_is_wrong() {
    let stand = Stand::start().await;
    let id = Browser::new().authorize(&stand, "web", &[]).await.interaction();
    for (body, pointer) in [
        (json!({ "type": "auth" }), ""),
        (json!({ "type": "auth", "sub": "alice", "colour": "red" }), "/colour"),
        (json!({ "type": "auth", "sub": 7 }), "/sub"),
        (json!({ "type": "auth", "sub": "" }), "/sub"),
        (json!({ "type": "auth", "sub": "alice", "session": { "max_life": -1 } }), "/session/max_life"),
        (
            json!({ "type": "auth", "sub": "alice", "authenticated_at": "2099-01-01T00:00:00Z" }),
            "/authenticated_at",
        ),
        (
            json!({ "type": "auth", "sub": "alice", "session": { "action": "reuse", "id": "ses_x" } }),
            "/session/id",
        ),
        (json!({ "sub": "alice" }), "/type"),
    ] {
        let reply = stand.answer(&id, 1, &body).await;
        assert_eq!((reply.status, reply.error()), (422, "invalid_answer"), "{body}");
        assert_eq!(reply.json["errors"][0]["pointer"], pointer, "{body}");
    }
    let prompt = stand.call(UI, Method::GET, &format!("/interactions/{id}"), None).await;
    assert_eq!((&prompt.json["step"], &prompt.json["type"]), (&json!(1), &json!("auth")));
}

#[tokio::test]
async fn an_app_that_asks_for_more_than_it_may_is_refused_and_nothing_moves() {
    let stand = Stand::start().await;
    let id = Browser::new().authorize(&stand, "web", &[]).await.interaction();
    stand.answer(&id, 1, &auth("alice")).await;
    let scope = json!(["openid", "email"]);
    for (grant, pointer) in [
        (json!({ "scope": ["openid", "reports.read"] }), "/grant/scope"),
        (json!({ "scope": scope, "claims": { "userinfo": ["birthdate"] } }), "/grant/claims/userinfo"),
        (json!({ "scope": scope, "access_token": { "lifetime": 60 } }), "/grant/access_token"),
        (json!({ "scope": scope, "sub": "bob" }), "/grant/sub"),
        (json!({ "scope": scope, "resources": ["https://api.example"] }), "/grant/resources"),
        (json!({ "scope": scope, "data": { "a": 1 } }), "/grant/data"),
    ] {
        let reply = stand.answer(&id, 2, &json!({ "type": "consent", "grant": grant })).await;
        assert_eq!((reply.status, reply.error()), (403, "capability_missing"), "{grant}");
        assert_eq!(reply.json["errors"][0]["pointer"], pointer);
    }
    for body in [
        json!({ "type": "consent" }),
        json!({ "type": "consent", "accept_all": true, "grant": { "scope": ["openid"] } }),
        json!({ "type": "consent", "accept_all": true, "remember": { "mode": "for" } }),
    ] {
        assert_eq!(stand.answer(&id, 2, &body).await.status, 422, "{body}");
    }
    let done = stand.answer(&id, 2, &json!({ "type": "consent", "grant": { "scope": ["openid"] } })).await;
    assert_eq!(done.json["type"], "response");
}

#[tokio::test]
async fn a_list_left_out_grants_nothing_of_its_kind() {
    let stand = Stand::start().await;
    let mut browser = Browser::new();
    let id = browser.authorize(&stand, "web", &[]).await.interaction();
    stand.answer(&id, 1, &auth("alice")).await;
    let done =
        stand.answer(&id, 2, &json!({ "type": "consent", "grant": { "scope": ["openid", "email"] } })).await;
    let params = browser.get(done.json["response"]["delivery"]["uri"].as_str().unwrap()).await.params();
    let tokens = stand.redeem("web", &params["code"]).await.json;
    let userinfo = stand.userinfo(tokens["access_token"].as_str().unwrap()).await;
    assert_eq!(userinfo.json, json!({ "sub": "alice" }));
}

#[tokio::test]
async fn nothing_takes_effect_before_the_browser_that_started_is_back() {
    let stand = Stand::start().await;
    let mut mallory = Browser::new();
    let id = mallory.authorize(&stand, "web", &[]).await.interaction();
    // A victim is lured to the login app with the attacker's interaction, and answers everything.
    stand.answer(&id, 1, &auth("victim")).await;
    let consent = json!({ "type": "consent", "accept_all": true, "remember": { "mode": "always" } });
    let done = stand.answer(&id, 2, &consent).await;
    let uri = done.json["response"]["delivery"]["uri"].as_str().unwrap().to_owned();
    let victim = Browser::new().get(&uri).await;
    assert_eq!(victim.status, 400);
    assert!(victim.headers.get("set-cookie").is_none());
    assert_eq!(mallory.get(&uri).await.status, 400, "the mismatch has ended the interaction");
    for path in ["/consents?sub=victim", "/authorizations?sub=victim", "/sessions?sub=victim"] {
        let list = stand.call(HEADLESS, Method::GET, path, None).await;
        assert_eq!(list.json["items"], json!([]), "{path}");
    }
}

#[tokio::test]
async fn a_ticket_works_once_for_a_minute_and_repeats_the_same_answer() {
    let stand = Stand::start().await;
    let mut browser = Browser::new();
    let id = browser.authorize(&stand, "web", &[]).await.interaction();
    stand.answer(&id, 1, &auth("alice")).await;
    let done = stand.answer(&id, 2, &json!({ "type": "consent", "accept_all": true })).await;
    let uri = done.json["response"]["delivery"]["uri"].as_str().unwrap().to_owned();
    let first = browser.get(&uri).await;
    let second = browser.get(&uri).await;
    assert_eq!(first.header("location"), second.header("location"));
    stand.clock.advance(61);
    assert_eq!(browser.get(&uri).await.status, 400);
    let gone = stand.call(UI, Method::GET, &format!("/interactions/{id}"), None).await;
    assert_eq!((gone.status, gone.error()), (410, "interaction_expired"));
}

#[tokio::test]
async fn forged_expired_abandoned_and_foreign_interactions_are_told_apart() {
    let stand = Stand::start().await;
    let id = Browser::new().authorize(&stand, "web", &[]).await.interaction();
    let get = async |token: &str, id: &str| {
        let reply = stand.call(token, Method::GET, &format!("/interactions/{id}"), None).await;
        (reply.status, reply.error().to_owned())
    };
    let not_found = (404, "interaction_not_found".to_owned());
    let expired = (410, "interaction_expired".to_owned());
    assert_eq!(get(HEADLESS, &id).await, not_found, "it belongs to another app");
    let mut forged = id.clone().into_bytes();
    forged[10] ^= 1;
    assert_eq!(get(UI, &String::from_utf8(forged).unwrap()).await, not_found);
    stand.clock.advance(899);
    assert_eq!(get(UI, &id).await.0, 200);
    stand.clock.advance(1);
    assert_eq!(get(UI, &id).await, expired);
    let other = Browser::new().authorize(&stand, "web", &[]).await.interaction();
    assert_eq!(stand.call(UI, Method::DELETE, &format!("/interactions/{other}"), None).await.status, 204);
    assert_eq!(get(UI, &other).await, expired);
}

#[tokio::test]
async fn scratch_state_is_echoed_and_bounded() {
    let stand = Stand::start().await;
    let id = Browser::new().authorize(&stand, "web", &[]).await.interaction();
    let path = format!("/interactions/{id}/data");
    assert_eq!(stand.call(UI, Method::PUT, &path, Some(&json!({ "tries": 2 }))).await.status, 204);
    let prompt = stand.call(UI, Method::GET, &format!("/interactions/{id}"), None).await;
    assert_eq!(prompt.json["data"], json!({ "tries": 2 }));
    let large = json!({ "x": "y".repeat(9000) });
    assert_eq!(stand.call(UI, Method::PUT, &path, Some(&large)).await.status, 413);
}

#[tokio::test]
async fn a_denial_reaches_the_client_with_the_apps_words() {
    let stand = Stand::start().await;
    let mut browser = Browser::new();
    let id = browser.authorize(&stand, "web", &[]).await.interaction();
    let bad = json!({ "type": "deny", "error_description": "quote \" is not allowed" });
    assert_eq!(stand.answer(&id, 1, &bad).await.status, 422);
    let deny = json!({ "type": "deny", "error_description": "changed my mind" });
    let done = stand.answer(&id, 1, &deny).await;
    assert_eq!(done.json["response"]["outcome"], "error");
    let params = browser.get(done.json["response"]["delivery"]["uri"].as_str().unwrap()).await.params();
    assert_eq!(params["error"], "access_denied");
    assert_eq!(params["error_description"], "changed my mind");
    assert_eq!(params["state"], "the-state");
}

#[tokio::test]
async fn the_consent_of_one_user_never_counts_for_another() {
    let stand = Stand::start().await;
    let mut browser = Browser::new();
    let id = browser.authorize(&stand, "web", &[("max_age", "100")]).await.interaction();
    stand.answer(&id, 1, &auth("alice")).await;
    stand.clock.advance(200);
    let consent = json!({ "type": "consent", "accept_all": true });
    // Alice took so long that her authentication is too old by now; then Bob sits down.
    assert_eq!(stand.answer(&id, 2, &consent).await.json["type"], "auth");
    let asked = stand.answer(&id, 3, &auth("bob")).await;
    assert_eq!(asked.json["type"], "consent", "{}", asked.text);
    assert_eq!(asked.json["consent"]["subject"]["sub"], "bob");
}

#[tokio::test]
async fn a_session_that_ended_while_its_user_was_busy_is_not_replaced_by_anothers() {
    let stand = Stand::start().await;
    let mut browser = Browser::new();
    stand.sign_in(&mut browser, "web", &[]).await;
    let id = browser.authorize(&stand, "web", &[("prompt", "login")]).await.interaction();
    stand.finish(&mut browser, &id, "bob").await;
    let id = browser.authorize(&stand, "other", &[]).await.interaction();
    let done = stand.answer(&id, 1, &json!({ "type": "consent", "accept_all": true })).await;
    assert_eq!(done.json["type"], "response");
    let sessions = stand.call(HEADLESS, Method::GET, "/sessions?sub=bob", None).await;
    let session = sessions.json["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(stand.call(HEADLESS, Method::DELETE, &format!("/sessions/{session}"), None).await.status, 204);
    let back = browser.get(done.json["response"]["delivery"]["uri"].as_str().unwrap()).await;
    let id = back.interaction();
    let prompt = stand.call(UI, Method::GET, &format!("/interactions/{id}"), None).await;
    assert_eq!(prompt.json["type"], "consent");
    assert_eq!(prompt.json["consent"]["subject"]["sub"], "alice");
}

#[tokio::test]
async fn a_ticket_that_was_not_used_for_a_minute_is_over() {
    let stand = Stand::start().await;
    let mut browser = Browser::new();
    let id = browser.authorize(&stand, "web", &[]).await.interaction();
    stand.answer(&id, 1, &auth("alice")).await;
    let done = stand.answer(&id, 2, &json!({ "type": "consent", "accept_all": true })).await;
    stand.clock.advance(60);
    assert_eq!(browser.get(done.json["response"]["delivery"]["uri"].as_str().unwrap()).await.status, 400);
    let granted = stand.call(HEADLESS, Method::GET, "/authorizations?sub=alice", None).await;
    assert_eq!(granted.json["items"], json!([]));
}

#[tokio::test]
async fn a_session_of_another_browser_cannot_be_reused_even_by_its_own_user() {
    let stand = Stand::start().await;
    stand.sign_in(&mut Browser::new(), "web", &[]).await;
    let sessions = stand.call(HEADLESS, Method::GET, "/sessions?sub=alice", None).await;
    let id = Browser::new().authorize(&stand, "web", &[]).await.interaction();
    let mut reuse = auth("alice");
    reuse["session"] = json!({ "action": "reuse", "id": sessions.json["items"][0]["id"] });
    let refused = stand.answer(&id, 1, &reuse).await;
    assert_eq!((refused.status, &refused.json["errors"][0]["pointer"]), (422, &json!("/session/id")));
}
