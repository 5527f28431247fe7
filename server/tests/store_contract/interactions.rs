//! Interactions and what they lead to.

use std::sync::Arc;

use placet_server::store::{
    AuthorizationRecord, Completed, Completion, EndSessions, InteractionRecord, Remembering, SessionChange,
    SessionRecord, Store,
};

use crate::{backend::Backend, samples::*};

pub(crate) async fn an_interaction_is_found_until_it_expires(backend: &Backend) {
    let store = backend.store();
    store.open_interaction(interaction("ia_1")).await.expect("it opens");
    let found = store.interaction("ia_1", NOW + 899).await.expect("it reads");
    assert_eq!(found, Some(interaction("ia_1")));
    assert_eq!(store.interaction("ia_1", NOW + 900).await.expect("it reads"), None);
    store.delete_interaction("ia_1").await.expect("it deletes");
    assert_eq!(store.interaction("ia_1", NOW).await.expect("it reads"), None);
    assert!(!store.advance_interaction(interaction("ia_1")).await.expect("it answers"));
}

pub(crate) async fn an_advanced_interaction_refuses_the_old_revision(backend: &Backend) {
    let store = backend.store();
    store.open_interaction(interaction("ia_1")).await.expect("it opens");
    let next = InteractionRecord {
        kind: "logout".into(),
        sealed: b"next".to_vec(),
        expires_at: NOW + 1000,
        ..interaction("ia_1")
    };
    assert!(store.advance_interaction(next.clone()).await.expect("it answers"));
    assert!(!store.advance_interaction(interaction("ia_1")).await.expect("it answers"));
    let found = store.interaction("ia_1", NOW).await.expect("it reads").expect("it is stored");
    assert_eq!(found, InteractionRecord { revision: 2, ..next });
    assert!(store.advance_interaction(found).await.expect("it answers"));
}

pub(crate) async fn of_50_racing_answers_one_advances(backend: &Backend) {
    let store = backend.store();
    store.open_interaction(interaction("ia_1")).await.expect("it opens");
    let advanced = race(&store, 50, |store, i| async move {
        let sealed = format!("answer {i}").into_bytes();
        let answered = InteractionRecord { sealed, ..interaction("ia_1") };
        store.advance_interaction(answered).await.expect("it answers")
    });
    let advanced = advanced.await;
    assert_eq!(count(&advanced, &true), 1);
    let winner = advanced.iter().position(|won| *won).expect("one won");
    let found = store.interaction("ia_1", NOW).await.expect("it reads").expect("it is stored");
    assert_eq!((found.revision, found.sealed), (2, format!("answer {winner}").into_bytes()));
}

pub(crate) async fn of_50_racing_completions_one_is_done(backend: &Backend) {
    let store = backend.store();
    store.open_interaction(interaction("ia_1")).await.expect("it opens");
    let outcomes = race(&store, 50, |store, i| async move {
        let completion = Completion {
            authorization: Some(authorization(&format!("az_{i}"), "alice")),
            code: Some(code(&format!("code {i}"), &format!("az_{i}"))),
            ..completion(interaction("ia_1"))
        };
        store.complete_interaction(completion).await.expect("it answers")
    });
    let outcomes = outcomes.await;
    assert_eq!(count(&outcomes, &Completed::Done), 1);
    assert_eq!(count(&outcomes, &Completed::Conflict), 49);
    let granted = store.authorizations_of("alice", ALL, NOW).await.expect("it reads");
    assert_eq!(granted.len(), 1);
}

fn everything() -> Completion {
    let home = AuthorizationRecord { session_id: Some("ses_1".into()), ..authorization("az_1", "alice") };
    Completion {
        session: Some(SessionChange::Create(session("ses_1", "alice"))),
        remember: Some(Remembering { consent: consent("cns_1", "alice") }),
        authorization: Some(home),
        code: Some(code("code", "az_1")),
        token: Some(token("token", Some("az_1"))),
        events: vec![event("evt_1", "authorization.granted")],
        ..completion(interaction("ia_1"))
    }
}

