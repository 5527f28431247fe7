//! Events as `CloudEvents` 1.0, signed as Standard Webhooks writes it.

use std::{sync::Arc, time::Duration};

use placet_oauth::client::SubjectType;
use placet_sdk::{Instant, event::Event};
use placet_server::{
    config::{SecretText, SigningSecret},
    server::Server,
};
use serde_json::json;
use tokio::net::TcpListener;

use super::{
    flaky::Flaky,
    harness::{Browser, HEADLESS, START, Stand, claims},
    receiving::{Receiver, deliver, kept, receiver, signature},
    sidecar::{Answered, SIGNING_SECRET, Sidecar},
};

const HOUR: i64 = 3_600;
const NEXT_SECRET: &str = "whsec_ZHVyaW5nIGEgY2hhbmdlIG9mIHRoZSBzZWNyZXQ=";

async fn told(receiver: &Receiver, types: &[&str]) -> Stand {
    let config = receiver.config("audit", types);
    Stand::with(|c| c.event_receiver = vec![config]).await
}

/// Something happens: an account is reported as disabled.
async fn happen(stand: &Stand, sub: &str) {
    let report = json!({ "type": "account.disabled", "sub": sub });
    let reply = stand.call(HEADLESS, reqwest::Method::POST, "/reports", Some(&report)).await;
    assert_eq!(reply.status, 202, "{}", reply.text);
}

#[tokio::test]
async fn a_sign_in_is_told_as_signed_cloud_events_once_each() {
    let receiver = Receiver::start().await;
    let stand = told(&receiver, &["*"]).await;
    stand.sign_in(&mut Browser::new(), "web", &[]).await;
    assert_eq!(deliver(&stand).await, 3);
    let expected = ["session.created", "authorization.granted", "interaction.completed"];
    assert_eq!(receiver.types(), expected.map(|name| format!("placet.{name}.v1")));
    let got = receiver.got();
    for asked in &got {
        assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/decide"));
        assert_eq!(asked.headers["content-type"], "application/cloudevents+json");
        assert_eq!(asked.headers["webhook-id"], asked.body["id"].as_str().unwrap());
        assert_eq!(asked.headers["webhook-timestamp"], START.to_string().as_str());
        assert_eq!(asked.headers["webhook-signature"], signature(SIGNING_SECRET, asked).as_str());
        let event: Event = serde_json::from_slice(&asked.raw).unwrap();
        assert_eq!((event.specversion.as_str(), event.source.as_str()), ("1.0", stand.issuer.as_str()));
        assert!(event.event_type.known().is_some(), "{}", event.event_type.0);
        assert_eq!((event.datacontenttype.as_str(), event.time), ("application/json", Instant(START)));
        let schema = stand.http.get(&event.dataschema).send().await.unwrap();
        assert_eq!(schema.status(), 200, "the schema that it names is there");
    }
    let created = &receiver.events("session.created")[0];
    assert_eq!(created["data"]["sub"], "alice");
    assert!(created["subject"].as_str().unwrap().starts_with("ses_"));
    // What arrived is gone, and nothing of it comes again.
    assert!(kept(&stand, false).await.is_empty());
    stand.clock.advance(24 * HOUR);
    assert_eq!((deliver(&stand).await, receiver.got().len()), (0, got.len()));
}

#[tokio::test]
async fn a_receiver_is_told_of_what_it_wants_and_of_nothing_else() {
    let (sessions, accounts) = (Receiver::start().await, Receiver::start().await);
    let configs = vec![
        sessions.config("a", &["session.*"]),
        accounts.config("b", &["account.disabled", "key.rotated"]),
    ];
    let stand = Stand::with(|c| c.event_receiver = configs).await;
    stand.sign_in(&mut Browser::new(), "web", &[]).await;
    happen(&stand, "bob").await;
    deliver(&stand).await;
    assert_eq!(sessions.types(), ["placet.session.created.v1"]);
    assert_eq!(accounts.types(), ["placet.account.disabled.v1"]);
    assert_eq!(accounts.events("account.disabled")[0]["subject"], "bob");
}

