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

use crate::{outcome::Fault, random, random::Random, seal::hex};

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
}

/// The longest `tracestate` that is passed on; a longer one may be dropped (section 3.3.1.5).
const MAX_STATE: usize = 512;
/// The flag that says that something may be recorded (section 3.2.2.5.1). All others are zero where this version writes them.
const SAMPLED: u8 = 1;

impl Trace {
    /// The trace that the caller names, if it names one as the specification has it.
    fn read(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all("traceparent").iter();
        let text = values.next()?.to_str().ok()?;
        if values.next().is_some() {
            return None;
        }
        let mut parts = text.split('-');
        let (version, id, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let hexadecimal = |part: &str| part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        let sized = version.len() == 2 && id.len() == 32 && parent.len() == 16 && flags.len() == 2;
        let zero = |part: &str| part.bytes().all(|b| b == b'0');
        let known = version == "00" && parts.next().is_none();
        let sound =
            sized && known && [id, parent, flags].into_iter().all(hexadecimal) && !zero(id) && !zero(parent);
        let flags = u8::from_str_radix(flags, 16).ok().filter(|_| sound)?;
        Some(Self { id: id.to_owned(), sampled: flags & SAMPLED != 0, state: state(headers) })
    }

    /// A new trace.
    pub(super) fn new(random: &dyn Random) -> Result<Self, Fault> {
        // It begins here, and its id is in the decision log.
        Ok(Self { id: hex(&random::bytes::<16>(random)?), sampled: true, state: None })
    }

    /// Its id.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// The header `traceparent` of a request in it.
    pub(super) fn parent(&self, random: &dyn Random) -> Result<String, Fault> {
        Ok(format!("00-{}-{}-{:02x}", self.id, hex(&random::bytes::<8>(random)?), u8::from(self.sampled)))
    }

    /// The header `tracestate` of a request in it.
    pub(super) fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }
}

/// All values of `tracestate` as one; none if there is none, or if it is not to be passed on.
fn state(headers: &HeaderMap) -> Option<String> {
    let values: Option<Vec<&str>> =
        headers.get_all("tracestate").iter().map(|value| value.to_str().ok()).collect();
    let joined = values?.join(",");
    let passes = !joined.trim().is_empty() && joined.len() <= MAX_STATE;
    passes.then_some(joined)
}

/// What all decisions of one HTTP request share.
#[derive(Debug, Default)]
pub struct Context {
    spent_micros: AtomicU64,
    trace: Option<Trace>,
    headers: BTreeMap<String, String>,
}

impl Context {
    /// The context of a request with these headers, of which policies may see those with these names.
    pub fn new(headers: &HeaderMap, shown: &[String]) -> Self {
        let visible = shown.iter().filter_map(|name| {
            let mut values = headers.get_all(name.as_str()).iter();
            let value = values.next()?.to_str().ok()?;
            values.next().is_none().then(|| (name.clone(), value.chars().take(1_024).collect()))
        });
        Self { spent_micros: AtomicU64::new(0), trace: Trace::read(headers), headers: visible.collect() }
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
