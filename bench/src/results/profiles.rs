//! Where the CPU time of a request goes.

use std::fmt::Write as _;

use serde::Deserialize;

use super::Results;

/// A kind of work, and its share of all in per cent.
#[derive(Deserialize)]
struct Share(String, f64);

/// A table of each profile: shares, and what they come to for one request.
pub(super) fn table(results: &Results) -> String {
    let mut table = String::new();
    for fact in results.facts.iter().filter(|fact| fact.name == "profile") {
        let Ok(shares) = serde_json::from_value::<Vec<Share>>(fact.value.clone()) else { continue };
        let whole = cost(results, &fact.of);
        let _ = writeln!(table, "| {} | share | µs each |\n|---|---:|---:|", fact.of);
        for Share(what, share) in shares {
            let each = whole.map_or(String::new(), |whole| format!("{:.1}", whole * share / 100.0));
            let _ = writeln!(table, "| {what} | {share:.0} % | {each} |");
        }
        table.push('\n');
    }
    if table.is_empty() {
        return table;
    }
    format!(
        "Samples of `perf` while a scenario ran; the time of each request is that of the tables above.\n\n{}",
        table.trim_end()
    )
}

/// The CPU time of a request, of the server or of its database: `of` is `SCENARIO, STORE: PART`.
fn cost(results: &Results, of: &str) -> Option<f64> {
    let (scenario, rest) = of.split_once(", ")?;
    let (store, part) = rest.split_once(": ")?;
    let line = results.closed(store, scenario)?;
    let cost = if part == "database" { line.database_cpu_us_each } else { line.cpu_us_each };
    Some(cost).filter(|cost| *cost > 0.0)
}
