//! Deletion of what is dead.

use placet_server::store::{
    AuthorizationRecord, ConsentRecord, Granted, InteractionRecord, Issued, NewGrant, Parent, Parties,
    Redemption, Remembering, ReplyRecord, SessionChange, SessionRecord, Store, Whose,
};

use crate::{backend::Backend, samples::*};

const DAY: i64 = 86_400;

/// One of everything, all of which has ended by `NOW` + 1,000,000.
async fn one_of_everything(store: &dyn Store) {
    let done = complete(store, "ia_1", |completion| {
        completion.session = Some(SessionChange::Create(session("ses_1", "alice")));
        let consent = ConsentRecord { expires_at: Some(NOW + 500_000), ..consent("cns_1", "alice") };
        completion.remember = Some(Remembering { consent });
        completion.authorization = Some(authorization("az_1", "alice"));
        completion.code = Some(code("code", "az_1"));
        completion.token = Some(token("token", Some("az_1")));
        completion.events = vec![event("evt_1", "authorization.granted")];
    });
    done.await;
    created_family(store, "f1", "az_2", "alice").await;
    store.revoke_jti("j1", NOW, NOW + 600, vec![]).await.expect("it answers");
    assert!(store.consume_once("dpop", "j2", NOW + 600).await.expect("it answers"));
    let reply =
        ReplyRecord { key: digest("k"), request: digest("r"), sealed: vec![1], expires_at: NOW + 600 };
    assert_eq!(store.remember_reply(reply, NOW).await.expect("it answers"), None);
}

pub(crate) async fn purging_leaves_what_is_live(backend: &Backend) {
    let store = backend.store();
    one_of_everything(&*store).await;
    let ended = SessionRecord { handle: digest("ended"), ..session("ses_ended", "alice") };
    created_session(&*store, ended).await;
    assert!(store.end_session("ses_ended", NOW, vec![]).await.expect("it answers"));
    granted(&*store, authorization("az_revoked", "bob"), issued("revoked", "az_revoked")).await;
    assert!(store.revoke_authorization("az_revoked", NOW, vec![]).await.expect("it answers"));
    store.set_subject_disabled("carol", true, NOW, vec![]).await.expect("it answers");
    assert!(store.insert_client(client("app"), vec![]).await.expect("it answers"));

    assert_eq!(store.purge(NOW + 59, 1000).await.expect("it answers"), 0);
    assert!(store.interaction("ia_1", NOW).await.expect("it reads").is_some());
    assert!(store.code(&digest("code")).await.expect("it reads").is_some());
    assert!(store.token(&digest("token")).await.expect("it reads").is_some());
    assert!(store.family("f1").await.expect("it reads").is_some());
    assert!(store.jwt_state("j1", &alone()).await.expect("it reads").revoked);
    assert!(!store.consume_once("dpop", "j2", NOW + 600).await.expect("it answers"));
    assert_eq!(store.sessions_of("alice", ALL, NOW).await.expect("it reads").len(), 1);

    // Long after, what is kept for its own reasons is still there.
    store.purge(NOW + DAY - 1, 1000).await.expect("it answers");
    assert!(store.session("ses_ended").await.expect("it reads").is_some());
    store.purge(NOW + 999_999, 1000).await.expect("it answers");
    let revoked = store.authorization("az_revoked").await.expect("it reads").expect("it is kept");
    assert_eq!(revoked.revoked_at, Some(NOW));
    assert!(store.subject("carol").await.expect("it reads").is_some());
    assert!(store.client("app").await.expect("it reads").is_some());
    assert_eq!(backend.outbox().await.len(), 1);
}

pub(crate) async fn purging_removes_what_is_dead(backend: &Backend) {
    let store = backend.store();
    one_of_everything(&*store).await;
    // Interaction, session, consent, code, token, family, two authorizations, two ids, reply, event, and the row
    // that ordered the steps of alice.
    let purged = store.purge(NOW + 10_000_000, 1000).await.expect("it answers");
    assert_eq!(purged, 13);
    assert_eq!(store.purge(NOW + 10_000_000, 1000).await.expect("it answers"), 0);
    assert!(store.interaction("ia_1", NOW).await.expect("it reads").is_none());
    assert!(store.session("ses_1").await.expect("it reads").is_none());
    assert!(store.consents_of("alice", ALL, NOW).await.expect("it reads").is_empty());
    assert!(store.authorization("az_1").await.expect("it reads").is_none());
    assert!(store.code(&digest("code")).await.expect("it reads").is_none());
    assert!(store.token(&digest("token")).await.expect("it reads").is_none());
    assert!(store.family("f1").await.expect("it reads").is_none());
    assert!(!store.jwt_state("j1", &alone()).await.expect("it reads").revoked);
    assert!(store.consume_once("dpop", "j2", NOW + 600).await.expect("it answers"));
    assert_eq!(backend.outbox().await, []);
}

