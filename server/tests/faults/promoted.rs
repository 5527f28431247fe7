//! A primary with a synchronous standby that becomes the primary, as docs/operations.md describes it.

use std::time::Duration;

use super::{
    cluster::Cluster,
    ledger::Load,
    rights::{all, alone},
    server::Site,
};

/// Waits until the primary acknowledges nothing that its standby has not.
async fn until_synchronous(primary: &Cluster) {
    let client = primary.client().await;
    let state = "SELECT COUNT(*) FROM pg_stat_replication WHERE sync_state = 'sync' AND state = 'streaming'";
    while client.query_one(state, &[]).await.expect("it reads").get::<_, i64>(0) == 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_and_nothing_works_twice_when_a_synchronous_standby_takes_over() {
    let _alone = alone().await;
    let settings = ["synchronous_standby_names = 'FIRST 1 (standby)'", "wal_level = replica"];
    let Some(primary) = Cluster::start("a standby that is promoted", &settings) else { return };
    // Nobody confirms yet: what would wait for it is not asked for.
    let standby = primary.standby("standby");
    until_synchronous(&primary).await;
    let site = Site::new(Some(primary.url_with(&standby)));
    let (one, two) = (site.server().await, site.server().await);
    let callers = [one.caller.clone(), two.caller.clone()];
    let load = Load::start(&callers, 4);
    load.more(if all() { 200 } else { 60 }).await;
    primary.kill();
    standby.promote();
    load.more(if all() { 200 } else { 60 }).await;
    assert!(load.troubles() > 0, "it was felt");
    let ledger = load.end().await;
    // At the one that did not serve it, in half of the cases.
    ledger.settle(&callers).await;
}
