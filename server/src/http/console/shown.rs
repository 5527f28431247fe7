//! How values look on pages.

use placet_sdk::InstantMillis;
use serde::Serialize;
use serde_json::Value;

/// A point in time: in UTC, and how long ago.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    /// As machines read it.
    pub(super) machine: String,
    /// As people do, without the day if it is today.
    pub(super) utc: String,
    /// How long ago, or how long until then.
    pub(super) ago: String,
}

impl Moment {
    /// Of milliseconds.
    pub(super) fn of_millis(millis: i64, now: i64) -> Self {
        let machine = InstantMillis(millis).to_string();
        let plain = machine.trim_end_matches('Z').replace('T', " ");
        let whole = plain.split('.').next().unwrap_or_default();
        Self { utc: format!("{whole} UTC"), ago: ago(now.saturating_sub(millis)), machine }
    }

    /// Of seconds.
    pub(super) fn of_seconds(seconds: i64, now: i64) -> Self {
        Self::of_millis(seconds.saturating_mul(1_000), now)
    }
}

fn ago(millis: i64) -> String {
    let seconds = millis.unsigned_abs() / 1_000;
    let (number, unit) = match seconds {
        0..=1 => return "now".to_owned(),
        2..=89 => (seconds, "s"),
        90..=5_399 => ((seconds + 30) / 60, "min"),
        5_400..=129_599 => ((seconds + 1_800) / 3_600, "h"),
        _ => ((seconds + 43_200) / 86_400, "d"),
    };
    if millis < 0 { format!("in {number} {unit}") } else { format!("{number} {unit} ago") }
}

/// How long something took.
pub(super) fn duration(micros: u64) -> String {
    match micros {
        0..=999 => format!("{micros} µs"),
        1_000..=99_999 => format!("{:.1} ms", to_float(micros) / 1_000.0),
        100_000..=9_999_999 => format!("{} ms", micros / 1_000),
        _ => format!("{:.1} s", to_float(micros) / 1_000_000.0),
    }
}

#[allow(clippy::cast_precision_loss, reason = "it is rounded for people")]
fn to_float(micros: u64) -> f64 {
    micros as f64
}

/// Bytes, rounded.
pub(super) fn bytes(number: usize) -> String {
    match number {
        0..=1_023 => format!("{number} bytes"),
        1_024..=1_048_575 => format!("{} KiB", number / 1_024),
        _ => format!("{} MiB", number / 1_048_576),
    }
}

/// The word of a value of the contracts.
pub(super) fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        Ok(Value::Null) | Err(_) => "–".to_owned(),
        Ok(other) => other.to_string(),
    }
}

/// JSON over several lines.
pub(super) fn json(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// How an outcome is coloured.
pub(super) fn tone(outcome: &str) -> &'static str {
    match outcome {
        "allow" | "closed" | "enforce" | "signing" | "decrypting" => "good",
        "deny" | "failed" | "open" | "revoked" => "bad",
        "challenge" | "half_open" | "shadow" | "staged" => "warn",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_utc_with_a_distance_that_people_grasp() {
        let at = |millis| Moment::of_millis(millis, 1_795_420_000_000);
        let moment = at(1_795_419_999_000);
        assert_eq!((moment.utc.as_str(), moment.ago.as_str()), ("2026-11-23 07:46:39 UTC", "now"));
        assert_eq!(at(1_795_419_940_000).ago, "60 s ago");
        assert_eq!(at(1_795_419_400_000).ago, "10 min ago");
        assert_eq!(at(1_795_400_200_000).ago, "6 h ago");
        assert_eq!(at(1_795_420_000_000 + 86_400_000 * 3).ago, "in 3 d");
    }

    #[test]
    fn durations_have_the_unit_that_fits() {
        assert_eq!([7, 1_234, 250_000, 12_300_000].map(duration), ["7 µs", "1.2 ms", "250 ms", "12.3 s"]);
    }
}
