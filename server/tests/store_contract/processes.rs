//! Several processes at one database, lost connections, and queues that are too long: PostgreSQL only.

use std::{sync::Arc, time::Duration};

use placet_server::store::{
    Completed, EndSessions, Issued, Redemption, Rotation, Store, StoreError,
    postgres::{PoolSettings, Postgres},
};

use crate::{
    backend::{pool, postgres_url, unique},
    samples::*,
};

/// A store whose connections can be told from those of others by their name.
pub(crate) async fn named_store(url: &str, name: &str, settings: PoolSettings) -> Arc<dyn Store> {
    let separator = if url.contains('?') { '&' } else { '?' };
    let url = format!("{url}{separator}application_name={name}");
    Arc::new(Postgres::connect(&url, name, settings).await.expect("the database answers"))
}

/// A connection that knows nothing of stores.
pub(crate) async fn client(url: &str) -> tokio_postgres::Client {
    let (client, connection) =
        tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("the database answers");
    tokio::spawn(connection);
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_redeem_a_code_once_and_derive_one_child() {
    let Some(url) = postgres_url() else { return };
    let tenant = unique();
    let one: Arc<dyn Store> = Arc::new(Postgres::connect(&url, &tenant, pool(8)).await.expect("it answers"));
    let two: Arc<dyn Store> = Arc::new(Postgres::connect(&url, &tenant, pool(8)).await.expect("it answers"));
    created_code(&*one, "code", "az_1", "alice").await;
    created_family(&*two, "f1", "az_2", "alice").await;

    let attempt = |store: Arc<dyn Store>, i: usize| async move {
        store
            .redeem_code(&digest("code"), NOW, issued(&format!("token {i}"), "az_1"))
            .await
            .expect("it answers")
    };
    let (mut redeemed, more) =
        tokio::join!(race(&one, 100, attempt), race(&two, 100, |store, i| attempt(store, 100 + i)));
    redeemed.extend(more);
    assert_eq!(count(&redeemed, &Redemption::First), 1);
    assert_eq!(count(&redeemed, &Redemption::Replayed), 199);
    assert!(!is_live(&*two, "az_1", NOW).await);

    let attempt = |store: Arc<dyn Store>, i: usize| async move {
        let use_of_parent = rotate("f1", "f1-1", &format!("child {i}"));
        store.rotate(use_of_parent, Issued::default()).await.expect("it answers")
    };
    let (mut rotated, more) =
        tokio::join!(race(&one, 100, attempt), race(&two, 100, |store, i| attempt(store, 100 + i)));
    rotated.extend(more);
    let winner = rotated.iter().position(|outcome| *outcome == Rotation::Rotated).expect("one won");
    let same =
        Rotation::Repeated { salt: format!("child {winner}").into(), key_id: "k2".into(), generation: 2 };
    assert_eq!(count(&rotated, &Rotation::Rotated), 1);
    assert_eq!(count(&rotated, &same), 199);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_callers_that_go_away_leaves_no_transaction_open() {
    let Some(url) = postgres_url() else { return };
    let name = format!("storm-{}", unique());
    let store = named_store(&url, &name, pool(4)).await;
    created_code(&*store, "code", "az_1", "alice").await;
    let warm = race(&store, 20, |store, _| async move { store.ping().await.expect("it answers") });
    warm.await;
    let client = client(&url).await;
    let connections = connections_of(&client, &name).await;
    let writes: Vec<_> = (0..300)
        .map(|i| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                created_code(&*store, &format!("code {i}"), &format!("az {i}"), "alice").await;
                store.redeem_code(&digest("code"), NOW, issued(&format!("token {i}"), "az_1")).await
            })
        })
        .collect();
    for (i, write) in writes.iter().enumerate() {
        if i % 7 == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        write.abort();
    }
    for write in writes {
        let _ = write.await;
    }
    // As many at once as there are connections, several times over: each is fit for use.
    let healthy = race(&store, 40, |store, i| async move {
        store.consume_once("after the storm", &i.to_string(), NOW + 60).await.expect("it answers")
    });
    assert_eq!(count(&healthy.await, &true), 40);
    // What the storm began is finished: no connection remembers it, and none had to be thrown away.
    let open = "SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = $1 AND xact_start IS NOT NULL";
    let closed = async {
        while client.query_one(open, &[&name]).await.expect("it reads").get::<_, i64>(0) > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), closed).await.expect("no transaction stays open");
    let kept = connections_of(&client, &name).await;
    assert!(connections.iter().all(|connection| kept.contains(connection)), "{connections:?} {kept:?}");
}

