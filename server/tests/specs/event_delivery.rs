//! Events that cannot be delivered at once: receivers that fail, are slow, gone or paused, and restarts.

use std::{sync::Arc, time::Duration};

use placet_server::server::Server;
use serde_json::json;
use tokio::net::TcpListener;

use super::{
    harness::{Browser, Stand},
    receiving::{Receiver, deliver, kept, receiver, signature},
    sidecar::{Answered, SIGNING_SECRET, Sidecar},
    telling::{HOUR, happen, told},
};

#[tokio::test]
async fn whatever_is_wrong_with_a_receiver_the_same_event_comes_again_later_and_later() {
    let receiver = Receiver::start().await;
    let stand = told(&receiver, &["account.*"]).await;
    happen(&stand, "bob").await;
    let mut attempts = 0;
    // A tenth more than the pause before the next attempt is surely enough, a tenth less surely not.
    for (status, pause) in
        [(500, 5), (503, 300), (404, 1_800), (400, 2 * HOUR), (302, 5 * HOUR), (429, 10 * HOUR), (200, 0)]
    {
        receiver.answer(status);
        attempts += 1;
        assert_eq!((deliver(&stand).await, receiver.got().len()), (1, attempts), "{status}");
        stand.clock.advance(pause - pause / 10 - 1);
        assert_eq!(deliver(&stand).await, 0, "too early after {status}");
        stand.clock.advance(pause / 5 + 2);
    }
    let got = receiver.got();
    let ids: Vec<_> = got.iter().map(|asked| asked.headers["webhook-id"].clone()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "the id is that of the event");
    assert!(got.iter().all(|asked| asked.raw == got[0].raw && asked.path == "/decide"));
    for asked in &got {
        assert_eq!(asked.headers["webhook-signature"], signature(SIGNING_SECRET, asked).as_str());
    }
    assert_ne!(got[0].headers["webhook-timestamp"], got[6].headers["webhook-timestamp"]);
}

