//! Events as `CloudEvents` 1.0, signed as Standard Webhooks writes it.

use std::sync::Arc;

use placet_oauth::client::SubjectType;
use placet_sdk::{Instant, event::Event};
use placet_server::{
    config::{SecretText, SigningSecret},
    server::Server,
};
use serde_json::json;

use super::{
    flaky::Flaky,
    harness::{Browser, HEADLESS, START, Stand, claims},
    receiving::{Receiver, deliver, kept, signature},
    sidecar::{Answered, SIGNING_SECRET, Sidecar},
    telling::{HOUR, happen, told},
};

const NEXT_SECRET: &str = "whsec_ZHVyaW5nIGEgY2hhbmdlIG9mIHRoZSBzZWNyZXQ=";

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
    // In this order they happened.
    let mut numbers: Vec<_> =
        got.iter().map(|asked| asked.body["data"]["sequence"].as_i64().unwrap()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert!(numbers.len() == got.len() && numbers[0] > 0, "{numbers:?}");
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
