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
use tokio::{task::JoinSet, time::Instant};

use crate::{
    measure::{self, Usage},
    place::Place,
    scenario::{Kind, Once, Stock, Worker},
    statements::{Database, Statements},
    wire::Broken,
};

/// So many seconds of preparing give what a second of redeeming uses: a code takes four requests, redeeming it one.
const MAKING: u32 = 3;

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
    /// The end comes with so many requests, if that is sooner.
    pub requests: Option<u64>,
}

/// Whose work is counted beside that of the answers.
#[derive(Clone, Default)]
pub(crate) struct Watched {
    /// Processes of servers.
    pub servers: Vec<u32>,
    /// Processes of their database.
    pub database: Vec<u32>,
    /// Where the statements are counted.
    pub statements: Option<Database>,
}

/// What came of it.
pub(crate) struct Measured {
    pub done: u64,
    pub wrong: u64,
    pub first_wrong: String,
    pub took: Duration,
    /// Microseconds.
    pub latency: Histogram<u64>,
    pub servers: Usage,
    pub database: Usage,
    /// This program.
    pub load: Usage,
    pub idle_micros: u64,
    pub statements: Option<Statements>,
}

/// Times that things take, in microseconds.
pub(crate) fn times() -> Result<Histogram<u64>, Broken> {
    Histogram::new_with_bounds(1, 600_000_000, 3).map_err(|error| Broken::Answer(error.to_string()))
}

struct Tally {
    latency: Histogram<u64>,
    wrong: u64,
    first_wrong: String,
    /// There was nothing left to do before the time was over.
    dry: bool,
}

impl Tally {
    fn new() -> Result<Self, Broken> {
        Ok(Self { latency: times()?, wrong: 0, first_wrong: String::new(), dry: false })
    }

    fn add(&mut self, since: Instant, outcome: Result<Once, Broken>) {
        match outcome {
            Ok(_) => {
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

    fn join(&mut self, other: Self) -> Result<(), Broken> {
        self.latency.add(&other.latency).map_err(|error| Broken::Answer(error.to_string()))?;
        if self.wrong == 0 {
            self.first_wrong = other.first_wrong;
        }
        self.wrong += other.wrong;
        self.dry |= other.dry;
        Ok(())
    }
}

/// When requests count, and whose turn it is.
struct Time {
    begin: Instant,
    end: Instant,
    turn: AtomicU64,
    left: Option<AtomicU64>,
}

/// Runs a scenario.
pub(crate) async fn run(
    kind: Kind,
    place: &Arc<Place>,
    load: Load,
    watched: &Watched,
) -> Result<Measured, Broken> {
    let workers = prepare(kind, place, load).await?;
    if let Some(database) = &watched.statements {
        database.settle().await?;
    }
    // Nothing of a stock is wasted.
    let warm_up = if kind.has_stock() { Duration::ZERO } else { load.warm_up };
    let begin = Instant::now() + warm_up;
    let time = Arc::new(Time {
        begin,
        end: begin + load.measured,
        turn: AtomicU64::new(0),
        left: load.requests.map(AtomicU64::new),
    });
    let mut tasks = JoinSet::new();
    for worker in workers {
        tasks.spawn(work(worker, load.pace, Arc::clone(&time)));
    }
    tokio::time::sleep_until(begin).await;
    let before = Used::now(watched).await?;
    let mut used = None;
    let mut all = Tally::new()?;
    loop {
        tokio::select! {
            biased;
            () = tokio::time::sleep_until(time.end), if used.is_none() => used = Some(Used::now(watched).await?),
            next = tasks.join_next() => match next {
                Some(tally) => all.join(tally.map_err(|error| Broken::Answer(error.to_string()))??)?,
                None => break,
            },
        }
    }
    let took = if all.dry { begin.elapsed() } else { load.measured };
    let used = match used {
        Some(used) => used,
        None => Used::now(watched).await?,
    };
    Ok(Measured {
        done: all.latency.len(),
        wrong: all.wrong,
        first_wrong: all.first_wrong,
        took,
        latency: all.latency,
        servers: used.servers.since(&before.servers),
        database: used.database.since(&before.database),
        load: used.load.since(&before.load),
        idle_micros: used.idle_micros.saturating_sub(before.idle_micros),
        statements: used.statements.zip(before.statements).map(|(after, before)| after.since(before)),
    })
}

/// Workers, made ready at the same time.
async fn prepare(kind: Kind, place: &Arc<Place>, load: Load) -> Result<Vec<Worker>, Broken> {
    let stock = Stock::new(load.measured * MAKING, load.requests);
    let mut preparing = JoinSet::new();
    for number in 0..load.connections {
        let (place, stock) = (Arc::clone(place), stock.clone());
        preparing.spawn(async move { Worker::prepare(kind, &place, number, stock).await });
    }
    let mut workers = Vec::with_capacity(load.connections);
    while let Some(worker) = preparing.join_next().await {
        workers.push(worker.map_err(|error| Broken::Answer(error.to_string()))??);
    }
    Ok(workers)
}

/// What was used up to a moment.
struct Used {
    servers: Usage,
    database: Usage,
    load: Usage,
    idle_micros: u64,
    statements: Option<Statements>,
}

impl Used {
    async fn now(watched: &Watched) -> Result<Self, Broken> {
        let (servers, database) = (measure::usage(&watched.servers), measure::usage(&watched.database));
        let (load, idle_micros) = (measure::usage(&[std::process::id()]), measure::idle_micros());
        let statements = match &watched.statements {
            Some(database) => Some(database.statements().await?),
            None => None,
        };
        Ok(Self { servers, database, load, idle_micros, statements })
    }
}

async fn work(mut worker: Worker, pace: Pace, time: Arc<Time>) -> Result<Tally, Broken> {
    let mut tally = Tally::new()?;
    let start = Instant::now();
    loop {
        let due = match pace {
            Pace::Closed => Instant::now(),
            Pace::Open(rate) => {
                let number = time.turn.fetch_add(1, Ordering::Relaxed);
                #[expect(clippy::cast_precision_loss, reason = "a count of requests is far below 2^52")]
                let due = start + Duration::from_secs_f64(number as f64 / rate);
                tokio::time::sleep_until(due).await;
                due
            }
        };
        if due >= time.end || Instant::now() >= time.end {
            return Ok(tally);
        }
        let counts = due >= time.begin;
        if counts && time.left.as_ref().is_some_and(is_used_up) {
            tally.dry = true;
            return Ok(tally);
        }
        let outcome = worker.once().await;
        if matches!(outcome, Ok(Once::Dry)) {
            tally.dry = true;
            return Ok(tally);
        }
        // What began in the warm-up or ended after the time is not counted.
        if counts && Instant::now() <= time.end {
            tally.add(due, outcome);
        }
    }
}

/// Takes one of those that are left.
fn is_used_up(left: &AtomicU64) -> bool {
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_err()
}
