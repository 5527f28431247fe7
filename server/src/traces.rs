//! Traces for OpenTelemetry: what a request was about and how long its parts took, told to a collector.
//!
//! A span says what this program decides to say of itself, attribute by attribute: never a value that somebody sent, so that no
//! credential can be in one. Off by default, and then nothing of it is done. A collector that is slow or away costs nothing
//! but its spans: they wait in a queue with an end, and what finds no place in it is counted.

mod context;
mod export;
mod span;

use std::sync::Arc;

use http::HeaderMap;
use tokio::sync::{mpsc, oneshot};

pub use context::Remote;
use export::{Exporter, Message};
pub use span::{Kind, Said, Span, note};

use crate::{
    clock::Clock,
    config::TracesConfig,
    metrics::TraceMeter,
    outcome::Fault,
    random::{self, Random},
    seal::hex,
};

/// So many spans wait for the collector.
const QUEUE: usize = 4_096;

/// What begins and ends spans; cheap to clone.
#[derive(Clone)]
pub struct Traces(Option<Arc<Recorder>>);

struct Recorder {
    queue: mpsc::Sender<Message>,
    /// Of the traces that begin here those are recorded whose number is below this one.
    below: u64,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    meter: TraceMeter,
}

/// The trace of a request.
#[derive(Clone, Debug)]
pub struct Begun {
    /// Its id, in hexadecimal.
    pub id: String,
    /// What the caller's tracing systems say of it.
    pub state: Option<String>,
    /// The span of the request, if it is recorded.
    pub span: Option<Arc<Span>>,
}

impl Traces {
    /// The traces that the configuration describes. Fails if a file cannot be used.
    pub fn new(
        config: &TracesConfig,
        (clock, random): (Arc<dyn Clock>, Arc<dyn Random>),
        meter: TraceMeter,
    ) -> Result<Self, Fault> {
        let Some(exporter) = Exporter::new(config, meter.clone())? else { return Ok(Self(None)) };
        let (queue, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(exporter.run(waiting));
        let below = below(config.sample_ratio);
        Ok(Self(Some(Arc::new(Recorder { queue, below, clock, random, meter }))))
    }

    /// The trace of a request with these headers; none if there are no traces here. A caller that is `trusted` decides
    /// whether it is recorded, and its trace goes on. That of a stranger is only pointed at: it could have everything
    /// recorded.
    pub fn begin(&self, headers: &HeaderMap, trusted: bool, id: &str) -> Option<Begun> {
        let recorder = self.0.as_ref()?;
        let remote = Remote::read(headers);
        let (parent, link) = if trusted { (remote, None) } else { (None, remote) };
        let (trace, sampled, state) = if let Some(parent) = &parent {
            (parent.trace.clone(), parent.sampled, parent.state.clone())
        } else {
            let number = random::bytes::<16>(&*recorder.random).ok()?;
            let low = number[8..].iter().fold(0_u64, |low, byte| low << 8 | u64::from(*byte));
            (hex(&number), low < recorder.below, None)
        };
        let span = sampled.then(|| {
            let span = Span::root(recorder, &trace, (parent.map(|parent| parent.span), link))?;
            span.set("placet.request_id", id.to_owned());
            Some(Arc::new(span))
        });
        Some(Begun { id: trace, state, span: span.flatten() })
    }

    /// Tells the collector of everything that has ended; waits until that is done.
    pub async fn flush(&self) {
        let Some(recorder) = &self.0 else { return };
        let (done, told) = oneshot::channel();
        if recorder.queue.send(Message::Flush(done)).await.is_ok() {
            let _ = told.await;
        }
    }
}

/// This part of all numbers of 64 bits.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a part of the whole, and nobody counts on the last bit"
)]
fn below(ratio: f64) -> u64 {
    if ratio >= 1.0 { u64::MAX } else { (ratio.max(0.0) * u64::MAX as f64) as u64 }
}

impl std::fmt::Debug for Traces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Traces(on)" } else { "Traces(off)" })
    }
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Recorder")
    }
}
