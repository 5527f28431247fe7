//! What the collector of traces must be to be safe.

use super::policies::place;
use crate::config::Config;

impl Config {
    pub(super) fn check_traces(&self, wrong: &mut Vec<String>) {
        let traces = &self.traces;
        let mut found = Vec::new();
        if traces.endpoint.is_some() {
            // What is told of is no secret; who does not let it leave this machine needs no certificate for it.
            place::address(self, (traces.endpoint.as_deref(), Some(true)), &mut found);
        }
        if !(0.0..=1.0).contains(&traces.sample_ratio) {
            found.push("sample_ratio must be from 0 to 1".to_owned());
        }
        if traces.mtls.cert_file.is_some() != traces.mtls.key_file.is_some() {
            found.push("mtls needs both cert_file and key_file".to_owned());
        }
        wrong.extend(found.into_iter().map(|what| format!("[traces]: {what}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_is_reached_safely_and_a_part_is_a_part() {
        for (endpoint, ratio, part) in [
            (Some("https://collector.example:4318"), 0.5, None),
            (Some("http://127.0.0.1:4318"), 1.0, None),
            (Some("unix:///run/collector.sock:/v1/traces"), 0.0, None),
            (None, 1.0, None),
            (Some("http://collector.example:4318"), 1.0, Some("must be https")),
            (Some("https://user:secret@collector.example"), 1.0, Some("no user")),
            (Some("collector"), 1.0, Some("no URL")),
            (Some("https://collector.example"), 1.1, Some("from 0 to 1")),
            (None, f64::NAN, Some("from 0 to 1")),
        ] {
            let mut config = Config::default();
            config.traces.endpoint = endpoint.map(str::to_owned);
            config.traces.sample_ratio = ratio;
            let mut wrong = Vec::new();
            config.check_traces(&mut wrong);
            match part {
                None => assert_eq!(wrong, [""; 0], "{endpoint:?}"),
                Some(part) => assert!(wrong.concat().contains(part), "{endpoint:?} {ratio}: {wrong:?}"),
            }
        }
    }
}
