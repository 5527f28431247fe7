//! What the writer does when a step misbehaves.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use super::{connection::open_for_writing, writer::Writer};
use crate::store::sql::{ATTEMPTS, Fallible, Fault, Step, Tx, Value, Work};

/// A file that is removed when dropped.
struct TempFile(PathBuf);

impl TempFile {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("placet-writer-{}-{name}.db", std::process::id()));
        Self(path)
    }

    /// A writer on a table of names, in which none may be there twice, and a table of those who must be in it by
    /// the end of a transaction.
    fn writer(&self) -> Writer {
        let connection = open_for_writing(&self.0).expect("it opens");
        connection
            .batch(
                "PRAGMA foreign_keys = ON; \
                 CREATE TABLE names (tenant TEXT, name TEXT UNIQUE); \
                 CREATE TABLE guests (tenant TEXT, \
                 name TEXT REFERENCES names (name) DEFERRABLE INITIALLY DEFERRED)",
            )
            .expect("it creates");
        Writer::start(connection).expect("it starts")
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        for suffix in ["", "-wal", "-shm"] {
            let mut name = self.0.clone().into_os_string();
            name.push(suffix);
            let _ = std::fs::remove_file(name);
        }
    }
}

fn step<T>(run: impl for<'a> Fn(&'a mut dyn Tx) -> Work<'a, T> + Send + Sync + 'static) -> Step<T> {
    Arc::new(run)
}

async fn run<T: Send + 'static>(writer: &Writer, step: Step<T>) -> Fallible<T> {
    writer.run("one".into(), step).await
}

async fn insert(tx: &mut dyn Tx, sql: &'static str, name: &str) -> Fallible<u64> {
    tx.execute(sql, &[Value::from(name)]).await
}

const NAME: &str = "INSERT INTO names (tenant, name) VALUES ($1, $2)";
const NAME_OR_ALL: &str = "INSERT OR ROLLBACK INTO names (tenant, name) VALUES ($1, $2)";
const GUEST: &str = "INSERT INTO guests (tenant, name) VALUES ($1, $2)";

fn add(sql: &'static str, name: &'static str) -> Step<u64> {
    step(move |tx| Box::pin(insert(tx, sql, name)))
}

async fn names(writer: &Writer) -> Vec<String> {
    let all = step(|tx| {
        Box::pin(async move {
            let rows = tx.query("SELECT name FROM names WHERE tenant = $1 ORDER BY name", &[]).await?;
            rows.into_iter().map(|mut row| row.text()).collect::<Fallible<Vec<_>>>()
        })
    });
    run(writer, all).await.expect("it reads")
}

#[tokio::test]
async fn a_step_that_fails_takes_back_its_own_writes_only() {
    let file = TempFile::new("fails");
    let writer = file.writer();
    let fails = step(|tx| {
        Box::pin(async move {
            insert(tx, NAME, "b").await?;
            insert(tx, NAME, "a").await
        })
    });
    let (first, second, third) =
        tokio::join!(run(&writer, add(NAME, "a")), run(&writer, fails), run(&writer, add(NAME, "c")));
    assert!(first.is_ok() && second.is_err() && third.is_ok());
    assert_eq!(names(&writer).await, ["a", "c"]);
}

#[tokio::test]
async fn a_step_that_gives_up_has_its_result_and_no_writes() {
    let file = TempFile::new("gives-up");
    let writer = file.writer();
    let gives_up = step(|tx| {
        Box::pin(async move {
            insert(tx, NAME, "a").await?;
            tx.give_up();
            Ok("never mind")
        })
    });
    assert_eq!(run(&writer, gives_up).await.expect("it answers"), "never mind");
    assert!(names(&writer).await.is_empty());
}

