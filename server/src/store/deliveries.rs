//! Deliveries: what has to reach others, kept until it did.
//!
//! A delivery is written in the transaction of the fact that it tells of, so neither is there without the other. Whoever
//! attempts one claims it for a while (a *lease*); of many who try at once one gets it. The number of the attempt tells
//! claims apart: what a claim that ran out has to say does not count any more.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{Event, Paging, Result, Subscriber};

/// Something that has to reach somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRecord {
    /// `dlv_…`. One that is there already is not written again.
    pub id: String,
    /// What it is, and so who knows how to deliver it.
    pub kind: String,
    /// To whom it goes. Destinations take turns, so that a slow one keeps nobody else waiting.
    pub destination: String,
    /// What the kind needs to make what is sent, at each attempt anew. Secrets in it are sealed by the kind.
    pub payload: Vec<u8>,
    /// Attempts so far, with the one under way.
    pub attempts: i64,
    /// When it was written.
    pub created_at: i64,
    /// When it is attempted next; while it is attempted, until when that may take.
    pub next_at: i64,
    /// After this it is not attempted again. One attempt is always made.
    pub expires_at: i64,
    /// When it was given up.
    pub dead_at: Option<i64>,
    /// Why the last attempt failed.
    pub reason: Option<String>,
}

impl DeliveryRecord {
    /// A delivery that is due at `now`, and attempted again until `expires_at`.
    pub fn new(id: String, (kind, destination): (&str, &str), payload: Vec<u8>, due: (i64, i64)) -> Self {
        Self {
            id,
            kind: kind.to_owned(),
            destination: destination.to_owned(),
            payload,
            attempts: 0,
            created_at: due.0,
            next_at: due.0,
            expires_at: due.1,
            dead_at: None,
            reason: None,
        }
    }
}

/// The payload that tells a client, the destination, that a session ended.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct EndedSession {
    /// The session.
    pub session_id: String,
    /// Its user.
    pub sub: String,
}

impl EndedSession {
    /// The kind of such a delivery. The store itself writes one for each client that a session was used with, in the
    /// step that ends the session.
    pub const KIND: &str = "backchannel_logout";
}

/// Who wants to attempt what is due.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    /// Now.
    pub now: i64,
    /// Until when the attempts may take; after that others may claim the same.
    pub until: i64,
    /// At most so many, each of another destination.
    pub most: u32,
    /// Only of destinations that fewer attempts than this are under way to.
    pub per_destination: u32,
}

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It arrived: the record goes.
    Done,
    /// It is attempted again.
    Later {
        /// When.
        next_at: i64,
        /// Why it failed.
        reason: String,
    },
    /// It is given up, and kept for somebody to look at.
    Dead {
        /// When.
        at: i64,
        /// Why.
        reason: String,
    },
}

/// A destination that nothing is delivered to for now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Which.
    pub destination: String,
    /// Since when.
    pub held_at: i64,
    /// Why.
    pub reason: String,
}

/// Which deliveries of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// Those that were given up, or those that wait.
    pub dead: bool,
    /// Of this kind alone; empty for all.
    pub kind: String,
    /// To this destination alone; empty for all.
    pub destination: String,
}

/// How much there is for a destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Deliveries that wait.
    pub pending: i64,
    /// When the oldest of them was written.
    pub oldest: Option<i64>,
    /// Deliveries that were given up and are still kept.
    pub dead: i64,
}

/// How long events are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Events, in seconds.
    pub events: i64,
    /// Deliveries of any kind after they were given up, in seconds.
    pub undelivered: i64,
}

impl Default for Kept {
    fn default() -> Self {
        const MONTH: i64 = 30 * 24 * 60 * 60;
        Self { events: MONTH, undelivered: MONTH }
    }
}

/// What the store keeps for others.
#[async_trait]
pub trait Deliveries: Send + Sync + 'static {
    /// From now on these are told of the events that are written through this object.
    fn subscribe(&self, subscribers: Vec<Subscriber>);
    /// From now on events are kept for so long.
    fn keep(&self, kept: Kept);
    /// Writes deliveries that belong to no other step, and events.
    async fn enqueue(&self, deliveries: Vec<DeliveryRecord>, events: Vec<Event>) -> Result<()>;
    /// Claims what is due, the most overdue first, at most one of each destination, none of one that is held. What is
    /// claimed is nobody else's until [`Claim::until`].
    async fn claim_deliveries(&self, claim: Claim) -> Result<Vec<DeliveryRecord>>;
    /// Notes what became of this attempt of a delivery, and writes events if it counts; false if it was claimed again
    /// since, or is gone.
    async fn settle_delivery(
        &self,
        id: &str,
        attempt: i64,
        settled: Settled,
        events: Vec<Event>,
    ) -> Result<bool>;
    /// A delivery.
    async fn delivery(&self, id: &str) -> Result<Option<DeliveryRecord>>;
    /// The deliveries that the filter leaves, in order of their ids.
    async fn deliveries(&self, filter: &DeliveryFilter, page: Paging<'_>) -> Result<Vec<DeliveryRecord>>;
    /// Makes a delivery that waits or was given up due at `now`, and attempts it until `expires_at` again; false if
    /// there is none, or it is under way.
    async fn redeliver(&self, id: &str, due: (i64, i64), events: Vec<Event>) -> Result<bool>;
    /// The same of at most `limit` deliveries to a destination that were given up; gives how many.
    async fn redeliver_to(
        &self,
        destination: &str,
        due: (i64, i64),
        limit: u32,
        events: Vec<Event>,
    ) -> Result<u64>;
    /// Forgets a delivery; false if there is none.
    async fn drop_delivery(&self, id: &str, events: Vec<Event>) -> Result<bool>;
    /// Delivers nothing to a destination any more; false if it is held already.
    async fn hold_destination(&self, hold: Hold, events: Vec<Event>) -> Result<bool>;
    /// Delivers to a destination again; false if it is not held.
    async fn release_destination(&self, destination: &str, events: Vec<Event>) -> Result<bool>;
    /// The destinations that are held.
    async fn held_destinations(&self) -> Result<Vec<Hold>>;
    /// How much there is for a destination; of each sort `most` are counted.
    async fn backlog(&self, destination: &str, most: u32) -> Result<Backlog>;
}
