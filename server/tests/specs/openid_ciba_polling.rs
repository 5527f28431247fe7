//! OpenID CIBA Core sections 10.1 and 11: the token endpoint, until there are tokens or an end.

use reqwest::Method;
use serde_json::json;

use super::{
    calling::{CIBA, Desk, poll},
    harness::{HEADLESS, auth},
    helpers::{client, refresh, text},
};

#[tokio::test]
async fn a_user_who_says_no_is_a_denial_that_stays() {
    let desk = Desk::start().await;
    let id = desk.asked("desk", &[]).await;
    let interaction = text(&desk.prompt("alice").await["id"]);
    let done = desk.stand.answer(&interaction, 1, &json!({ "type": "deny" })).await;
    assert_eq!(done.json["response"]["outcome"], "error", "{}", done.text);
    assert_eq!(done.json["response"]["delivery"]["method"], "none");
    for _ in 0..2 {
        let reply = desk.poll("desk", &id).await;
        assert_eq!((reply.status, reply.error()), (400, "access_denied"), "{}", reply.text);
    }
    assert!(desk.waiting("alice").await.is_empty());
    assert_eq!(desk.stand.events("interaction.denied").len(), 1);
}

#[tokio::test]
async fn who_asks_too_often_is_slowed_down_each_time() {
    let desk = Desk::start().await;
    let id = desk.asked("desk", &[]).await;
    assert_eq!(desk.poll("desk", &id).await.error(), "authorization_pending");
    desk.stand.clock.advance(4);
    let fast = desk.poll("desk", &id).await;
    assert_eq!((fast.status, fast.error()), (400, "slow_down"), "{}", fast.text);
    desk.stand.clock.advance(9);
    assert_eq!(desk.poll("desk", &id).await.error(), "slow_down", "ten seconds by now");
    desk.stand.clock.advance(15);
    assert_eq!(desk.poll("desk", &id).await.error(), "authorization_pending");
    desk.approve("alice").await;
    assert_eq!(desk.poll("desk", &id).await.status, 200, "what is decided is told at once");
}

#[tokio::test]
async fn a_request_is_over_in_time_for_its_user_and_its_client() {
    let desk = Desk::start().await;
    let id = desk.asked("desk", &[]).await;
    let interaction = text(&desk.prompt("alice").await["id"]);
    desk.stand.clock.advance(299);
    assert_eq!(desk.poll("desk", &id).await.error(), "authorization_pending");
    desk.stand.clock.advance(1);
    assert_eq!(desk.poll("desk", &id).await.error(), "expired_token");
    assert!(desk.waiting("alice").await.is_empty());
    assert_eq!(desk.stand.answer(&interaction, 1, &auth("alice")).await.status, 410);
    desk.stand.clock.advance(599);
    desk.stand.server.store().purge(desk.stand.now(), 100).await.unwrap();
    assert_eq!(desk.poll("desk", &id).await.error(), "expired_token", "it is told for a while");
    desk.stand.clock.advance(2);
    desk.stand.server.store().purge(desk.stand.now(), 100).await.unwrap();
    assert_eq!(desk.poll("desk", &id).await.error(), "invalid_grant");
}

#[tokio::test]
async fn tokens_that_were_granted_can_be_fetched_until_the_request_is_over() {
    let desk = Desk::with(|config| {
        client(config, "desk").settings.access_token.lifetime = Some(10);
    })
    .await;
    let id = desk.asked("desk", &[]).await;
    desk.approve("alice").await;
    desk.stand.clock.advance(299);
    let reply = desk.poll("desk", &id).await;
    assert_eq!((reply.status, &reply.json["expires_in"]), (200, &json!(10)), "{}", reply.text);
    let late = desk.asked("desk", &[]).await;
    desk.approve("alice").await;
    desk.stand.clock.advance(300);
    assert_eq!(desk.poll("desk", &late).await.error(), "expired_token");
}

