//! Rows of a table in Markdown, and lines of JSON.

use std::{io::Write as _, path::Path};

use serde::{Deserialize, Serialize};

use crate::{
    drive::{Load, Measured, Pace},
    scenario::Kind,
    units::{mib, millis},
};

/// A line of a file of results. Whoever measures something without this program, `pgbench` for example, writes such lines
/// too, and leaves out what it does not know.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Line {
    /// What was done.
    pub scenario: String,
    /// What did it: a store of this server, or somebody else's server.
    pub of: String,
    /// In a second.
    pub per_second: f64,
    /// Connections that worked at the same time.
    #[serde(default)]
    pub connections: usize,
    /// Requests that were due in a second; absent in a closed loop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// Authorizations and as many of everything else that the store held before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    #[serde(default)]
    pub done: u64,
    #[serde(default)]
    pub wrong: u64,
    #[serde(default)]
    pub p50_us: u64,
    #[serde(default)]
    pub p95_us: u64,
    #[serde(default)]
    pub p99_us: u64,
    #[serde(default)]
    pub max_us: u64,
    /// CPU time of the servers for each request.
    #[serde(default)]
    pub cpu_us_each: f64,
    /// CPU time of their database for each request.
    #[serde(default)]
    pub database_cpu_us_each: f64,
    /// Statements for each request, without those that begin and end transactions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statements_each: Option<f64>,
    /// Statements that begin and end transactions, for each request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control_statements_each: Option<f64>,
    /// What the cores did, in hundredths of what they can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cores: Option<Cores>,
    #[serde(default)]
    pub resident_kib: u64,
    #[serde(default)]
    pub peak_kib: u64,
}

/// Where the CPU time of the machine went: what was nearly all of it is what holds the rest back, unless much is left over.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Cores {
    pub server: f64,
    pub database: f64,
    pub load: f64,
    pub idle: f64,
}

#[expect(clippy::cast_precision_loss, reason = "times are far below 2^52")]
impl Cores {
    fn new(result: &Measured) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let whole = result.took.as_micros() as f64 * cores as f64;
        let share = |micros: u64| (micros as f64 / whole * 100.0).min(100.0);
        Self {
            server: share(result.servers.cpu_micros),
            database: share(result.database.cpu_micros),
            load: share(result.load.cpu_micros),
            idle: share(result.idle_micros),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts, times and sizes are far below 2^52")]
impl Line {
    /// What was measured.
    pub(crate) fn new(kind: Kind, load: Load, (of, rows): (&str, Option<u64>), result: &Measured) -> Self {
        let requests = (result.done + result.wrong).max(1) as f64;
        let quantile = |q| result.latency.value_at_quantile(q);
        Self {
            scenario: kind.to_string(),
            of: of.to_owned(),
            per_second: result.done as f64 / result.took.as_secs_f64(),
            connections: load.connections,
            rate: match load.pace {
                Pace::Closed => None,
                Pace::Open(rate) => Some(rate),
            },
            rows,
            done: result.done,
            wrong: result.wrong,
            p50_us: quantile(0.5),
            p95_us: quantile(0.95),
            p99_us: quantile(0.99),
            max_us: result.latency.max(),
            cpu_us_each: result.servers.cpu_micros as f64 / requests,
            database_cpu_us_each: result.database.cpu_micros as f64 / requests,
            statements_each: result.statements.map(|statements| statements.working as f64 / requests),
            control_statements_each: result.statements.map(|statements| statements.control as f64 / requests),
            cores: Some(Cores::new(result)),
            resident_kib: result.servers.resident_kib,
            peak_kib: result.servers.peak_kib,
        }
    }

    /// A row of the table whose head is [`HEAD`].
    pub(crate) fn row(&self) -> String {
        let statements = match (self.statements_each, self.control_statements_each) {
            (Some(working), Some(control)) => format!("{working:.1} + {control:.1}"),
            _ => String::new(),
        };
        let cores = self.cores.map_or(String::new(), |cores| {
            format!("{:.0}/{:.0}/{:.0}/{:.0}", cores.server, cores.database, cores.load, cores.idle)
        });
        format!(
            "| {}{} | {} | {:.0} | {:.2} | {:.2} | {:.2} | {:.2} | {:.0} | {} | {statements} | {cores} | {:.0} | {} |",
            self.scenario,
            self.rate.map_or(String::new(), |rate| format!(" at {rate:.0}/s")),
            self.of,
            self.per_second,
            millis(self.p50_us),
            millis(self.p95_us),
            millis(self.p99_us),
            millis(self.max_us),
            self.cpu_us_each,
            if self.database_cpu_us_each > 0.0 {
                format!("{:.0}", self.database_cpu_us_each)
            } else {
                String::new()
            },
            mib(self.resident_kib),
            self.wrong,
        )
    }
}

/// The head of the table.
pub(crate) const HEAD: &str = "\
| Scenario | Of | per second | p50 ms | p95 ms | p99 ms | max ms | CPU µs each | of the database | statements each | cores % | MiB | wrong |
|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|";

/// Writes a line at the end of a file.
pub(crate) fn append(path: &Path, line: &impl Serialize) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path)?;
    let text = serde_json::to_string(line)?;
    writeln!(file, "{text}")
}