#[tokio::test]
async fn without_a_receiver_nothing_is_kept_for_one() {
    let stand = Stand::start().await;
    stand.sign_in(&mut Browser::new(), "web", &[]).await;
    assert!(kept(&stand, false).await.is_empty());
    assert_eq!(stand.events("session.created").len(), 1, "the record is there all the same");
}

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
async fn a_fact_and_what_is_told_of_it_are_there_together_or_not_at_all() {
    let receiver = Receiver::start().await;
    let stand = told(&receiver, &["*"]).await;
    let flaky = Arc::new(Flaky::new(stand.environment().store));
    let mut environment = stand.environment();
    environment.store = flaky.clone();
    let beside = Server::start(stand.server.config().clone(), environment).await.unwrap();
    flaky.set_down(true);
    let event = placet_server::events::event(&beside, "account.disabled", "bob", &json!({ "sub": "bob" }));
    let disabled = beside.store().set_subject_disabled("bob", true, START, vec![event.unwrap()]).await;
    assert!(disabled.is_err());
    // One that loses a race writes nothing either.
    let params = stand.sign_in(&mut Browser::new(), "web", &[]).await;
    let before = kept(&stand, false).await.len();
    let wrong = stand.redeem("opaque", &params["code"]).await;
    assert_eq!((wrong.status, kept(&stand, false).await.len()), (400, before));
    deliver(&stand).await;
    assert!(receiver.events("account.disabled").is_empty());

    flaky.set_down(false);
    happen(&stand, "bob").await;
    deliver(&stand).await;
    assert_eq!(receiver.events("account.disabled").len(), 1);
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
async fn during_a_change_of_the_secret_both_sign() {
    let receiver = Receiver::start().await;
    let mut config = receiver.config("audit", &["account.*"]);
    config.auth.sign = SigningSecret {
        secret: Some(SecretText(NEXT_SECRET.to_owned())),
        previous: Some(SecretText(SIGNING_SECRET.to_owned())),
        ..SigningSecret::default()
    };
    let stand = Stand::with(|c| c.event_receiver = vec![config]).await;
    happen(&stand, "bob").await;
    deliver(&stand).await;
    let asked = &receiver.got()[0];
    let both = format!("{} {}", signature(NEXT_SECRET, asked), signature(SIGNING_SECRET, asked));
    assert_eq!(asked.headers["webhook-signature"], both.as_str());
    for secret in [NEXT_SECRET, SIGNING_SECRET] {
        let header = |name: &str| asked.headers.get(name).and_then(|value| value.to_str().ok());
        let signed = placet_sdk::signature::SignedHeaders::read(header).unwrap();
        let read = Event::read(&[secret.parse().unwrap()], &signed, &asked.raw, Instant(START));
        assert_eq!(read.unwrap().subject, "bob");
    }
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
async fn a_receiver_can_be_told_of_users_as_a_client_sees_them() {
    let (local, masked) = (Receiver::start().await, Receiver::start().await);
    let mut config = masked.config("masked", &["*"]);
    config.subjects_of = Some("web".to_owned());
    let configs = vec![config, local.config("local", &["*"])];
    let stand = Stand::with(|c| {
        c.event_receiver = configs;
        let web = c.clients.iter_mut().find(|client| client.client_id == "web").unwrap();
        web.metadata.subject_type = Some(SubjectType::Pairwise);
    })
    .await;
    let params = stand.sign_in(&mut Browser::new(), "web", &[]).await;
    let tokens = stand.redeem("web", &params["code"]).await.json;
    let sub = claims(tokens["id_token"].as_str().unwrap())["sub"].clone();
    happen(&stand, "alice").await;
    deliver(&stand).await;
    assert_eq!(local.events("account.disabled")[0]["subject"], "alice");
    let disabled = &masked.events("account.disabled")[0];
    assert_eq!((&disabled["subject"], &disabled["data"]["sub"]), (&sub, &sub));
    for asked in masked.got() {
        assert!(!String::from_utf8_lossy(&asked.raw).contains("alice"), "{}", asked.body);
    }
}

#[tokio::test]
async fn sessions_that_end_with_an_account_are_told_each() {
    let receiver = Receiver::start().await;
    let stand = told(&receiver, &["session.ended", "account.*"]).await;
    for _ in 0..2 {
        stand.sign_in(&mut Browser::new(), "web", &[]).await;
    }
    for _ in 0..2 {
        happen(&stand, "alice").await;
    }
    deliver(&stand).await;
    let ended = receiver.events("session.ended");
    assert_eq!((ended.len(), receiver.events("account.disabled").len()), (2, 2), "a session ends once");
    assert_ne!(ended[0]["subject"], ended[1]["subject"]);
    assert!(ended.iter().all(|event| event["data"]["sub"] == "alice"));
}

#[tokio::test]
async fn policies_that_fail_are_told_of_with_how_often() {
    let receiver = Receiver::start().await;
    let policy = Sidecar::answering(|_| Answered::status(500)).await;
    let mut registration = policy.policy("hours", &["grant.client_credentials"]);
    registration.on_failure = Some(placet_server::config::OnFailure::Proceed);
    registration.acknowledge_fail_open = true;
    let config = receiver.config("audit", &["policy.*"]);
    let stand = Stand::with(|c| {
        c.event_receiver = vec![config];
        c.policy = vec![registration];
    })
    .await;
    for _ in 0..3 {
        let reply = stand.post("/token", "service", &[("grant_type", "client_credentials")]).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
    }
    placet_server::events::tell_of_policies(&stand.server).await.unwrap();
    placet_server::events::tell_of_policies(&stand.server).await.unwrap();
    deliver(&stand).await;
    assert_eq!(receiver.types(), ["placet.policy.degraded.v1", "placet.policy.failed.v1"]);
    let failed = &receiver.events("policy.failed")[0];
    assert_eq!((&failed["subject"], &failed["data"]["count"]), (&json!("hours"), &json!(3)));
    assert_eq!(failed["data"]["code"], "http_status");
}

/// What is not among the published types and members is a mistake of whoever writes the event.
#[tokio::test]
async fn what_is_told_is_what_the_schema_says() {
    let receiver = Receiver::start().await;
    let stand = told(&receiver, &["*"]).await;
    let tokens = stand.tokens("web", "openid offline_access").await;
    let refresh = tokens["refresh_token"].as_str().unwrap();
    stand.post("/revoke", "web", &[("token", tokens["access_token"].as_str().unwrap())]).await;
    stand.post("/revoke", "web", &[("token", refresh)]).await;
    for kind in ["login.failed", "credential.changed", "account.disabled", "account.enabled"] {
        let report = json!({ "type": kind, "sub": "carol" });
        stand.call(HEADLESS, reqwest::Method::POST, "/reports", Some(&report)).await;
    }
    let consents = stand.call(HEADLESS, reqwest::Method::GET, "/consents?sub=alice", None).await;
    let consent = format!("/consents/{}", consents.json["items"][0]["id"].as_str().unwrap());
    assert_eq!(stand.call(HEADLESS, reqwest::Method::DELETE, &consent, None).await.status, 204);
    stand.server.keys().rotate(false, "operator:test").await.unwrap();
    deliver(&stand).await;
    for wanted in ["token.revoked", "authorization.revoked", "consent.revoked", "key.rotated", "login.failed"]
    {
        assert_eq!(receiver.events(wanted).len(), 1, "{wanted}");
    }
    for asked in receiver.got() {
        let event: Event = serde_json::from_slice(&asked.raw).unwrap();
        assert!(event.event_type.known().is_some(), "{}", event.event_type.0);
        assert_eq!(serde_json::to_value(&event).unwrap(), asked.body, "every member is published");
    }
}
