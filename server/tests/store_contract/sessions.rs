//! Sessions.

use placet_server::store::{
    AuthorizationRecord, Completed, Completion, DeliveryFilter, EndSessions, EndedSession, InteractionRecord,
    Issued, Paging, SessionChange, SessionRecord, Store,
};

use crate::{backend::Backend, samples::*};

async fn live_ids(store: &dyn Store, sub: &str, now: i64) -> Vec<String> {
    let sessions = store.sessions_of(sub, ALL, now).await.expect("it reads");
    sessions.into_iter().map(|session| session.id).collect()
}

/// Grants `az` to `client_id` in a session.
async fn granted_in(store: &dyn Store, session_id: &str, az: &str, client_id: &str, offline: bool) {
    let home = AuthorizationRecord {
        session_id: Some(session_id.into()),
        client_id: client_id.into(),
        offline,
        ..authorization(az, "alice")
    };
    granted(store, home, Issued::default()).await;
}

pub(crate) async fn a_session_ends_by_its_limits_and_by_command(backend: &Backend) {
    let store = backend.store();
    let short = SessionRecord { expires_at: NOW + 100, ..session("ses_short", "alice") };
    let idle = SessionRecord { idle_seconds: 50, ..session("ses_idle", "alice") };
    let endless = SessionRecord { idle_seconds: i64::MAX, ..session("ses_endless", "alice") };
    for session in [short, idle, endless, session("ses_ended", "alice")] {
        created_session(&*store, session).await;
    }
    let events = vec![event("evt_1", "session.ended")];
    assert!(store.end_session("ses_ended", NOW, events.clone()).await.expect("it answers"));
    assert!(!store.end_session("ses_ended", NOW, events).await.expect("it answers"));
    assert!(!store.end_session("ses_unknown", NOW, vec![]).await.expect("it answers"));
    assert_eq!(backend.count("session.ended").await, 1);

    assert_eq!(live_ids(&*store, "alice", NOW + 49).await, ["ses_endless", "ses_idle", "ses_short"]);
    assert_eq!(live_ids(&*store, "alice", NOW + 50).await, ["ses_endless", "ses_short"]);
    assert_eq!(live_ids(&*store, "alice", NOW + 100).await, ["ses_endless"]);
    let handles = ["ses_short", "ses_idle", "ses_ended", "unknown", "ses_endless", "more"].map(digest);
    let mut found = store.sessions_by_handle(&handles, NOW + 50).await.expect("it reads");
    found.sort_by(|a, b| a.id.cmp(&b.id));
    let ids: Vec<_> = found.iter().map(|session| session.id.as_str()).collect();
    assert_eq!(ids, ["ses_endless", "ses_short"]);
    assert_eq!(store.sessions_by_handle(&[], NOW).await.expect("it reads"), []);
    let ended = store.session("ses_ended").await.expect("it reads").expect("it is stored");
    assert_eq!(ended.ended_at, Some(NOW));
    // Over by time: it was not live, but is ended for good.
    assert!(!store.end_session("ses_idle", NOW + 50, vec![]).await.expect("it answers"));
}

pub(crate) async fn use_puts_off_the_end_of_an_idle_session(backend: &Backend) {
    let store = backend.store();
    created_session(&*store, session("ses_1", "alice")).await;
    store.touch_session("ses_1", NOW + 3000).await.expect("it answers");
    store.touch_session("ses_1", NOW + 1000).await.expect("it answers");
    assert_eq!(live_ids(&*store, "alice", NOW + 6599).await, ["ses_1"]);
    let done = complete(&*store, "ia_1", |completion| {
        let touched = SessionRecord { last_used_at: NOW + 6000, ..session("ses_1", "alice") };
        completion.session = Some(SessionChange::Touch(touched));
        completion.now = NOW + 6000;
    });
    assert_eq!(done.await, Completed::Done);
    assert_eq!(live_ids(&*store, "alice", NOW + 9599).await, ["ses_1"]);
    // What is over is not revived by use.
    store.touch_session("ses_1", NOW + 9600).await.expect("it answers");
    assert!(live_ids(&*store, "alice", NOW + 9600).await.is_empty());
}

