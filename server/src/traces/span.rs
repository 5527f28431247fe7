//! A span: something that took time, within a trace.

use std::{
    borrow::Cow,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use http::{Method, StatusCode};
use tokio::time::Instant;

use super::{Recorder, context::Remote, export::Message};
use crate::{random, seal::hex};

tokio::task_local! {
    static CURRENT: Arc<Span>;
}

/// What a span stands for (OpenTelemetry's kinds, by their numbers in its protocol).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A request that was answered.
    Server = 2,
    /// A request that was made.
    Client = 3,
}

/// What an attribute says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// A text.
    Text(Cow<'static, str>),
    /// A number.
    Number(i64),
}

impl From<&'static str> for Said {
    fn from(text: &'static str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Said {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<u16> for Said {
    fn from(number: u16) -> Self {
        Self::Number(number.into())
    }
}

impl From<u32> for Said {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

/// What there is to say of a span when it has ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) trace: String,
    pub(super) id: String,
    pub(super) parent: Option<String>,
    pub(super) link: Option<Remote>,
    pub(super) name: Cow<'static, str>,
    pub(super) kind: Kind,
    /// Nanoseconds since the epoch.
    pub(super) from: i64,
    pub(super) until: i64,
    pub(super) attributes: Vec<(&'static str, Said)>,
    pub(super) failed: bool,
}

/// Something that is under way; it ends when it is dropped.
pub struct Span {
    recorder: Arc<Recorder>,
    trace: String,
    id: String,
    parent: Option<String>,
    link: Option<Remote>,
    name: Mutex<Cow<'static, str>>,
    kind: Kind,
    /// When the root of the trace began, by the clock: its parts are measured from there.
    origin: (Instant, i64),
    began: Instant,
    attributes: Mutex<Vec<(&'static str, Said)>>,
    failed: AtomicBool,
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Span").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Span {
    /// The span of a request.
    pub(super) fn root(
        recorder: &Arc<Recorder>,
        trace: &str,
        (parent, link): (Option<String>, Option<Remote>),
    ) -> Option<Self> {
        let began = Instant::now();
        let millis = recorder.clock.millis();
        Some(Self {
            recorder: Arc::clone(recorder),
            trace: trace.to_owned(),
            id: hex(&random::bytes::<8>(&*recorder.random).ok()?),
            parent,
            link,
            name: Mutex::new(Cow::Borrowed("request")),
            kind: Kind::Server,
            origin: (began, millis.saturating_mul(1_000_000)),
            began,
            attributes: Mutex::default(),
            failed: AtomicBool::new(false),
        })
    }

    /// A part of it that begins now.
    pub fn child(&self, name: impl Into<Cow<'static, str>>, kind: Kind) -> Option<Self> {
        Some(Self {
            recorder: Arc::clone(&self.recorder),
            trace: self.trace.clone(),
            id: hex(&random::bytes::<8>(&*self.recorder.random).ok()?),
            parent: Some(self.id.clone()),
            link: None,
            name: Mutex::new(name.into()),
            kind,
            origin: self.origin,
            began: Instant::now(),
            attributes: Mutex::default(),
            failed: AtomicBool::new(false),
        })
    }

    /// A part of the request that is being answered, if it is recorded.
    pub fn within(name: impl FnOnce() -> Cow<'static, str>, kind: Kind) -> Option<Self> {
        CURRENT.try_with(|current| current.child(name(), kind)).ok().flatten()
    }

    /// Its id, in hexadecimal.
    pub fn id(&self) -> &str {
        &self.id
    }

    fn rename(&self, name: String) {
        *self.name.lock().unwrap_or_else(PoisonError::into_inner) = Cow::Owned(name);
    }

    /// Says something of it: a word of this program, or an id that it gave or knows. Never what somebody sent.
    pub fn set(&self, name: &'static str, said: impl Into<Said>) {
        self.attributes.lock().unwrap_or_else(PoisonError::into_inner).push((name, said.into()));
    }

    /// It did not come to what it should, by trouble of our own.
    pub fn fail(&self) {
        self.failed.store(true, Ordering::Relaxed);
    }

    /// Says what the request that it stands for was, and what it came to. Its path and its query are for those who sent it.
    pub fn answered(&self, (method, endpoint): (&Method, &str), status: StatusCode) {
        const KNOWN: [Method; 6] =
            [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::HEAD, Method::OPTIONS];
        let method = if KNOWN.contains(method) { method.as_str() } else { "_OTHER" };
        self.rename(format!("{method} {endpoint}"));
        self.set("http.request.method", method.to_owned());
        self.set("placet.endpoint", endpoint.to_owned());
        self.set("http.response.status_code", status.as_u16());
        if status.is_server_error() {
            self.fail();
        }
    }

    /// Runs what answers the request that it stands for.
    pub async fn scope<F: Future>(span: Option<Arc<Self>>, answering: F) -> F::Output {
        match span {
            Some(span) => CURRENT.scope(span, answering).await,
            None => answering.await,
        }
    }

    fn nanos(&self, at: Instant) -> i64 {
        let since = i64::try_from(at.duration_since(self.origin.0).as_nanos()).unwrap_or(i64::MAX);
        self.origin.1.saturating_add(since)
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        let take = |text: &Mutex<Cow<'static, str>>| {
            std::mem::take(&mut *text.lock().unwrap_or_else(PoisonError::into_inner))
        };
        let ended = Ended {
            from: self.nanos(self.began),
            until: self.nanos(Instant::now()),
            trace: std::mem::take(&mut self.trace),
            id: std::mem::take(&mut self.id),
            parent: self.parent.take(),
            link: self.link.take(),
            name: take(&self.name),
            kind: self.kind,
            attributes: std::mem::take(&mut *self.attributes.lock().unwrap_or_else(PoisonError::into_inner)),
            failed: self.failed.load(Ordering::Relaxed),
        };
        if self.recorder.queue.try_send(Message::Ended(Box::new(ended))).is_err() {
            self.recorder.meter.dropped(1);
        }
    }
}

/// Says something of the request that is being answered, if it is recorded; see [`Span::set`].
pub fn note<S: Into<Said>>(name: &'static str, said: impl FnOnce() -> S) {
    let _ = CURRENT.try_with(|current| current.set(name, said()));
}
