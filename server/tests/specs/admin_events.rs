//! Receivers of events and deliveries in the admin API.

use placet_server::{config::EventReceiverConfig, events};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    administering::{TOKEN, call, get, one_role, stand_with},
    harness::{HEADLESS, Stand},
    receiving::{Receiver, deliver},
};

async fn told(configs: Vec<EventReceiverConfig>) -> Stand {
    stand_with(|c| c.event_receiver = configs).await
}

async fn happen(stand: &Stand, sub: &str) {
    let report = json!({ "type": "login.failed", "sub": sub });
    assert_eq!(stand.call(HEADLESS, Method::POST, "/reports", Some(&report)).await.status, 202);
}

async fn pause(stand: &Stand, paused: bool) -> Value {
    let change = json!({ "paused": paused });
    let reply =
        call(stand, &one_role("events"), Method::PATCH, "/event-receivers/audit", Some(&change)).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json
}

#[tokio::test]
async fn a_receiver_is_shown_paused_and_resumed() {
    let receiver = Receiver::start().await;
    let stand = told(vec![receiver.config("audit", &["login.*"])]).await;
    let listed = get(&stand, "/event-receivers").await.json;
    let mut expected = json!({
        "name": "audit", "url": receiver.at.url, "types": ["login.*"], "paused": false, "pending": 0, "dead": 0,
        "full": false,
    });
    assert_eq!(listed, json!({ "items": [expected] }));
    let paused = pause(&stand, true).await;
    assert_eq!((&paused["paused"], &paused["reason"]), (&json!(true), &json!("paused by admin:events")));
    happen(&stand, "bob").await;
    assert_eq!(deliver(&stand).await, 0);
    let shown = get(&stand, "/event-receivers/audit").await.json;
    assert_eq!((&shown["pending"], &shown["oldest"]), (&json!(1), &json!("2026-11-23T07:46:40Z")));
    pause(&stand, false).await;
    assert_eq!((deliver(&stand).await, receiver.got().len()), (1, 1));
    expected["types"] = json!(["login.*"]);
    assert_eq!(get(&stand, "/event-receivers/audit").await.json, expected);
    // What changes nothing is recorded by nobody.
    pause(&stand, false).await;
    assert_eq!(stand.events("event_receiver.paused").len(), 1);
    let (subject, data) = stand.events("event_receiver.resumed").pop().expect("it is recorded");
    assert_eq!((subject.as_str(), data), ("audit", json!({ "receiver": "audit", "by": "admin:events" })));
    assert_eq!(stand.events("event_receiver.resumed").len(), 1);
}

#[tokio::test]
async fn what_was_given_up_is_listed_and_delivered_again() {
    let receiver = Receiver::start().await;
    let mut config = receiver.config("audit", &["login.*"]);
    config.retry_for = 60;
    let stand = told(vec![config]).await;
    receiver.answer(500);
    for sub in ["bob", "carol"] {
        happen(&stand, sub).await;
    }
    deliver(&stand).await;
    let waiting = get(&stand, "/deliveries?kind=event&destination=receiver:audit").await.json;
    assert_eq!(waiting["items"].as_array().unwrap().len(), 2);
    stand.clock.advance(6);
    deliver(&stand).await;
    assert_eq!(get(&stand, "/deliveries").await.json["items"], json!([]));
    let dead = get(&stand, "/deliveries?dead=true").await.json["items"].clone();
    let first = &dead[0];
    for (member, value) in [
        ("kind", json!("event")),
        ("destination", json!("receiver:audit")),
        ("dead", json!(true)),
        ("attempts", json!(2)),
        ("reason", json!("the receiver answered with the status 500")),
        ("event_type", json!("login.failed")),
        ("event_subject", json!("bob")),
    ] {
        assert_eq!(first[member], value, "{member}");
    }
    receiver.answer(200);
    let path = format!("/deliveries/{}", first["id"].as_str().unwrap());
    assert_eq!(get(&stand, &path).await.json, *first);
    let again = call(&stand, TOKEN, Method::POST, &format!("{path}:redeliver"), None).await;
    assert_eq!(again.status, 204, "{}", again.text);
    assert_eq!(deliver(&stand).await, 1);
    let rest = call(&stand, TOKEN, Method::POST, "/event-receivers/audit:redeliver", None).await;
    assert_eq!((rest.status, &rest.json), (200, &json!({ "count": 1 })));
    assert_eq!(deliver(&stand).await, 1);
    let ids = receiver.got().iter().map(|asked| asked.body["id"].clone()).collect::<Vec<_>>();
    assert_eq!((ids.len(), ids[0] == ids[4] || ids[1] == ids[4]), (6, true), "an event keeps its id");
    assert_eq!(get(&stand, "/deliveries?dead=true").await.json["items"], json!([]));
    assert_eq!(stand.events("delivery.redelivered").len(), 2);
}

