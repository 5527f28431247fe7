//! A million short-lived rows come and go while requests are answered, and the tables return to their size.

use std::time::Duration;

use super::{
    caller::Caller,
    cluster::Cluster,
    ledger::Load,
    rights::{alone, is_asked_for},
    server::Site,
};

/// How often, and how many rows of each of the three kinds each time: a million in all.
const ROUNDS: u32 = 3;
const ROWS: u32 = 112_000;

/// Rows that ended long ago, as servers write them: proofs, pushed requests, tokens.
fn dead(series: &str, digest: &str, blob: &str) -> [String; 3] {
    [
        format!(
            "INSERT INTO used_once (tenant, kind, digest, expires_at) \
             SELECT 'default', 'soak', {digest}, 1000 + n {series}"
        ),
        format!(
            "INSERT INTO pushed_requests (tenant, digest, client_id, sealed, created_at, expires_at) \
             SELECT 'default', {digest}, 'web', {blob}, 500, 1000 + n {series}"
        ),
        format!(
            "INSERT INTO tokens (tenant, digest, client_id, doc, single_use, created_at, expires_at) \
             SELECT 'default', {digest}, 'web', '{{}}', 0, 500, 1000 + n {series}"
        ),
    ]
}

const TABLES: [&str; 3] = ["used_once", "pushed_requests", "tokens"];
const LEFT: &str = "SELECT (SELECT COUNT(*) FROM used_once WHERE expires_at < 1000000000) + \
     (SELECT COUNT(*) FROM pushed_requests WHERE expires_at < 1000000000) + \
     (SELECT COUNT(*) FROM tokens WHERE expires_at < 1000000000)";

/// Waits until nothing dead is left, while so many at once go on asking, whom it must not disturb.
async fn purged_under_load(callers: &[Caller], (at_once, round): (usize, u32), dead: impl AsyncFn() -> i64) {
    let load = Load::start(callers, at_once);
    let mut left = i64::MAX;
    for _ in 0..200 {
        left = dead().await;
        if left == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(left, 0, "round {round}: it is purged");
    load.more(20).await;
    assert_eq!(load.troubles(), 0, "and delays nobody");
    load.end().await.settle(callers).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_million_rows_in_a_database_come_and_go_while_requests_are_answered() {
    let row = "a million rows in PostgreSQL";
    let _alone = alone().await;
    if !is_asked_for(row) {
        return;
    }
    let Some(cluster) = Cluster::start(row, &[]) else { return };
    let site = Site::new(Some(cluster.url()));
    let (one, two) = (site.server().await, site.server().await);
    let callers = [one.caller.clone(), two.caller.clone()];
    let other = cluster.client().await;
    let mut sizes = Vec::new();
    for round in 0..ROUNDS {
        let series = format!("FROM generate_series(1, {ROWS}) AS n");
        let digest = format!("sha256(convert_to('{round}-' || n, 'UTF8'))");
        for insert in dead(&series, &digest, "decode(repeat('ab', 200), 'hex')") {
            other.batch_execute(&insert).await.expect("they are there");
        }
        // Before they go: afterwards it depends on what a vacuum could give back at the end of a table.
        let mut held = 0;
        for table in TABLES {
            let relation = format!("SELECT pg_total_relation_size('{table}')");
            held += other.query_one(&relation, &[]).await.expect("it reads").get::<_, i64>(0);
        }
        sizes.push(held);
        let left = async || other.query_one(LEFT, &[]).await.expect("it reads").get(0);
        purged_under_load(&callers, (1, round), left).await;
        let leaders = "SELECT COUNT(DISTINCT worker) FROM housekeeping";
        assert_eq!(other.query_one(leaders, &[]).await.expect("it reads").get::<_, i64>(0), 1);
        // What autovacuum does, at its own time.
        other.batch_execute("VACUUM").await.expect("it vacuums");
    }
    assert!(sizes[2] <= sizes[0] + sizes[0] / 2, "the space is used again: {sizes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_million_rows_in_a_file_come_and_go_while_requests_are_answered() {
    let row = "a million rows in a file";
    let _alone = alone().await;
    if !is_asked_for(row) {
        return;
    }
    let site = Site::new(None);
    let server = site.server().await;
    let callers = [server.caller.clone()];
    let file = site.data().join("placet.db");
    let other = rusqlite::Connection::open(&file).expect("it opens");
    other.busy_timeout(Duration::from_secs(60)).expect("it waits");
    let pages = || other.query_row("PRAGMA page_count", [], |row| row.get::<_, i64>(0)).expect("it reads");
    let mut grown = Vec::new();
    for round in 0..ROUNDS {
        let before = pages();
        // A part at a time: the server writes, too.
        for part in 0..ROWS / 8_000 {
            let series = format!(
                "FROM (WITH RECURSIVE s(n) AS (SELECT {} UNION ALL SELECT n + 1 FROM s LIMIT 8000) SELECT n FROM s)",
                part * 8_000
            );
            let digest = format!("CAST('a digest of thirty-two bytes {round}-' || n AS BLOB)");
            for insert in dead(&series, &digest, "zeroblob(200)") {
                other.execute_batch(&insert).expect("they are there");
            }
        }
        grown.push(pages() - before);
        let left = async || other.query_row(LEFT, [], |row| row.get(0)).expect("it reads");
        purged_under_load(&callers, (2, round), left).await;
    }
    // What the load wrote meanwhile lives on, and is not counted: only what these rows took that was not free.
    assert!(grown[2] <= grown[0] / 5, "the space is used again: {grown:?}");
}
