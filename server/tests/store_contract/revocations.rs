//! Revocation of everything of a client, whose tokens for itself leave no row.

use placet_server::store::{Granted, Issued, JwtHome, NewGrant, OfClient, Parent, Store, Whose};

use crate::{backend::Backend, samples::*};

fn of(client_id: &str, number: i64) -> OfClient {
    OfClient { client_id: client_id.into(), number }
}

async fn counts(store: &dyn Store, client_id: &str, number: i64) -> bool {
    !store.jwt_state("j", &JwtHome::Client(of(client_id, number))).await.expect("it reads").revoked
}

async fn revoke(store: &dyn Store, client_id: &str) -> i64 {
    let whose = Whose::Client(client_id.into());
    store.revoke_all(whose, NOW, vec![event("evt_1", "access.revoked")]).await.expect("it answers");
    store.revocation_number().await.expect("it reads")
}

pub(crate) async fn what_a_client_got_before_its_revocation_is_over_and_later_things_are_not(
    backend: &Backend,
) {
    let store = backend.store();
    assert_eq!(store.revocation_number().await.expect("it reads"), 0);
    store.insert_token(token("own", None)).await.expect("it stores");
    assert_eq!(revoke(&*store, "service").await, 1);
    assert!(!counts(&*store, "service", 0).await);
    assert!(counts(&*store, "service", 1).await && counts(&*store, "another", 0).await);
    assert_eq!(revoke(&*store, "another").await, 2);
    assert!(counts(&*store, "service", 1).await, "a revocation of another client is none of it");
    assert!(!counts(&*store, "another", 1).await && counts(&*store, "another", 2).await);
    assert_eq!(backend.count("access.revoked").await, 1, "one record for each");
    let client_id = token("own", None).client_id;
    revoke(&*store, &client_id).await;
    let own = store.token(&digest("own")).await.expect("it reads").expect("it is stored");
    assert_eq!(own.token.revoked_at, Some(NOW));
    store.purge(NOW + 300 * 86_400, 1000).await.expect("it purges");
    assert!(!counts(&*store, "service", 0).await, "it is remembered");
}

pub(crate) async fn a_deleted_client_leaves_nothing_to_another_one_of_its_id(backend: &Backend) {
    let store = backend.store();
    assert!(store.insert_client(client("app"), vec![]).await.expect("it answers"));
    assert!(store.delete_client("app", NOW, vec![]).await.expect("it answers"));
    assert!(store.insert_client(client("app"), vec![]).await.expect("it answers"));
    assert!(!counts(&*store, "app", 0).await && counts(&*store, "app", 1).await);
}

pub(crate) async fn what_everybody_has_is_over_however_much_it_is(backend: &Backend) {
    let store = backend.store();
    created_session(&*store, session("ses_1", "alice")).await;
    for n in 0..501 {
        granted(&*store, authorization(&format!("az_{n}"), "alice"), Issued::default()).await;
    }
    store.insert_token(token("own", None)).await.expect("it stores");
    store
        .revoke_all(Whose::Everybody, NOW, vec![event("evt_1", "access.revoked")])
        .await
        .expect("it answers");
    for id in ["az_0", "az_250", "az_500"] {
        assert!(!is_live(&*store, id, NOW).await, "{id}");
    }
    assert!(store.authorizations_of("alice", ALL, NOW).await.expect("it reads").is_empty());
    assert!(store.sessions_of("alice", ALL, NOW).await.expect("it reads").is_empty());
    let own = store.token(&digest("own")).await.expect("it reads").expect("it is stored");
    assert_eq!(own.token.revoked_at, Some(NOW));
    assert!(!counts(&*store, "service", 0).await && counts(&*store, "service", 1).await);
    assert_eq!(store.grant(derived(1)).await.expect("it answers"), Granted::ParentOver);
    assert_eq!(backend.count("session.ended").await, 1);
}

fn derived(n: usize) -> NewGrant {
    let parent = Parent::SignedToken {
        jti: format!("j{n}"),
        expires_at: NOW + 600,
        of_client: Some(of("service", 0)),
    };
    let mut grant =
        NewGrant::new(authorization(&format!("az_{n}"), "alice"), issued(&n.to_string(), &format!("az_{n}")));
    grant.parties.configured = vec!["service".into()];
    grant.derived_from = vec![parent];
    grant
}

/// Either the derivation finds the client's token revoked, or the revocation finds what was derived.
pub(crate) async fn nothing_derived_from_a_token_of_a_client_survives_a_race_with_its_revocation(
    backend: &Backend,
) {
    let store = backend.store();
    let raced = race(&store, 21, |store, n| async move {
        if n == 10 {
            revoke(&*store, "service").await;
            return None;
        }
        Some((n, store.grant(derived(n)).await.expect("it answers")))
    });
    for (n, granted) in raced.await.into_iter().flatten() {
        if granted == Granted::Stored {
            assert!(!is_live(&*store, &format!("az_{n}"), NOW).await, "{n}");
        } else {
            assert_eq!(granted, Granted::ParentOver);
        }
    }
    assert_eq!(store.grant(derived(99)).await.expect("it answers"), Granted::ParentOver);
}
