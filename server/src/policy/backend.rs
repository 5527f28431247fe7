//! What decides: one trait, whatever stands behind it.

pub(super) mod http;

use std::fmt;

use async_trait::async_trait;
use placet_sdk::decision::{Decision, DecisionRequest};
use serde_json::Value;
use tokio::time::Instant;

use super::failure::Failed;

/// A question to one policy.
#[derive(Clone)]
pub(super) struct Call {
    /// The question, whole.
    pub(super) request: Box<DecisionRequest>,
    /// The question as this policy is shown it.
    pub(super) shown: Value,
    /// When the answer comes too late.
    pub(super) until: Instant,
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

/// What decides.
#[async_trait]
pub(super) trait Backend: Send + Sync {
    /// Asks.
    async fn ask(&self, call: &Call) -> Result<Answered, Failed>;
}
