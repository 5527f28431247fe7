//! What a server does for itself: time that outlives a restart, one worker that purges, and what it learns of others.

use std::{sync::Arc, time::Duration};

use placet_server::{
    housekeeping,
    store::{Housekeeping as _, Store, embedded::Embedded},
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    administering::{self, call},
    faults,
    folder::Folder,
    harness::Stand,
    helpers::text,
};

/// Two servers of one issuer on one file, as two processes on one database are.
async fn two(name: &str) -> ([Stand; 2], Folder) {
    let folder = Folder::new(name);
    let store: Arc<dyn Store> = Arc::new(Embedded::open(&folder.join("placet.db"), "default").unwrap());
    let one = Stand::on(store.clone(), administering::admit).await;
    let issuer = one.issuer.clone();
    let two = Stand::on(store, |config| {
        config.issuer = issuer;
        administering::admit(config);
    });
    ([one, two.await], folder)
}

#[tokio::test]
async fn after_a_restart_with_a_clock_that_went_back_what_is_over_stays_over() {
    let before = Stand::start().await;
    let token = text(&before.tokens("opaque", "openid").await["access_token"]);
    before.clock.advance(601);
    assert!(!before.is_active("opaque", &token).await, "it has expired");
    housekeeping::purge(&before.server).await.unwrap();
    let seen = before.now();
    // The next process finds the clock where it was in the beginning.
    let after =
        Stand::on(before.environment().store, |config| config.issuer.clone_from(&before.issuer)).await;
    assert_eq!(after.server.now(), seen);
    assert!(!after.is_active("opaque", &token).await);
    after.clock.advance(10);
    assert_eq!(after.server.now(), seen + 10);
}

#[tokio::test]
async fn an_operator_can_take_back_a_time_that_was_wrong() {
    let wrong = Stand::start().await;
    wrong.clock.advance(31_536_000);
    housekeeping::purge(&wrong.server).await.unwrap();
    let store = wrong.environment().store;
    let held = Stand::on(store.clone(), |_| {}).await;
    assert_eq!(held.server.now(), wrong.now());
    store.forget_time().await.unwrap();
    let right = Stand::on(store, |_| {}).await;
    assert_eq!(right.server.now(), super::harness::START);
    housekeeping::purge(&right.server).await.unwrap();
}

#[tokio::test]
async fn of_two_servers_one_purges_until_it_is_silent() {
    let ([one, two], _folder) = two("purging").await;
    let remember = async |id: &str| {
        let until = one.now() - 1;
        assert!(one.server.store().consume_once("test", id, until).await.unwrap());
    };
    remember("a").await;
    assert_eq!(housekeeping::purge(&one.server).await.unwrap(), 1);
    remember("b").await;
    assert_eq!(housekeeping::purge(&two.server).await.unwrap(), 0, "the other one does it");
    two.clock.advance(60);
    assert_eq!(housekeeping::purge(&two.server).await.unwrap(), 1);
    remember("c").await;
    assert_eq!(housekeeping::purge(&one.server).await.unwrap(), 0, "now it is the other way round");
}

#[tokio::test]
async fn much_is_purged_in_one_round_in_batches() {
    let stand = Stand::start().await;
    for n in 0..1_200 {
        assert!(stand.server.store().consume_once("test", &n.to_string(), stand.now() - 1).await.unwrap());
    }
    assert_eq!(housekeeping::purge(&stand.server).await.unwrap(), 1_200);
}

#[tokio::test]
async fn a_process_that_was_stopped_in_between_does_not_go_on_beside_the_one_that_took_over() {
    let (stand, store, _folder) = faults::stand("succeeded").await;
    for n in 0..1_200 {
        assert!(stand.server.store().consume_once("test", &n.to_string(), stand.now() - 1).await.unwrap());
    }
    store.succeed("the one that took over", stand.now() + 60);
    assert_eq!(housekeeping::purge(&stand.server).await.unwrap(), 500, "one batch");
    assert_eq!(housekeeping::purge(&stand.server).await.unwrap(), 0);
}

/// A token of a client itself, and the id of the key that signed it.
async fn own(stand: &Stand) -> (String, String) {
    let reply = stand.post("/token", "service", &[("grant_type", "client_credentials")]).await;
    let token = text(&reply.json["access_token"]);
    let kid = super::helpers::header(&token)["kid"].clone();
    (token, text(&kid))
}

#[tokio::test]
async fn a_server_that_was_away_looks_around_before_it_answers() {
    let ([one, two], _folder) = two("away").await;
    let (held, old) = own(&two).await;
    let revoked = call(&one, administering::TOKEN, Method::POST, &format!("/keys/{old}:revoke"), None).await;
    assert_eq!(revoked.status / 100, 2, "{}", revoked.text);
    let revoke = json!({ "client_id": "service" });
    let revoked = call(&one, administering::TOKEN, Method::POST, "/revocations", Some(&revoke)).await;
    assert_eq!(revoked.status, 204, "{}", revoked.text);
    // Longer than it is ever between two looks.
    two.clock.advance(6);
    let keys = two.http.get(format!("{}/jwks", two.issuer)).send().await.unwrap().text().await.unwrap();
    assert!(!keys.contains(&old), "{keys}");
    assert!(!two.is_active("service", &held).await);
    let (newer, kid) = own(&two).await;
    assert_ne!(kid, old);
    assert!(two.is_active("service", &newer).await, "it knows of the revocation");
}

#[tokio::test]
async fn whoever_cannot_look_around_is_delayed_once_and_answers_what_needs_nobody() {
    let (stand, store, _folder) = faults::stand("blind").await;
    store.set_down(true);
    stand.clock.advance(6);
    let keys = stand.http.get(format!("{}/jwks", stand.issuer)).send().await.unwrap();
    assert_eq!(keys.status(), 200);
    let service = stand.post("/token", "service", &[("grant_type", "client_credentials")]).await;
    assert_eq!(service.status, 200, "{}", service.text);
    assert_ne!(service.json, Value::Null);
}

#[tokio::test]
async fn whoever_looks_around_and_gets_no_answer_waits_for_it_no_longer_than_that() {
    let (stand, store, _folder) = faults::stand("hanging").await;
    store.hold_answers(true);
    stand.clock.advance(6);
    let asked = stand.http.get(format!("{}/jwks", stand.issuer)).send();
    let keys = tokio::time::timeout(Duration::from_secs(60), asked).await.expect("it is answered");
    assert_eq!(keys.unwrap().status(), 200);
    assert!(store.held_back() > 0, "it was looked");
    store.hold_answers(false);
}

#[tokio::test]
async fn the_command_line_shows_the_time_that_was_seen_and_forgets_it() {
    let folder = Folder::new("clock");
    let store = Embedded::open(&folder.join("placet.db"), "default").unwrap();
    assert!(store.lead("worker", super::harness::START).await.unwrap());
    drop(store);
    let clock = async |what: &'static str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_placet"));
        command.args(["clock", what]).env("PLACET_DATA_DIR", &*folder).env_remove("PLACET_DATABASE_URL");
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(clock("show").await.contains(&format!("servers have seen {}", super::harness::START)));
    assert!(clock("forget").await.contains("no time is known"));
    let said = clock("show").await;
    assert!(said.contains("no time is known") && said.contains("this machine shows"), "{said}");
}