#[tokio::test]
async fn what_cannot_be_delivered_for_long_enough_is_given_up_and_kept() {
    let receiver = Receiver::start().await;
    receiver.answer(500);
    let mut config = receiver.config("audit", &["account.*"]);
    config.retry_for = 600;
    let stand = Stand::with(|c| {
        c.event_receiver = vec![config];
        c.events.keep = 24 * 3_600;
        c.events.keep_undelivered = 2 * 24 * 3_600;
    })
    .await;
    happen(&stand, "bob").await;
    deliver(&stand).await;
    assert_eq!(kept(&stand, true).await, []);
    stand.clock.advance(6);
    deliver(&stand).await;
    assert_eq!(kept(&stand, true).await, []);
    // The next attempt would be after the end.
    stand.clock.advance(350);
    deliver(&stand).await;
    let dead = kept(&stand, true).await;
    assert_eq!((dead.len(), dead[0].attempts, dead[0].destination.as_str()), (1, 3, "receiver:audit"));
    assert_eq!(dead[0].reason.as_deref(), Some("the receiver answered with the status 500"));
    assert!(kept(&stand, false).await.is_empty());
    let given_up = stand.now();
    stand.clock.advance(2 * 24 * HOUR);
    assert_eq!(deliver(&stand).await, 0);
    stand.server.store().purge(given_up + 2 * 24 * HOUR - 1, 100).await.unwrap();
    assert_eq!((kept(&stand, true).await.len(), stand.events("account.disabled").len()), (1, 0));
    stand.server.store().purge(given_up + 2 * 24 * HOUR, 100).await.unwrap();
    assert_eq!(kept(&stand, true).await, [], "what nobody looked at for as long as is set goes");
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_sent_nothing_until_it_is_resumed() {
    let receiver = Receiver::start().await;
    let stand = told(&receiver, &["account.*", "event_receiver.*"]).await;
    receiver.answer(410);
    happen(&stand, "bob").await;
    assert_eq!(deliver(&stand).await, 1);
    happen(&stand, "carol").await;
    stand.clock.advance(24 * HOUR);
    assert_eq!((deliver(&stand).await, receiver.got().len()), (0, 1));
    let (name, data) = stand.events("event_receiver.paused").pop().expect("it is recorded");
    assert_eq!((name.as_str(), &data["receiver"]), ("audit", &json!("audit")));

    receiver.answer(200);
    assert!(stand.server.store().release_destination("receiver:audit", vec![]).await.unwrap());
    assert_eq!(deliver(&stand).await, 3);
    assert_eq!(receiver.events("account.disabled").len(), 3, "one of them was sent twice");
}

#[tokio::test]
async fn what_waits_too_long_for_a_receiver_that_is_paused_is_given_up() {
    let receiver = Receiver::start().await;
    let mut config = receiver.config("audit", &["account.*"]);
    config.retry_for = 600;
    let stand = Stand::with(|c| c.event_receiver = vec![config]).await;
    receiver.answer(410);
    happen(&stand, "bob").await;
    deliver(&stand).await;
    happen(&stand, "carol").await;
    stand.server.store().purge(stand.now() + 599, 100).await.unwrap();
    assert_eq!(kept(&stand, false).await.len(), 2);
    stand.server.store().purge(stand.now() + 600, 100).await.unwrap();
    assert_eq!((kept(&stand, false).await.len(), kept(&stand, true).await.len()), (0, 2));
}

#[tokio::test]
async fn a_receiver_that_is_down_slow_or_endless_keeps_no_other_waiting() {
    let good = Receiver::start().await;
    let broken = Sidecar::serving(|_| Answered::broken()).await;
    let endless = Sidecar::serving(|_| {
        // Whoever reads on reads for ever.
        Answered::status(200).body(vec![b'x'; 4 << 20]).header("Transfer-Encoding", "chunked")
    })
    .await;
    let down = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}/", listener.local_addr().unwrap())
    };
    let configs = vec![
        receiver("down", &["account.*"], &down),
        receiver("broken", &["account.*"], &broken.url),
        receiver("endless", &["account.*"], &endless.url),
        good.config("good", &["account.*"]),
    ];
    let stand = Stand::with(|c| c.event_receiver = configs).await;
    for n in 0..5 {
        happen(&stand, &format!("user{n}")).await;
    }
    assert_eq!(deliver(&stand).await, 20);
    assert_eq!(good.got().len(), 5);
    let waiting: Vec<_> = kept(&stand, false).await.into_iter().map(|d| d.destination).collect();
    let of = |name: &str| waiting.iter().filter(|found| *found == name).count();
    // Of an answer the status counts, whatever comes behind it.
    assert_eq!((of("receiver:down"), of("receiver:broken"), of("receiver:endless")), (5, 5, 0));
}

#[tokio::test]
async fn a_receiver_that_does_not_answer_is_left_after_ten_seconds() {
    let slow = Sidecar::serving(|_| Answered::status(200).after(Duration::from_secs(3_600))).await;
    let config = receiver("slow", &["account.*"], &slow.url);
    let stand = Arc::new(Stand::with(|c| c.event_receiver = vec![config]).await);
    happen(&stand, "bob").await;
    let delivering = tokio::spawn({
        let stand = stand.clone();
        async move { deliver(&stand).await }
    });
    while slow.asked().is_empty() {
        tokio::task::yield_now().await;
    }
    // From here on time passes when nobody has anything to do.
    tokio::time::pause();
    assert_eq!(delivering.await.unwrap(), 1);
    tokio::time::resume();
    assert_eq!(kept(&stand, false).await[0].reason.as_deref(), Some("no answer in time"));
}

#[tokio::test]
async fn what_came_back_twice_is_told_once() {
    let receiver = Receiver::start().await;
    let stand = told(&receiver, &["token.*"]).await;
    let params = stand.sign_in(&mut Browser::new(), "web", &[]).await;
    assert_eq!(stand.redeem("web", &params["code"]).await.status, 200);
    for _ in 0..3 {
        assert_eq!(stand.redeem("web", &params["code"]).await.status, 400);
    }
    deliver(&stand).await;
    assert_eq!(receiver.types(), ["placet.token.reuse_detected.v1"]);
}

