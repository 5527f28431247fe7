//! Things used once, replies, events, tenants.

use placet_server::store::{Issued, JwtHome, ReplyRecord, Rotation};

use crate::{backend::Backend, samples::*};

pub(crate) async fn what_can_be_used_once_is_used_by_exactly_one_of_100(backend: &Backend) {
    let store = backend.store();
    let used = race(&store, 100, |store, _| async move {
        store.consume_once("dpop", "j1", NOW + 60).await.expect("it answers")
    });
    assert_eq!(count(&used.await, &true), 1);
}

pub(crate) async fn things_used_once_are_told_apart_by_kind(backend: &Backend) {
    let store = backend.store();
    assert!(store.consume_once("dpop", "j1", NOW + 60).await.expect("it answers"));
    assert!(store.consume_once("assertion", "j1", NOW + 60).await.expect("it answers"));
    assert!(store.consume_once("dpop", "j2", NOW + 60).await.expect("it answers"));
    assert!(!store.consume_once("dpop", "j1", NOW + 999).await.expect("it answers"));
}

fn reply(sealed: &str) -> ReplyRecord {
    ReplyRecord {
        key: digest("caller and key"),
        request: digest("request"),
        sealed: sealed.into(),
        expires_at: NOW + 60,
    }
}

pub(crate) async fn a_reply_is_remembered_once_until_it_expires(backend: &Backend) {
    let store = backend.store();
    let replies = race(&store, 50, |store, i| async move {
        store.remember_reply(reply(&format!("answer {i}")), NOW).await.expect("it answers")
    });
    let replies = replies.await;
    let winner = replies.iter().position(Option::is_none).expect("one was first");
    let first = reply(&format!("answer {winner}"));
    assert_eq!(count(&replies, &None), 1);
    assert_eq!(count(&replies, &Some(first.clone())), 49);
    let late = store.remember_reply(reply("late"), NOW + 59).await.expect("it answers");
    assert_eq!(late, Some(first));
    let anew = ReplyRecord { expires_at: NOW + 120, ..reply("anew") };
    assert_eq!(store.remember_reply(anew.clone(), NOW + 60).await.expect("it answers"), None);
    assert_eq!(store.remember_reply(reply("x"), NOW + 60).await.expect("it answers"), Some(anew));
}

pub(crate) async fn an_event_is_written_once(backend: &Backend) {
    let store = backend.store();
    let events = vec![event("evt_1", "session.created"), event("evt_2", "session.ended")];
    store.publish(events.clone()).await.expect("it answers");
    store.publish(events).await.expect("it answers");
    let written: Vec<_> = backend.outbox().await.into_iter().map(|(event_type, _)| event_type).collect();
    assert_eq!(written, ["session.created", "session.ended"]);
}

pub(crate) async fn a_name_with_a_nul_character_is_not_found(backend: &Backend) {
    let store = backend.store();
    assert_eq!(store.client("a\0b").await.expect("it reads"), None);
    assert_eq!(store.interaction("ia\0", NOW).await.expect("it reads"), None);
    assert_eq!(store.sessions_of("\0", ALL, NOW).await.expect("it reads"), []);
    assert!(store.family("\0").await.expect("it reads").is_none());
    assert!(store.insert_client(client("a\0b"), vec![]).await.is_err());
    assert!(store.consume_once("dpop", "j\0", NOW + 60).await.expect("it answers"));
    assert!(!store.consume_once("dpop", "j\0", NOW + 60).await.expect("it answers"));
    store.ping().await.expect("it is none the worse");
}

pub(crate) async fn long_names_from_strangers_are_remembered(backend: &Backend) {
    let store = backend.store();
    // Hard to compress, and longer than a page of an index.
    let long: Vec<_> = (0..4000).map(|i| format!("{:?}", digest(&i.to_string()).0)).collect();
    let long = long.concat();
    assert!(store.consume_once("assertion", &long, NOW + 60).await.expect("it answers"));
    assert!(!store.consume_once("assertion", &long, NOW + 60).await.expect("it answers"));
    assert_eq!(store.client(&long).await.expect("it reads"), None);
}

pub(crate) async fn tenants_do_not_see_each_other(backend: &Backend) {
    let stores = [backend.tenant("one"), backend.tenant("two")];
    // Everything has the same names in both.
    for store in &stores {
        assert!(
            store.insert_client(client("app"), vec![event("evt_1", "client.registered")]).await.expect("new")
        );
        created_session(&**store, session("ses_1", "alice")).await;
        created_code(&**store, "code", "az_1", "alice").await;
        created_family(&**store, "f1", "az_2", "alice").await;
        store.insert_token(token("token", None)).await.expect("it stores");
        assert!(store.change_keys(0, vec![], vec![]).await.expect("it answers"));
        assert!(store.consume_once("dpop", "j1", NOW + 60).await.expect("it answers"));
        store.revoke_jti("j2", NOW, NOW + 60, vec![]).await.expect("it answers");
    }
    let [one, two] = &stores;
    assert_eq!(
        one.rotate(rotate("f1", "loot", "x"), Issued::default()).await.expect("ok"),
        Rotation::Replayed
    );
    one.set_subject_disabled("alice", true, NOW, vec![]).await.expect("it answers");
    assert!(one.delete_client("app", NOW, vec![]).await.expect("it answers"));
    one.revoke_jti("j3", NOW, NOW + 60, vec![]).await.expect("it answers");
    one.purge(NOW + 10_000_000, 1000).await.expect("it answers");

    assert_eq!(two.clients("", 10).await.expect("it reads"), [client("app")]);
    assert_eq!(two.sessions_of("alice", ALL, NOW).await.expect("it reads").len(), 1);
    assert!(is_live(&**two, "az_1", NOW).await && is_live(&**two, "az_2", NOW).await);
    assert!(two.code(&digest("code")).await.expect("it reads").is_some());
    assert!(two.token(&digest("token")).await.expect("it reads").is_some());
    assert_eq!(two.subject("alice").await.expect("it reads"), None);
    assert!(!two.jwt_state("j3", &JwtHome::Authorization("az_1".into())).await.expect("it reads").revoked);
    assert!(two.jwt_state("j2", &alone()).await.expect("it reads").revoked);
    assert!(!two.consume_once("dpop", "j1", NOW + 60).await.expect("it answers"));
    assert_eq!(two.key_generation().await.expect("it reads"), 1);
    let three = backend.tenant("three");
    assert!(three.client("app").await.expect("it reads").is_none());
    assert!(three.session("ses_1").await.expect("it reads").is_none());
    assert!(three.code(&digest("code")).await.expect("it reads").is_none());
    assert!(three.family("f1").await.expect("it reads").is_none());
    assert_eq!(three.keys().await.expect("it reads"), []);
}

pub(crate) async fn the_store_answers(backend: &Backend) {
    backend.store().ping().await.expect("it answers");
}