pub(crate) async fn a_completion_stores_everything(backend: &Backend) {
    let store = backend.store();
    store.open_interaction(interaction("ia_1")).await.expect("it opens");
    let done = store.complete_interaction(everything()).await.expect("it answers");
    assert_eq!(done, Completed::Done);
    let found = store.interaction("ia_1", NOW).await.expect("it reads").expect("it is stored");
    assert_eq!(found.revision, 2);
    let live = store.sessions_by_handle(&[digest("ses_1")], NOW).await.expect("it reads");
    assert_eq!(live, [session("ses_1", "alice")]);
    let consents = store.consents_of("alice", ALL, NOW).await.expect("it reads");
    assert_eq!(consents, [consent("cns_1", "alice")]);
    let (found, home) = store.code(&digest("code")).await.expect("it reads").expect("it is stored");
    assert_eq!(found, code("code", "az_1"));
    assert_eq!((home.session_id.as_deref(), home.consent_id.as_deref()), (Some("ses_1"), Some("cns_1")));
    assert!(store.token(&digest("token")).await.expect("it reads").is_some());
    assert_eq!(backend.count("authorization.granted").await, 1);
}

async fn nothing_is_stored(backend: &Backend, revision: i64) {
    let store = backend.store();
    let found = store.interaction("ia_1", NOW).await.expect("it reads").expect("it is stored");
    assert_eq!(found.revision, revision);
    assert_eq!(store.authorization("az_1").await.expect("it reads"), None);
    assert_eq!(store.consents_of("alice", ALL, NOW).await.expect("it reads"), []);
    assert!(store.code(&digest("code")).await.expect("it reads").is_none());
    assert!(store.token(&digest("token")).await.expect("it reads").is_none());
    assert_eq!(backend.outbox().await, []);
}

pub(crate) async fn a_completion_that_lost_stores_nothing(backend: &Backend) {
    let store = backend.store();
    store.open_interaction(interaction("ia_1")).await.expect("it opens");
    assert!(store.advance_interaction(interaction("ia_1")).await.expect("it answers"));
    let lost = store.complete_interaction(everything()).await.expect("it answers");
    assert_eq!(lost, Completed::Conflict);
    nothing_is_stored(backend, 2).await;
    assert_eq!(store.session("ses_1").await.expect("it reads"), None);
}

pub(crate) async fn a_completion_for_a_session_that_is_over_stores_nothing(backend: &Backend) {
    let store = backend.store();
    for (id, sub) in [("ses_1", "alice"), ("ses_2", "alice"), ("ses_3", "bob")] {
        created_session(&*store, session(id, sub)).await;
    }
    assert!(store.end_session("ses_1", NOW, vec![]).await.expect("it answers"));
    store.open_interaction(interaction("ia_1")).await.expect("it opens");
    let home = |session_id: &str| AuthorizationRecord {
        session_id: Some(session_id.into()),
        ..authorization("az_1", "alice")
    };
    let ended = session("ses_1", "alice");
    let someone_elses = SessionRecord { id: "ses_3".into(), ..session("another handle", "alice") };
    let idle = NOW + 3600;
    for over in [
        Completion { session: Some(SessionChange::Renew(ended.clone())), ..everything() },
        Completion { session: Some(SessionChange::Touch(ended)), ..everything() },
        Completion { session: Some(SessionChange::Renew(someone_elses)), ..everything() },
        Completion { session: None, ..everything() },
        Completion { session: None, authorization: Some(home("ses_unknown")), ..everything() },
        Completion { session: None, authorization: Some(home("ses_2")), now: idle, ..everything() },
    ] {
        let told = format!("{over:?}");
        let outcome = store.complete_interaction(over).await.expect("it answers");
        assert_eq!(outcome, Completed::SessionOver, "{told}");
        nothing_is_stored(backend, 1).await;
    }
    let live = Completion { session: None, authorization: Some(home("ses_2")), ..everything() };
    assert_eq!(store.complete_interaction(live).await.expect("it answers"), Completed::Done);
}

