//! The tables.

use std::fmt::Write as _;

use super::{Results, is_plain};
use crate::{
    report::{HEAD, Line},
    units::{mib, millis},
};

/// What others can do as well, with the bare handler and the peers beside it.
pub(super) fn side_by_side(results: &Results) -> String {
    let mut table = String::from(
        "| Scenario | Of | per second | CPU µs each | of the database | ours, per second | ours, per CPU time |\n\
         |---|---|---:|---:|---:|---:|---:|\n",
    );
    let scenarios = [
        ("credentials-jwt", "bare-signed"),
        ("credentials-opaque", "bare-plain"),
        ("introspect-jwt", "bare-plain"),
        ("introspect-opaque", "bare-plain"),
        ("refresh", ""),
        ("redeem", ""),
    ];
    let begun = table.len();
    for (scenario, bare) in scenarios {
        let ours = results.closed("embedded", scenario).or_else(|| results.closed("postgres", scenario));
        let mut others =
            vec![("embedded", scenario), ("postgres", scenario), ("bare", bare), ("pgbench", scenario)];
        others.extend(results.peers().into_iter().map(|peer| (peer, scenario)));
        for (of, scenario) in others {
            let Some(line) = results.closed(of, scenario) else { continue };
            let _ = writeln!(
                table,
                "| {scenario} | {of} | {:.0} | {} | {} | {} | {} |",
                line.per_second,
                micros(line.cpu_us_each),
                micros(line.database_cpu_us_each),
                times(ours.map(|ours| ours.per_second), Some(line.per_second)),
                times(cpu(line), ours.and_then(cpu)),
            );
        }
    }
    if table.len() == begun { String::new() } else { table }
}

/// Every closed loop with an empty store.
pub(super) fn everything(results: &Results) -> String {
    rows(results.lines.iter().filter(|line| is_plain(line) && line.of != "two replicas"))
}

/// Every open loop.
pub(super) fn open(results: &Results) -> String {
    rows(results.lines.iter().filter(|line| line.rate.is_some()))
}

/// Two replicas, and one beside them.
pub(super) fn replicas(results: &Results) -> String {
    let of_two = |line: &&Line| line.of == "two replicas" && is_plain(line);
    let both = results.lines.iter().filter(of_two).flat_map(|line| {
        let one = results.closed("postgres", &line.scenario);
        one.into_iter().chain(std::iter::once(line))
    });
    rows(both)
}

fn rows<'a>(lines: impl Iterator<Item = &'a Line>) -> String {
    let rows: Vec<String> = lines.map(Line::row).collect();
    if rows.is_empty() { String::new() } else { format!("{HEAD}\n{}\n", rows.join("\n")) }
}

/// What each scenario does with so many rows.
pub(super) fn growth(results: &Results) -> String {
    let grown: Vec<&Line> = results.lines.iter().filter(|line| line.rows.is_some()).collect();
    if grown.is_empty() {
        return String::new();
    }
    let mut table = String::from(
        "| Scenario | Of | rows of each kind | per second | p50 ms | p99 ms | CPU µs each | of the database | MiB |\n\
         |---|---|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    let mut sorted = grown;
    sorted.sort_by_key(|line| (line.of.clone(), line.scenario.clone(), line.rows));
    for line in sorted {
        let _ = writeln!(
            table,
            "| {} | {} | {} | {:.0} | {:.2} | {:.2} | {} | {} | {:.0} |",
            line.scenario,
            line.of,
            line.rows.unwrap_or_default(),
            line.per_second,
            millis(line.p50_us),
            millis(line.p99_us),
            micros(line.cpu_us_each),
            micros(line.database_cpu_us_each),
            mib(line.resident_kib),
        );
    }
    table
}

/// Starts, and memory before and after.
pub(super) fn rest(results: &Results) -> String {
    let mut table = String::from(
        "| Of | start to ready, ms | MiB at rest | after half of a flood | after all of it | tokens in it |\n\
         |---|---:|---:|---:|---:|---:|\n",
    );
    let begun = table.len();
    let mut servers = vec!["embedded", "postgres"];
    servers.extend(results.peers());
    for of in servers {
        let number = |fact: &str| results.number(fact, of);
        let mib = |fact: &str| number(fact).map_or(String::new(), |kib| format!("{:.0}", kib / 1024.0));
        if number("start_ms").is_none() && number("rest_kib").is_none() {
            continue;
        }
        let plain = |fact: &str| number(fact).map_or(String::new(), |value| format!("{value:.0}"));
        let _ = writeln!(
            table,
            "| {of} | {} | {} | {} | {} | {} |",
            plain("start_ms"),
            mib("rest_kib"),
            mib("half_flood_kib"),
            mib("flood_kib"),
            plain("flood_tokens"),
        );
    }
    if table.len() == begun { String::new() } else { table }
}

/// All CPU time that a request took, of the server and its database.
fn cpu(line: &Line) -> Option<f64> {
    Some(line.cpu_us_each + line.database_cpu_us_each).filter(|micros| *micros > 0.0)
}

fn times(one: Option<f64>, other: Option<f64>) -> String {
    match (one, other) {
        (Some(one), Some(other)) if other > 0.0 => format!("{:.2} ×", one / other),
        _ => String::new(),
    }
}

fn micros(micros: f64) -> String {
    if micros > 0.0 { format!("{micros:.0}") } else { String::new() }
}
