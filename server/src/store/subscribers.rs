//! Who is told of events: for each event that one of them wants, a delivery is written in the step that writes the event.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use base64::{
    alphabet::Alphabet,
    engine::{Engine as _, GeneralPurpose, general_purpose::NO_PAD},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{DeliveryRecord, Event};

/// An alphabet in the order of its characters, so that texts compare as what they stand for.
const IN_ORDER: &str = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";

/// Somebody who is told of events.
#[derive(Clone, Debug)]
pub struct Subscriber {
    /// The destination of the deliveries.
    pub destination: String,
    /// Which events it wants: names, or their beginning and `*`.
    pub types: Vec<String>,
    /// For so many seconds each is attempted.
    pub retry_for: i64,
    /// Whether there is room for more.
    pub room: Arc<Room>,
}

/// Whether more is kept for somebody, and what was not.
#[derive(Debug, Default)]
pub struct Room {
    full: AtomicBool,
    not_kept: AtomicU64,
}

impl Room {
    /// From now on more is kept, or not; gives whether that was so before.
    pub fn set_full(&self, full: bool) -> bool {
        self.full.swap(full, Ordering::Relaxed)
    }

    /// How many events were not kept since this was last asked.
    pub fn take_not_kept(&self) -> u64 {
        self.not_kept.swap(0, Ordering::Relaxed)
    }
}

/// An event, as it is kept for a receiver.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PublishedEvent {
    /// `evt_…`.
    pub id: String,
    /// `session.ended`, …
    #[serde(rename = "type")]
    pub event_type: String,
    /// What it is about.
    pub subject: String,
    /// When.
    pub at: i64,
    /// Grows: of two events of which one led to the other, the later one has the higher number.
    pub sequence: i64,
    /// Ids and reasons.
    pub data: Value,
}

impl Subscriber {
    /// Deliveries of this kind.
    pub const KIND: &str = "event";

    /// Whether it wants events of this type.
    pub fn wants(&self, event_type: &str) -> bool {
        self.types.iter().any(|wanted| matches(wanted, event_type))
    }

    /// Whether there is room for another delivery; counts those that there is none for.
    pub(super) fn has_room(&self) -> bool {
        let full = self.room.full.load(Ordering::Relaxed);
        self.room.not_kept.fetch_add(full.into(), Ordering::Relaxed);
        !full
    }

    /// The delivery of an event with this number. Deliveries to one destination are in the order of their ids.
    pub(super) fn delivery(&self, event: &Event, sequence: i64) -> Result<DeliveryRecord, serde_json::Error> {
        let published = PublishedEvent {
            id: event.id.clone(),
            event_type: event.event_type.to_owned(),
            subject: event.subject.clone(),
            at: event.at,
            sequence,
            data: serde_json::from_str(&event.data)?,
        };
        let due = (event.at, event.at.saturating_add(self.retry_for));
        let (kind, id) = ((Self::KIND, self.destination.as_str()), delivery_id(&self.destination, sequence));
        Ok(DeliveryRecord::new(id, kind, serde_json::to_vec(&published)?, due))
    }
}

/// Whether an event is of a type, given by its name or by the beginning of it and `*`.
pub fn matches(wanted: &str, event_type: &str) -> bool {
    match wanted.strip_suffix('*') {
        Some(beginning) => event_type.starts_with(beginning),
        None => wanted == event_type,
    }
}

fn delivery_id(destination: &str, sequence: i64) -> String {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&sequence.to_be_bytes());
    bytes[8..].copy_from_slice(&Sha256::digest(destination)[..8]);
    let alphabet = Alphabet::new(IN_ORDER).expect("64 characters, each once");
    format!("dlv_{}", GeneralPurpose::new(&alphabet, NO_PAD).encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_named_or_begin_so() {
        for (wanted, event_type, expected) in [
            ("*", "session.ended", true),
            ("session.*", "session.ended", true),
            ("session.*", "sessions", false),
            ("session.ended", "session.ended", true),
            ("session.ended", "session.ended.again", false),
            ("session.", "session.ended", false),
            ("", "session.ended", false),
        ] {
            assert_eq!(matches(wanted, event_type), expected, "{wanted} of {event_type}");
        }
    }

    #[test]
    fn deliveries_are_in_the_order_of_their_events_and_each_destination_has_its_own() {
        let ids: Vec<_> = [1, 2, 63, 64, 255, 256, 65_536, i64::MAX].map(|n| delivery_id("a", n)).into();
        assert!(ids.is_sorted(), "{ids:?}");
        assert!(ids.iter().all(|id| id.len() == 26));
        assert_ne!(delivery_id("a", 1), delivery_id("b", 1));
    }
}
