//! What is told of sessions that end, and of interactions that nobody began in a browser: the events of each.

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    device_flow::{agree, answer, code, confirm, devices, open, start},
    harness::{Browser, HEADLESS, Stand},
};

/// The sessions of a user.
async fn sessions(stand: &Stand, sub: &str) -> Vec<String> {
    let list = stand.call(HEADLESS, Method::GET, &format!("/sessions?sub={sub}"), None).await.json;
    list["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

/// Which sessions ended, in the order of their ids, each with its event.
fn ended(stand: &Stand) -> (Vec<String>, Vec<Value>) {
    let mut events = stand.events("session.ended");
    events.sort_by(|a, b| a.0.cmp(&b.0));
    events.into_iter().unzip()
}

/// Signs out as far as `scope`.
async fn leave(stand: &Stand, browser: &mut Browser, scope: &str) {
    let asked = browser.get(&format!("{}/logout?client_id=web", stand.issuer)).await.interaction();
    let yes = json!({ "type": "confirm", "accepted": true, "scope": scope });
    let done = stand.answer(&asked, 1, &yes).await;
    assert_eq!(done.json["type"], "response", "{}", done.text);
    browser.get(done.json["response"]["delivery"]["uri"].as_str().unwrap()).await;
}

#[tokio::test]
async fn one_session_too_many_ends_an_old_one_which_is_told() {
    let stand = Stand::with(|config| {
        (config.limits.enabled, config.limits.sessions) = (true, 2);
    })
    .await;
    let mut old = Vec::new();
    for _ in 0..4 {
        stand.sign_in(&mut Browser::new(), "web", &[]).await;
        old.extend(sessions(&stand, "alice").await);
        stand.clock.advance(60);
    }
    let live = sessions(&stand, "alice").await;
    old.retain(|id| !live.contains(id));
    old.sort_unstable();
    old.dedup();
    let (subjects, data) = ended(&stand);
    assert_eq!((subjects, live.len()), (old, 2));
    assert_eq!(data, vec![json!({ "sub": "alice", "initiator": "limit" }); 2]);
}

#[tokio::test]
async fn a_logout_of_the_browser_is_told_of_every_account_in_it_and_of_no_other() {
    let stand = Stand::start().await;
    let (mut browser, mut other) = (Browser::new(), Browser::new());
    stand.sign_in(&mut other, "web", &[]).await;
    let elsewhere = sessions(&stand, "alice").await;
    stand.sign_in(&mut browser, "web", &[]).await;
    let id = browser.authorize(&stand, "web", &[("prompt", "login")]).await.interaction();
    stand.finish(&mut browser, &id, "bob").await;
    let mut here = [sessions(&stand, "alice").await, sessions(&stand, "bob").await].concat();
    here.retain(|id| !elsewhere.contains(id));
    here.sort_unstable();
    assert_eq!(here.len(), 2);
    leave(&stand, &mut browser, "session").await;
    let (subjects, data) = ended(&stand);
    assert_eq!(subjects, here);
    for event in &data {
        assert_eq!((&event["initiator"], &event["extent"]), (&json!("rp"), &json!("session")), "{event}");
    }
    let mut users: Vec<_> = data.iter().map(|event| event["sub"].as_str().unwrap()).collect();
    users.sort_unstable();
    assert_eq!(users, ["alice", "bob"]);
}

#[tokio::test]
async fn a_logout_everywhere_is_told_of_every_session_of_the_user() {
    let stand = Stand::start().await;
    let mut browser = Browser::new();
    for browser in [&mut browser, &mut Browser::new(), &mut Browser::new()] {
        stand.sign_in(browser, "web", &[]).await;
    }
    let all = sessions(&stand, "alice").await;
    leave(&stand, &mut browser, "subject").await;
    let (subjects, data) = ended(&stand);
    assert_eq!(subjects, all);
    assert_eq!(data, vec![json!({ "sub": "alice", "initiator": "rp", "extent": "subject" }); 3]);
}

#[tokio::test]
async fn a_session_that_goes_on_without_one_client_has_not_ended() {
    let stand = Stand::start().await;
    let mut browser = Browser::new();
    stand.sign_in(&mut browser, "web", &[]).await;
    let session = sessions(&stand, "alice").await.remove(0);
    leave(&stand, &mut browser, "client").await;
    assert!(stand.events("session.ended").is_empty());
    let left = json!({ "sub": "alice", "initiator": "rp", "client_id": "web" });
    assert_eq!(stand.events("session.left"), [(session, left)]);
}

#[tokio::test]
async fn sessions_that_the_login_app_ends_all_at_once_are_told_each() {
    let stand = Stand::start().await;
    for _ in 0..2 {
        stand.sign_in(&mut Browser::new(), "web", &[]).await;
    }
    let all = sessions(&stand, "alice").await;
    for _ in 0..2 {
        let reply = stand.call(HEADLESS, Method::DELETE, "/sessions?sub=alice", None).await;
        assert_eq!(reply.status, 204, "{}", reply.text);
    }
    let (subjects, data) = ended(&stand);
    assert_eq!(subjects, all);
    assert_eq!(data, vec![json!({ "sub": "alice", "initiator": "ui" }); 2]);
}

#[tokio::test]
async fn an_interaction_about_a_device_is_told_once_somebody_answers_for_it() {
    let stand = Stand::with(devices).await;
    let codes = start(&stand, "tv", "openid").await;
    let mut browser = Browser::new();
    let id = open(&stand, &mut browser, None).await;
    answer(&stand, &id, &code("BCDF-GHJK")).await;
    answer(&stand, &id, &code(&codes.user)).await;
    assert!(stand.events("interaction.created").is_empty(), "anybody can open the page");
    let step = answer(&stand, &id, &confirm(true)).await;
    assert_eq!(step["type"], "auth");
    let (subject, data) = stand.events("interaction.created").remove(0);
    assert_eq!((&subject, &data["kind"], &data["client_id"]), (&id, &json!("device"), &json!("tv")));
    assert!(data["expires_at"].is_string() && data["ui"].is_string(), "{data}");
    let back = agree(&stand, &id, "alice").await;
    browser.get(&back).await;
    assert_eq!(stand.events("interaction.created").len(), 1);
    assert_eq!(stand.events("interaction.completed")[0].0, id);
}
