//! What becomes of a server of which too much is asked: how much it does in time, how long that takes, what becomes of the
//! others, and whether what is cheap can still be had.

mod flood;
mod probes;

use std::{fmt::Write as _, path::Path, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    drive::{self, Load, Pace, Watched},
    measure::Usage,
    place::Place,
    report::append,
    scenario::Kind,
    units::{mib, millis},
    wire::Broken,
};

use self::flood::{Flood, Flooded};

/// How often as much is asked as the server can do. What comes after the flood is to be as what was before.
const PHASES: [(&str, f64); 7] = [
    ("before", 0.7),
    ("1 ×", 1.0),
    ("2 ×", 2.0),
    ("5 ×", 5.0),
    ("10 ×", 10.0),
    ("10 ×, hanging up", 10.0),
    ("after", 0.7),
];
/// What is answered later is of no use to anybody.
const PATIENCE: Duration = Duration::from_secs(2);
/// So long those wait who hang up then.
const IMPATIENCE: Duration = Duration::from_millis(100);
/// Connections that find out what the server can do.
const CALM: usize = 32;

/// What came of a phase: a line of results.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Phase {
    /// Its name.
    pub overload: String,
    pub scenario: String,
    pub of: String,
    /// What the server does in a second, when each connection waits for its answer.
    pub capacity: f64,
    /// Requests that were due in a second.
    pub due: f64,
    /// Of them, those that were sent; for the others there was no connection, since all of them waited for the server.
    pub sent: f64,
    /// Right answers in a second, in time.
    pub good: f64,
    /// 503 with `Retry-After`, in a second.
    pub shed: f64,
    /// Those who hung up, in a second.
    pub left: f64,
    /// Other answers, and none at all.
    pub wrong: u64,
    /// Of the right answers.
    pub p50_us: u64,
    pub p99_us: u64,
    /// Of those who were sent away.
    pub shed_p50_us: u64,
    pub shed_p99_us: u64,
    /// Of what is cheap.
    pub probes: Vec<Probe>,
    pub resident_kib: u64,
    /// Connections at the end.
    pub connections: usize,
    /// What the server and the load had of a core each, in hundredths.
    pub server_core: f64,
    pub load_core: f64,
}

/// How long something cheap took meanwhile.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Probe {
    pub path: String,
    pub p50_us: u64,
    pub p99_us: u64,
    /// Not answered with 200, or not within seconds.
    pub missed: u64,
}

impl Phase {
    /// The share of what the server can do.
    pub(crate) fn share(&self) -> f64 {
        if self.capacity > 0.0 { self.good / self.capacity } else { 0.0 }
    }

    /// The slowest of what is cheap, and whether any of it was missed.
    pub(crate) fn slowest_probe(&self) -> (u64, u64) {
        let slowest = self.probes.iter().map(|probe| probe.p99_us).max().unwrap_or_default();
        (slowest, self.probes.iter().map(|probe| probe.missed).sum())
    }

    /// A row of the table whose head is [`HEAD`].
    pub(crate) fn row(&self) -> String {
        let (slowest, missed) = self.slowest_probe();
        let mut row = format!(
            "| {}, {} | {} | {:.0} | {:.0} | {:.0} | {:.0} % | {:.1} / {:.1} | {:.0} | {:.1} / {:.1} | {:.0} | {:.1} | {:.0} | {} | {:.0}/{:.0} | {} |",
            self.scenario,
            self.overload,
            self.of,
            self.due,
            self.sent,
            self.good,
            self.share() * 100.0,
            millis(self.p50_us),
            millis(self.p99_us),
            self.shed,
            millis(self.shed_p50_us),
            millis(self.shed_p99_us),
            self.left,
            millis(slowest),
            mib(self.resident_kib),
            self.connections,
            self.server_core,
            self.load_core,
            self.wrong,
        );
        if missed > 0 {
            let _ = write!(row, " {missed} cheap ones missed");
        }
        row
    }
}

/// The head of the table.
pub(crate) const HEAD: &str = "\
| Load | Of | due per second | sent | done in time | of what it can | p50 / p99 ms of those | sent away | p50 / p99 ms of those | hung up | p99 ms of the slowest cheap one | MiB | connections | core % of server / load | wrong |
|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|";

/// How long each phase takes, and over how many connections at most.
#[derive(Clone, Copy)]
pub(crate) struct Measuring {
    pub warm_up: Duration,
    pub measured: Duration,
    pub connections: usize,
}

/// Measures a scenario: a row for each phase. Tells how many answers were wrong.
pub(crate) async fn run(
    kind: Kind,
    place: &Arc<Place>,
    measuring: Measuring,
    (of, servers): (&str, &[u32]),
    json: Option<&Path>,
) -> Result<u64, Broken> {
    let Measuring { warm_up, measured, connections } = measuring;
    let load = Load { connections: CALM, pace: Pace::Closed, warm_up, measured, requests: None };
    let able = drive::run(kind, place, load, &Watched::default()).await?;
    #[expect(clippy::cast_precision_loss, reason = "a count of requests is far below 2^52")]
    let capacity = able.done as f64 / able.took.as_secs_f64();
    if able.done == 0 {
        return Err(Broken::Answer(format!("nothing was answered: {}", able.first_wrong)));
    }
    println!(
        "{kind}, closed, {CALM} connections: {capacity:.0} in a second, p50 / p99 {:.1} / {:.1} ms\n\n{HEAD}",
        millis(able.latency.value_at_quantile(0.5)),
        millis(able.latency.value_at_quantile(0.99)),
    );
    let mut wrong = 0;
    for (name, times) in PHASES {
        let patience = if name.ends_with("hanging up") { IMPATIENCE } else { PATIENCE };
        let flood = Flood { rate: capacity * times, patience, connections, warm_up, measured };
        let flooded = flood.run(kind, place, servers).await?;
        let phase = phase((name, kind, of), (capacity, flood), &flooded);
        println!("{}", phase.row());
        if !flooded.first_wrong.is_empty() {
            eprintln!("placet-bench: {} were wrong; the first: {}", flooded.wrong, flooded.first_wrong);
        }
        wrong += flooded.wrong + phase.slowest_probe().1;
        if let Some(path) = json {
            append(path, &phase).map_err(Broken::File)?;
        }
    }
    Ok(wrong)
}

#[expect(clippy::cast_precision_loss, reason = "counts and times are far below 2^52")]
fn phase((name, kind, of): (&str, Kind, &str), (capacity, flood): (f64, Flood), flooded: &Flooded) -> Phase {
    let each_second = |count: u64| count as f64 / flood.measured.as_secs_f64();
    let core = |used: Usage| used.cpu_micros as f64 / flooded.took.as_micros() as f64 * 100.0;
    let [servers, load] = flooded.used;
    Phase {
        overload: name.to_owned(),
        scenario: kind.to_string(),
        of: of.to_owned(),
        capacity,
        due: flood.rate,
        sent: each_second(flooded.sent),
        good: each_second(flooded.good.len()),
        shed: each_second(flooded.shed.len()),
        left: each_second(flooded.left),
        wrong: flooded.wrong,
        p50_us: flooded.good.value_at_quantile(0.5),
        p99_us: flooded.good.value_at_quantile(0.99),
        shed_p50_us: flooded.shed.value_at_quantile(0.5),
        shed_p99_us: flooded.shed.value_at_quantile(0.99),
        probes: flooded.probes.clone(),
        resident_kib: servers.resident_kib,
        connections: flooded.connections,
        server_core: core(servers),
        load_core: core(load),
    }
}
