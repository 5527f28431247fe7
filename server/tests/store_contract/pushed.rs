//! Pushed authorization requests.

use placet_server::store::{
    Completed, Completion, InteractionRecord, Once, PushedRecord, SpentRequest, Store,
};

use crate::{backend::Backend, samples::*};

fn pushed(secret: &str) -> PushedRecord {
    PushedRecord {
        digest: digest(secret),
        client_id: "app".into(),
        sealed: b"a request".to_vec(),
        created_at: NOW,
        expires_at: NOW + 90,
    }
}

fn spent(secret: &str) -> SpentRequest {
    SpentRequest { digest: digest(secret), remembered_until: NOW + 3_690 }
}

async fn push(store: &dyn Store, secret: &str) {
    assert!(store.push_request(pushed(secret), None).await.expect("it is kept"));
}

/// Everything that a completion stores, and the pushed request `secret` that it answers.
fn answering(id: &str, az: &str, secret: &str) -> Completion {
    Completion {
        authorization: Some(authorization(az, "alice")),
        code: Some(code(&format!("code of {az}"), az)),
        pushed: Some(spent(secret)),
        events: vec![event(&format!("evt_{az}"), "authorization.granted")],
        ..completion(interaction(id))
    }
}

pub(crate) async fn a_pushed_request_is_found_until_it_expires(backend: &Backend) {
    let store = backend.store();
    push(&*store, "uri").await;
    for _ in 0..2 {
        let found = store.pushed_request(&digest("uri"), NOW + 89).await.expect("it reads");
        assert_eq!(found, Some(pushed("uri")));
    }
    assert_eq!(store.pushed_request(&digest("uri"), NOW + 90).await.expect("it reads"), None);
    assert_eq!(store.pushed_request(&digest("other"), NOW).await.expect("it reads"), None);
}

pub(crate) async fn a_response_spends_a_pushed_request_and_the_next_stores_nothing(backend: &Backend) {
    let store = backend.store();
    push(&*store, "uri").await;
    for id in ["ia_1", "ia_2"] {
        store.open_interaction(interaction(id)).await.expect("it opens");
    }
    let first = store.complete_interaction(answering("ia_1", "az_1", "uri")).await.expect("it answers");
    assert_eq!(first, Completed::Done);
    assert_eq!(store.pushed_request(&digest("uri"), NOW).await.expect("it reads"), None);
    let second = store.complete_interaction(answering("ia_2", "az_2", "uri")).await.expect("it answers");
    assert_eq!(second, Completed::RequestSpent);
    assert_eq!(store.authorization("az_2").await.expect("it reads"), None);
    let open = store.interaction("ia_2", NOW).await.expect("it reads").expect("it is stored");
    assert_eq!(open.revision, 1);
    assert_eq!(backend.count("authorization.granted").await, 1);
    assert!(!store.spend_request(spent("uri")).await.expect("it answers"));
}

pub(crate) async fn a_completion_that_stores_nothing_spends_nothing(backend: &Backend) {
    let store = backend.store();
    push(&*store, "uri").await;
    store.open_interaction(interaction("ia_1")).await.expect("it opens");
    store.set_subject_disabled("alice", true, NOW, vec![]).await.expect("it answers");
    let refused = store.complete_interaction(answering("ia_1", "az_1", "uri")).await.expect("it answers");
    assert_eq!(refused, Completed::SubjectDisabled);
    assert!(store.pushed_request(&digest("uri"), NOW).await.expect("it reads").is_some());
    let behind = InteractionRecord { revision: 7, ..interaction("ia_1") };
    let lost = Completion { pushed: Some(spent("uri")), ..completion(behind) };
    assert_eq!(store.complete_interaction(lost).await.expect("it answers"), Completed::Conflict);
    assert!(store.spend_request(spent("uri")).await.expect("it answers"));
}

pub(crate) async fn of_50_racing_responses_to_one_pushed_request_one_is_stored(backend: &Backend) {
    let store = backend.store();
    push(&*store, "uri").await;
    for i in 0..50 {
        store.open_interaction(interaction(&format!("ia_{i}"))).await.expect("it opens");
    }
    let outcomes = race(&store, 50, |store, i| async move {
        // Some of them say no, for which nothing else is stored.
        if i % 5 == 4 {
            let first = store.spend_request(spent("uri")).await.expect("it answers");
            return if first { Completed::Done } else { Completed::RequestSpent };
        }
        let answer = answering(&format!("ia_{i}"), &format!("az_{i}"), "uri");
        store.complete_interaction(answer).await.expect("it answers")
    });
    let outcomes = outcomes.await;
    assert_eq!(count(&outcomes, &Completed::Done), 1);
    assert_eq!(count(&outcomes, &Completed::RequestSpent), 49);
    let granted = store.authorizations_of("alice", ALL, NOW).await.expect("it reads").len();
    assert!(granted <= 1);
}

pub(crate) async fn what_is_spent_is_remembered_beyond_its_expiry(backend: &Backend) {
    let store = backend.store();
    push(&*store, "uri").await;
    push(&*store, "late").await;
    assert!(store.spend_request(spent("uri")).await.expect("it answers"));
    // The other row is purged, and can be spent nevertheless: its interactions may take longer.
    assert_eq!(store.purge(NOW + 90, 100).await.expect("it answers"), 1);
    assert!(store.spend_request(spent("late")).await.expect("it answers"));
    assert!(!store.spend_request(spent("late")).await.expect("it answers"));
    assert_eq!(store.purge(NOW + 3_689, 100).await.expect("it answers"), 0);
    assert!(!store.spend_request(spent("uri")).await.expect("it answers"));
    assert_eq!(store.purge(NOW + 3_690, 100).await.expect("it answers"), 2);
}

pub(crate) async fn what_a_pushed_request_came_in_is_used_up_with_it(backend: &Backend) {
    let store = backend.store();
    let once = || Some(Once { kind: "request_object", id: "jti".into(), expires_at: NOW + 600 });
    assert!(store.push_request(pushed("uri"), once()).await.expect("it answers"));
    assert!(!store.push_request(pushed("again"), once()).await.expect("it answers"));
    assert!(store.pushed_request(&digest("uri"), NOW).await.expect("it reads").is_some());
    assert!(store.pushed_request(&digest("again"), NOW).await.expect("it reads").is_none());
    assert!(!store.consume_once("request_object", "jti", NOW + 600).await.expect("it answers"));
}