#[tokio::test]
async fn a_foreign_a_guessed_and_a_used_id_are_worth_nothing_and_change_nothing() {
    let desk = Desk::start().await;
    let id = desk.asked("desk", &[]).await;
    for _ in 0..3 {
        assert_eq!(desk.poll("desk2", &id).await.error(), "invalid_grant");
    }
    assert_eq!(desk.poll("desk", &id).await.error(), "authorization_pending", "its interval was not touched");
    assert_eq!(desk.poll("desk", "guessed").await.error(), "invalid_grant");
    let missing = desk.stand.post("/token", "desk", &[("grant_type", CIBA)]).await;
    assert_eq!(missing.error(), "invalid_request");
    desk.approve("alice").await;
    assert_eq!(desk.poll("desk2", &id).await.error(), "invalid_grant");
    let tokens = desk.poll("desk", &id).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text);
    assert_eq!(desk.poll("desk", &id).await.error(), "invalid_grant");
    let access = text(&tokens.json["access_token"]);
    assert!(desk.stand.is_active("desk", &access).await, "a question that came late is no theft");
    // A code of the authorization endpoint is no `auth_req_id`, and the other way round.
    assert_eq!(desk.stand.redeem("desk", &id).await.error(), "invalid_grant");
}

#[tokio::test]
async fn the_account_counts_when_tokens_are_fetched() {
    let desk = Desk::start().await;
    let id = desk.asked("desk", &[]).await;
    desk.approve("alice").await;
    let report = json!({ "type": "account.disabled", "sub": "alice" });
    assert_eq!(desk.stand.call(HEADLESS, Method::POST, "/reports", Some(&report)).await.status, 202);
    assert_eq!(desk.poll("desk", &id).await.error(), "invalid_grant");
    let refused = desk.ask("desk", &[]).await;
    assert_eq!((refused.status, refused.error()), (403, "access_denied"));
}

#[tokio::test]
async fn an_account_that_is_disabled_meanwhile_is_a_denial() {
    let desk = Desk::start().await;
    let id = desk.asked("desk", &[]).await;
    let interaction = text(&desk.prompt("alice").await["id"]);
    desk.stand.answer(&interaction, 1, &auth("alice")).await;
    let report = json!({ "type": "account.disabled", "sub": "alice" });
    desk.stand.call(HEADLESS, Method::POST, "/reports", Some(&report)).await;
    let yes = json!({ "type": "consent", "accept_all": true });
    let done = desk.stand.answer(&interaction, 2, &yes).await;
    assert_eq!(done.json["response"]["error"], "access_denied", "{}", done.text);
    assert_eq!(desk.poll("desk", &id).await.error(), "access_denied");
}

#[tokio::test]
async fn a_request_may_ask_for_offline_access() {
    let desk = Desk::start().await;
    let id = desk.asked("desk", &[("scope", "openid offline_access")]).await;
    desk.approve("alice").await;
    let tokens = desk.poll("desk", &id).await.json;
    let renewed = refresh(&desk.stand, "desk", &text(&tokens["refresh_token"])).await;
    assert_eq!(renewed.status, 200, "{}", renewed.text);
}

#[tokio::test]
async fn of_many_racing_questions_one_gets_the_tokens() {
    let desk = Desk::start().await;
    let id = desk.asked("desk", &[]).await;
    desk.approve("alice").await;
    let mut races = Vec::new();
    for _ in 0..50 {
        let (stand, id) = (desk.stand.clone(), id.clone());
        races.push(tokio::spawn(async move { poll(&stand, "desk", &id).await }));
    }
    let mut won = Vec::new();
    for race in races {
        let reply = race.await.unwrap();
        match reply.status {
            200 => won.push(text(&reply.json["access_token"])),
            _ => assert_eq!(reply.error(), "invalid_grant", "{}", reply.text),
        }
    }
    assert_eq!(won.len(), 1);
    assert!(desk.stand.is_active("desk", &won[0]).await);
}

#[tokio::test]
async fn of_racing_answers_yes_and_no_one_counts() {
    let desk = Desk::start().await;
    for _ in 0..10 {
        let id = desk.asked("desk", &[]).await;
        let interaction = text(&desk.prompt("alice").await["id"]);
        desk.stand.answer(&interaction, 1, &auth("alice")).await;
        let bodies = [json!({ "type": "consent", "accept_all": true }), json!({ "type": "deny" })];
        let races = bodies.map(|body| {
            let (stand, interaction) = (desk.stand.clone(), interaction.clone());
            tokio::spawn(async move { stand.answer(&interaction, 2, &body).await.status })
        });
        let mut statuses = Vec::new();
        for race in races {
            statuses.push(race.await.unwrap());
        }
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409]);
        let reply = desk.poll("desk", &id).await;
        let denied = reply.error() == "access_denied";
        assert!(denied || reply.status == 200, "{}", reply.text);
    }
}
