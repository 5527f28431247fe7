//! A step that decides: what is before it, in it, and nothing after it.

use std::sync::Arc;

use tokio::sync::Notify;

use super::Connection;
use crate::{
    random::{self, OsRandom},
    store::{
        postgres::{pool, schema},
        sql::{Fallible, Fault, Statement, Step, Tx, Value, Work},
    },
};

/// A connection, and a tenant that nobody else has; none where there is no database.
async fn connected() -> Option<(Connection, String)> {
    let Ok(url) = std::env::var("PLACET_TEST_POSTGRES") else {
        eprintln!("skipped: PLACET_TEST_POSTGRES names no database");
        return None;
    };
    schema::migrate(&url).await.unwrap();
    let (config, connector) = pool::target(&url).unwrap();
    let (client, connection) = config.connect(connector).await.unwrap();
    tokio::spawn(connection);
    let tenant = random::id(&OsRandom, "deciding-").unwrap();
    let mut connection = Connection::new(client);
    let begin =
        step(|tx| Box::pin(tx.execute("INSERT INTO key_sets (tenant, generation) VALUES ($1, 0)", &[])));
    connection.write(&tenant, &begin).await.unwrap();
    Some((connection, tenant))
}

fn step<T>(run: impl for<'a> Fn(&'a mut dyn Tx) -> Work<'a, T> + Send + Sync + 'static) -> Step<T> {
    Arc::new(run)
}

/// What is used up if it stands at this generation.
fn uses(generation: i64) -> Statement {
    Statement {
        sql: "UPDATE key_sets SET generation = generation + 1 WHERE tenant = $1 AND generation = $2",
        params: vec![Value::Int(generation)],
    }
}

/// What is recorded if it was.
fn records(worker: &str) -> Statement {
    Statement {
        sql: "INSERT INTO housekeeping (tenant, worker, ends_at, seen_at) VALUES ($1, $2, 0, 0)",
        params: vec![Value::from(worker)],
    }
}

async fn later(tx: &mut dyn Tx) -> Fallible<u64> {
    tx.execute("UPDATE key_sets SET generation = 90 WHERE tenant = $1", &[]).await
}

/// The generation, and who is recorded.
async fn found(connection: &mut Connection, tenant: &str) -> (i64, Option<String>) {
    assert!(!connection.is_unfit());
    let look = step(|tx| {
        Box::pin(async move {
            tx.query(
                "SELECT generation, (SELECT worker FROM housekeeping WHERE tenant = $1) \
                 FROM key_sets WHERE tenant = $1",
                &[],
            )
            .await
        })
    });
    let mut row = connection.read(tenant, &look).await.unwrap().remove(0);
    (row.int().unwrap(), row.optional_text().unwrap())
}

#[tokio::test]
async fn a_decision_is_whole_and_nothing_comes_after_it() {
    let Some((mut connection, tenant)) = connected().await else { return };
    let decides = step(|tx| Box::pin(async move { tx.decide(&uses(0), &[records("one")]).await }));
    assert!(connection.write(&tenant, &decides).await.unwrap());
    assert_eq!(found(&mut connection, &tenant).await, (1, Some("one".to_owned())));
    let goes_on = step(|tx| {
        Box::pin(async move {
            assert!(tx.decide(&uses(1), &[]).await?);
            later(tx).await
        })
    });
    assert!(matches!(connection.write(&tenant, &goes_on).await, Err(Fault::Store(_))));
    assert_eq!(found(&mut connection, &tenant).await, (2, Some("one".to_owned())));
}

#[tokio::test]
async fn what_did_not_decide_records_nothing_and_goes_on_in_a_transaction() {
    let Some((mut connection, tenant)) = connected().await else { return };
    for gives_up in [true, false] {
        let undecided = step(move |tx| {
            Box::pin(async move {
                assert!(!tx.decide(&uses(7), &[records("one")]).await?);
                if gives_up {
                    tx.give_up();
                }
                later(tx).await
            })
        });
        assert_eq!(connection.write(&tenant, &undecided).await.unwrap(), 1);
        let generation = if gives_up { 0 } else { 90 };
        assert_eq!(found(&mut connection, &tenant).await, (generation, None));
    }
}

