//! `kill -9` of the server during redemptions and refreshes.

use super::{
    cluster::Cluster,
    ledger::Load,
    rights::{all, alone},
    server::Site,
};

/// Kills the server again and again, each time after so many acknowledgements; the next one on the same store goes on.
async fn killed_again_and_again(site: &Site) {
    let mut server = site.server().await;
    let (public, private) = server.ports;
    let mut redemptions = 0;
    for _ in 0..if all() { 8 } else { 2 } {
        let load = Load::start(std::slice::from_ref(&server.caller), 8);
        load.more(60).await;
        server.kill();
        let ledger = load.end().await;
        server = site.server_at(public, private).await;
        redemptions += ledger.redemptions();
        ledger.settle(std::slice::from_ref(&server.caller)).await;
    }
    assert!(redemptions > 50, "{redemptions}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_and_nothing_works_twice_when_a_server_with_a_file_is_killed() {
    let _alone = alone().await;
    killed_again_and_again(&Site::new(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_and_nothing_works_twice_when_a_server_with_a_database_is_killed() {
    let _alone = alone().await;
    let Some(cluster) = Cluster::start("a killed server with PostgreSQL", &[]) else { return };
    killed_again_and_again(&Site::new(Some(cluster.url()))).await;
}