pub(crate) async fn what_is_remembered_of_a_client_is_purged_when_it_is_over(backend: &Backend) {
    let store = backend.store();
    let end = NOW + 400 * DAY;
    let whose = Whose::Client("service".into());
    store.revoke_all(whose, NOW, vec![]).await.expect("it answers");
    assert_eq!(store.purge(end - 1, 1000).await.expect("it answers"), 0);
    assert!(store.jwt_state("j", &alone()).await.expect("it reads").revoked);
    store.purge(end, 1000).await.expect("it answers");
    assert!(!store.jwt_state("j", &alone()).await.expect("it reads").revoked, "all of it has expired");
    assert_eq!(store.revocation_number().await.expect("it reads"), 1, "no number is used twice");
}

pub(crate) async fn derivation_is_remembered_as_long_as_what_was_derived(backend: &Backend) {
    let store = backend.store();
    for id in ["az_1", "az_2"] {
        granted(&*store, authorization(id, "alice"), Issued::default()).await;
        let child =
            AuthorizationRecord { expires_at: NOW + 600, ..authorization(&format!("{id}_child"), "bob") };
        let derived = NewGrant {
            derived_from: vec![Parent::Authorization(id.into())],
            parties: Parties { subjects: vec!["carol".into()], clients: vec![], ..Parties::default() },
            ..NewGrant::new(child, Issued::default())
        };
        assert_eq!(store.grant(derived).await.expect("it grants"), Granted::Stored);
    }
    assert_eq!(store.purge(NOW + 599, 1000).await.expect("it answers"), 0);
    assert!(store.revoke_authorization("az_1", NOW + 599, vec![]).await.expect("it answers"));
    assert!(!is_live(&*store, "az_1_child", NOW + 599).await);
    assert!(is_live(&*store, "az_2_child", NOW + 599).await);
    // Two authorizations, and for each of them the parent and the actor.
    assert_eq!(store.purge(NOW + 600, 1000).await.expect("it answers"), 6);
}

pub(crate) async fn purging_is_bounded(backend: &Backend) {
    let store = backend.store();
    for i in 0..10 {
        let late = InteractionRecord { expires_at: NOW + i, ..interaction(&format!("ia_{i}")) };
        store.open_interaction(late).await.expect("it opens");
    }
    assert_eq!(store.purge(NOW + 6, 3).await.expect("it answers"), 3);
    assert_eq!(store.purge(NOW + 6, 100).await.expect("it answers"), 4);
    assert_eq!(store.purge(NOW + 6, 100).await.expect("it answers"), 0);
    assert!(store.interaction("ia_7", NOW + 6).await.expect("it reads").is_some());
}

pub(crate) async fn what_is_used_once_is_purged_by_its_whole_key(backend: &Backend) {
    let store = backend.store();
    for (kind, end) in [("dpop", NOW), ("assertion", NOW + 60)] {
        assert!(store.consume_once(kind, "the same id", end).await.expect("it answers"));
    }
    assert_eq!(store.purge(NOW, 1000).await.expect("it answers"), 1);
    assert!(store.consume_once("dpop", "the same id", NOW + 60).await.expect("it answers"));
    assert!(!store.consume_once("assertion", "the same id", NOW + 60).await.expect("it answers"));
    for n in 0..5 {
        assert!(store.consume_once(&format!("kind {n}"), "one id", NOW + 1).await.expect("it answers"));
    }
    assert_eq!(store.purge(NOW + 1, 3).await.expect("it answers"), 3, "not more than so many");
}

pub(crate) async fn a_redeemed_code_is_remembered_beyond_its_end(backend: &Backend) {
    let store = backend.store();
    created_code(&*store, "code", "az_1", "alice").await;
    let first = store.redeem_code(&digest("code"), NOW, issued("token", "az_1")).await;
    assert_eq!(first.expect("it answers"), Redemption::First);
    store.purge(NOW + 60 + 599, 1000).await.expect("it answers");
    let late = store.redeem_code(&digest("code"), NOW + 659, issued("loot", "az_1")).await;
    assert_eq!(late.expect("it answers"), Redemption::Replayed);
    store.purge(NOW + 60 + 600, 1000).await.expect("it answers");
    let unknown = store.redeem_code(&digest("code"), NOW + 660, issued("loot", "az_1")).await;
    assert_eq!(unknown.expect("it answers"), Redemption::Dead);
}