#[tokio::test]
async fn a_decision_within_a_transaction_stands_and_falls_with_it() {
    let Some((mut connection, tenant)) = connected().await else { return };
    for fails in [true, false] {
        let within = step(move |tx| {
            Box::pin(async move {
                tx.execute("UPDATE key_sets SET generation = 5 WHERE tenant = $1", &[]).await?;
                assert!(tx.decide(&uses(5), &[records("one")]).await?);
                if fails { Err(Fault::corrupt("on second thoughts")) } else { Ok(()) }
            })
        });
        assert_eq!(connection.write(&tenant, &within).await.is_err(), fails);
        let expected = if fails { (0, None) } else { (6, Some("one".to_owned())) };
        assert_eq!(found(&mut connection, &tenant).await, expected);
    }
}

#[tokio::test]
async fn after_a_failed_statement_nothing_of_a_step_is_kept() {
    let Some((mut connection, tenant)) = connected().await else { return };
    let swallows = step(|tx| {
        Box::pin(async move {
            later(tx).await?;
            let failed = tx.execute("INSERT INTO key_sets (tenant, generation) VALUES ($1, 0)", &[]).await;
            assert!(failed.is_err(), "there is one already");
            Ok(())
        })
    });
    assert!(connection.write(&tenant, &swallows).await.is_err());
    assert_eq!(found(&mut connection, &tenant).await, (0, None));
}

#[tokio::test]
async fn whoever_goes_away_within_a_transaction_leaves_a_connection_that_nobody_uses() {
    let Some((mut connection, tenant)) = connected().await else { return };
    let inside = Arc::new(Notify::new());
    let stays = {
        let inside = Arc::clone(&inside);
        step(move |tx| {
            let inside = Arc::clone(&inside);
            Box::pin(async move {
                later(tx).await?;
                inside.notify_one();
                std::future::pending::<Fallible<()>>().await
            })
        })
    };
    tokio::select! {
        ended = connection.write(&tenant, &stays) => panic!("it ended: {}", ended.is_ok()),
        () = inside.notified() => {}
    }
    assert!(!connection.lost && connection.is_unfit(), "whoever came next would write into the transaction");
}

/// Takes so many seconds.
async fn slow(tx: &mut dyn Tx, seconds: i64) -> Fallible<()> {
    let sql = "SELECT generation FROM key_sets, pg_sleep($2::bigint) WHERE tenant = $1";
    tx.query(sql, &[Value::Int(seconds)]).await.map(drop)
}

#[tokio::test]
async fn a_connection_over_which_no_answer_came_is_not_used_again() {
    let Some((mut connection, tenant)) = connected().await else { return };
    // It is prepared by then: what is not answered is the statement itself.
    let look = |seconds| step(move |tx| Box::pin(slow(tx, seconds)));
    connection.read(&tenant, &look(0)).await.unwrap();
    assert!(!connection.is_unfit());
    tokio::time::pause();
    assert!(matches!(connection.read(&tenant, &look(2)).await, Err(Fault::Store(_))));
    assert!(!connection.in_transaction && connection.is_unfit(), "the next one would get this answer");
}

#[tokio::test]
async fn a_write_that_is_not_answered_says_so_and_its_connection_is_not_used_again() {
    let Some((mut connection, tenant)) = connected().await else { return };
    let writes = |seconds| {
        step(move |tx| {
            Box::pin(async move {
                later(tx).await?;
                slow(tx, seconds).await
            })
        })
    };
    connection.write(&tenant, &writes(0)).await.unwrap();
    tokio::time::pause();
    let before = tokio::time::Instant::now();
    assert!(matches!(connection.write(&tenant, &writes(2)).await, Err(Fault::Store(_))));
    assert!(before.elapsed() < 2 * super::STATEMENT, "it says nothing more over a connection that is lost");
    assert!(connection.is_unfit());
}

#[tokio::test]
async fn a_server_that_must_not_be_written_to_is_left() {
    let Some((mut connection, tenant)) = connected().await else { return };
    connection.client.batch_execute("SET default_transaction_read_only = on").await.unwrap();
    let writes = step(|tx| Box::pin(later(tx)));
    assert!(matches!(connection.write(&tenant, &writes).await, Err(Fault::Store(_))));
    assert!(connection.is_unfit(), "it became a standby");
}
