//! Steps that have to wait for others, at PostgreSQL: one is stopped at a row that somebody else holds, when it has looked at
//! everything and stored nothing yet, and another one, which ends what it is about to store, comes meanwhile.

use std::{future::Future, sync::Arc, time::Duration};

use placet_server::store::{
    AuthorizationRecord, Completed, Granted, Issued, NewGrant, Parent, Parties, SessionChange, Store, Whose,
};

use crate::{
    backend::{pool, postgres_url, unique},
    processes::{client as connected, named_store},
    samples::*,
};

/// Runs the first step until it waits for a row that is held here, then the second one until it waits, too, or is through,
/// and lets go of the row.
async fn overtaking<A: Send + 'static, B: Send + 'static>(
    (url, tenant): (&str, &str),
    (row, id): (&str, &str),
    first: impl Future<Output = A> + Send + 'static,
    second: impl Future<Output = B> + Send + 'static,
) -> (A, B) {
    let (mut client, watcher) = (connected(url).await, connected(url).await);
    let held = client.transaction().await.expect("it begins");
    assert_eq!(held.execute(row, &[&tenant, &id]).await.expect("it locks"), 1);
    let waiting = async || {
        let sql =
            "SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock'";
        watcher.query_one(sql, &[&tenant]).await.expect("it reads").get::<_, i64>(0)
    };
    let pause = || tokio::time::sleep(Duration::from_millis(2));
    let first = tokio::spawn(first);
    while waiting().await == 0 {
        assert!(!first.is_finished(), "it does not come by the row");
        pause().await;
    }
    let second = tokio::spawn(second);
    while !second.is_finished() && waiting().await < 2 {
        pause().await;
    }
    held.rollback().await.expect("it ends");
    (first.await.expect("it does not panic"), second.await.expect("it does not panic"))
}

/// Opens connections for both, so that neither waits for one while others have all that there are.
async fn connections(store: &dyn Store) {
    let reads = (0..4).map(|_| store.client("party"));
    for read in futures_util::future::join_all(reads).await {
        read.expect("it reads");
    }
}

const CLIENT: &str = "UPDATE clients SET doc = doc WHERE tenant = $1 AND client_id = $2";
const AUTHORIZATION: &str = "UPDATE authorizations SET doc = doc WHERE tenant = $1 AND id = $2";

/// The registered client `party` takes part.
fn parties() -> Parties {
    Parties { clients: vec!["party".into()], ..Parties::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_ends_everything_of_a_client_ends_what_is_just_stored_in_which_it_takes_part() {
    let Some(url) = postgres_url() else { return };
    for whose in [Whose::Client("party".into()), Whose::Actor("party".into())] {
        let tenant = unique();
        let store = named_store(&url, &tenant, pool(4)).await;
        assert!(store.insert_client(client("party"), vec![]).await.expect("it answers"));
        granted(&*store, authorization("az_parent", "alice"), Issued::default()).await;
        connections(&*store).await;
        let (granting, ending) = (Arc::clone(&store), Arc::clone(&store));
        let grant = NewGrant {
            derived_from: vec![Parent::Authorization("az_parent".into())],
            parties: parties(),
            ..NewGrant::new(authorization("az_1", "bob"), Issued::default())
        };
        let (stored, ended) = overtaking(
            (&url, &tenant),
            (AUTHORIZATION, "az_parent"),
            async move { granting.grant(grant).await },
            {
                let whose = whose.clone();
                async move { ending.revoke_all(whose, NOW, vec![]).await }
            },
        )
        .await;
        ended.expect("it answers");
        assert_eq!(stored.expect("it answers"), Granted::Stored, "it held the client first");
        assert!(!is_live(&*store, "az_1", NOW).await, "{whose:?}");
        assert!(is_live(&*store, "az_parent", NOW).await, "{whose:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_ends_all_sessions_of_a_subject_ends_the_one_that_is_just_stored() {
    let Some(url) = postgres_url() else { return };
    let tenant = unique();
    let store = named_store(&url, &tenant, pool(4)).await;
    assert!(store.insert_client(client("party"), vec![]).await.expect("it answers"));
    connections(&*store).await;
    let (signing, ending) = (Arc::clone(&store), Arc::clone(&store));
    let (signed_in, ended) = overtaking(
        (&url, &tenant),
        (CLIENT, "party"),
        async move {
            complete(&*signing, "ia_1", |completion| {
                completion.session = Some(SessionChange::Create(session("ses_1", "alice")));
                completion.parties = parties();
                completion.authorization = Some(AuthorizationRecord {
                    session_id: Some("ses_1".into()),
                    ..authorization("az_1", "alice")
                });
            })
            .await
        },
        async move { ending.end_sessions_of("alice", "account", NOW, vec![]).await },
    )
    .await;
    assert_eq!(signed_in, Completed::Done, "it held the subject first");
    assert_eq!(ended.expect("it answers"), 1);
    assert_eq!(store.sessions_of("alice", ALL, NOW).await.expect("it reads"), []);
    assert!(!is_live(&*store, "az_1", NOW).await);
}
