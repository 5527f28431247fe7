//! Requests that are due at their time, whatever the server does. Each takes a connection that nobody uses, or opens one;
//! where all that there may be wait for the server, it is not sent, and counted as that.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hdrhistogram::Histogram;
use tokio::time::Instant;

use super::{Probe, probes};
use crate::{
    drive::times,
    measure::{self, Usage},
    place::Place,
    scenario::{Kind, Stock, Worker},
    wire::Broken,
};

/// Connections come from so many addresses: one has not ports enough for those who hang up.
const ADDRESSES: usize = 200;

/// What is asked for.
#[derive(Clone, Copy)]
pub(super) struct Flood {
    /// In a second.
    pub rate: f64,
    /// Who waits for longer hangs up.
    pub patience: Duration,
    /// There are so many at most.
    pub connections: usize,
    pub warm_up: Duration,
    pub measured: Duration,
}

/// What came of it. Answers count that came within the measured time, so that none does for which the server had time only
/// since the flood was over.
pub(super) struct Flooded {
    pub sent: u64,
    /// Microseconds of right answers, since they were due.
    pub good: Histogram<u64>,
    /// Microseconds of those who were sent away.
    pub shed: Histogram<u64>,
    pub left: u64,
    pub wrong: u64,
    pub first_wrong: String,
    pub probes: Vec<Probe>,
    pub connections: usize,
    pub took: Duration,
    /// Of the servers and of this program, while the connections were there still.
    pub used: [Usage; 2],
}

/// What all requests of a flood share.
struct Shared {
    patience: Duration,
    begin: Instant,
    end: Instant,
    idle: Mutex<Vec<Worker>>,
    tally: Mutex<Tally>,
}

struct Tally {
    good: Histogram<u64>,
    shed: Histogram<u64>,
    left: u64,
    wrong: u64,
    first_wrong: String,
}

impl Flood {
    /// Does it, and looks at what is cheap meanwhile.
    pub(super) async fn run(
        self,
        kind: Kind,
        place: &Arc<Place>,
        servers: &[u32],
    ) -> Result<Flooded, Broken> {
        let first = Worker::prepare(kind, place, 0, Stock::new(Duration::ZERO, None)).await?;
        let used = || [measure::usage(servers), measure::usage(&[std::process::id()])];
        let [servers_before, load_before] = used();
        let start = Instant::now();
        let begin = start + self.warm_up;
        let end = begin + self.measured;
        let tally = Tally { good: times()?, shed: times()?, left: 0, wrong: 0, first_wrong: String::new() };
        let (idle, tally) = (Mutex::new(Vec::new()), Mutex::new(tally));
        let shared = Arc::new(Shared { patience: self.patience, begin, end, idle, tally });
        let probing = probes::start(place, (begin, end));
        let (mut number, mut sent, mut opened) = (0_u64, 0_u64, 0_usize);
        loop {
            #[expect(clippy::cast_precision_loss, reason = "a count of requests is far below 2^52")]
            let due = start + Duration::from_secs_f64(number as f64 / self.rate);
            if due >= end {
                break;
            }
            if due > Instant::now() {
                tokio::time::sleep_until(due).await;
            }
            number += 1;
            let idle = lock(&shared.idle).pop();
            let worker = match idle {
                Some(worker) => worker,
                None if opened < self.connections => {
                    opened += 1;
                    let wire = place.public(opened).coming_from(address(opened));
                    first.twin(wire).ok_or_else(|| Broken::Answer(format!("`{kind}` is not for many")))?
                }
                None => continue,
            };
            if due >= begin {
                sent += 1;
            }
            tokio::spawn(once(worker, due, Arc::clone(&shared)));
        }
        tokio::time::sleep_until(end).await;
        let took = start.elapsed();
        let [servers_after, load_after] = used();
        let probes = probing.await.map_err(refused)?;
        // Those who wait still are not judged; the next flood begins without them.
        tokio::time::sleep(self.patience).await;
        lock(&shared.idle).clear();
        let tally = lock(&shared.tally);
        Ok(Flooded {
            sent,
            good: tally.good.clone(),
            shed: tally.shed.clone(),
            left: tally.left,
            wrong: tally.wrong,
            first_wrong: tally.first_wrong.clone(),
            probes,
            connections: opened,
            took,
            used: [servers_after.since(&servers_before), load_after.since(&load_before)],
        })
    }
}

/// Sends a request, and gives back the connection.
async fn once(mut worker: Worker, due: Instant, shared: Arc<Shared>) {
    let outcome = tokio::time::timeout_at(due + shared.patience, worker.once()).await;
    let now = Instant::now();
    if now >= shared.begin && now < shared.end {
        let micros = u64::try_from((now - due).as_micros()).unwrap_or(u64::MAX).max(1);
        let mut tally = lock(&shared.tally);
        match &outcome {
            Ok(Ok(_)) => tally.good.saturating_record(micros),
            Ok(Err(Broken::Busy)) => tally.shed.saturating_record(micros),
            Ok(Err(error)) => {
                if tally.wrong == 0 {
                    tally.first_wrong = error.to_string();
                }
                tally.wrong += 1;
            }
            Err(_) => tally.left += 1,
        }
    }
    if outcome.is_err() {
        worker.hang_up();
    }
    if now < shared.end {
        lock(&shared.idle).push(worker);
    }
}

fn address(number: usize) -> IpAddr {
    let last = u8::try_from(number % ADDRESSES).unwrap_or_default();
    Ipv4Addr::new(127, 0, 1, last + 1).into()
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

fn refused(error: impl std::fmt::Display) -> Broken {
    Broken::Answer(error.to_string())
}
