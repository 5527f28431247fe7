//! Events: facts for others, written to the outbox in the transaction of the fact, and delivered to receivers.
//!
//! For each receiver that wants an event the store writes a delivery in that same transaction
//! ([`Subscriber`](crate::store::Subscriber)); the worker of [`delivery`](crate::delivery) makes it.

mod keeping;
mod policies;
mod receivers;
mod webhook;

pub use keeping::count;
pub use policies::tell_of_policies;
pub use receivers::{Receiver, Receivers, destination, receiver_of};
pub use webhook::EventWebhook;

use serde_json::Value;

use crate::{outcome::Fault, random, server::Server, store::Event};

/// An event about `subject` that happens now. `data` holds ids and reasons, no secrets.
pub fn event(server: &Server, event_type: &'static str, subject: &str, data: &Value) -> Result<Event, Fault> {
    Ok(Event {
        id: random::id(server.random(), "evt_")?,
        event_type,
        subject: subject.to_owned(),
        at: server.now(),
        data: data.to_string(),
    })
}