pub(crate) async fn ending_a_session_spares_offline_authorizations(backend: &Backend) {
    let store = backend.store();
    created_session(&*store, session("ses_1", "alice")).await;
    created_session(&*store, session("ses_2", "alice")).await;
    granted_in(&*store, "ses_1", "az_online", "app", false).await;
    granted_in(&*store, "ses_1", "az_offline", "app", true).await;
    granted_in(&*store, "ses_2", "az_elsewhere", "app", false).await;
    assert!(store.end_session("ses_1", NOW, vec![]).await.expect("it answers"));
    assert!(!is_live(&*store, "az_online", NOW).await);
    assert!(is_live(&*store, "az_offline", NOW).await);
    assert!(is_live(&*store, "az_elsewhere", NOW).await);
}

pub(crate) async fn logging_out_of_one_client_spares_the_others(backend: &Backend) {
    let store = backend.store();
    created_session(&*store, session("ses_1", "alice")).await;
    granted_in(&*store, "ses_1", "az_app", "app", false).await;
    granted_in(&*store, "ses_1", "az_app_offline", "app", true).await;
    granted_in(&*store, "ses_1", "az_other", "other", false).await;
    let done = complete(&*store, "ia_1", |completion| {
        completion.end = Some(EndSessions::Client { session_id: "ses_1".into(), client_id: "app".into() });
    });
    assert_eq!(done.await, Completed::Done);
    assert!(!is_live(&*store, "az_app", NOW).await);
    assert!(is_live(&*store, "az_app_offline", NOW).await);
    assert!(is_live(&*store, "az_other", NOW).await);
    assert_eq!(live_ids(&*store, "alice", NOW).await, ["ses_1"]);
}

pub(crate) async fn ending_all_sessions_of_a_subject_spares_others(backend: &Backend) {
    let store = backend.store();
    for (id, sub) in [("ses_1", "alice"), ("ses_2", "alice"), ("ses_3", "alice"), ("ses_4", "bob")] {
        created_session(&*store, session(id, sub)).await;
    }
    granted_in(&*store, "ses_1", "az_online", "app", false).await;
    granted_in(&*store, "ses_2", "az_offline", "app", true).await;
    granted(&*store, authorization("az_without_session", "alice"), Issued::default()).await;
    assert!(store.end_session("ses_3", NOW, vec![]).await.expect("it answers"));
    let events = vec![event("evt_1", "credential.changed")];
    let ended = store.end_sessions_of("alice", "account", NOW, events).await.expect("it answers");
    assert_eq!(ended, 2);
    assert!(live_ids(&*store, "alice", NOW).await.is_empty());
    assert_eq!(live_ids(&*store, "bob", NOW).await, ["ses_4"]);
    assert!(!is_live(&*store, "az_online", NOW).await);
    assert!(is_live(&*store, "az_offline", NOW).await);
    assert!(is_live(&*store, "az_without_session", NOW).await);
    assert_eq!(backend.count("credential.changed").await, 1);
    assert_eq!(backend.count("session.ended").await, 2, "each is told");
}

pub(crate) async fn sessions_that_end_in_a_completion_take_their_authorizations_along(backend: &Backend) {
    let store = backend.store();
    for (id, sub) in [("ses_1", "alice"), ("ses_2", "alice"), ("ses_3", "alice")] {
        created_session(&*store, session(id, sub)).await;
        granted_in(&*store, id, &format!("az_{id}"), "app", false).await;
    }
    let done = complete(&*store, "ia_1", |completion| {
        completion.end = Some(EndSessions::Sessions(strings(&["ses_2", "ses_1", "ses_unknown"])));
    });
    assert_eq!(done.await, Completed::Done);
    assert_eq!(live_ids(&*store, "alice", NOW).await, ["ses_3"]);
    assert!(!is_live(&*store, "az_ses_1", NOW).await);
    assert!(!is_live(&*store, "az_ses_2", NOW).await);
    assert!(is_live(&*store, "az_ses_3", NOW).await);

    // What begins in the same step stays.
    let done = complete(&*store, "ia_2", |completion| {
        completion.end = Some(EndSessions::Subject("alice".into()));
        completion.session = Some(SessionChange::Create(session("ses_new", "alice")));
        let home =
            AuthorizationRecord { session_id: Some("ses_new".into()), ..authorization("az_new", "alice") };
        completion.authorization = Some(home);
    });
    assert_eq!(done.await, Completed::Done);
    assert_eq!(live_ids(&*store, "alice", NOW).await, ["ses_new"]);
    assert!(!is_live(&*store, "az_ses_3", NOW).await);
    assert!(is_live(&*store, "az_new", NOW).await);
}

