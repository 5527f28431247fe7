//! Interactions that the server itself begins, for a user who is found by them.

use placet_server::store::{Begun, InteractionRecord, Once, Paging, PolledRecord, Store, Waiting};

use crate::{backend::Backend, samples::*};

fn begun(id: &str, sub: &str, consume: Option<Once>) -> Begun {
    Begun {
        interaction: InteractionRecord { kind: "ciba".into(), sub: Some(sub.to_owned()), ..interaction(id) },
        request: PolledRecord { kind: "ciba".into(), user_code: None, ..polled(id) },
        consume,
        events: vec![event(&format!("evt_{id}"), "interaction.created")],
    }
}

async fn waiting(store: &dyn Store, sub: &str, ui: &str, after: &str) -> Vec<String> {
    let waiting = Waiting { sub: sub.to_owned(), kind: "ciba", ui: ui.to_owned() };
    let page = Paging { after, limit: 2 };
    let found = store.interactions_of(waiting, page, NOW).await.expect("it reads");
    found.into_iter().map(|found| found.id).collect()
}

pub(crate) async fn what_waits_for_a_user_is_found_by_that_user_and_its_app(backend: &Backend) {
    let store = backend.store();
    for (id, sub) in [("ia_1", "alice"), ("ia_2", "bob"), ("ia_3", "alice"), ("ia_4", "alice")] {
        assert!(store.begin_interaction(begun(id, sub, None)).await.expect("it begins"));
    }
    let open = InteractionRecord { sub: Some("alice".into()), ..interaction("ia_0") };
    store.open_interaction(open).await.expect("another kind opens");
    assert_eq!(waiting(&*store, "alice", "login", "").await, ["ia_1", "ia_3"]);
    assert_eq!(waiting(&*store, "alice", "login", "ia_3").await, ["ia_4"]);
    assert_eq!(waiting(&*store, "alice", "other", "").await, Vec::<String>::new());
    let mut record = store.interaction("ia_1", NOW).await.expect("it reads").expect("it is there");
    assert_eq!(record.sub.as_deref(), Some("alice"));
    record.sub = None;
    assert!(store.advance_interaction(record).await.expect("it advances"));
    assert_eq!(
        waiting(&*store, "alice", "login", "").await,
        ["ia_3", "ia_4"],
        "it waits for nobody any more"
    );
    let over = InteractionRecord { expires_at: NOW, ..begun("ia_5", "bob", None).interaction };
    store
        .begin_interaction(Begun { interaction: over, ..begun("ia_5", "bob", None) })
        .await
        .expect("it begins");
    assert_eq!(waiting(&*store, "bob", "login", "").await, ["ia_2"]);
}

pub(crate) async fn what_was_used_begins_nothing(backend: &Backend) {
    let store = backend.store();
    let once = || Some(Once { kind: "request", id: "r1".into(), expires_at: NOW + 60 });
    assert!(store.begin_interaction(begun("ia_1", "alice", once())).await.expect("it begins"));
    assert!(!store.begin_interaction(begun("ia_2", "alice", once())).await.expect("it answers"));
    assert_eq!(waiting(&*store, "alice", "login", "").await, ["ia_1"]);
    assert!(store.polled(&digest("ia_2")).await.expect("it reads").is_none());
    assert!(store.polled(&digest("ia_1")).await.expect("it reads").is_some());
}
