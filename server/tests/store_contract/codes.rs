//! Authorization codes.

use placet_server::store::{AuthorizationRecord, Issued, Narrowed, Redemption};

use crate::{backend::Backend, samples::*};

pub(crate) async fn a_code_is_redeemed_by_exactly_one_of_300_racing_clients(backend: &Backend) {
    let store = backend.store();
    created_code(&*store, "code", "az_1", "alice").await;
    let outcomes = race(&store, 300, |store, i| async move {
        let issued = issued(&format!("token {i}"), "az_1");
        store.redeem_code(&digest("code"), NOW + 1, issued).await.expect("it answers")
    });
    let outcomes = outcomes.await;
    assert_eq!(count(&outcomes, &Redemption::First), 1);
    assert_eq!(count(&outcomes, &Redemption::Replayed), 299);
    for (i, outcome) in outcomes.iter().enumerate() {
        let stored = store.token(&digest(&format!("token {i}"))).await.expect("it reads");
        assert_eq!(stored.is_some(), *outcome == Redemption::First, "token {i}");
    }
    assert!(!is_live(&*store, "az_1", NOW + 1).await, "the winner's tokens are dead as well");
    assert_eq!(backend.count("token.reuse_detected").await, 1);
}

pub(crate) async fn what_is_issued_is_stored_with_the_redemption(backend: &Backend) {
    let store = backend.store();
    created_code(&*store, "code", "az_1", "alice").await;
    let (found, home) = store.code(&digest("code")).await.expect("it reads").expect("it is stored");
    assert_eq!((found, home.clone()), (code("code", "az_1"), authorization("az_1", "alice")));

    let issued = Issued {
        token: Some(token("token", Some("az_1"))),
        family: Some(family("f1", "az_1")),
        events: vec![event("evt_1", "token.issued")],
        ..Issued::default()
    };
    let redemption = store.redeem_code(&digest("code"), NOW + 1, issued).await.expect("it answers");
    assert_eq!(redemption, Redemption::First);
    let (found, _) = store.code(&digest("code")).await.expect("it reads").expect("it is stored");
    assert_eq!(found.redeemed_at, Some(NOW + 1));
    let stored = store.token(&digest("token")).await.expect("it reads").expect("it is stored");
    assert_eq!(stored.token, token("token", Some("az_1")));
    let (stored, under) = store.family("f1").await.expect("it reads").expect("it is stored");
    assert_eq!((stored, under), (family("f1", "az_1"), home));
    assert_eq!(backend.outbox().await, [("token.issued".to_owned(), "something".to_owned())]);
}

pub(crate) async fn an_authorization_is_narrowed_with_the_redemption_and_not_by_a_replay(backend: &Backend) {
    let store = backend.store();
    created_code(&*store, "code", "az_1", "alice").await;
    let narrowed = |doc: &str| {
        let narrowed = Narrowed {
            authorization_id: "az_1".into(),
            offline: false,
            doc: doc.into(),
            self_contained: None,
        };
        Issued { narrowed: Some(narrowed), ..Issued::default() }
    };
    let held = async || store.authorization("az_1").await.expect("it reads").expect("it is stored");
    let late = store.redeem_code(&digest("code"), NOW + 60, narrowed("{}")).await;
    assert_eq!(late.expect("it answers"), Redemption::Dead);
    assert_eq!(held().await, authorization("az_1", "alice"));
    let first = store.redeem_code(&digest("code"), NOW, narrowed("{\"less\":1}")).await;
    assert_eq!(first.expect("it answers"), Redemption::First);
    let less =
        AuthorizationRecord { doc: "{\"less\":1}".into(), offline: false, ..authorization("az_1", "alice") };
    assert_eq!(held().await, less);
    let again = store.redeem_code(&digest("code"), NOW, narrowed("{\"more\":1}")).await;
    assert_eq!(again.expect("it answers"), Redemption::Replayed);
    assert_eq!(held().await.doc, less.doc);
}

