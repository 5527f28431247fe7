//! What is asked of the store, how long that takes, and what waits.

use std::time::Duration;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

use super::{BUCKETS, Durations, register};
use crate::store::{Load, StoreError};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Step {
    operation: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Failed {
    operation: &'static str,
    cause: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Connections {
    state: &'static str,
}

/// The counters of a store; cheap to clone.
#[derive(Clone, Debug)]
pub struct StoreMeter {
    durations: Durations<Step>,
    failures: Family<Failed, Counter>,
    connections: Family<Connections, Gauge>,
    queue: Gauge,
    commits: Gauge,
    steps: Gauge,
    missed: Gauge,
}

impl Default for StoreMeter {
    fn default() -> Self {
        Self {
            durations: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            failures: Family::default(),
            connections: Family::default(),
            queue: Gauge::default(),
            commits: Gauge::default(),
            steps: Gauge::default(),
            missed: Gauge::default(),
        }
    }
}

impl StoreMeter {
    pub(super) fn register(self, to: &mut Registry) -> Self {
        register(
            to,
            "placet_store_duration_seconds",
            "How long steps of the store took, the wait for a connection included",
            &self.durations,
        );
        register(to, "placet_store_failures", "Steps of the store that failed, by cause", &self.failures);
        register(
            to,
            "placet_store_connections",
            "Connections to the database, or readers of the file: how many there may be, and are in use",
            &self.connections,
        );
        register(
            to,
            "placet_store_waiting",
            "Steps that wait for a connection, or for the writer",
            &self.queue,
        );
        register(to, "placet_store_commits", "Commits of the writer of the file", &self.commits);
        register(
            to,
            "placet_store_committed_steps",
            "Steps in the commits of the writer of the file: several share one",
            &self.steps,
        );
        register(
            to,
            "placet_store_changes_missed",
            "How often a change by another process was missed, and everything kept in memory was read again",
            &self.missed,
        );
        self
    }

    /// A step took this long.
    pub fn took(&self, operation: &'static str, time: Duration, failed: Option<&StoreError>) {
        let step = Step { operation };
        self.durations.get_or_create(&step).observe(time.as_secs_f64());
        if let Some(error) = failed {
            let cause = match error {
                StoreError::Unavailable(_) => "unavailable",
                StoreError::Corrupt(_) => "corrupt",
                StoreError::Contended => "contended",
            };
            self.failures.get_or_create(&Failed { operation, cause }).inc();
        }
    }

    /// How busy the store is now.
    pub fn shows(&self, load: Load, missed: u64) {
        let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        for (state, connections) in [("open", load.connections), ("in_use", load.in_use)] {
            self.connections.get_or_create(&Connections { state }).set(number(connections));
        }
        self.queue.set(number(load.waiting));
        self.commits.set(number(load.commits));
        self.steps.set(number(load.committed));
        self.missed.set(number(missed));
    }
}
