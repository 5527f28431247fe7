//! Versions N and N+1 on one database.

use super::{cluster::Cluster, ledger::Load, rights::alone, server::Site};

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
    cluster.client().await.batch_execute(NEXT).await.expect("it is additive");
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
    let mut third = site.start(super::server::free_port(), super::server::free_port());
    assert!(!third.ended().await);
    assert!(third.log().contains("schema version"), "{}", third.log());
}
