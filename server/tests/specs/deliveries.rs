//! The delivery queue, `docs/logout.md`: what is acknowledged is delivered, whatever becomes of the receiver or of this
//! server.

use std::sync::Arc;

use placet_server::{
    delivery,
    server::{Environment, Server},
    store::{Claim, DeliveryFilter, DeliveryRecord, Paging},
};
use tokio::sync::{Semaphore, watch};

use super::{
    harness::{Browser, START, Stand},
    leaving::{deliver, deliver_all, log_out, stand_telling, tell, tokens},
    receiver::{Manner, Receiver},
};

const WAITING: &str = "SELECT id FROM deliveries WHERE dead_at IS NULL";
const DEAD: &str = "SELECT reason FROM deliveries WHERE dead_at IS NOT NULL";

/// Alice signed in to `web` and out again: one delivery waits.
async fn signed_out(stand: &Stand) {
    let mut browser = Browser::new();
    tokens(stand, &mut browser, "web").await;
    log_out(stand, &mut browser, "session", &[]).await;
}

async fn stand(manners: &[Manner]) -> (Stand, Receiver) {
    let receiver = Receiver::start(manners).await;
    let stand = Stand::with(|config| tell(config, "web", &receiver.uri)).await;
    (stand, receiver)
}

#[tokio::test]
async fn a_receiver_that_is_down_is_tried_again_later_and_later_with_a_fresh_token() {
    let down =
        [Manner::Status("503 Down"), Manner::Status("500 Broken"), Manner::Status("404 Not there yet")];
    let (stand, receiver) = stand(&down).await;
    signed_out(&stand).await;
    assert_eq!(deliver(&stand).await, 1);
    assert_eq!(deliver(&stand).await, 0, "not at once");
    stand.clock.advance(1);
    assert_eq!(deliver(&stand).await, 0);
    stand.clock.advance(7);
    assert_eq!(deliver(&stand).await, 1);
    assert_eq!(stand.rows("SELECT reason FROM deliveries"), ["the receiver answered with the status 500"]);
    deliver_all(&stand).await;
    let tokens = receiver.tokens();
    assert_eq!(tokens.len(), 4);
    assert_ne!(tokens[0], tokens[3]);
    assert!(stand.rows("SELECT id FROM deliveries").is_empty());
}

#[tokio::test]
async fn a_receiver_that_says_no_or_points_elsewhere_is_given_up_at_once_and_kept_for_somebody_to_see() {
    let elsewhere = Receiver::start(&[]).await;
    let line: &'static str = format!("307 There\r\nLocation: {}", elsewhere.uri).leak();
    let (stand, receiver) =
        stand(&[Manner::Status("400 No"), Manner::Status(line), Manner::Status("410 Gone")]).await;
    for _ in 0..3 {
        signed_out(&stand).await;
        assert_eq!(deliver(&stand).await, 1);
        stand.clock.advance(1);
    }
    assert_eq!((receiver.tokens().len(), elsewhere.got().len()), (3, 0));
    assert!(stand.rows(WAITING).is_empty());
    let mut reasons = stand.rows(DEAD);
    reasons.sort();
    assert_eq!(
        reasons,
        [307, 400, 410].map(|status| format!("the receiver answered with the status {status}"))
    );
    let dead = stand
        .server
        .store()
        .deliveries(
            &DeliveryFilter { dead: true, ..DeliveryFilter::default() },
            Paging { after: "", limit: 9 },
        )
        .await
        .unwrap();
    assert!(dead.iter().all(|dead| dead.destination == "web" && dead.attempts == 1));
}

#[tokio::test]
async fn what_a_newer_version_is_to_deliver_is_left_for_it() {
    let stand = Stand::start().await;
    let parcel =
        DeliveryRecord::new("dlv_1".to_owned(), ("parcel", "web"), b"{}".to_vec(), (START, START + 1_000));
    stand.server.store().enqueue(vec![parcel], vec![]).await.unwrap();
    assert_eq!(deliver(&stand).await, 1);
    assert_eq!(stand.rows(WAITING), ["dlv_1"]);
    assert_eq!(stand.rows("SELECT reason FROM deliveries"), ["this program does not know the kind"]);
    stand.clock.advance(600);
    assert_eq!(deliver(&stand).await, 1, "it is tried again");
    assert!(stand.rows(DEAD).is_empty() && stand.events("delivery.dead").is_empty());
}

#[tokio::test]
async fn what_a_receiver_sends_without_end_is_not_read() {
    let (stand, receiver) = stand(&[Manner::EndlessBody, Manner::EndlessHead]).await;
    signed_out(&stand).await;
    assert_eq!(deliver(&stand).await, 1);
    assert!(stand.rows(WAITING).is_empty(), "the status said that it arrived");
    stand.clock.advance(1);
    signed_out(&stand).await;
    assert_eq!(deliver(&stand).await, 1);
    assert_eq!(stand.rows(WAITING).len(), 1, "no status ever came");
    assert_eq!(receiver.got().len(), 2);
}

