//! What became of spans.

use prometheus_client::{metrics::counter::Counter, registry::Registry};

use super::register;

/// The counters of spans.
#[derive(Clone, Debug, Default)]
pub struct TraceMeter {
    exported: Counter,
    dropped: Counter,
}

impl TraceMeter {
    pub(super) fn register(self, to: &mut Registry) -> Self {
        register(to, "placet_trace_spans_exported", "Spans that the collector took", &self.exported);
        register(
            to,
            "placet_trace_spans_dropped",
            "Spans that the collector was not told of: it did not take them, or too many waited",
            &self.dropped,
        );
        self
    }

    /// The collector took spans.
    pub fn exported(&self, spans: u64) {
        self.exported.inc_by(spans);
    }

    /// The collector was not told of spans.
    pub fn dropped(&self, spans: u64) {
        self.dropped.inc_by(spans);
    }
}
