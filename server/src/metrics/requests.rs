//! What was asked of this server over HTTP, and what came of it.

use std::{sync::Arc, time::Duration};

use placet_oauth::grant_type::GrantType;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

use super::{BUCKETS, Durations, add};
use crate::{
    admission::Shed,
    limits::Asked,
    outcome::{Failure, Outcome},
};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    endpoint: Arc<str>,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Endpoint {
    endpoint: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Granted {
    grant_type: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SentAway {
    endpoint: Arc<str>,
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Behind {
    door: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reached {
    limit: &'static str,
}

/// How often each limit was reached.
#[derive(Clone, Debug, Default)]
pub struct LimitMeter(Family<Reached, Counter>);

impl LimitMeter {
    /// Somebody was refused by the limit of this name.
    pub fn reached(&self, limit: &'static str) {
        self.0.get_or_create(&Reached { limit }).inc();
    }
}

/// The counters of requests.
#[derive(Debug)]
pub struct Requests {
    answers: Family<Answered, Counter>,
    durations: Durations<Endpoint>,
    grants: Family<Granted, Counter>,
    shed: Family<SentAway, Counter>,
    limits: LimitMeter,
    under_way: Family<Behind, Gauge>,
}

impl Requests {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let durations: Durations<Endpoint> = Family::new_with_constructor(|| Histogram::new(BUCKETS));
        let help = "How long requests took, from their last header to the answer";
        registry.register("placet_http_request_duration_seconds", help, durations.clone());
        Self {
            answers: add(registry, "placet_http_requests", "Requests, by endpoint and status of the answer"),
            durations,
            grants: add(
                registry,
                "placet_token_requests",
                "Requests for tokens, by grant type and what came of them",
            ),
            shed: add(
                registry,
                "placet_requests_shed",
                "Requests that were sent away because the server was busy",
            ),
            limits: LimitMeter(add(
                registry,
                "placet_requests_limited",
                "Requests that were refused for their rate, by the limit that was reached",
            )),
            under_way: add(registry, "placet_requests_under_way", "Requests that are worked on"),
        }
    }

    /// An endpoint answered with this status after this time.
    pub fn answered(&self, endpoint: &Arc<str>, status: u16, took: Duration) {
        self.answers.get_or_create(&Answered { endpoint: Arc::clone(endpoint), status }).inc();
        let of = Endpoint { endpoint: Arc::clone(endpoint) };
        self.durations.get_or_create(&of).observe(took.as_secs_f64());
    }

    /// A request to this endpoint was sent away.
    pub fn shed(&self, endpoint: &Arc<str>, reason: Shed) {
        let labels = SentAway { endpoint: Arc::clone(endpoint), reason: reason.as_str() };
        self.shed.get_or_create(&labels).inc();
    }

    /// How often each limit was reached.
    pub fn limits(&self) -> &LimitMeter {
        &self.limits
    }

    /// How many requests are worked on that came through a door.
    pub fn under_way(&self, door: &'static str) -> Gauge {
        self.under_way.get_or_create(&Behind { door }).clone()
    }

    /// A request was refused for the rate of its address, before it was read.
    pub fn limited(&self, asked: Option<Asked>) {
        if asked == Some(Asked::Token) {
            self.grants.get_or_create(&Granted { grant_type: "other", outcome: "too_many" }).inc();
        }
    }

    /// A token request, for a grant type as it was sent, came to this: `issued`, the code of the error, `too_many`, or
    /// `fault` for trouble of our own.
    pub fn granted<T>(&self, grant_type: &str, outcome: &Outcome<T>) {
        let known = GrantType::ALL.into_iter().map(GrantType::as_str).find(|known| *known == grant_type);
        let outcome = match outcome {
            Ok(_) => "issued",
            Err(Failure::Refused(error)) => error.code.as_str(),
            Err(Failure::TooMany(_)) => "too_many",
            Err(Failure::Fault(_)) => "fault",
        };
        self.grants.get_or_create(&Granted { grant_type: known.unwrap_or("other"), outcome }).inc();
    }
}
