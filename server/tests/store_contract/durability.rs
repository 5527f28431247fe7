//! What was acknowledged outlives the process that did it, and callers that go away break nothing.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use placet_server::store::{Redemption, Store, embedded::Embedded, postgres::Postgres};

use crate::{
    backend::{Backend, TempDir, pool, postgres_url, unique},
    samples::*,
};

/// Which store the child writes into: `embedded` or `postgres`, where, and for which tenant.
const CHILD: &str = "PLACET_TEST_CRASH_CHILD";

const WRITERS: u32 = 8;

async fn open(target: &str) -> Arc<dyn Store> {
    let mut parts = target.splitn(3, ' ');
    let mut next = || parts.next().expect("three parts");
    let (kind, tenant, place) = (next(), next(), next());
    match kind {
        "embedded" => Arc::new(Embedded::open(Path::new(place), tenant).expect("the file opens")),
        _ => Arc::new(Postgres::connect(place, tenant, pool(4)).await.expect("the database answers")),
    }
}

/// Not a test of its own: it writes until it is killed.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "the process that the crash tests kill"]
async fn the_process_that_is_killed() {
    let Ok(target) = std::env::var(CHILD) else { return };
    let (place, from) = target.rsplit_once(' ').expect("where it starts");
    let from: u32 = from.parse().expect("a number");
    let store = open(place).await;
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                for i in (from + writer..).step_by(WRITERS as usize) {
                    redeem_one(&*store, i).await;
                    // Not `println`, which the test runner holds back.
                    writeln!(std::io::stdout(), "redeemed {i}").expect("the parent listens");
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.expect("it does not panic");
    }
}

async fn redeem_one(store: &dyn Store, i: u32) {
    let (secret, az) = (format!("code {i}"), format!("az_{i}"));
    created_code(store, &secret, &az, &format!("user {i}")).await;
    let outcome = store.redeem_code(&digest(&secret), NOW, issued(&format!("token {i}"), &az)).await;
    assert_eq!(outcome.expect("it answers"), Redemption::First);
}

fn start_child(target: &str, from: u32) -> Child {
    Command::new(std::env::current_exe().expect("this program"))
        .args(["--ignored", "--exact", "durability::the_process_that_is_killed", "--nocapture"])
        .env(CHILD, format!("{target} {from}"))
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts")
}

/// Kills a writing process after it has acknowledged some redemptions; gives all that it had.
fn acknowledged_until_killed(target: &str, from: u32, enough: usize) -> BTreeSet<u32> {
    let mut child = start_child(target, from);
    let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let mut acknowledged = BTreeSet::new();
    for line in lines {
        let line = line.expect("its output is text");
        // The test runner writes its own words before the first.
        if let Some((_, number)) = line.rsplit_once("redeemed ") {
            acknowledged.insert(number.parse().expect("a number"));
        }
        if acknowledged.len() == enough {
            child.kill().expect("it can be killed");
        }
    }
    assert!(!child.wait().expect("it ends").success(), "it was killed");
    assert!(acknowledged.len() >= enough, "it wrote until it was killed");
    acknowledged
}

async fn everything_acknowledged_survives(target: &str) {
    for round in 0..3 {
        let from = round * 1_000_000;
        let acknowledged = acknowledged_until_killed(target, from, 100);
        let store = open(target).await;
        let last = acknowledged.last().expect("there are some") + 2 * WRITERS;
        for i in from..=last {
            let (secret, az) = (format!("code {i}"), format!("az_{i}"));
            let code = store.code(&digest(&secret)).await.expect("it reads");
            let redeemed = code.is_some_and(|(code, _)| code.redeemed_at.is_some());
            let token = store.token(&digest(&format!("token {i}"))).await.expect("it reads");
            assert_eq!(redeemed, token.is_some(), "{i} is whole or absent");
            if acknowledged.contains(&i) {
                assert!(redeemed, "{i} was acknowledged");
                let again = store.redeem_code(&digest(&secret), NOW, issued("loot", &az)).await;
                assert_eq!(again.expect("it answers"), Redemption::Replayed, "{i}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_file_acknowledged_survives_the_death_of_its_process() {
    let dir = TempDir::new();
    let place = dir.file();
    let place = place.to_str().expect("a plain path");
    everything_acknowledged_survives(&format!("embedded one {place}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_database_acknowledged_survives_the_death_of_its_client() {
    let Some(url) = postgres_url() else { return };
    everything_acknowledged_survives(&format!("postgres {} {url}", unique())).await;
}

async fn redeem_with_everything(store: &dyn Store, i: u64) -> Redemption {
    let mut issued = issued(&format!("token {i}"), &format!("az_{i}"));
    issued.family = Some(family(&format!("f{i}"), &format!("az_{i}")));
    issued.events = vec![event(&format!("evt_{i}"), "token.issued")];
    store.redeem_code(&digest(&format!("code {i}")), NOW, issued).await.expect("it answers")
}

/// Numbers in no particular order, the same at every run.
fn scattered(i: u64) -> u64 {
    (i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40
}

pub(crate) async fn a_write_whose_caller_goes_away_is_whole_or_absent(backend: &Backend) {
    let store = backend.store();
    for i in 0..300 {
        created_code(&*store, &format!("code {i}"), &format!("az_{i}"), &format!("user {i}")).await;
    }
    let mut acknowledged = BTreeSet::new();
    for wave in 0..30 {
        let writes: Vec<_> = (wave * 10..wave * 10 + 10)
            .map(|i| {
                let store = Arc::clone(&store);
                (i, tokio::spawn(async move { redeem_with_everything(&*store, i).await }))
            })
            .collect();
        // Some are dropped before they begin, some within, some when they are done.
        tokio::time::sleep(Duration::from_millis(wave % 4)).await;
        for (i, write) in &writes {
            for _ in 0..scattered(*i) % 40 {
                tokio::task::yield_now().await;
            }
            if i % 4 != 0 {
                write.abort();
            }
        }
        for (i, write) in writes {
            match write.await {
                Ok(outcome) => {
                    assert_eq!(outcome, Redemption::First);
                    acknowledged.insert(i);
                }
                Err(error) => assert!(error.is_cancelled()),
            }
        }
    }
    let mut redeemed = 0;
    for i in 0..300 {
        // Decides the fate of a write that is still under way: this one comes after it.
        let later = issued(&format!("later {i}"), &format!("az_{i}"));
        let outcome = store.redeem_code(&digest(&format!("code {i}")), NOW, later).await;
        let was_redeemed = outcome.expect("it answers") == Redemption::Replayed;
        let token = store.token(&digest(&format!("token {i}"))).await.expect("it reads");
        let family = store.family(&format!("f{i}")).await.expect("it reads");
        assert_eq!((token.is_some(), family.is_some()), (was_redeemed, was_redeemed), "{i}");
        assert!(was_redeemed || !acknowledged.contains(&i), "{i} was acknowledged");
        redeemed += usize::from(was_redeemed);
    }
    assert_eq!(backend.count("token.issued").await, redeemed);
    assert!(acknowledged.len() >= 75, "those that were not dropped were answered");
}
