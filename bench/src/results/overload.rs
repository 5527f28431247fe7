//! What became of too much, and of memory under floods.

use std::fmt::Write as _;

use super::Results;
use crate::{
    overload::{HEAD, Phase},
    units::millis,
};

/// What is stored for whoever asks for it.
pub(super) const FLOODS: [&str; 4] = ["credentials-opaque", "par", "authorize", "dpop"];

/// Every phase.
pub(super) fn phases(results: &Results) -> String {
    let rows: Vec<String> = results.phases.iter().map(Phase::row).collect();
    if rows.is_empty() {
        return String::new();
    }
    let mut text = format!(
        "The server has one core, the load (and the database) the others; requests are due at their time, over as many \
         connections as it takes. What is beyond is to be held back or sent away at once; the cheap ones are `/jwks`, the \
         metadata, `/livez` and `/readyz`.\n\n{HEAD}\n{}\n\n| Cheap ones | Of",
        rows.join("\n")
    );
    let paths: Vec<&str> = results.phases[0].probes.iter().map(|probe| probe.path.as_str()).collect();
    for path in &paths {
        let _ = write!(text, " | `{path}`, p50 / p99 ms");
    }
    text.push_str(" |\n|---|---");
    text.push_str(&"|---:".repeat(paths.len()));
    text.push_str("|\n");
    for phase in &results.phases {
        let _ = write!(text, "| {}, {} | {}", phase.scenario, phase.overload, phase.of);
        for probe in &phase.probes {
            let _ = write!(text, " | {:.1} / {:.1}", millis(probe.p50_us), millis(probe.p99_us));
        }
        text.push_str(" |\n");
    }
    text
}

/// Memory under floods.
pub(super) fn floods(results: &Results) -> String {
    let mut table = String::from(
        "| Flood of | Of | done | MiB after half of it | after all of it |\n|---|---|---:|---:|---:|\n",
    );
    let begun = table.len();
    for store in ["embedded", "postgres"] {
        for kind in FLOODS {
            let number = |fact: &str| results.number(fact, &format!("{store}, {kind}"));
            let (Some(done), Some(half), Some(all)) =
                (number("flood_done"), number("flood_half"), number("flood_all"))
            else {
                continue;
            };
            let _ = writeln!(
                table,
                "| {kind} | {store} | {done:.0} | {:.0} | {:.0} |",
                half / 1024.0,
                all / 1024.0
            );
        }
    }
    if table.len() == begun { String::new() } else { table }
}