/// Completes an interaction that grants `az` to `client_id` in a session.
async fn signed_in(store: &dyn Store, session_id: &str, az: &str, client_id: &str) {
    let id = format!("ia_{az}");
    let done = complete(store, &id, |completion| {
        completion.authorization = Some(AuthorizationRecord {
            session_id: Some(session_id.into()),
            client_id: client_id.into(),
            expires_at: NOW + 60,
            ..authorization(az, "alice")
        });
    });
    assert_eq!(done.await, Completed::Done);
}

/// Whom the deliveries that wait tell of the end of which session, in order.
async fn told(store: &dyn Store) -> Vec<(String, String)> {
    let waiting = store.deliveries(&DeliveryFilter::default(), ALL).await.expect("it reads");
    let mut told: Vec<_> = waiting
        .into_iter()
        .map(|delivery| {
            assert_eq!(delivery.kind, EndedSession::KIND);
            let ended: EndedSession = serde_json::from_slice(&delivery.payload).expect("it is one");
            assert_eq!(ended.sub, "alice");
            (ended.session_id, delivery.destination)
        })
        .collect();
    told.sort();
    told
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

pub(crate) async fn the_clients_of_a_session_are_those_that_were_signed_in_to(backend: &Backend) {
    let store = backend.store();
    created_session(&*store, session("ses_1", "alice")).await;
    created_session(&*store, session("ses_2", "alice")).await;
    for (home, az, client) in [
        ("ses_1", "az_1", "b"),
        ("ses_1", "az_2", "b"),
        ("ses_1", "az_3", "a"),
        ("ses_2", "az_4", "elsewhere"),
    ] {
        signed_in(&*store, home, az, client).await;
    }
    // By exchange, nobody signs in.
    granted_in(&*store, "ses_1", "az_5", "exchanging", false).await;
    assert_eq!(store.clients_of_session("ses_1").await.expect("it reads"), ["a", "b"]);
    assert!(store.clients_of_session("ses_unknown").await.expect("it reads").is_empty());
    // They are, also when nothing that was granted lives any more.
    assert!(store.revoke_authorization("az_3", NOW, vec![]).await.expect("it answers"));
    for later in [60, 2 * 86_400 - 1] {
        store.purge(NOW + later, 1_000).await.expect("it answers");
        assert_eq!(store.clients_of_session("ses_1").await.expect("it reads"), ["a", "b"], "{later}");
    }
    store.purge(NOW + 2_000_000, 1_000).await.expect("it answers");
    assert!(store.clients_of_session("ses_1").await.expect("it reads").is_empty());
}

pub(crate) async fn the_clients_of_a_session_are_told_of_its_end_once(backend: &Backend) {
    let store = backend.store();
    for (id, client) in [("ses_1", "a"), ("ses_2", "b"), ("ses_3", "c"), ("ses_4", "d")] {
        created_session(&*store, session(id, "alice")).await;
        signed_in(&*store, id, &format!("az_{id}"), client).await;
        signed_in(&*store, id, &format!("az2_{id}"), "all").await;
    }
    assert!(store.end_session("ses_1", NOW, vec![]).await.expect("it answers"));
    assert!(!store.end_session("ses_1", NOW + 1, vec![]).await.expect("it answers"));
    assert_eq!(told(&*store).await, pairs(&[("ses_1", "a"), ("ses_1", "all")]));
    let done = complete(&*store, "ia_2", |completion| {
        completion.end = Some(EndSessions::Sessions(strings(&["ses_2", "ses_1"])));
    });
    assert_eq!(done.await, Completed::Done);
    assert_eq!(told(&*store).await.len(), 4);
    // One that is over by time is ended all the same.
    let late = NOW + 1_000_000;
    store.set_subject_disabled("alice", true, late, vec![]).await.expect("it answers");
    store.end_sessions_of("alice", "ui", late, vec![]).await.expect("it answers");
    assert_eq!(told(&*store).await.len(), 8);
}

pub(crate) async fn a_client_that_leaves_is_told_and_takes_no_part_any_more(backend: &Backend) {
    let store = backend.store();
    created_session(&*store, session("ses_1", "alice")).await;
    signed_in(&*store, "ses_1", "az_1", "a").await;
    signed_in(&*store, "ses_1", "az_2", "b").await;
    for (id, client_id) in [("ia_1", "a"), ("ia_2", "a"), ("ia_3", "stranger")] {
        let end = EndSessions::Client { session_id: "ses_1".into(), client_id: client_id.into() };
        let done = complete(&*store, id, |completion| completion.end = Some(end));
        assert_eq!(done.await, Completed::Done);
    }
    assert_eq!(told(&*store).await, pairs(&[("ses_1", "a")]));
    assert_eq!(store.clients_of_session("ses_1").await.expect("it reads"), ["b"]);
    assert_eq!(live_ids(&*store, "alice", NOW).await, ["ses_1"]);
}

pub(crate) async fn what_is_not_stored_tells_nobody(backend: &Backend) {
    let store = backend.store();
    created_session(&*store, session("ses_1", "alice")).await;
    signed_in(&*store, "ses_1", "az_1", "a").await;
    store.open_interaction(interaction("ia_1")).await.expect("it opens");
    let behind = InteractionRecord { revision: 7, ..interaction("ia_1") };
    let end = Some(EndSessions::Subject("alice".into()));
    let lost = Completion { end: end.clone(), ..completion(behind) };
    assert_eq!(store.complete_interaction(lost).await.expect("it answers"), Completed::Conflict);
    // The session is ended by the step itself, so that nothing can be granted in it, and nothing of it is kept.
    let home = AuthorizationRecord { session_id: Some("ses_1".into()), ..authorization("az_2", "alice") };
    let over = Completion { end, authorization: Some(home), ..completion(interaction("ia_1")) };
    assert_eq!(store.complete_interaction(over).await.expect("it answers"), Completed::SessionOver);
    assert_eq!(told(&*store).await, []);
    assert_eq!(live_ids(&*store, "alice", NOW).await, ["ses_1"]);
}

pub(crate) async fn one_session_too_many_ends_the_one_that_was_used_least_recently(backend: &Backend) {
    let store = backend.store();
    for (id, used) in [("ses_1", NOW + 30), ("ses_2", NOW + 10), ("ses_3", NOW + 20)] {
        created_session(&*store, SessionRecord { last_used_at: used, ..session(id, "alice") }).await;
    }
    created_session(&*store, session("ses_bob", "bob")).await;
    signed_in(&*store, "ses_2", "az_1", "a").await;
    let done = complete(&*store, "ia_1", |completion| {
        completion.session = Some(SessionChange::Create(session("ses_new", "alice")));
        completion.sessions_at_most = Some(3);
        completion.now = NOW + 40;
    });
    assert_eq!(done.await, Completed::Done);
    assert_eq!(live_ids(&*store, "alice", NOW + 40).await, ["ses_1", "ses_3", "ses_new"]);
    assert_eq!(live_ids(&*store, "bob", NOW + 40).await, ["ses_bob"]);
    assert_eq!(told(&*store).await, pairs(&[("ses_2", "a")]));
    assert!(!is_live(&*store, "az_1", NOW + 40).await);
}

pub(crate) async fn sessions_come_in_pages_by_id(backend: &Backend) {
    let store = backend.store();
    for id in ["ses_3", "ses_1", "ses_4", "ses_2"] {
        created_session(&*store, session(id, "alice")).await;
    }
    created_session(&*store, session("ses_0", "bob")).await;
    assert!(store.end_session("ses_2", NOW, vec![]).await.expect("it answers"));
    let page = Paging { after: "ses_1", limit: 1 };
    assert_eq!(store.sessions_of("alice", page, NOW).await.expect("it reads"), [session("ses_3", "alice")]);
    assert_eq!(live_ids(&*store, "alice", NOW).await, ["ses_1", "ses_3", "ses_4"]);
}