#[tokio::test]
async fn what_waits_is_delivered_after_a_restart() {
    let receiver = Receiver::start().await;
    let stand = told(&receiver, &["account.*"]).await;
    receiver.answer(503);
    happen(&stand, "bob").await;
    deliver(&stand).await;
    receiver.answer(200);
    stand.clock.advance(6);
    let again = Server::start(stand.server.config().clone(), stand.environment()).await.unwrap();
    assert_eq!(placet_server::delivery::round(&again).await.unwrap(), 1);
    let got = receiver.got();
    assert_eq!((got.len(), &got[0].raw), (2, &got[1].raw));
}

#[tokio::test]
async fn what_a_worker_had_sent_when_it_was_killed_is_sent_again_with_the_same_id() {
    let slow = Sidecar::serving(|_| Answered::status(200).after(Duration::from_secs(3_600))).await;
    let config = receiver("slow", &["account.*"], &slow.url);
    let stand = Arc::new(Stand::with(|c| c.event_receiver = vec![config]).await);
    happen(&stand, "bob").await;
    let worker = |stand: &Arc<Stand>| {
        let stand = stand.clone();
        tokio::spawn(async move { deliver(&stand).await })
    };
    for sent in 1..=2 {
        let killed = worker(&stand);
        while slow.asked().len() < sent {
            tokio::task::yield_now().await;
        }
        killed.abort();
        assert!(killed.await.unwrap_err().is_cancelled());
        // Nobody else attempts it before the lease is over.
        assert_eq!(deliver(&stand).await, 0);
        stand.clock.advance(60);
    }
    let asked = slow.asked();
    assert_eq!((asked.len(), &asked[0].raw), (2, &asked[1].raw));
    assert_eq!(asked[0].headers["webhook-id"], asked[1].headers["webhook-id"]);
}

#[tokio::test]
async fn a_receiver_that_asks_for_peace_gets_a_day_of_it_at_most() {
    let busy = Sidecar::serving(|_| Answered::status(503).header("Retry-After", "864000")).await;
    let config = receiver("busy", &["account.*"], &busy.url);
    let stand = Stand::with(|c| c.event_receiver = vec![config]).await;
    happen(&stand, "bob").await;
    assert_eq!(deliver(&stand).await, 1);
    stand.clock.advance(24 * HOUR - 1);
    assert_eq!(deliver(&stand).await, 0, "it wanted to be left alone");
    stand.clock.advance(1);
    assert_eq!(deliver(&stand).await, 1, "ten days are not believed");
}

/// Two receivers that are gone would tell each other for ever.
#[tokio::test]
async fn an_event_that_is_given_up_is_no_event() {
    let receiver = Receiver::start().await;
    receiver.answer(500);
    let mut config = receiver.config("audit", &["*"]);
    config.retry_for = 60;
    let stand = Stand::with(|c| c.event_receiver = vec![config]).await;
    happen(&stand, "bob").await;
    let told = kept(&stand, false).await.len();
    for _ in 0..5 {
        deliver(&stand).await;
        stand.clock.advance(30);
    }
    assert_eq!((kept(&stand, true).await.len(), kept(&stand, false).await.len()), (told, 0));
    assert!(stand.events("delivery.dead").is_empty());
}

/// While a deployment is rolled out, another process may know the receiver, or the client that it is told of users as.
#[tokio::test]
async fn what_is_for_a_receiver_that_this_process_does_not_know_is_kept() {
    let receiver = Receiver::start().await;
    let stand = told(&receiver, &["account.*"]).await;
    happen(&stand, "bob").await;
    for change in [0, 1] {
        let mut config = stand.server.config().clone();
        match change {
            0 => config.event_receiver.clear(),
            _ => config.event_receiver[0].subjects_of = Some("nobody".to_owned()),
        }
        let other = Server::start(config, stand.environment()).await.unwrap();
        assert_eq!(placet_server::delivery::round(&other).await.unwrap(), 1);
        assert_eq!((receiver.got().len(), kept(&stand, false).await.len()), (0, 1));
        stand.clock.advance(HOUR);
    }
    assert_eq!((deliver(&stand).await, receiver.got().len()), (1, 1));
}