async fn connections_of(client: &tokio_postgres::Client, name: &str) -> Vec<i32> {
    let pids = "SELECT pid FROM pg_stat_activity WHERE application_name = $1 ORDER BY pid";
    client.query(pids, &[&name]).await.expect("it reads").iter().map(|row| row.get(0)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_connections_are_replaced() {
    let Some(url) = postgres_url() else { return };
    let name = format!("lost-{}", unique());
    let store = named_store(&url, &name, pool(4)).await;
    let used = race(&store, 20, |store, i| async move {
        store.consume_once("before", &i.to_string(), NOW + 60).await.expect("it answers")
    });
    assert_eq!(count(&used.await, &true), 20);
    let client = client(&url).await;
    let ended = client
        .query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1", &[&name])
        .await
        .expect("they can be ended");
    assert!(!ended.is_empty());
    // Time to notice. That the database has gone away is then nobody's fault any more: no call fails.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let used = race(&store, 20, |store, i| async move {
        store.consume_once("after", &i.to_string(), NOW + 60).await.expect("it answers")
    });
    assert_eq!(count(&used.await, &true), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_finds_no_free_connection_is_told() {
    let Some(url) = postgres_url() else { return };
    let tenant = unique();
    let settings = PoolSettings { size: 1, wait: Duration::from_millis(200) };
    let store = named_store(&url, &tenant, settings).await;
    created_code(&*store, "code", "az_1", "alice").await;

    let mut client = client(&url).await;
    let blocking = client.transaction().await.expect("it begins");
    blocking.execute("UPDATE codes SET doc = doc WHERE tenant = $1", &[&tenant]).await.expect("it locks");
    let blocked = {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.redeem_code(&digest("code"), NOW, Issued::default()).await })
    };
    let refused = loop {
        // Free until the redemption has begun, which then waits for the lock.
        if let Err(error) = store.ping().await {
            break error;
        }
    };
    assert!(matches!(refused, StoreError::Unavailable(_)), "{refused}");
    blocking.rollback().await.expect("it ends");
    let redeemed = blocked.await.expect("it does not panic");
    assert_eq!(redeemed.expect("it answers"), Redemption::First);
    store.ping().await.expect("it answers");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_deadlocks_is_run_again() {
    let Some(url) = postgres_url() else { return };
    let tenant = unique();
    let store = named_store(&url, &tenant, pool(2)).await;
    for id in ["ses_1", "ses_2"] {
        created_session(&*store, session(id, "alice")).await;
    }
    let lock = "UPDATE sessions SET doc = doc WHERE tenant = $1 AND id = $2";
    let mut client = client(&url).await;
    // The one that looks for a deadlock first is the one to give way; who may not say so leaves it to chance.
    let _ = client.batch_execute("SET deadlock_timeout = '1min'").await;
    let other = client.transaction().await.expect("it begins");
    other.execute(lock, &[&tenant, &"ses_2"]).await.expect("it locks");
    let ending = {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            complete(&*store, "ia_1", |completion| {
                completion.end = Some(EndSessions::Sessions(strings(&["ses_1", "ses_2"])));
            })
            .await
        })
    };
    let waiting =
        "SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock'";
    while other.query_one(waiting, &[&tenant]).await.expect("it reads").get::<_, i64>(0) == 0 {
        tokio::task::yield_now().await;
    }
    // Now each waits for the other, and the database picks one that has to begin again.
    let _ = other.execute(lock, &[&tenant, &"ses_1"]).await;
    let _ = other.rollback().await;
    assert_eq!(ending.await.expect("it does not panic"), Completed::Done);
    assert_eq!(store.sessions_of("alice", ALL, NOW).await.expect("it reads"), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_put_off_while_it_is_purged_stays() {
    let Some(url) = postgres_url() else { return };
    let tenant = unique();
    let store = named_store(&url, &tenant, pool(2)).await;
    assert!(store.consume_once("test", "put off", NOW).await.expect("it answers"));
    let (mut other, watcher) = (client(&url).await, client(&url).await);
    let other = other.transaction().await.expect("it begins");
    let later = "UPDATE used_once SET expires_at = expires_at + 600 WHERE tenant = $1";
    assert_eq!(other.execute(later, &[&tenant]).await.expect("it is put off"), 1);
    let purging = {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.purge(NOW, 100).await })
    };
    // It has found the row, and waits for whoever changes it.
    let waiting =
        "SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock'";
    while watcher.query_one(waiting, &[&tenant]).await.expect("it reads").get::<_, i64>(0) == 0 {
        tokio::task::yield_now().await;
    }
    other.commit().await.expect("it is committed");
    assert_eq!(purging.await.expect("it does not panic").expect("it answers"), 0);
    assert!(!store.consume_once("test", "put off", NOW + 1).await.expect("it answers"), "it is remembered");
}
