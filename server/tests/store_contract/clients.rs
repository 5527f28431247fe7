//! Clients.

use placet_server::store::{ClientRecord, Completed, Issued, Remembering};

use crate::{backend::Backend, samples::*};

pub(crate) async fn a_client_id_is_taken_once(backend: &Backend) {
    let store = backend.store();
    let registered = race(&store, 20, |store, i| async move {
        let doc = format!("{{\"n\":{i}}}");
        let events = vec![event(&format!("evt_{i}"), "client.registered")];
        store.insert_client(ClientRecord { doc, ..client("app") }, events).await.expect("it answers")
    });
    let registered = registered.await;
    assert_eq!(count(&registered, &true), 1);
    let winner = registered.iter().position(|won| *won).expect("one won");
    let stored = store.client("app").await.expect("it reads").expect("it is there");
    assert_eq!(stored, ClientRecord { doc: format!("{{\"n\":{winner}}}"), ..client("app") });
    assert_eq!(backend.count("client.registered").await, 1);
    assert_eq!(store.client("nobody").await.expect("it reads"), None);
}

pub(crate) async fn of_many_changes_of_one_generation_one_is_kept(backend: &Backend) {
    let store = backend.store();
    assert!(store.insert_client(client("app"), vec![]).await.expect("it answers"));
    let changed = race(&store, 20, |store, i| async move {
        let changed = ClientRecord {
            doc: format!("{{\"n\":{i}}}"),
            secret_digest: None,
            registration_digest: Some(digest("rat")),
            ..client("app")
        };
        let events = vec![event(&format!("evt_{i}"), "client.updated")];
        store.update_client(changed, events).await.expect("it answers")
    });
    let changed = changed.await;
    assert_eq!(count(&changed, &true), 1);
    let winner = changed.iter().position(|won| *won).expect("one won");
    let stored = store.client("app").await.expect("it reads").expect("it is there");
    let expected = ClientRecord {
        doc: format!("{{\"n\":{winner}}}"),
        secret_digest: None,
        registration_digest: Some(digest("rat")),
        generation: 2,
        ..client("app")
    };
    assert_eq!(stored, expected);
    assert_eq!(backend.count("client.updated").await, 1);
    assert!(!store.update_client(client("nobody"), vec![]).await.expect("it answers"));
}

pub(crate) async fn deleting_a_client_ends_everything_it_was_granted(backend: &Backend) {
    let store = backend.store();
    for id in ["app", "other"] {
        assert!(store.insert_client(client(id), vec![]).await.expect("it answers"));
    }
    let done = complete(&*store, "ia_1", |completion| {
        completion.remember = Some(Remembering { consent: consent("cns_1", "alice") });
        completion.authorization = Some(authorization("az_1", "alice"));
        completion.token = Some(token("under az_1", Some("az_1")));
    });
    assert_eq!(done.await, Completed::Done);
    created_family(&*store, "f1", "az_2", "alice").await;
    let mut others = authorization("az_3", "alice");
    others.client_id = "other".into();
    granted(&*store, others, Issued::default()).await;
    store.insert_token(token("alone", None)).await.expect("it stores");
    let mut foreign = token("of the other", None);
    foreign.client_id = "other".into();
    store.insert_token(foreign).await.expect("it stores");

    let events = vec![event("evt_1", "client.deleted")];
    assert!(store.delete_client("app", NOW, events.clone()).await.expect("it answers"));
    assert!(!store.delete_client("app", NOW, events).await.expect("it answers"));

    assert_eq!(store.client("app").await.expect("it reads"), None);
    assert_eq!(store.consents_of("alice", ALL, NOW).await.expect("it reads"), []);
    assert!(!is_live(&*store, "az_1", NOW).await);
    assert!(!is_live(&*store, "az_2", NOW).await);
    assert!(is_live(&*store, "az_3", NOW).await);
    let under = store.token(&digest("under az_1")).await.expect("it reads").expect("it is stored");
    assert!(!under.authorization.expect("it has one").is_live(NOW));
    let alone = store.token(&digest("alone")).await.expect("it reads").expect("it is stored");
    assert_eq!(alone.token.revoked_at, Some(NOW));
    let (_, home) = store.family("f1").await.expect("it reads").expect("it is stored");
    assert!(!home.is_live(NOW));
    let foreign = store.token(&digest("of the other")).await.expect("it reads").expect("it is stored");
    assert_eq!(foreign.token.revoked_at, None);
    assert_eq!(backend.count("client.deleted").await, 1);
}

pub(crate) async fn clients_come_in_pages_by_id(backend: &Backend) {
    let store = backend.store();
    // Upper case sorts before lower case everywhere, whatever language the database speaks.
    for id in ["b", "A", "c", "B", "a-1", "a1"] {
        assert!(store.insert_client(client(id), vec![]).await.expect("it answers"));
    }
    let mut ids = Vec::new();
    let mut after = String::new();
    loop {
        let page = store.clients(&after, 2).await.expect("it reads");
        let Some(last) = page.last() else { break };
        after.clone_from(&last.client_id);
        ids.extend(page.into_iter().map(|client| client.client_id));
    }
    assert_eq!(ids, ["A", "B", "a-1", "a1", "b", "c"]);
}
