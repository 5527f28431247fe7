//! Loads: closed, where each connection waits for its answer, and open, where requests are due at their time whether or
//! not the server keeps up. What an open load waited for a free connection counts as the server's time: a server that
//! stops for a second has not answered one slow request, but all that were due in it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use hdrhistogram::Histogram;
use tokio::time::Instant;

use crate::{
    measure::{self, Usage},
    scenario::{Kind, Place, Worker},
    wire::Broken,
};

/// How requests follow each other.
#[derive(Clone, Copy)]
pub(crate) enum Pace {
    /// Each connection goes on when it has its answer.
    Closed,
    /// So many in a second, over all connections.
    Open(f64),
}

/// How a scenario is run.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub connections: usize,
    pub pace: Pace,
    pub warm_up: Duration,
    pub measured: Duration,
}

/// What came of it.
pub(crate) struct Measured {
    pub done: u64,
    pub wrong: u64,
    pub first_wrong: String,
    pub took: Duration,
    /// Microseconds.
    pub latency: Histogram<u64>,
    pub usage: Usage,
}

struct Tally {
    latency: Histogram<u64>,
    wrong: u64,
    first_wrong: String,
}

impl Tally {
    fn new() -> Result<Self, Broken> {
        let latency = Histogram::new_with_bounds(1, 600_000_000, 3);
        let latency = latency.map_err(|error| Broken::Answer(error.to_string()))?;
        Ok(Self { latency, wrong: 0, first_wrong: String::new() })
    }

    fn add(&mut self, since: Instant, outcome: Result<(), Broken>) {
        match outcome {
            Ok(()) => {
                let micros = u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX);
                self.latency.saturating_record(micros.max(1));
            }
            Err(error) => {
                if self.wrong == 0 {
                    self.first_wrong = error.to_string();
                }
                self.wrong += 1;
            }
        }
    }
}

/// Runs a scenario.
pub(crate) async fn run(kind: Kind, place: &Place, load: Load, pids: &[u32]) -> Result<Measured, Broken> {
    let mut workers = Vec::with_capacity(load.connections);
    for number in 0..load.connections {
        workers.push(Worker::prepare(kind, place, number).await?);
    }
    let begin = Instant::now() + load.warm_up;
    let end = begin + load.measured;
    let turn = Arc::new(AtomicU64::new(0));
    let tasks: Vec<_> = workers
        .into_iter()
        .map(|worker| tokio::spawn(work(worker, load.pace, (begin, end), Arc::clone(&turn))))
        .collect();
    tokio::time::sleep_until(begin).await;
    let before = measure::usage(pids);
    tokio::time::sleep_until(end).await;
    let usage = measure::usage(pids).since(&before);
    let mut all = Tally::new()?;
    for task in tasks {
        let tally = task.await.map_err(|error| Broken::Answer(error.to_string()))??;
        all.latency.add(&tally.latency).map_err(|error| Broken::Answer(error.to_string()))?;
        if all.wrong == 0 {
            all.first_wrong = tally.first_wrong;
        }
        all.wrong += tally.wrong;
    }
    Ok(Measured {
        done: all.latency.len(),
        wrong: all.wrong,
        first_wrong: all.first_wrong,
        took: load.measured,
        latency: all.latency,
        usage,
    })
}

async fn work(
    mut worker: Worker,
    pace: Pace,
    (begin, end): (Instant, Instant),
    turn: Arc<AtomicU64>,
) -> Result<Tally, Broken> {
    let mut tally = Tally::new()?;
    let start = Instant::now();
    loop {
        let due = match pace {
            Pace::Closed => Instant::now(),
            Pace::Open(rate) => {
                let number = turn.fetch_add(1, Ordering::Relaxed);
                #[expect(clippy::cast_precision_loss, reason = "a count of requests is far below 2^52")]
                let due = start + Duration::from_secs_f64(number as f64 / rate);
                tokio::time::sleep_until(due).await;
                due
            }
        };
        if due >= end || Instant::now() >= end {
            return Ok(tally);
        }
        let outcome = worker.once().await;
        // What began in the warm-up or ended after the time is not counted.
        if due >= begin && Instant::now() <= end {
            tally.add(due, outcome);
        }
    }
}