pub(crate) async fn a_renewed_session_has_a_new_handle_only(backend: &Backend) {
    let store = backend.store();
    created_session(&*store, session("ses_1", "alice")).await;
    let renewed = SessionRecord {
        handle: digest("new handle"),
        doc: "{\"acr\":\"2\"}".into(),
        authenticated_at: NOW + 50,
        last_used_at: NOW + 50,
        idle_seconds: 7200,
        expires_at: NOW + 90_000,
        ..session("ses_1", "alice")
    };
    let renewal = renewed.clone();
    let done = complete(&*store, "ia_1", |completion| {
        completion.session = Some(SessionChange::Renew(renewal));
        completion.now = NOW + 50;
    });
    assert_eq!(done.await, Completed::Done);
    let old = store.sessions_by_handle(&[digest("ses_1")], NOW + 50).await.expect("it reads");
    assert_eq!(old, []);
    let new = store.sessions_by_handle(&[digest("ses_1"), digest("new handle")], NOW + 50).await;
    assert_eq!(new.expect("it reads"), [renewed]);
}

pub(crate) async fn completions_of_one_person_do_not_lock_each_other_out(backend: &Backend) {
    let store = backend.store();
    for i in 0..4 {
        created_session(&*store, session(&format!("ses_{i}"), "alice")).await;
    }
    for i in 0..60 {
        store.open_interaction(interaction(&format!("ia_{i}"))).await.expect("it opens");
    }
    let outcomes = race(&store, 60, |store, i| async move {
        let touched = session(&format!("ses_{}", i % 4), "alice");
        let az = format!("az_{i}");
        let grant =
            AuthorizationRecord { session_id: Some(touched.id.clone()), ..authorization(&az, "alice") };
        // Half of them log another client out of two sessions, in opposite orders.
        let sessions = [format!("ses_x{}", i % 3), format!("ses_x{}", (i + 1) % 3)];
        let completion = Completion {
            session: Some(SessionChange::Touch(touched)),
            remember: Some(Remembering { consent: consent(&format!("cns_{i}"), "alice") }),
            authorization: Some(grant),
            code: Some(code(&format!("code {i}"), &az)),
            end: (i % 2 == 0).then(|| EndSessions::Sessions(sessions.to_vec())),
            ..completion(interaction(&format!("ia_{i}")))
        };
        store.complete_interaction(completion).await.expect("it answers")
    });
    assert_eq!(count(&outcomes.await, &Completed::Done), 60);
    assert_eq!(store.authorizations_of("alice", ALL, NOW).await.expect("it reads").len(), 60);
    assert_eq!(store.consents_of("alice", ALL, NOW).await.expect("it reads").len(), 1);
}

pub(crate) async fn no_authorization_survives_a_race_with_the_end_of_its_session(backend: &Backend) {
    let store = backend.store();
    for round in 0..10 {
        let id = format!("ses_{round}");
        created_session(&*store, session(&id, "alice")).await;
        let ender = {
            let (store, id) = (Arc::clone(&store), id.clone());
            tokio::spawn(async move { store.end_session(&id, NOW, vec![]).await.expect("it answers") })
        };
        let granted = race(&store, 8, |store, i| {
            let id = id.clone();
            async move { grant_in(&*store, &id, &format!("{round}_{i}")).await }
        });
        let granted = granted.await;
        assert!(ender.await.expect("it does not panic"));
        for (i, outcome) in granted.iter().enumerate() {
            let found = store.authorization(&format!("az_{round}_{i}")).await.expect("it reads");
            assert_eq!(found.is_some(), *outcome == Completed::Done);
            assert!(found.is_none_or(|authorization| !authorization.is_live(NOW)), "{round} {i}");
        }
    }
}

async fn grant_in(store: &dyn Store, session_id: &str, name: &str) -> Completed {
    let home = AuthorizationRecord {
        session_id: Some(session_id.into()),
        ..authorization(&format!("az_{name}"), "alice")
    };
    complete(store, &format!("ia_{name}"), |completion| {
        completion.session = Some(SessionChange::Touch(session(session_id, "alice")));
        completion.authorization = Some(home);
    })
    .await
}