#[tokio::test]
async fn a_step_that_panics_or_waits_is_answered_and_the_writer_lives_on() {
    let file = TempFile::new("panics");
    let writer = file.writer();
    let panics: Step<()> = step(|tx| {
        Box::pin(async move {
            insert(tx, NAME, "a").await?;
            panic!("on purpose")
        })
    });
    let waits = step(|tx| {
        Box::pin(async move {
            insert(tx, NAME, "b").await?;
            std::future::pending::<Fallible<()>>().await
        })
    });
    let (panicked, waited, sound) =
        tokio::join!(run(&writer, panics), run(&writer, waits), run(&writer, add(NAME, "c")));
    assert!(matches!(panicked, Err(Fault::Store(_))), "{panicked:?}");
    assert!(matches!(waited, Err(Fault::Store(_))), "{waited:?}");
    assert!(sound.is_ok());
    assert_eq!(names(&writer).await, ["c"]);
}

#[tokio::test]
async fn a_step_that_collides_is_run_again_a_few_times() {
    let file = TempFile::new("collides");
    let writer = file.writer();
    let runs = Arc::new(AtomicU32::new(0));
    let colliding = |times: u32| {
        let runs = Arc::clone(&runs);
        runs.store(0, Ordering::SeqCst);
        step(move |tx| {
            let run = runs.fetch_add(1, Ordering::SeqCst);
            Box::pin(async move {
                insert(tx, NAME, "a").await?;
                if run < times { Err(Fault::Collision) } else { Ok(()) }
            })
        })
    };
    let never = run(&writer, colliding(u32::MAX)).await;
    assert!(matches!(never, Err(Fault::Collision)), "{never:?}");
    assert_eq!(runs.load(Ordering::SeqCst), ATTEMPTS);
    assert!(names(&writer).await.is_empty());
    run(&writer, colliding(ATTEMPTS - 1)).await.expect("the last attempt succeeds");
    assert_eq!(names(&writer).await, ["a"]);
}

/// Runs steps that share a commit: the first keeps the writer busy until the others wait.
async fn together(writer: &Writer, steps: Vec<Step<u64>>) -> Vec<Fallible<u64>> {
    let (started, waiting) = tokio::sync::oneshot::channel();
    let (go_on, released) = std::sync::mpsc::channel::<()>();
    let gate = std::sync::Mutex::new((Some(started), released));
    let busy = step(move |_| {
        let mut gate = gate.lock().expect("it is not poisoned");
        if let Some(started) = gate.0.take() {
            started.send(()).expect("somebody waits");
            gate.1.recv().expect("it is released");
        }
        Box::pin(std::future::ready(Ok(0)))
    });
    let release = async {
        waiting.await.expect("it starts");
        let queued = futures_util::future::join_all(steps.into_iter().map(|step| run(writer, step)));
        let release = async {
            // Polled after the others, which are in the queue by now.
            go_on.send(()).expect("it waits");
        };
        tokio::join!(queued, release).0
    };
    let (first, mut outcomes) = tokio::join!(run(writer, busy), release);
    outcomes.insert(0, first);
    outcomes
}

#[tokio::test]
async fn when_a_commit_fails_none_of_its_steps_is_acknowledged() {
    let file = TempFile::new("commit");
    let writer = file.writer();
    let outcomes = together(&writer, vec![add(NAME, "a"), add(GUEST, "nobody"), add(NAME, "b")]).await;
    assert!(outcomes.iter().all(Result::is_err), "{outcomes:?}");
    assert!(names(&writer).await.is_empty());
    run(&writer, add(NAME, "c")).await.expect("the next commit succeeds");
    assert_eq!(names(&writer).await, ["c"]);
}

#[tokio::test]
async fn when_the_database_takes_a_transaction_back_none_of_its_steps_is_acknowledged() {
    let file = TempFile::new("taken-back");
    let writer = file.writer();
    run(&writer, add(NAME, "a")).await.expect("it writes");
    let steps = vec![add(NAME, "b"), add(NAME_OR_ALL, "a"), add(NAME, "c")];
    let outcomes = together(&writer, steps).await;
    let acknowledged: Vec<_> = outcomes.iter().map(Result::is_ok).collect();
    assert_eq!(acknowledged, [false, false, false, true], "the last one had another transaction");
    assert_eq!(names(&writer).await, ["a", "c"]);
}
