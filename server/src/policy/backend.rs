//! What decides: one trait, whatever stands behind it.

pub(super) mod authzen;
pub(super) mod discovery;
pub(super) mod http;
pub(super) mod opa;
pub(super) mod rules;
pub(super) mod transport;

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use placet_sdk::decision::{Decision, DecisionRequest, HookType, Mode};
use serde_json::Value;
use tokio::time::Instant;

use super::{breaker::BreakerState, context::Trace, failure::Failed};
use crate::{outcome::Fault, random::Random};

/// A question to one policy.
#[derive(Clone)]
pub(super) struct Call {
    /// The question, whole.
    pub(super) request: Box<DecisionRequest>,
    /// The question as this policy is shown it.
    pub(super) shown: Value,
    /// When the answer comes too late.
    pub(super) until: Instant,
    /// The trace that it belongs to.
    pub(super) trace: Trace,
}

impl Call {
    /// Whether its answer does: then the breaker learns from it. In shadow and in a trial nothing may have an effect on
    /// those who are asked in earnest, at the same endpoint too.
    pub(super) fn counts(&self) -> bool {
        self.request.mode == Mode::Enforce
    }

    /// The headers by which whoever is asked goes on with the trace; one that is empty is not sent.
    pub(super) fn traced(&self, random: &dyn Random) -> Result<[(&'static str, String); 2], Fault> {
        let state = self.trace.state().unwrap_or_default().to_owned();
        Ok([("traceparent", self.trace.parent(random)?), ("tracestate", state)])
    }
}

/// What is asked may hold a password: it is not printed.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("id", &self.request.id).finish_non_exhaustive()
    }
}

/// An answer, not judged yet.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answered {
    /// The answer.
    pub(super) decision: Decision,
    /// How often it was asked: 1 or 2.
    pub(super) attempts: u32,
}

/// What a policy says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Known {
    /// What it looks at; none means everything.
    pub(super) needs: Option<Arc<[String]>>,
    /// The modes that it knows; none means all.
    pub(super) modes: Option<Arc<[Mode]>>,
}

/// What decides.
#[async_trait]
pub(super) trait Backend: Send + Sync {
    /// What the policy says of itself about a type, so far as that decides how it is asked.
    async fn known(&self, _hook: HookType, _until: Instant) -> Result<Known, Failed> {
        Ok(Known::default())
    }

    /// What it is shown whatever its registration says: without it, the question would be another one.
    fn always(&self) -> &'static [&'static str] {
        &[]
    }

    /// Asks.
    async fn ask(&self, call: &Call) -> Result<Answered, Failed>;

    /// Whether its endpoint is asked; none if it has none.
    fn breaker(&self) -> Option<BreakerState> {
        None
    }

    /// Its name and version, as it last told.
    fn software(&self) -> Option<(String, String)> {
        None
    }
}
