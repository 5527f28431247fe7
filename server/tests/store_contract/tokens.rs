//! Access tokens and authorizations.

use placet_server::store::{AuthorizationRecord, Issued, JwtHome, Paging, TokenRecord};

use crate::{backend::Backend, samples::*};

pub(crate) async fn a_single_use_token_is_used_once_under_race(backend: &Backend) {
    let store = backend.store();
    granted(&*store, authorization("az_1", "alice"), Issued::default()).await;
    let single = TokenRecord { single_use: true, ..token("token", Some("az_1")) };
    store.insert_token(single).await.expect("it stores");
    let used = race(&store, 100, |store, _| async move {
        store.use_token(&digest("token"), NOW + 1).await.expect("it answers")
    });
    assert_eq!(count(&used.await, &true), 1);
    let stored = store.token(&digest("token")).await.expect("it reads").expect("it is stored");
    assert_eq!(stored.token.used_at, Some(NOW + 1));
}

pub(crate) async fn only_an_active_single_use_token_can_be_used_up(backend: &Backend) {
    let store = backend.store();
    granted(&*store, authorization("az_1", "alice"), Issued::default()).await;
    granted(&*store, authorization("az_2", "alice"), Issued::default()).await;
    let single = |secret: &str, az: Option<&str>| TokenRecord { single_use: true, ..token(secret, az) };
    for token in [
        token("of many uses", None),
        single("expired", None),
        single("revoked", None),
        single("of a revoked grant", Some("az_2")),
        single("active", Some("az_1")),
        single("alone", None),
    ] {
        store.insert_token(token).await.expect("it stores");
    }
    assert!(store.revoke_token(&digest("revoked"), NOW, vec![]).await.expect("it answers"));
    assert!(store.revoke_authorization("az_2", NOW, vec![]).await.expect("it answers"));
    for dead in ["of many uses", "revoked", "of a revoked grant", "unknown"] {
        assert!(!store.use_token(&digest(dead), NOW).await.expect("it answers"), "{dead}");
    }
    assert!(!store.use_token(&digest("expired"), NOW + 600).await.expect("it answers"));
    assert!(store.use_token(&digest("active"), NOW).await.expect("it answers"));
    assert!(store.use_token(&digest("alone"), NOW).await.expect("it answers"));
}

pub(crate) async fn revoking_an_access_token_spares_its_refresh_token(backend: &Backend) {
    let store = backend.store();
    let issued = Issued {
        token: Some(token("token", Some("az_1"))),
        family: Some(family("f1", "az_1")),
        ..Issued::default()
    };
    granted(&*store, authorization("az_1", "alice"), issued).await;
    let events = vec![event("evt_1", "token.revoked")];
    assert!(store.revoke_token(&digest("token"), NOW, events.clone()).await.expect("it answers"));
    assert!(!store.revoke_token(&digest("token"), NOW, events).await.expect("it answers"));
    let stored = store.token(&digest("token")).await.expect("it reads").expect("it is stored");
    assert_eq!(stored.token.revoked_at, Some(NOW));
    let (found, home) = store.family("f1").await.expect("it reads").expect("it is stored");
    assert!(found.is_live(NOW) && home.is_live(NOW));
    assert_eq!(backend.count("token.revoked").await, 1);
}

pub(crate) async fn an_opaque_token_is_read_with_its_authorization(backend: &Backend) {
    let store = backend.store();
    granted(&*store, authorization("az_1", "alice"), issued("token", "az_1")).await;
    let stored = store.token(&digest("token")).await.expect("it reads").expect("it is stored");
    assert_eq!(stored.authorization, Some(authorization("az_1", "alice")));
    assert!(store.revoke_authorization("az_1", NOW + 5, vec![]).await.expect("it answers"));
    let stored = store.token(&digest("token")).await.expect("it reads").expect("it is stored");
    let revoked = AuthorizationRecord { revoked_at: Some(NOW + 5), ..authorization("az_1", "alice") };
    assert_eq!(stored.authorization, Some(revoked));

    store.insert_token(token("alone", None)).await.expect("it stores");
    let alone = store.token(&digest("alone")).await.expect("it reads").expect("it is stored");
    assert_eq!((alone.token, alone.authorization), (token("alone", None), None));
    store.insert_token(token("orphan", Some("az_gone"))).await.expect("it stores");
    assert!(store.token(&digest("orphan")).await.expect("it reads").is_none(), "nothing vouches for it");
    assert!(store.token(&digest("unknown")).await.expect("it reads").is_none());
}

pub(crate) async fn a_revoked_jti_is_known(backend: &Backend) {
    let store = backend.store();
    granted(&*store, authorization("az_1", "alice"), Issued::default()).await;
    let unknown = store.jwt_state("j1", &JwtHome::Authorization("az_1".into())).await.expect("it reads");
    assert!(!unknown.revoked);
    assert_eq!(unknown.authorization, Some(authorization("az_1", "alice")));
    for i in 0..2 {
        let events = vec![event(&format!("evt_{i}"), "token.revoked")];
        store.revoke_jti("j1", NOW, NOW + 600, events).await.expect("it answers");
    }
    let known = store.jwt_state("j1", &JwtHome::Authorization("az_1".into())).await.expect("it reads");
    assert!(known.revoked && known.authorization.is_some());
    let without = store.jwt_state("j1", &alone()).await.expect("it reads");
    assert!(without.revoked && without.authorization.is_none());
    let other = store.jwt_state("j2", &JwtHome::Authorization("az_gone".into())).await.expect("it reads");
    assert!(!other.revoked && other.authorization.is_none());
    assert_eq!(backend.count("token.revoked").await, 1);
}

pub(crate) async fn authorizations_come_in_pages_by_id(backend: &Backend) {
    let store = backend.store();
    for id in ["az_3", "az_1", "az_4", "az_2"] {
        granted(&*store, authorization(id, "alice"), Issued::default()).await;
    }
    granted(&*store, authorization("az_5", "bob"), Issued::default()).await;
    assert!(store.revoke_authorization("az_2", NOW, vec![]).await.expect("it answers"));
    let page = Paging { after: "az_1", limit: 1 };
    let page = store.authorizations_of("alice", page, NOW).await.expect("it reads");
    assert_eq!(page, [authorization("az_3", "alice")]);
    let all = store.authorizations_of("alice", ALL, NOW).await.expect("it reads");
    let ids: Vec<_> = all.iter().map(|authorization| authorization.id.as_str()).collect();
    assert_eq!(ids, ["az_1", "az_3", "az_4"]);
    let later = store.authorizations_of("alice", ALL, NOW + 1_000_000).await.expect("it reads");
    assert_eq!(later, []);
}
