//! A pool that is exhausted by a database which does not get on.

use std::time::Duration;

use super::{
    caller::text,
    cluster::Cluster,
    rights::{alone, is_asked_for},
    server::Site,
};

#[tokio::test(flavor = "multi_thread")]
async fn while_every_connection_waits_others_are_told_cheap_things_go_on_and_then_everybody_is_served() {
    let _alone = alone().await;
    let row = "an exhausted pool";
    if !is_asked_for(row) {
        return;
    }
    let Some(cluster) = Cluster::start(row, &[]) else { return };
    let site = Site::new(Some(cluster.url())).with("database_connections = 2\n");
    let mut server = site.server().await;
    let caller = server.caller.clone();
    let caller = &caller;
    let mut codes = Vec::new();
    for n in 0..12 {
        codes.push(caller.code("opaque", &format!("user-{n}")).await.expect("a code"));
    }
    let other = cluster.client().await;
    other.batch_execute("BEGIN; LOCK TABLE codes IN ACCESS EXCLUSIVE MODE").await.expect("it locks");
    let asked = codes.iter().cloned().map(|code| {
        let caller = caller.clone();
        tokio::spawn(async move { caller.redeem("opaque", &code).await })
    });
    let asked: Vec<_> = asked.collect();
    // While two of them hold the connections, what needs none goes on.
    let waiting = "SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
    while other.query_one(waiting, &[]).await.expect("it reads").get::<_, i64>(0) < 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for path in ["/jwks", "/.well-known/openid-configuration"] {
        assert!(caller.get(&format!("{}{path}", caller.public)).await.success().is_some(), "{path}");
    }
    assert!(caller.get(&format!("{}/livez", caller.private)).await.success().is_some());
    let own = caller.post("/token", "service", &[("grant_type", "client_credentials")]).await;
    assert!(own.success().is_some(), "{own:?}");
    // The lock is still held: all are answered, and nobody is blamed.
    for answer in asked {
        let answer = answer.await.expect("no panic");
        assert_eq!(answer.refusal(), (503, "temporarily_unavailable"), "{answer:?}");
    }
    assert!(!caller.is_ready().await || waits_no_more(&other).await);
    other.batch_execute("ROLLBACK").await.expect("it ends");
    server.until_ready().await;
    for code in &codes {
        let tokens = caller.redeem("opaque", code).await;
        let tokens = tokens.success().unwrap_or_else(|| panic!("nothing was used up: {tokens:?}"));
        let token = text(tokens, "access_token");
        assert!(caller.is_active("opaque", &token).await.expect("it answers"));
    }
}

async fn waits_no_more(other: &tokio_postgres::Client) -> bool {
    let waiting = "SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
    other.query_one(waiting, &[]).await.expect("it reads").get::<_, i64>(0) == 0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_freezes_is_given_up_in_time_and_used_again_when_it_thaws() {
    let _alone = alone().await;
    let row = "a database that freezes";
    if !is_asked_for(row) {
        return;
    }
    let Some(cluster) = Cluster::start(row, &[]) else { return };
    let site = Site::new(Some(cluster.url())).with("database_connections = 4\n");
    let mut server = site.server().await;
    let caller = server.caller.clone();
    let caller = &caller;
    let code = caller.code("opaque", "alice").await.expect("a code");
    let tokens = caller.redeem("opaque", &code).await;
    let token = text(tokens.success().expect("tokens"), "access_token");
    cluster.freeze();
    let looks = (0..8).map(|_| {
        let (caller, token) = (caller.clone(), token.clone());
        tokio::spawn(async move { caller.is_active("opaque", &token).await })
    });
    for look in looks.collect::<Vec<_>>() {
        let answer = look.await.expect("no panic").expect_err("nobody can look");
        assert_eq!(answer.refusal(), (503, "temporarily_unavailable"), "{answer:?}");
    }
    assert!(caller.get(&format!("{}/jwks", caller.public)).await.success().is_some());
    cluster.thaw();
    server.until_ready().await;
    assert_eq!(caller.is_active("opaque", &token).await.ok(), Some(true));
}
