//! What was to be reached.

use std::fmt::Write as _;

use super::{Results, overload::FLOODS};
use crate::{overload::Phase, units::millis};

/// Memory of a server that nothing is asked of, in MiB.
const AT_REST: f64 = 64.0;
/// What nobody calls slow, in milliseconds.
const SOON: f64 = 100.0;

enum Figure {
    /// At least so much of something.
    Share { least: f64, found: Option<f64> },
    /// At least so many times as much.
    Times { least: f64, found: Option<f64> },
    /// Below so many.
    Below { most: f64, unit: &'static str, found: Option<f64> },
}

impl Figure {
    fn needed(&self) -> String {
        match self {
            Self::Share { least, .. } => format!("at least {:.0} %", least * 100.0),
            Self::Times { least, .. } => format!("at least {least:.0} ×"),
            Self::Below { most, unit, .. } => format!("below {most:.0} {unit}"),
        }
    }

    fn measured(&self) -> Option<(String, bool)> {
        Some(match self {
            Self::Share { least, found } => (format!("{:.0} %", (*found)? * 100.0), (*found)? >= *least),
            Self::Times { least, found } => (format!("{:.1} ×", (*found)?), (*found)? >= *least),
            Self::Below { most, unit, found } => (format!("{:.0} {unit}", (*found)?), (*found)? < *most),
        })
    }
}

/// A table of all.
pub(super) fn table(results: &Results) -> String {
    let mut table = String::from("| What | Needed | Measured | |\n|---|---|---:|---|\n");
    for (what, figure) in goals(results) {
        let (measured, verdict) = match figure.measured() {
            Some((measured, true)) => (measured, "reached"),
            Some((measured, false)) => (measured, "**not reached**"),
            None => (String::new(), "not measured"),
        };
        let _ = writeln!(table, "| {what} | {} | {measured} | {verdict} |", figure.needed());
    }
    table
}

fn goals(results: &Results) -> Vec<(String, Figure)> {
    let rate = |of: &str, scenario: &str| results.closed(of, scenario).map(|line| line.per_second);
    let ratio = |ours: Option<f64>, theirs: Option<f64>| Some(ours? / theirs.filter(|rate| *rate > 0.0)?);
    let jwt = rate("embedded", "credentials-jwt");
    let best = results.best_peer("credentials-jwt");
    let mut goals = vec![
        (
            "client credentials (JWT), of a bare handler that signs the same".to_owned(),
            Figure::Share { least: 0.7, found: ratio(jwt, rate("bare", "bare-signed")) },
        ),
        (
            format!(
                "client credentials (JWT), as the best peer ({})",
                best.map_or("none ran", |line| line.of.as_str())
            ),
            Figure::Times { least: 5.0, found: ratio(jwt, best.map(|line| line.per_second)) },
        ),
    ];
    for store in ["embedded", "postgres"] {
        let found = ratio(rate(store, "introspect-opaque"), rate("bare", "bare-plain"));
        let what = format!("introspection of an opaque token, {store}, of a bare handler");
        goals.push((what, Figure::Share { least: 0.5, found }));
    }
    for scenario in ["refresh", "redeem"] {
        let found = ratio(rate("postgres", scenario), rate("pgbench", scenario));
        let what = format!("{scenario} on PostgreSQL, of pgbench with the same statements");
        goals.push((what, Figure::Share { least: 0.6, found }));
    }
    for scenario in ["credentials-jwt", "introspect-opaque", "refresh"] {
        let found = ratio(rate("two replicas", scenario), rate("postgres", scenario));
        let what = format!("{scenario} with two replicas, of one");
        goals.push((what, Figure::Share { least: 1.0, found }));
    }
    of_overload(results, &mut goals);
    let mib = |fact: &str, of| results.number(fact, of).map(|kib| kib / 1024.0);
    for store in ["embedded", "postgres"] {
        let found = mib("rest_kib", store);
        goals.push((format!("memory at rest, {store}"), Figure::Below { most: AT_REST, unit: "MiB", found }));
        let grown = ratio(mib("flood_kib", store), mib("half_flood_kib", store));
        let what = format!("memory after a flood of tokens, {store}, of that after half of it");
        let found = grown.map(|grown| grown * 100.0);
        goals.push((what, Figure::Below { most: 110.0, unit: "%", found }));
        let found = results.number("start_ms", store);
        goals.push((format!("start to ready, {store}"), Figure::Below { most: 1000.0, unit: "ms", found }));
    }
    goals
}

/// What is to be left of a server of which too much is asked.
fn of_overload(results: &Results, goals: &mut Vec<(String, Figure)>) {
    for store in ["embedded", "postgres"] {
        let phase = |name: &str| {
            results.phases.iter().rev().find(|phase| phase.of == store && phase.overload == name)
        };
        for name in ["10 ×", "10 ×, hanging up"] {
            let found = phase(name).map(Phase::share);
            let what = format!("done in time, asked for {name}, {store}, of what the server can");
            goals.push((what, Figure::Share { least: 0.8, found }));
        }
        let flood = phase("10 ×");
        let found = flood.map(|phase| millis(phase.p99_us));
        let what = format!("99 % of what is done at 10 ×, {store}");
        goals.push((what, Figure::Below { most: SOON, unit: "ms", found }));
        let found = flood.map(|phase| match phase.slowest_probe() {
            (slowest, 0) => millis(slowest),
            _ => f64::INFINITY,
        });
        let what = format!("99 % of keys, metadata and health at 10 ×, {store}");
        goals.push((what, Figure::Below { most: SOON, unit: "ms", found }));
        let found = phase("after")
            .zip(phase("before"))
            .map(|(after, before)| 100.0 * millis(after.p99_us) / millis(before.p99_us).max(1.0));
        let what = format!("99 % of what is done after the flood, {store}, of that before");
        goals.push((what, Figure::Below { most: 150.0, unit: "%", found }));
        for kind in FLOODS {
            let of = format!("{store}, {kind}");
            let all = results.number("flood_all", &of).zip(results.number("flood_half", &of));
            let what = format!("memory after a flood of {kind}, {store}, of that after half of it");
            let found = all.map(|(all, half)| 100.0 * all / half);
            goals.push((what, Figure::Below { most: 110.0, unit: "%", found }));
        }
    }
}
