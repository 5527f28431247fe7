//! A page of results: what was to be reached and what was, everything side by side, and on which machine.

mod goals;
mod overload;
mod profiles;
mod tables;

use std::{fmt::Write as _, path::PathBuf};

use serde::Deserialize;

use crate::{overload::Phase, report::Line, wire::Broken};

/// Something that was measured, or is to be known, and is no row: the machine, or how long a start took.
#[derive(Clone, Debug, Deserialize)]
struct Fact {
    #[serde(rename = "fact")]
    name: String,
    #[serde(default)]
    of: String,
    value: serde_json::Value,
}

/// Everything in the files.
#[derive(Debug, Default)]
struct Results {
    lines: Vec<Line>,
    phases: Vec<Phase>,
    facts: Vec<Fact>,
}

impl Results {
    fn read(&mut self, text: &str) -> Result<(), Broken> {
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let broken = |error| Broken::Answer(format!("no line of results ({error}): {line}"));
            let value: serde_json::Value = serde_json::from_str(line).map_err(broken)?;
            if value.get("fact").is_some() {
                self.facts.push(serde_json::from_value(value).map_err(broken)?);
            } else if value.get("overload").is_some() {
                self.phases.push(serde_json::from_value(value).map_err(broken)?);
            } else {
                self.lines.push(serde_json::from_value(value).map_err(broken)?);
            }
        }
        Ok(())
    }

    /// What was measured of something in a closed loop with an empty store; the last time, if it was done again.
    fn closed(&self, of: &str, scenario: &str) -> Option<&Line> {
        let found = |line: &&Line| line.of == of && line.scenario == scenario && is_plain(line);
        self.lines.iter().rev().find(found)
    }

    /// The other server that did a scenario fastest.
    fn best_peer(&self, scenario: &str) -> Option<&Line> {
        let of_peers = self.lines.iter().filter(|line| line.scenario == scenario && self.is_peer(&line.of));
        of_peers.max_by(|one, other| one.per_second.total_cmp(&other.per_second))
    }

    /// The others that were loaded, in their order.
    fn peers(&self) -> Vec<&str> {
        self.texts("peer").collect()
    }

    fn is_peer(&self, of: &str) -> bool {
        self.texts("peer").any(|peer| peer == of)
    }

    fn texts<'a>(&'a self, fact: &'a str) -> impl Iterator<Item = &'a str> {
        self.facts.iter().filter(move |found| found.name == fact).filter_map(|found| found.value.as_str())
    }

    fn number(&self, fact: &str, of: &str) -> Option<f64> {
        let found = self.facts.iter().rev().find(|found| found.name == fact && found.of == of)?;
        found.value.as_f64()
    }
}

fn is_plain(line: &Line) -> bool {
    line.rate.is_none() && line.rows.is_none()
}

/// Prints the page.
pub(crate) fn print(files: &[PathBuf]) -> Result<(), Broken> {
    let mut results = Results::default();
    for file in files {
        results.read(&std::fs::read_to_string(file).map_err(Broken::File)?)?;
    }
    println!("{}", page(&results).trim_end());
    Ok(())
}

fn page(results: &Results) -> String {
    let mut page = String::from(
        "# Results\n\nMade by `bench/run --all`; [README.md](README.md) says what each scenario does, and how fair it is. \
         Server, load and whatever is beside them share the machine, so what is fast is held back by its own load: CPU \
         time for each request is the figure that does not depend on that.\n",
    );
    let machine: Vec<String> = results.texts("machine").map(|text| format!("- {text}")).collect();
    section(&mut page, "Machine", &machine.join("\n"));
    section(&mut page, "What was to be reached", &goals::table(results));
    section(&mut page, "Side by side", &tables::side_by_side(results));
    section(&mut page, "Everything", &tables::everything(results));
    section(&mut page, "Open loop", &tables::open(results));
    section(&mut page, "Overload", &overload::phases(results));
    section(&mut page, "Two replicas", &tables::replicas(results));
    section(&mut page, "As data grows", &tables::growth(results));
    section(&mut page, "Start and memory", &tables::rest(results));
    section(&mut page, "Memory under floods", &overload::floods(results));
    section(&mut page, "Where the time goes", &profiles::table(results));
    let remarks: Vec<String> = results.texts("remark").map(|text| format!("- {text}")).collect();
    section(&mut page, "Remarks", &remarks.join("\n"));
    page
}

/// Nothing, of what there is nothing to say.
fn section(page: &mut String, title: &str, text: &str) {
    if !text.is_empty() {
        let _ = write!(page, "\n## {title}\n\n{text}\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOME: &str = r#"
{"fact": "machine", "value": "2 cores"}
{"fact": "peer", "value": "other 1.0"}
{"scenario": "bare-signed", "of": "bare", "per_second": 10000.0, "cpu_us_each": 40.0}
{"scenario": "credentials-jwt", "of": "embedded", "per_second": 8000.0, "cpu_us_each": 60.0}
{"scenario": "credentials-jwt", "of": "other 1.0", "per_second": 1000.0, "cpu_us_each": 900.0}
{"scenario": "credentials-jwt", "of": "embedded", "per_second": 99000.0, "rows": 1000}
{"scenario": "refresh", "of": "postgres", "per_second": 500.0}
{"scenario": "refresh", "of": "pgbench", "per_second": 1000.0}
{"fact": "start_ms", "of": "embedded", "value": 40}
{"fact": "profile", "of": "credentials-jwt, embedded: server", "value": [["signatures", 50.0], ["JSON", 10.0]]}
"#;

    fn some() -> Results {
        let mut results = Results::default();
        results.read(SOME).unwrap();
        results
    }

    #[test]
    fn what_was_reached_is_told_from_what_was_not() {
        let page = page(&some());
        assert!(page.contains("| 80 % | reached |"), "{page}");
        assert!(page.contains("| 8.0 × | reached |"), "{page}");
        assert!(page.contains("| 50 % | **not reached** |"), "{page}");
        assert!(page.contains("| not measured |"), "{page}");
        assert!(page.contains("| 40 ms | reached |"), "{page}");
    }

    #[test]
    fn others_stand_beside_ours_with_their_ratio() {
        let page = page(&some());
        assert!(page.contains("| credentials-jwt | other 1.0 | 1000 | 900 |"), "{page}");
        assert!(!page.contains("## Open loop"), "nothing is said of what was not measured: {page}");
    }

    #[test]
    fn a_profile_shares_out_the_time_of_a_request() {
        let page = page(&some());
        assert!(page.contains("| signatures | 50 % | 30.0 |\n| JSON | 10 % | 6.0 |"), "{page}");
    }

    #[test]
    fn a_growing_store_is_not_the_plain_one() {
        assert!((some().closed("embedded", "credentials-jwt").unwrap().per_second - 8000.0).abs() < 0.1);
    }

    #[test]
    fn a_line_that_is_none_is_refused() {
        let error = Results::default().read("{\"scenario\": 7}").unwrap_err().to_string();
        assert!(error.contains("no line of results"), "{error}");
    }
}