#[tokio::test]
async fn a_delivery_can_be_forgotten() {
    let receiver = Receiver::start().await;
    let stand = told(vec![receiver.config("audit", &["login.*"])]).await;
    happen(&stand, "bob").await;
    let id = get(&stand, "/deliveries").await.json["items"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/deliveries/{id}");
    assert_eq!(call(&stand, TOKEN, Method::DELETE, &path, None).await.status, 204);
    assert_eq!(call(&stand, TOKEN, Method::DELETE, &path, None).await.status, 404);
    assert_eq!((deliver(&stand).await, stand.events("delivery.dropped").len()), (0, 1));
}

#[tokio::test]
async fn whoever_lacks_the_role_changes_nothing_and_what_is_not_understood_is_refused() {
    let receiver = Receiver::start().await;
    let stand = told(vec![receiver.config("audit", &["login.*"])]).await;
    happen(&stand, "bob").await;
    let id = get(&stand, "/deliveries").await.json["items"][0]["id"].as_str().unwrap().to_owned();
    let change = json!({ "paused": true });
    for (method, path, body) in [
        (Method::PATCH, "/event-receivers/audit".to_owned(), Some(&change)),
        (Method::POST, "/event-receivers/audit:redeliver".to_owned(), None),
        (Method::POST, format!("/deliveries/{id}:redeliver"), None),
        (Method::DELETE, format!("/deliveries/{id}"), None),
    ] {
        for role in ["read", "clients", "revoke", "policies", "keys"] {
            let reply = call(&stand, &one_role(role), method.clone(), &path, body).await;
            assert_eq!((reply.status, reply.error()), (403, "role_missing"), "{method} {path} by {role}");
        }
    }
    for path in ["/event-receivers/nobody", "/deliveries/dlv_nothing"] {
        assert_eq!(get(&stand, path).await.status, 404, "{path}");
    }
    for query in ["dead=yes", "destination=%00", "kind=a%0Ab", "receiver=audit"] {
        let reply = get(&stand, &format!("/deliveries?{query}")).await;
        assert_eq!((reply.status, reply.error()), (400, "invalid_request"), "{query}");
    }
    assert_eq!(deliver(&stand).await, 1, "nothing was changed");
}

#[tokio::test]
async fn what_waits_is_counted_in_metrics_and_bounded() {
    let receiver = Receiver::start().await;
    let mut config = receiver.config("audit", &["login.*"]);
    config.max_pending = 2;
    let stand = told(vec![config]).await;
    receiver.answer(503);
    for sub in ["a", "b", "c"] {
        happen(&stand, sub).await;
    }
    events::count(&stand.server).await.unwrap();
    assert_eq!(get(&stand, "/event-receivers/audit").await.json["full"], true);
    happen(&stand, "d").await;
    stand.clock.advance(7);
    events::count(&stand.server).await.unwrap();
    let text = stand.server.metrics().text().unwrap();
    for line in [
        "placet_event_receiver_pending{receiver=\"audit\"} 3",
        "placet_event_receiver_oldest_seconds{receiver=\"audit\"} 7",
        "placet_event_receiver_not_kept_total{receiver=\"audit\"} 1",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    assert_eq!(stand.events("login.failed").len(), 4, "the record of it is there all the same");
    receiver.answer(200);
    deliver(&stand).await;
    events::count(&stand.server).await.unwrap();
    happen(&stand, "e").await;
    deliver(&stand).await;
    let subjects: Vec<_> = receiver.events("login.failed").iter().map(|e| e["subject"].clone()).collect();
    assert_eq!((subjects.contains(&json!("d")), subjects.contains(&json!("e"))), (false, true));
}
