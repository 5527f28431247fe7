//! The thread that writes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
};

use tokio::sync::{mpsc, oneshot};

use super::connection::Connection;
use crate::store::{
    Result, StoreError,
    sql::{ATTEMPTS, Fallible, Fault, Step},
};

/// How many steps may share a commit.
const BATCH: usize = 256;

/// How many steps may wait; the others wait for a place.
const QUEUE: usize = 1024;

/// A step; what it gives is handed to its caller once the commit has succeeded or failed. Without a connection it
/// is not run: no transaction could be begun.
type Job = Box<dyn FnOnce(Option<&mut Connection>) -> Answer + Send>;
type Answer = Box<dyn FnOnce(std::result::Result<(), &str>)>;

/// The thread and the queue before it.
pub(super) struct Writer {
    queue: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    done: Arc<Done>,
}

/// What the writer did so far.
#[derive(Default)]
struct Done {
    commits: AtomicU64,
    steps: AtomicU64,
}

impl Writer {
    pub(super) fn start(mut connection: Connection) -> Result<Self> {
        let (queue, mut jobs) = mpsc::channel(QUEUE);
        let done = Arc::new(Done::default());
        let counted = Arc::clone(&done);
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || {
                while let Some(job) = jobs.blocking_recv() {
                    let steps = commit_together(&mut connection, job, &mut jobs);
                    counted.commits.fetch_add(1, Ordering::Relaxed);
                    counted.steps.fetch_add(steps, Ordering::Relaxed);
                }
            })
            .map_err(|error| StoreError::Unavailable(format!("cannot start the writer: {error}")))?;
        Ok(Self { queue: Some(queue), thread: Some(thread), done })
    }

    /// How many steps wait, how many commits there were, and how many steps were in them.
    pub(super) fn load(&self) -> (u64, u64, u64) {
        let waiting = self.queue.as_ref().map_or(0, |queue| queue.max_capacity() - queue.capacity());
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (waiting.try_into().unwrap_or(u64::MAX), read(&self.done.commits), read(&self.done.steps))
    }

    pub(super) async fn run<T: Send + 'static>(&self, tenant: Arc<str>, step: Step<T>) -> Fallible<T> {
        let (reply, outcome) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            // Nobody waits for it any more, and nothing has happened yet.
            if reply.is_closed() {
                return Box::new(|_| ());
            }
            let result = match connection {
                Some(connection) => run_in_savepoint(connection, &tenant, &step),
                None => Err(stopped()),
            };
            Box::new(move |committed| {
                // What it changed counts from here on, before anybody is told.
                drop(step);
                // Who has gone away does not learn it; the step is done all the same.
                let _ = reply.send(committed.map_err(Fault::unavailable).and(result));
            })
        });
        let queue = self.queue.as_ref().ok_or_else(stopped)?;
        queue.send(job).await.map_err(|_| stopped())?;
        outcome.await.map_err(|_| stopped())?
    }
}

fn stopped() -> Fault {
    Fault::unavailable("the writer has stopped")
}

/// Lets the thread finish what it has been given, so that the file is closed when this returns.
impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn commit_together(connection: &mut Connection, job: Job, jobs: &mut mpsc::Receiver<Job>) -> u64 {
    let mut answers = Vec::new();
    let outcome = run_batch(connection, job, jobs, &mut answers);
    if outcome.is_err() && connection.in_transaction() {
        // When even this fails, the next batch cannot begin and tells so.
        let _ = connection.batch("ROLLBACK");
    }
    let steps = u64::try_from(answers.len()).unwrap_or(u64::MAX);
    for answer in answers {
        answer(outcome.as_ref().copied().map_err(String::as_str));
    }
    steps
}

fn run_batch(
    connection: &mut Connection,
    job: Job,
    jobs: &mut mpsc::Receiver<Job>,
    answers: &mut Vec<Answer>,
) -> std::result::Result<(), String> {
    if let Err(error) = connection.command("BEGIN IMMEDIATE") {
        answers.push(job(None));
        return Err(error.to_string());
    }
    let mut next = Some(job);
    while let Some(job) = next {
        answers.push(job(Some(connection)));
        if !connection.in_transaction() {
            return Err("the database took the transaction back".into());
        }
        next = if answers.len() < BATCH { jobs.try_recv().ok() } else { None };
    }
    connection.command("COMMIT").map_err(|error| error.to_string())
}

/// A step that fails takes back its own writes only.
fn run_in_savepoint<T>(connection: &mut Connection, tenant: &str, step: &Step<T>) -> Fallible<T> {
    for _ in 0..ATTEMPTS {
        connection.batch("SAVEPOINT step").map_err(Fault::Store)?;
        let (outcome, keep) = connection.run(tenant, step);
        let end = if keep { "RELEASE step" } else { "ROLLBACK TO step; RELEASE step" };
        if let Err(error) = connection.batch(end) {
            // Which writes stand is no longer known: none of the batch must.
            let _ = connection.batch("ROLLBACK");
            return Err(Fault::Store(error));
        }
        if !matches!(outcome, Err(Fault::Collision)) {
            return outcome;
        }
    }
    Err(Fault::Collision)
}
