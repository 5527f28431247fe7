//! Remembered consents.

use placet_server::store::{Completed, ConsentKey, ConsentRecord, Paging, Remembering, Store};

use crate::{backend::Backend, samples::*};

const KEY: ConsentKey<'static> = ConsentKey { sub: "alice", client_id: "app", resource: "" };

/// Remembers a consent in an interaction that grants `az_` and its id; gives what that is granted under.
async fn remembered(store: &dyn Store, consent: ConsentRecord, now: i64) -> String {
    let az = format!("az_{}", consent.id);
    let id = format!("ia_{}", consent.id);
    let done = complete(store, &id, |completion| {
        completion.now = now;
        completion.authorization = Some(authorization(&az, &consent.sub));
        completion.remember = Some(Remembering { consent });
    });
    assert_eq!(done.await, Completed::Done);
    let granted = store.authorization(&az).await.expect("it reads").expect("it is stored");
    granted.consent_id.expect("it was granted under a consent")
}

pub(crate) async fn consents_merge(backend: &Backend) {
    let store = backend.store();
    assert_eq!(store.consent(KEY, NOW).await.expect("it reads"), None);
    assert_eq!(remembered(&*store, consent("cns_1", "alice"), NOW).await, "cns_1");
    let more = ConsentRecord {
        scope: strings(&["profile", "openid"]),
        claims: strings(&["address"]),
        details: strings(&[r#"{"type":"payment"}"#]),
        granted_at: NOW + 5,
        ..consent("cns_2", "alice")
    };
    assert_eq!(remembered(&*store, more, NOW + 5).await, "cns_1");
    let merged = ConsentRecord {
        scope: strings(&["openid", "profile"]),
        claims: strings(&["email", "address"]),
        details: strings(&[r#"{"type":"payment"}"#, r#"{"type":"account"}"#]),
        granted_at: NOW + 5,
        ..consent("cns_1", "alice")
    };
    assert_eq!(store.consent(KEY, NOW).await.expect("it reads"), Some(merged.clone()));
    assert_eq!(store.consents_of("alice", ALL, NOW).await.expect("it reads"), [merged]);
    // Running authorizations do not grow, and both end with the consent.
    let first = store.authorization("az_cns_1").await.expect("it reads").expect("it is stored");
    assert_eq!(first.doc, authorization("az_cns_1", "alice").doc);
}

pub(crate) async fn the_later_end_of_a_consent_counts_and_none_is_the_latest(backend: &Backend) {
    let store = backend.store();
    let ends = [
        (Some(100), Some(100)),
        (Some(50), Some(100)),
        (Some(200), Some(200)),
        (None, None),
        (Some(1), None),
    ];
    for (i, (given, expected)) in ends.into_iter().enumerate() {
        let expires_at = given.map(|seconds: i64| NOW + seconds);
        let given = ConsentRecord { expires_at, ..consent(&format!("cns_{i}"), "alice") };
        assert_eq!(remembered(&*store, given, NOW).await, "cns_0");
        let stored = store.consent(KEY, NOW).await.expect("it reads").expect("it is remembered");
        assert_eq!(stored.expires_at, expected.map(|seconds: i64| NOW + seconds), "{i}");
    }
}

pub(crate) async fn of_very_many_details_the_newest_are_remembered(backend: &Backend) {
    let store = backend.store();
    let details = |from: usize, to: usize| (from..to).map(|i| format!(r#"{{"n":{i}}}"#)).collect::<Vec<_>>();
    for (i, details) in [details(0, 40), details(40, 80)].into_iter().enumerate() {
        remembered(&*store, ConsentRecord { details, ..consent(&format!("cns_{i}"), "alice") }, NOW).await;
    }
    let stored = store.consent(KEY, NOW).await.expect("it reads").expect("it is remembered");
    assert_eq!(stored.details, [details(40, 80), details(0, 24)].concat());
}

pub(crate) async fn racing_answers_lose_nothing_of_what_is_remembered(backend: &Backend) {
    let store = backend.store();
    let ids = race(&store, 30, |store, i| async move {
        let scope = strings(&["openid", &format!("scope{i}")]);
        let given = ConsentRecord { scope, ..consent(&format!("cns_{i}"), "alice") };
        remembered(&*store, given, NOW).await
    });
    let ids = ids.await;
    assert_eq!(count(&ids, &ids[0]), 30, "all are granted under one consent");
    let stored = store.consent(KEY, NOW).await.expect("it reads").expect("it is remembered");
    assert_eq!(stored.id, ids[0]);
    assert_eq!(stored.scope.len(), 31);
}

pub(crate) async fn an_expired_consent_is_not_widened(backend: &Backend) {
    let store = backend.store();
    let short = ConsentRecord { expires_at: Some(NOW + 100), ..consent("cns_1", "alice") };
    assert_eq!(remembered(&*store, short, NOW).await, "cns_1");
    assert!(store.consent(KEY, NOW + 99).await.expect("it reads").is_some());
    assert_eq!(store.consent(KEY, NOW + 100).await.expect("it reads"), None);
    assert_eq!(store.consents_of("alice", ALL, NOW + 100).await.expect("it reads"), []);
    let anew = ConsentRecord {
        scope: strings(&["profile"]),
        claims: vec![],
        details: vec![],
        expires_at: Some(NOW + 300),
        ..consent("cns_2", "alice")
    };
    // The same id: deleting it must reach what was granted under the expired one as well.
    assert_eq!(remembered(&*store, anew.clone(), NOW + 200).await, "cns_1");
    let stored = store.consent(KEY, NOW + 200).await.expect("it reads");
    assert_eq!(stored, Some(ConsentRecord { id: "cns_1".into(), ..anew }));
}

pub(crate) async fn consents_are_told_apart_by_resource(backend: &Backend) {
    let store = backend.store();
    let api = ConsentRecord { resource: "https://api.example".into(), ..consent("cns_2", "alice") };
    assert_eq!(remembered(&*store, consent("cns_1", "alice"), NOW).await, "cns_1");
    assert_eq!(remembered(&*store, api.clone(), NOW).await, "cns_2");
    let key = ConsentKey { resource: "https://api.example", ..KEY };
    assert_eq!(store.consent(key, NOW).await.expect("it reads"), Some(api));
    assert_eq!(store.consent(KEY, NOW).await.expect("it reads"), Some(consent("cns_1", "alice")));
    for key in [ConsentKey { sub: "bob", ..KEY }, ConsentKey { client_id: "other", ..KEY }] {
        assert_eq!(store.consent(key, NOW).await.expect("it reads"), None);
    }
}

pub(crate) async fn deleting_a_consent_revokes_what_was_granted_under_it(backend: &Backend) {
    let store = backend.store();
    remembered(&*store, consent("cns_1", "alice"), NOW).await;
    remembered(&*store, consent("cns_2", "alice"), NOW).await;
    remembered(&*store, consent("cns_3", "bob"), NOW).await;
    let events = vec![event("evt_1", "authorization.revoked")];
    assert!(store.delete_consent("cns_1", NOW, events.clone()).await.expect("it answers"));
    assert!(!store.delete_consent("cns_1", NOW, events).await.expect("it answers"));
    assert_eq!(store.consent(KEY, NOW).await.expect("it reads"), None);
    assert!(!is_live(&*store, "az_cns_1", NOW).await);
    assert!(!is_live(&*store, "az_cns_2", NOW).await);
    assert!(is_live(&*store, "az_cns_3", NOW).await);
    assert_eq!(backend.count("authorization.revoked").await, 1);
}

pub(crate) async fn consents_come_in_pages_by_id(backend: &Backend) {
    let store = backend.store();
    for id in ["cns_3", "cns_1", "cns_4", "cns_2"] {
        let given = ConsentRecord { resource: format!("https://{id}"), ..consent(id, "alice") };
        remembered(&*store, given, NOW).await;
    }
    remembered(&*store, consent("cns_5", "bob"), NOW).await;
    let page = Paging { after: "cns_1", limit: 2 };
    let page = store.consents_of("alice", page, NOW).await.expect("it reads");
    let ids: Vec<_> = page.iter().map(|consent| consent.id.as_str()).collect();
    assert_eq!(ids, ["cns_2", "cns_3"]);
}