#[tokio::test]
async fn a_receiver_that_does_not_answer_is_given_up_for_now() {
    let (stand, _) = stand(&[Manner::Silent]).await;
    signed_out(&stand).await;
    assert_eq!(deliver(&stand).await, 1);
    assert_eq!(
        stand.rows("SELECT reason FROM deliveries"),
        ["it does not answer in time at a public address"]
    );
    deliver_all(&stand).await;
    assert!(stand.rows(DEAD).is_empty());
}

#[tokio::test]
async fn addresses_inside_are_never_asked_and_given_up_after_a_day() {
    for uri in ["https://10.0.0.1/bc", "https://169.254.169.254/bc", "https://[fd00::1]/bc"] {
        let stand = Stand::with(|config| tell(config, "web", uri)).await;
        signed_out(&stand).await;
        let attempts = deliver_all(&stand).await;
        assert!((20..60).contains(&attempts), "{attempts} attempts");
        assert_eq!(stand.rows(DEAD), ["it does not answer in time at a public address"]);
        assert!(stand.now() - START < 2 * 86_400, "it took longer than it may");
    }
}

#[tokio::test]
async fn a_receiver_that_asks_for_peace_gets_it() {
    let (stand, receiver) = stand(&[Manner::Status("429 Slowly\r\nRetry-After: 1000")]).await;
    signed_out(&stand).await;
    deliver(&stand).await;
    stand.clock.advance(999);
    assert_eq!(deliver(&stand).await, 0);
    stand.clock.advance(1);
    assert_eq!(deliver(&stand).await, 1);
    assert_eq!(receiver.got().len(), 2);
}

#[tokio::test]
async fn what_a_process_took_before_it_died_another_one_delivers() {
    let (stand, receiver) = stand(&[]).await;
    signed_out(&stand).await;
    let now = stand.now();
    let claim = Claim { now, until: now + 60, most: 9, per_destination: 9 };
    assert_eq!(stand.server.store().claim_deliveries(claim).await.unwrap().len(), 1);
    // The process that took it is gone. Another one starts on the same store.
    let environment: Environment = stand.environment();
    let heir = Server::start(stand.server.config().clone(), environment).await.unwrap();
    assert_eq!(delivery::round(&heir).await.unwrap(), 0, "it may still be at it");
    stand.clock.advance(60);
    assert_eq!(delivery::round(&heir).await.unwrap(), 1);
    assert_eq!(receiver.tokens().len(), 1);
}

#[tokio::test]
async fn a_stop_waits_for_what_is_under_way_and_begins_nothing_else() {
    let gate = Arc::new(Semaphore::new(0));
    let (stand, receiver) = stand(&[Manner::Gated(gate.clone())]).await;
    signed_out(&stand).await;
    let (stop, stopped) = watch::channel(false);
    let worker = tokio::spawn(delivery::run(stand.server.clone(), stopped));
    while receiver.got().is_empty() {
        tokio::task::yield_now().await;
    }
    stop.send(true).unwrap();
    signed_out(&stand).await;
    assert!(!worker.is_finished());
    gate.add_permits(1);
    worker.await.unwrap();
    assert_eq!((receiver.got().len(), stand.rows(WAITING).len()), (1, 1));
}

#[tokio::test]
async fn the_worker_finds_what_is_new_and_what_is_due_again() {
    let (stand, receiver) = stand(&[Manner::Status("503 Down")]).await;
    let (stop, stopped) = watch::channel(false);
    let worker = tokio::spawn(delivery::run(stand.server.clone(), stopped));
    signed_out(&stand).await;
    while stand.rows("SELECT id FROM deliveries WHERE leased = 0 AND attempts = 1").is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    stand.clock.advance(10);
    while !stand.rows(WAITING).is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(receiver.got().len(), 2);
    stop.send(true).unwrap();
    worker.await.unwrap();
}

#[tokio::test]
async fn a_store_that_is_down_loses_nothing() {
    let (stand, flaky, _folder) = super::faults::stand("deliveries").await;
    signed_out(&stand).await;
    flaky.set_down(true);
    assert!(delivery::round(&stand.server).await.is_err());
    flaky.set_down(false);
    assert_eq!(deliver(&stand).await, 1);
}

#[tokio::test]
async fn a_slow_client_keeps_no_other_waiting() {
    let gate = Arc::new(Semaphore::new(0));
    let slow = Receiver::start(&vec![Manner::Gated(gate.clone()); 9]).await;
    let quick = Receiver::start(&[]).await;
    let stand = stand_telling(&slow, &quick).await;
    for _ in 0..9 {
        signed_out(&stand).await;
        stand.clock.advance(1);
    }
    let mut browser = Browser::new();
    tokens(&stand, &mut browser, "other").await;
    log_out(&stand, &mut browser, "session", &[]).await;
    let server = stand.server.clone();
    let round = tokio::spawn(async move { delivery::round(&server).await.unwrap() });
    while quick.got().is_empty() || slow.got().len() < 4 {
        tokio::task::yield_now().await;
    }
    assert_eq!(slow.got().len(), 4, "and it is not run over itself");
    gate.add_permits(9);
    assert_eq!(round.await.unwrap(), 10);
    assert_eq!(slow.got().len(), 9);
}