pub(crate) async fn a_replayed_code_revokes_its_authorization_and_is_reported_once(backend: &Backend) {
    let store = backend.store();
    created_code(&*store, "code", "az_1", "alice").await;
    let first = store.redeem_code(&digest("code"), NOW, issued("token 0", "az_1")).await;
    assert_eq!(first.expect("it answers"), Redemption::First);
    assert!(is_live(&*store, "az_1", NOW).await);
    for i in 1..4 {
        let mut issued = issued(&format!("token {i}"), "az_1");
        issued.events = vec![event("evt_1", "token.issued")];
        let again = store.redeem_code(&digest("code"), NOW + i, issued).await;
        assert_eq!(again.expect("it answers"), Redemption::Replayed);
        assert!(store.token(&digest(&format!("token {i}"))).await.expect("it reads").is_none());
    }
    let revoked = store.authorization("az_1").await.expect("it reads").expect("it is stored");
    assert_eq!(revoked.revoked_at, Some(NOW + 1), "the first replay is when it was revoked");
    assert_eq!(backend.outbox().await, [("token.reuse_detected".to_owned(), "az_1".to_owned())]);
}

pub(crate) async fn a_replay_is_recognised_after_the_code_has_expired(backend: &Backend) {
    let store = backend.store();
    created_code(&*store, "code", "az_1", "alice").await;
    let first = store.redeem_code(&digest("code"), NOW, Issued::default()).await;
    assert_eq!(first.expect("it answers"), Redemption::First);
    let late = store.redeem_code(&digest("code"), NOW + 500, Issued::default()).await;
    assert_eq!(late.expect("it answers"), Redemption::Replayed);
    assert!(!is_live(&*store, "az_1", NOW + 500).await);
}

pub(crate) async fn an_expired_or_unknown_code_is_dead(backend: &Backend) {
    let store = backend.store();
    created_code(&*store, "code", "az_1", "alice").await;
    // Valid before its end, not at it.
    let late = store.redeem_code(&digest("code"), NOW + 60, issued("token", "az_1")).await;
    assert_eq!(late.expect("it answers"), Redemption::Dead);
    let unknown = store.redeem_code(&digest("another"), NOW, issued("token", "az_1")).await;
    assert_eq!(unknown.expect("it answers"), Redemption::Dead);
    assert!(store.token(&digest("token")).await.expect("it reads").is_none());
    assert!(is_live(&*store, "az_1", NOW + 60).await);
    assert_eq!(backend.outbox().await, []);
}

pub(crate) async fn a_code_of_a_revoked_authorization_is_dead(backend: &Backend) {
    let store = backend.store();
    created_code(&*store, "code", "az_1", "alice").await;
    assert!(store.revoke_authorization("az_1", NOW, vec![]).await.expect("it answers"));
    assert!(!store.revoke_authorization("az_1", NOW, vec![]).await.expect("it answers"));
    let outcome = store.redeem_code(&digest("code"), NOW, issued("token", "az_1")).await;
    assert_eq!(outcome.expect("it answers"), Redemption::Dead);
    assert!(store.token(&digest("token")).await.expect("it reads").is_none());
}

pub(crate) async fn a_redemption_that_cannot_be_stored_consumes_nothing(backend: &Backend) {
    let store = backend.store();
    created_code(&*store, "code", "az_1", "alice").await;
    store.insert_token(token("taken", None)).await.expect("it stores");
    let failed = store.redeem_code(&digest("code"), NOW, issued("taken", "az_1")).await;
    assert!(failed.is_err(), "{failed:?}");
    let (found, _) = store.code(&digest("code")).await.expect("it reads").expect("it is stored");
    assert_eq!(found.redeemed_at, None);
    let outcome = store.redeem_code(&digest("code"), NOW, issued("token", "az_1")).await;
    assert_eq!(outcome.expect("it answers"), Redemption::First);
}
