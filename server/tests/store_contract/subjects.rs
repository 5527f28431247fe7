//! Subjects.

use std::sync::Arc;

use placet_server::store::{
    AuthorizationRecord, Completed, EndSessions, Granted, Issued, NewGrant, Redemption, Remembering,
    Rotation, SessionChange, SubjectRecord,
};

use crate::{backend::Backend, samples::*};

pub(crate) async fn a_disabled_subject_gets_nothing(backend: &Backend) {
    let store = backend.store();
    created_session(&*store, session("ses_1", "alice")).await;
    created_code(&*store, "code", "az_1", "alice").await;
    created_family(&*store, "f1", "az_2", "alice").await;
    assert_eq!(store.subject("alice").await.expect("it reads"), None, "nothing is known of most");
    let events = vec![event("evt_1", "account.disabled")];
    store.set_subject_disabled("alice", true, NOW, events).await.expect("it answers");
    let disabled = SubjectRecord { sub: "alice".into(), disabled_at: Some(NOW), generation: 1 };
    assert_eq!(store.subject("alice").await.expect("it reads"), Some(disabled));

    assert_eq!(store.sessions_by_handle(&[digest("ses_1")], NOW).await.expect("it reads"), []);
    let redeemed = store.redeem_code(&digest("code"), NOW, issued("token 1", "az_1")).await;
    assert_eq!(redeemed.expect("it answers"), Redemption::Dead);
    let rotated = store.rotate(rotate("f1", "f1-1", "f1-2"), issued("token 2", "az_2")).await;
    assert_eq!(rotated.expect("it answers"), Rotation::Dead);
    let granted = store.grant(NewGrant::new(authorization("az_3", "alice"), issued("token 3", "az_3"))).await;
    assert_eq!(granted.expect("it answers"), Granted::SubjectDisabled);
    assert_eq!(store.authorization("az_3").await.expect("it reads"), None);
    for i in 1..=3 {
        assert!(store.token(&digest(&format!("token {i}"))).await.expect("it reads").is_none(), "{i}");
    }
    let completed = complete(&*store, "ia_1", |completion| {
        completion.authorization = Some(authorization("az_4", "alice"));
    });
    assert_eq!(completed.await, Completed::SubjectDisabled);
    let completed = complete(&*store, "ia_2", |completion| {
        completion.session = Some(SessionChange::Create(session("ses_2", "alice")));
    });
    assert_eq!(completed.await, Completed::SubjectDisabled);
    let completed = complete(&*store, "ia_3", |completion| {
        completion.remember = Some(Remembering { consent: consent("cns_1", "alice") });
    });
    assert_eq!(completed.await, Completed::SubjectDisabled);
    assert_eq!(store.authorization("az_4").await.expect("it reads"), None);
    assert_eq!(store.session("ses_2").await.expect("it reads"), None);
    assert_eq!(store.consents_of("alice", ALL, NOW).await.expect("it reads"), []);
    let untouched = store.interaction("ia_1", NOW).await.expect("it reads");
    assert_eq!(untouched, Some(interaction("ia_1")));
    let told = [("session.ended", "ses_1"), ("account.disabled", "something")];
    assert_eq!(backend.outbox().await, told.map(|(what, about)| (what.to_owned(), about.to_owned())));
}

pub(crate) async fn disabling_revokes_offline_authorizations_too_and_enabling_revives_nothing(
    backend: &Backend,
) {
    let store = backend.store();
    created_session(&*store, session("ses_1", "alice")).await;
    let offline = AuthorizationRecord { offline: true, ..authorization("az_offline", "alice") };
    granted(&*store, offline, Issued::default()).await;
    created_family(&*store, "f1", "az_1", "alice").await;
    granted(&*store, authorization("az_bob", "bob"), Issued::default()).await;
    store.set_subject_disabled("alice", true, NOW, vec![]).await.expect("it answers");
    store.set_subject_disabled("alice", false, NOW + 1, vec![]).await.expect("it answers");
    let enabled = SubjectRecord { sub: "alice".into(), disabled_at: None, generation: 2 };
    assert_eq!(store.subject("alice").await.expect("it reads"), Some(enabled));
    assert!(!is_live(&*store, "az_offline", NOW + 1).await);
    assert!(!is_live(&*store, "az_1", NOW + 1).await);
    assert!(is_live(&*store, "az_bob", NOW + 1).await);
    assert_eq!(store.sessions_of("alice", ALL, NOW + 1).await.expect("it reads"), []);
    let rotated = store.rotate(rotate("f1", "f1-1", "f1-2"), Issued::default()).await;
    assert_eq!(rotated.expect("it answers"), Rotation::Dead);
    granted(&*store, authorization("az_2", "alice"), Issued::default()).await;
    assert!(is_live(&*store, "az_2", NOW + 1).await);
}

pub(crate) async fn a_disabled_subject_can_be_logged_out(backend: &Backend) {
    let store = backend.store();
    created_session(&*store, session("ses_1", "alice")).await;
    store.set_subject_disabled("alice", true, NOW, vec![]).await.expect("it answers");
    let done = complete(&*store, "ia_1", |completion| {
        completion.end = Some(EndSessions::Subject("alice".into()));
    });
    assert_eq!(done.await, Completed::Done);
}

pub(crate) async fn no_authorization_survives_a_race_with_disabling(backend: &Backend) {
    let store = backend.store();
    for round in 0..10 {
        let sub = format!("user {round}");
        let disabler = {
            let (store, sub) = (Arc::clone(&store), sub.clone());
            tokio::spawn(async move { store.set_subject_disabled(&sub, true, NOW, vec![]).await })
        };
        let outcomes = race(&store, 8, |store, i| {
            let sub = sub.clone();
            async move {
                let az = authorization(&format!("az_{round}_{i}"), &sub);
                if i % 2 == 0 {
                    let granted = store.grant(NewGrant::new(az, Issued::default())).await;
                    return granted.expect("it answers") == Granted::Stored;
                }
                let id = format!("ia_{round}_{i}");
                let done = complete(&*store, &id, |completion| {
                    completion.authorization = Some(az);
                });
                done.await == Completed::Done
            }
        });
        let outcomes = outcomes.await;
        disabler.await.expect("it does not panic").expect("it answers");
        for (i, stored) in outcomes.into_iter().enumerate() {
            let found = store.authorization(&format!("az_{round}_{i}")).await.expect("it reads");
            assert_eq!(found.is_some(), stored);
            assert!(found.is_none_or(|authorization| !authorization.is_live(NOW)), "{round} {i}");
        }
    }
}
