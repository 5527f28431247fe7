//! What receivers of events must be to be safe.

use std::ops::RangeInclusive;

use placet_sdk::event::EventType;

use super::policies::place;
use crate::{
    config::{Config, EventReceiverConfig},
    store::matches,
};

const DAY: u32 = 86_400;
/// For how long an event may be attempted, in seconds.
const RETRY_FOR: RangeInclusive<u32> = 60..=30 * DAY;
/// How many events may wait for a receiver.
const MAX_PENDING: RangeInclusive<u32> = 1..=10_000_000;
/// How long events may be kept, in seconds.
const KEEP: RangeInclusive<u32> = 3_600..=3_650 * DAY;

impl Config {
    pub(super) fn check_receivers(&self, wrong: &mut Vec<String>) {
        for (name, seconds) in
            [("keep", self.events.keep), ("keep_undelivered", self.events.keep_undelivered)]
        {
            if !KEEP.contains(&seconds) {
                wrong.push(format!("events.{name} must be an hour to ten years, in seconds"));
            }
        }
        for receiver in &self.event_receiver {
            let mut found = Vec::new();
            self.check_receiver(receiver, &mut found);
            wrong.extend(
                found.into_iter().map(|what| format!("[[event_receiver]] `{}`: {what}", receiver.name)),
            );
        }
    }

    fn check_receiver(&self, receiver: &EventReceiverConfig, wrong: &mut Vec<String>) {
        let named = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let name = &receiver.name;
        if name.is_empty() || name.len() > 64 || !name.chars().all(named) {
            wrong.push("a name has 1 to 64 letters, digits, `_` and `-`".to_owned());
        }
        if self.event_receiver.iter().filter(|other| &other.name == name).count() > 1 {
            wrong.push("two receivers have this name".to_owned());
        }
        if receiver.types.is_empty() {
            wrong.push("needs types: the events it is told of".to_owned());
        }
        for wanted in &receiver.types {
            if !EventType::ALL.iter().any(|known| matches(wanted, known.as_str())) {
                wrong.push(format!("types: there are no events `{wanted}`"));
            }
        }
        if !RETRY_FOR.contains(&receiver.retry_for) {
            wrong.push("retry_for must be a minute to 30 days, in seconds".to_owned());
        }
        if !MAX_PENDING.contains(&receiver.max_pending) {
            wrong.push("max_pending must be 1 to 10000000".to_owned());
        }
        if let Some(client) = &receiver.subjects_of {
            let known = self.clients.iter().find(|known| &known.client_id == client);
            let public = known.is_some_and(|known| {
                known.metadata.subject_type != Some(placet_oauth::client::SubjectType::Pairwise)
            });
            if public {
                wrong.push(format!("subjects_of: `{client}` has no pairwise subjects"));
            }
        }
        let auth = &receiver.auth;
        place::address(self, (Some(&receiver.url), auth.allow_plaintext_loopback), wrong);
        place::signing(self, &auth.sign, wrong);
        if auth.mtls.cert_file.is_some() != auth.mtls.key_file.is_some() {
            wrong.push("auth.mtls needs both cert_file and key_file".to_owned());
        }
        let signed = auth.sign.secret.is_some() || auth.sign.secret_file.is_some();
        let unix = receiver.url.starts_with("unix://");
        if !signed && auth.bearer_file.is_none() && auth.mtls.cert_file.is_none() && !unix {
            wrong.push(
                "needs auth.sign: the receiver must know that it is this server who tells it".to_owned(),
            );
        }
        if let Some(path) = &auth.bearer_file
            && place::issued_by(path, &self.issuer)
        {
            wrong.push(
                "auth.bearer_file is a token of this very server, which others would accept".to_owned(),
            );
        }
    }
}
