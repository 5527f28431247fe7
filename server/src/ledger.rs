//! The ledger of flows: what happened lately at this process, step by step, found by the id of a request.
//!
//! While a request is answered, whoever knows something of it notes it ([`note`]); once it is answered, the ledger puts it
//! beside the other requests of the same flow ([`Ledger::begin`]). Nothing noted is a secret, a token or a claim, and
//! nothing is read back by what decides: the ledger is for people.

mod book;
mod endpoints;
mod flow;
mod noting;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

pub use book::{Filter, FlowPage, Holdings};
pub use flow::{Asked, Flow, Outcome, PolicyAsked, Step};
pub use noting::{Noted, Noting, current, note, within};

use self::{book::Book, endpoints::Endpoint};
use crate::{config::LedgerConfig, server::Server};

/// The status of a request whose caller hung up before it was answered.
pub const HUNG_UP: u16 = 0;

/// The ledger.
#[derive(Debug)]
pub struct Ledger {
    book: Mutex<Book>,
    on: bool,
}

impl Ledger {
    /// An empty one; `now` in milliseconds.
    pub fn new(config: &LedgerConfig, now: i64) -> Self {
        Self { book: Mutex::new(Book::new(*config, now)), on: config.keep > 0 && config.max_bytes > 0 }
    }

    /// Begins to note a request to an endpoint of this name, and where notes of it go; none if nothing is kept of it.
    pub fn begin(server: &Server, (name, method, id): (&str, &str, &str)) -> Option<(Recording, Noting)> {
        let endpoint = Endpoint::named(name).filter(|_| server.ledger().on)?;
        let step = Step::begin((endpoint.words(method), endpoint.path), id, server.now_millis());
        let (server, began) = (server.clone(), Instant::now());
        let noting = Noting::default();
        Some((Recording { server, endpoint, noting: noting.clone(), step: Some(step), began }, noting))
    }

    /// Flows, the one that went on last first.
    pub fn list(&self, filter: &Filter) -> FlowPage {
        self.lock().list(filter)
    }

    /// The flow that has something of this id: a request, an interaction, an authorization.
    pub fn find(&self, id: &str) -> Option<Arc<Flow>> {
        self.lock().find(id)
    }

    /// How much is kept, and since when.
    pub fn holdings(&self) -> Holdings {
        self.lock().holdings()
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request on its way. Dropped before it was answered, it is noted as one whose caller hung up.
pub struct Recording {
    server: Server,
    endpoint: &'static Endpoint,
    noting: Noting,
    step: Option<Step>,
    began: Instant,
}

impl Recording {
    /// It was answered with this status.
    pub fn answered(mut self, status: u16) {
        self.write(status);
    }

    fn write(&mut self, status: u16) {
        let Some(mut step) = self.step.take() else { return };
        let mut noted = self.noting.take();
        if !self.endpoint.is_kept(status, &noted) {
            return;
        }
        noted.sub = noted.sub.map(|sub| self.server.policies().shown_person(&sub));
        step.end(status, u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX));
        self.server.ledger().lock().write(step, noted);
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.write(HUNG_UP);
    }
}
