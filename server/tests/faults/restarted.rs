//! A database that restarts, is killed, or freezes under load.

use super::{
    cluster::Cluster,
    ledger::Load,
    rights::{all, alone},
    server::Site,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_crashes_under_load_costs_nothing_acknowledged_and_the_server_goes_on_by_itself() {
    let _alone = alone().await;
    let Some(cluster) = Cluster::start("a database that crashes", &[]) else { return };
    let site = Site::new(Some(cluster.url()));
    let mut server = site.server().await;
    let pid = server.pid();
    let load = Load::start(std::slice::from_ref(&server.caller), 8);
    for round in 0..if all() { 6 } else { 2 } {
        load.more(40).await;
        // `immediate` is what a crash is to PostgreSQL; the other half is one to its machine.
        if round % 2 == 0 {
            cluster.stop("immediate");
        } else {
            cluster.kill();
        }
        server.caller.until_unready().await;
        cluster.go();
    }
    load.more(40).await;
    assert!(load.troubles() > 0, "the crash was felt");
    let ledger = load.end().await;
    assert!(server.is_alive() && server.pid() == pid);
    ledger.settle(std::slice::from_ref(&server.caller)).await;
}
