//! Versions N and N+1 on one database.

use std::time::Duration;

use tokio_postgres::{Client, error::SqlState};

use super::{
    cluster::Cluster,
    ledger::Load,
    rights::alone,
    server::{Site, free_port},
};

/// What the next version might add.
const NEXT: &str = "BEGIN;
    CREATE TABLE of_the_next_version (tenant TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (tenant, id));
    ALTER TABLE codes ADD COLUMN of_the_next_version TEXT;
    ALTER TABLE tokens ADD COLUMN of_the_next_version BIGINT NOT NULL DEFAULT 0;
    ALTER TABLE authorizations ADD COLUMN of_the_next_version TEXT;
    ALTER TABLE families ADD COLUMN of_the_next_version TEXT;
    ALTER TABLE interactions ADD COLUMN of_the_next_version TEXT;
    CREATE INDEX index_of_the_next_version ON tokens (tenant, of_the_next_version);
    INSERT INTO schema_version (version) SELECT MAX(version) + 1 FROM schema_version;
    COMMIT";

#[tokio::test(flavor = "multi_thread")]
async fn servers_go_on_while_the_schema_of_the_next_version_comes_and_start_on_it() {
    let _alone = alone().await;
    let Some(cluster) = Cluster::start("a schema of the next version", &[]) else { return };
    let site = Site::new(Some(cluster.url()));
    let one = site.server().await;
    let load = Load::start(std::slice::from_ref(&one.caller), 8);
    load.more(40).await;
    let other = cluster.client().await;
    // As a migration does it: it may meet others head on, and begins again.
    while let Err(error) = other.batch_execute(NEXT).await {
        assert_eq!(error.code(), Some(&SqlState::T_R_DEADLOCK_DETECTED), "{error}");
        other.batch_execute("ROLLBACK").await.expect("it is taken back");
    }
    load.more(40).await;
    assert_eq!(load.troubles(), 0, "nobody notices");
    let two = site.server().await;
    let both = [one.caller.clone(), two.caller.clone()];
    let more = Load::start(&both[1..], 8);
    more.more(40).await;
    for load in [load, more] {
        let ledger = load.end().await;
        ledger.settle(&both).await;
    }
    // Two versions ahead is too far.
    let further = "INSERT INTO schema_version (version) SELECT MAX(version) + 1 FROM schema_version";
    cluster.client().await.batch_execute(further).await.expect("it writes");
    let mut third = site.start(free_port(), free_port());
    assert!(!third.ended().await);
    assert!(third.log().contains("schema version"), "{}", third.log());
}

/// Waits until so many wait for a lock.
async fn until_waiting(client: &Client, wanted: i64) {
    let waiting = "SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
    for _ in 0..6_000 {
        if client.query_one(waiting, &[]).await.expect("it reads").get::<_, i64>(0) == wanted {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{wanted} should wait");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_lets_those_through_that_it_waits_for_and_tries_again() {
    let _alone = alone().await;
    let Some(cluster) = Cluster::start("a migration under load", &[]) else { return };
    let (other, watch) = (cluster.client().await, cluster.client().await);
    // The schema of the very first version, which later ones alter.
    other.batch_execute(include_str!("../../migrations/0001_first_tables.sql")).await.expect("it is applied");
    let first =
        "CREATE TABLE schema_version (version BIGINT PRIMARY KEY); INSERT INTO schema_version VALUES (1)";
    other.batch_execute(first).await.expect("it is noted");
    other.batch_execute("BEGIN; LOCK TABLE families IN ACCESS SHARE MODE").await.expect("it reads");
    let site = Site::new(Some(cluster.url()));
    let mut server = site.start(free_port(), free_port());
    for wanted in [1, 0, 1] {
        until_waiting(&watch, wanted).await;
    }
    other.batch_execute("COMMIT").await.expect("it has read");
    server.until_ready().await;
}
