//! What a policy says of itself at a well-known place: read when it is first needed, and again when it is old.

mod sidecar;

use std::{
    sync::{PoisonError, RwLock},
    time::Duration,
};

use http::{HeaderMap, HeaderValue, Method, header};
use placet_sdk::decision::MAX_ANSWER_BYTES;
use tokio::{sync::Mutex, time::Instant};
use url::Url;

use super::transport::{Message, Target, Transport, accept};
use crate::{
    outbound::unix,
    policy::failure::{Failed, FailureCode},
};

pub(in crate::policy) use sidecar::Sidecar;

/// The document is read again when it is older than this.
const AGE: Duration = Duration::from_secs(600);
/// A document that could not be read is not asked for again within this time.
const PAUSE: Duration = Duration::from_secs(1);

/// Where a policy is.
#[derive(Clone, Debug)]
pub(in crate::policy) struct Origin {
    /// The URL that the operator registered: what the document must be of.
    pub(in crate::policy) id: String,
    /// How it is reached, if not as the URL stands: through a Unix socket.
    pub(in crate::policy) through: Option<Url>,
}

/// A document that a policy may have.
pub(in crate::policy) trait Document: Clone + Default + Send + Sync {
    /// Where it lies, before the path of the URL (RFC 8414 section 3).
    const WELL_KNOWN: &'static str;

    /// Reads it.
    fn read(origin: &Origin, body: &[u8]) -> Result<Self, Failed>;
}

/// The document of a policy, kept. A policy that has none (404) gets the default.
pub(in crate::policy) struct Discovery<D> {
    origin: Origin,
    kept: RwLock<Option<(Instant, D)>>,
    /// Held by who reads the document; the last failure.
    reading: Mutex<Option<(Instant, Failed)>>,
}

impl Origin {
    /// The URL of an endpoint that the document names; it must be of the same origin as the policy.
    pub(in crate::policy) fn endpoint(&self, named: &str) -> Result<String, Failed> {
        let foreign = || {
            let detail = "the discovery document names an endpoint of another origin";
            Failed::new(FailureCode::IdMismatch, detail)
        };
        if let Some(through) = &self.through {
            let (socket, _) = unix(&self.id).ok_or_else(foreign)?;
            let (other, path) = unix(named).ok_or_else(foreign)?;
            if socket != other {
                return Err(foreign());
            }
            return Ok(through.join(path).map_err(|_| foreign())?.into());
        }
        let (id, url) = (Url::parse(&self.id).map_err(|_| foreign())?, Url::parse(named));
        let url = url.map_err(|_| foreign())?;
        if id.origin() == url.origin() && url.username().is_empty() && url.password().is_none() {
            Ok(url.into())
        } else {
            Err(foreign())
        }
    }

    /// The URL of a path below that of the policy.
    pub(in crate::policy) fn below(&self, path: &str) -> String {
        let base = self.through.as_ref().map_or(self.id.as_str(), Url::as_str);
        format!("{}{path}", base.trim_end_matches('/'))
    }

    /// The URL of the document.
    fn well_known(&self, place: &str) -> Result<String, Failed> {
        let reached = self.through.clone().map_or_else(|| Url::parse(&self.id), Ok);
        let mut url =
            reached.map_err(|_| Failed::new(FailureCode::Connect, "the URL of the policy is none"))?;
        let path = format!("{place}{}", url.path().trim_end_matches('/'));
        url.set_path(&path);
        url.set_query(None);
        Ok(url.into())
    }
}

impl<D: Document> Discovery<D> {
    pub(in crate::policy) fn new(origin: Origin) -> Self {
        Self { origin, kept: RwLock::default(), reading: Mutex::default() }
    }

    /// The document, read again if it is old. While an old one is read again, it serves.
    pub(in crate::policy) async fn get(&self, transport: &Transport, until: Instant) -> Result<D, Failed> {
        let kept = self.kept();
        if let Some((at, document)) = &kept
            && at.elapsed() < AGE
        {
            return Ok(document.clone());
        }
        let mut reading = match (kept, self.reading.try_lock()) {
            (Some((_, document)), Err(_)) => return Ok(document),
            (_, Ok(reading)) => reading,
            (None, Err(_)) => tokio::time::timeout_at(until, self.reading.lock())
                .await
                .map_err(|_| Failed::new(FailureCode::Timeout, "no discovery document in time"))?,
        };
        match self.kept() {
            Some((at, document)) if at.elapsed() < AGE => return Ok(document),
            _ => {}
        }
        if let Some((at, failed)) = &*reading
            && at.elapsed() < PAUSE
        {
            return self.old_or(failed.clone());
        }
        match self.read(transport, until).await {
            Ok(document) => {
                *reading = None;
                let kept = Some((Instant::now(), document.clone()));
                *self.kept.write().unwrap_or_else(PoisonError::into_inner) = kept;
                Ok(document)
            }
            Err(failed) => {
                *reading = Some((Instant::now(), failed.clone()));
                self.old_or(failed)
            }
        }
    }

    /// Reads the document again at the next question.
    pub(in crate::policy) fn forget(&self) {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        match &mut *kept {
            Some((at, _)) if at.checked_sub(AGE).is_some() => *at -= AGE,
            kept => *kept = None,
        }
    }

    /// The document as it was last read.
    pub(in crate::policy) fn last(&self) -> Option<D> {
        self.kept().map(|(_, document)| document)
    }

    fn kept(&self) -> Option<(Instant, D)> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A policy that was well and cannot tell right now is the one it was.
    fn old_or(&self, failed: Failed) -> Result<D, Failed> {
        let silent = [
            FailureCode::Connect,
            FailureCode::Timeout,
            FailureCode::HttpStatus,
            FailureCode::BreakerOpen,
            FailureCode::Bulkhead,
        ];
        match self.kept() {
            Some((_, document)) if silent.contains(&failed.code) => Ok(document),
            _ => Err(failed),
        }
    }

    async fn read(&self, transport: &Transport, until: Instant) -> Result<D, Failed> {
        let url = self.origin.well_known(D::WELL_KNOWN)?;
        let target =
            Target { method: Method::GET, url: &url, until, max_answer: MAX_ANSWER_BYTES, counts: true };
        let message = |_| {
            let accept = (header::ACCEPT, HeaderValue::from_static("application/json"));
            Ok(Message { headers: HeaderMap::from_iter([accept]), body: Vec::new() })
        };
        let (got, attempts) = transport.send(&target, message).await?;
        if got.status == 404 {
            return Ok(D::default());
        }
        accept(&got)
            .and_then(|()| D::read(&self.origin, &got.body))
            .map_err(|failed| Failed { attempts, ..failed })
    }
}
