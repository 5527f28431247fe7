//! What all decisions of one HTTP request share: the time that they may take together, the trace, and the headers
//! that policies may see.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use http::HeaderMap;
use placet_sdk::decision::HookType;

use crate::{
    outcome::Fault,
    random,
    random::Random,
    seal::hex,
    traces::{Begun, Kind, Remote, Span},
};

tokio::task_local! {
    static CONTEXT: Arc<Context>;
}

/// The trace that a request belongs to (W3C Trace Context).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trace {
    id: String,
    /// Whether the caller may have recorded something of it.
    sampled: bool,
    /// What the caller's tracing systems say of it (section 3.3): passed on as it is.
    state: Option<String>,
    /// The span that whoever is asked now goes on from; none if nobody is told of it.
    span: Option<String>,
}

impl Trace {
    /// The trace that the caller names, if it names one as the specification has it.
    fn read(headers: &HeaderMap) -> Option<Self> {
        let Remote { trace, sampled, state, .. } = Remote::read(headers)?;
        Some(Self { id: trace, sampled, state, span: None })
    }

    /// The trace that this server tells a collector of.
    fn of(begun: &Begun) -> Self {
        Self { id: begun.id.clone(), sampled: begun.span.is_some(), state: begun.state.clone(), span: None }
    }

    /// A new trace.
    pub(super) fn new(random: &dyn Random) -> Result<Self, Fault> {
        // It begins here, and its id is in the decision log.
        Ok(Self { id: hex(&random::bytes::<16>(random)?), sampled: true, state: None, span: None })
    }

    /// Its id.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// The header `traceparent` of a request in it.
    pub(super) fn parent(&self, random: &dyn Random) -> Result<String, Fault> {
        let span = match &self.span {
            Some(span) => span.clone(),
            None => hex(&random::bytes::<8>(random)?),
        };
        Ok(format!("00-{}-{span}-{:02x}", self.id, u8::from(self.sampled)))
    }

    /// The same trace, for whoever is asked as the part of it that this span is.
    pub(super) fn within(&self, span: Option<&Span>) -> Self {
        Self { span: span.map(|span| span.id().to_owned()), ..self.clone() }
    }

    /// The header `tracestate` of a request in it.
    pub(super) fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }
}

/// What all decisions of one HTTP request share.
#[derive(Debug, Default)]
pub struct Context {
    spent_micros: AtomicU64,
    trace: Option<Trace>,
    /// The span of the request, if a collector is told of it.
    span: Option<Arc<Span>>,
    headers: BTreeMap<String, String>,
}

impl Context {
    /// The context of a request with these headers, of which policies may see those with these names.
    ///
    /// Where a collector is told of traces, `begun` is that of the request; else the trace of the caller goes on.
    pub fn new(headers: &HeaderMap, shown: &[String], begun: Option<Begun>) -> Self {
        let visible = shown.iter().filter_map(|name| {
            let mut values = headers.get_all(name.as_str()).iter();
            let value = values.next()?.to_str().ok()?;
            values.next().is_none().then(|| (name.clone(), value.chars().take(1_024).collect()))
        });
        let headers_shown = visible.collect();
        let trace = begun.as_ref().map(Trace::of).or_else(|| Trace::read(headers));
        let span = begun.and_then(|begun| begun.span);
        Self { spent_micros: AtomicU64::new(0), trace, span, headers: headers_shown }
    }

    /// Runs what answers the request.
    pub async fn scope<F: Future>(self, answering: F) -> F::Output {
        CONTEXT.scope(Arc::new(self), answering).await
    }

    /// The context of the request that is being answered; an empty one if there is none.
    pub(super) fn current() -> Arc<Self> {
        CONTEXT.try_with(Arc::clone).unwrap_or_default()
    }

    /// The trace, if the caller named one.
    pub(super) fn trace(&self) -> Option<&Trace> {
        self.trace.as_ref()
    }

    /// The span of a question to a policy.
    pub(super) fn asking(&self, policy: &str, hook: HookType, id: &str) -> Option<Span> {
        let span = self.span.as_ref()?.child(format!("policy {policy}"), Kind::Client)?;
        span.set("placet.policy", policy.to_owned());
        span.set("placet.hook", hook.as_str());
        span.set("placet.decision_id", id.to_owned());
        Some(span)
    }

    /// The header with this name, in lower case.
    pub(super) fn header(&self, name: &str) -> Option<&String> {
        self.headers.get(name)
    }

    /// What is left of the time that all decisions may take.
    pub(super) fn left(&self, budget: Duration) -> Duration {
        budget.saturating_sub(Duration::from_micros(self.spent_micros.load(Ordering::Relaxed)))
    }

    /// A decision took this long.
    pub(super) fn spend(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.spent_micros.fetch_add(micros, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::OsRandom;

    fn read(text: &str) -> Option<Trace> {
        let mut headers = HeaderMap::new();
        headers.insert("traceparent", text.parse().unwrap());
        Trace::read(&headers)
    }

    #[test]
    fn a_trace_goes_on_only_if_it_is_named_as_the_specification_has_it() {
        let trace = read("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").unwrap();
        assert_eq!(trace.id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        let next = trace.parent(&OsRandom).unwrap();
        assert_eq!(read(&next), Some(trace), "{next}");
        let quiet = read("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-02").unwrap();
        assert!(quiet.parent(&OsRandom).unwrap().ends_with("-00"), "only what the caller may have recorded");
        for bad in [
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "x",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
