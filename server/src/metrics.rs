//! What the server counts, in the text format of OpenMetrics at `/metrics` of the private listener.
//!
//! Labels have few values: names from the configuration and words of this program, never what somebody sent.

mod caches;
mod noticed;
mod requests;
mod store;
mod traces;

use placet_sdk::decision::HookType;
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Metric, Registry},
};

use crate::outcome::Fault;

pub use caches::{CacheMeter, Caches};
pub use noticed::Noticed;
use noticed::Notices;
pub use requests::{LimitMeter, Requests};
pub use store::StoreMeter;
pub use traces::TraceMeter;

/// The media type of the text.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper limits of the buckets of durations, in seconds.
const BUCKETS: [f64; 12] = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

type Durations<L> = Family<L, Histogram, fn() -> Histogram>;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answer {
    policy: String,
    r#type: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PolicyType {
    policy: String,
    r#type: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Code {
    policy: String,
    code: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Policy {
    policy: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Delivery {
    kind: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Receiver {
    receiver: String,
}

/// An attempt of a delivery, as long as it is under way.
#[derive(Debug)]
pub struct Delivering(Gauge);

impl Drop for Delivering {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// The counters of a server.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    notices: Notices,
    http: Requests,
    caches: Caches,
    store: StoreMeter,
    traces: TraceMeter,
    requests: Family<Answer, Counter>,
    durations: Durations<PolicyType>,
    failures: Family<Code, Counter>,
    breakers: Family<Policy, Gauge>,
    hits: Family<Policy, Counter>,
    misses: Family<Policy, Counter>,
    degraded: Family<Policy, Counter>,
    diverged: Family<Policy, Counter>,
    dropped: Counter,
    deliveries: Family<Delivery, Counter>,
    delivering: Gauge,
    pending: Family<Receiver, Gauge>,
    dead: Family<Receiver, Gauge>,
    oldest: Family<Receiver, Gauge>,
    not_kept: Family<Receiver, Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        let to = &mut registry;
        let durations: Durations<PolicyType> = Family::new_with_constructor(|| Histogram::new(BUCKETS));
        to.register("placet_policy_duration_seconds", "How long policies took to answer", durations.clone());
        Self {
            http: Requests::register(to),
            caches: Caches::default().register(to),
            store: StoreMeter::default().register(to),
            traces: TraceMeter::default().register(to),
            durations,
            requests: add(to, "placet_policy_requests", "Answers of policies, by what they decided"),
            failures: add(to, "placet_policy_failures", "Failures of policies, by code"),
            breakers: add(
                to,
                "placet_policy_breaker_state",
                "Whether the endpoint of a policy is asked: 0 yes, 1 a probe only, 2 no",
            ),
            hits: add(to, "placet_policy_cache_hits", "Decisions that had been kept"),
            misses: add(to, "placet_policy_cache_misses", "Decisions that had not been kept"),
            degraded: add(
                to,
                "placet_policy_degraded",
                "Decisions made without a policy that failed, or with an old answer of it",
            ),
            diverged: add(
                to,
                "placet_policy_shadow_divergence",
                "Answers of policies in shadow that differ from what was done",
            ),
            deliveries: add(
                to,
                "placet_delivery_attempts",
                "Attempts to deliver something, by what came of them",
            ),
            delivering: add(
                to,
                "placet_deliveries_under_way",
                "Attempts to deliver something that are under way",
            ),
            pending: add(to, "placet_event_receiver_pending", "Events that wait for a receiver"),
            dead: add(
                to,
                "placet_event_receiver_dead",
                "Events for a receiver that were given up and are still kept",
            ),
            oldest: add(
                to,
                "placet_event_receiver_oldest_seconds",
                "For how long the oldest event has waited for a receiver",
            ),
            not_kept: add(
                to,
                "placet_event_receiver_not_kept",
                "Events that were not kept for a receiver, because too many wait for it",
            ),
            dropped: add(to, "placet_decision_log_dropped", "Records of decisions that could not be written"),
            registry,
            notices: Notices::default(),
        }
    }
}

fn add<M: Metric + Clone + Default>(registry: &mut Registry, name: &str, help: &str) -> M {
    let metric = M::default();
    registry.register(name, help, metric.clone());
    metric
}

fn register<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: &M) {
    registry.register(name, help, metric.clone());
}

impl Metrics {
    /// From now on `look` is called before the counters are read.
    pub fn watch(&self, look: impl Fn() + Send + Sync + 'static) {
        self.caches.watch(look);
    }

    /// Of the store.
    pub fn store(&self) -> &StoreMeter {
        &self.store
    }

    /// Of traces.
    pub fn traces(&self) -> &TraceMeter {
        &self.traces
    }

    /// Of what is kept in memory.
    pub fn caches(&self) -> &Caches {
        &self.caches
    }

    /// Of requests over HTTP.
    pub fn http(&self) -> &Requests {
        &self.http
    }

    /// A policy answered.
    pub fn policy_answered(&self, policy: &str, hook: HookType, outcome: &'static str) {
        let labels = Answer { policy: policy.to_owned(), r#type: hook.as_str(), outcome };
        self.requests.get_or_create(&labels).inc();
    }

    /// A policy took this long, in seconds.
    pub fn policy_took(&self, policy: &str, hook: HookType, seconds: f64) {
        let labels = PolicyType { policy: policy.to_owned(), r#type: hook.as_str() };
        self.durations.get_or_create(&labels).observe(seconds);
    }

    /// A policy failed.
    pub fn policy_failed(&self, policy: &str, code: &'static str) {
        self.failures.get_or_create(&Code { policy: policy.to_owned(), code }).inc();
        self.notices.add("policy.failed", policy, Some(code));
    }

    /// Whether the endpoint of a policy is asked: 0 yes, 1 a probe only, 2 no.
    pub fn policy_breaker(&self, policy: &str, state: i64) {
        self.breakers.get_or_create(&named(policy)).set(state);
        self.notices.breaker(policy, state != 0);
    }

    /// A decision of a policy had been kept, or not.
    pub fn policy_cache(&self, policy: &str, hit: bool) {
        let family = if hit { &self.hits } else { &self.misses };
        family.get_or_create(&named(policy)).inc();
    }

    /// A decision was made without a policy, or with an old answer of it.
    pub fn policy_degraded(&self, policy: &str) {
        self.degraded.get_or_create(&named(policy)).inc();
        self.notices.add("policy.degraded", policy, None);
    }

    /// A policy in shadow would have decided otherwise.
    pub fn policy_diverged(&self, policy: &str) {
        self.diverged.get_or_create(&named(policy)).inc();
        self.notices.add("policy.diverged", policy, None);
    }

    /// Records of decisions could not be written.
    pub fn decision_log_dropped(&self, records: u64) {
        self.dropped.inc_by(records);
    }

    /// An attempt to deliver something came to this.
    pub fn delivered(&self, kind: &str, outcome: &'static str) {
        self.deliveries.get_or_create(&Delivery { kind: kind.to_owned(), outcome }).inc();
    }

    /// An attempt to deliver something begins; it ends when what this gives is dropped.
    pub fn delivering(&self) -> Delivering {
        self.delivering.inc();
        Delivering(self.delivering.clone())
    }

    /// How much waits for a receiver of events, how much was given up, and since how many seconds the oldest waits.
    pub fn waiting(&self, receiver: &str, (pending, dead, oldest): (i64, i64, i64)) {
        let labels = Receiver { receiver: receiver.to_owned() };
        self.pending.get_or_create(&labels).set(pending);
        self.dead.get_or_create(&labels).set(dead);
        self.oldest.get_or_create(&labels).set(oldest);
    }

    /// Events were not kept for a receiver.
    pub fn not_kept(&self, receiver: &str, events: u64) {
        self.not_kept.get_or_create(&Receiver { receiver: receiver.to_owned() }).inc_by(events);
    }

    /// What went wrong with policies since this was last asked.
    pub fn take_noticed(&self) -> Vec<Noticed> {
        self.notices.take()
    }

    /// All of it.
    pub fn text(&self) -> Result<String, Fault> {
        self.caches.look();
        let mut text = String::new();
        encode(&mut text, &self.registry).map_err(|e| Fault::new("metrics", e))?;
        Ok(text)
    }
}

fn named(policy: &str) -> Policy {
    Policy { policy: policy.to_owned() }
}
