//! Rows of a table in Markdown, and lines of JSON.

use std::{io::Write as _, path::Path};

use serde_json::json;

use crate::{drive::Measured, scenario::Kind};

/// The head of the table.
pub(crate) fn head() {
    println!(
        "| Scenario | Of | per second | p50 ms | p95 ms | p99 ms | max ms | CPU µs each | MiB | wrong |"
    );
    println!("|---|---|---:|---:|---:|---:|---:|---:|---:|---:|");
}

/// A row.
pub(crate) fn row(kind: Kind, label: &str, result: &Measured) {
    println!(
        "| {kind} | {label} | {:.0} | {} | {} | {} | {} | {:.0} | {:.0} | {} |",
        per_second(result),
        millis(result, 0.5),
        millis(result, 0.95),
        millis(result, 0.99),
        millis(result, 1.0),
        cpu_each(result),
        mib(result.usage.resident_kib),
        result.wrong
    );
}

/// A line of JSON at the end of a file.
pub(crate) fn append(path: &Path, kind: Kind, label: &str, result: &Measured) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path)?;
    let line = json!({
        "scenario": kind.to_string(),
        "of": label,
        "per_second": per_second(result),
        "done": result.done,
        "wrong": result.wrong,
        "p50_us": result.latency.value_at_quantile(0.5),
        "p95_us": result.latency.value_at_quantile(0.95),
        "p99_us": result.latency.value_at_quantile(0.99),
        "max_us": result.latency.max(),
        "cpu_us_each": cpu_each(result),
        "resident_kib": result.usage.resident_kib,
        "peak_kib": result.usage.peak_kib,
    });
    writeln!(file, "{line}")
}

#[expect(clippy::cast_precision_loss, reason = "counts and times are far below 2^52")]
fn per_second(result: &Measured) -> f64 {
    result.done as f64 / result.took.as_secs_f64()
}

#[expect(clippy::cast_precision_loss, reason = "counts and times are far below 2^52")]
fn cpu_each(result: &Measured) -> f64 {
    result.usage.cpu_micros as f64 / (result.done + result.wrong).max(1) as f64
}

#[expect(clippy::cast_precision_loss, reason = "times are far below 2^52")]
fn millis(result: &Measured, quantile: f64) -> String {
    format!("{:.2}", result.latency.value_at_quantile(quantile) as f64 / 1000.0)
}

#[expect(clippy::cast_precision_loss, reason = "memory is far below 2^52")]
fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}
