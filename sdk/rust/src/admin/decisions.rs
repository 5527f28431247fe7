//! The log of decisions.

use std::{collections::BTreeMap, fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::policies::{FailureCode, Simulation};
use crate::{
    InstantMillis,
    decision::{HookType, Mode, Verdict},
};

/// What came of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DecisionOutcome {
    /// It went on.
    Allow,
    /// It was refused.
    Deny,
    /// Something was needed of the user first.
    Challenge,
    /// A policy failed, and nothing was done.
    Failed,
}

impl DecisionOutcome {
    /// Every outcome.
    pub const ALL: [Self; 4] = [Self::Allow, Self::Deny, Self::Challenge, Self::Failed];

    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Challenge => "challenge",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for DecisionOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is no outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an outcome is `allow`, `deny`, `challenge` or `failed`")]
pub struct ParseOutcomeError;

impl FromStr for DecisionOutcome {
    type Err = ParseOutcomeError;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == word).ok_or(ParseOutcomeError)
    }
}

/// A decision: what was asked, what each policy said, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DecisionRecord {
    /// The id of the decision, `dec_…`.
    pub id: String,
    /// When it was made.
    pub time: InstantMillis,
    /// The decision point.
    #[serde(rename = "type")]
    pub hook: HookType,
    /// What came of it.
    pub outcome: DecisionOutcome,
    /// Whether it counted; false for the answers of policies in shadow.
    pub enforced: bool,
    /// The issuer identifier of the server.
    pub issuer: String,
    /// The client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// The actors of the result, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub act: Vec<String>,
    /// The subject that was authenticated, where a policy put another one in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original_sub: Option<String>,
    /// The trace (W3C Trace Context).
    pub trace_id: String,
    /// What was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested: Option<Value>,
    /// What came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub granted: Option<Value>,
    /// The error code of a denial.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Each policy that was asked, in order.
    pub policies: Vec<PolicyRecord>,
    /// How long all of it took, in milliseconds.
    pub duration_ms: u64,
    /// A policy failed, and the decision was made without it or with an old answer of it.
    pub degraded: bool,
    /// JSON Pointers of what was masked in the question.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub masked: Vec<String>,
}

/// What one policy said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyRecord {
    /// The id of the question, where it is not that of the decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its name.
    pub name: String,
    /// Its version, as it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Whether its answer counts.
    pub mode: Mode,
    /// What it decided; absent if it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Verdict>,
    /// Why, in a word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Its labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// How long it took, in milliseconds.
    pub latency_ms: u64,
    /// Whether its answer had been kept.
    pub cache: CacheUse,
    /// How often it was asked.
    pub attempts: u32,
    /// Why it failed to decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureCode>,
    /// Of a policy in shadow: whether it would have decided otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diverged: Option<bool>,
}

/// Whether an answer had been kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CacheUse {
    /// Answers are not kept.
    #[default]
    Off,
    /// It had been kept.
    Hit,
    /// It had not.
    Miss,
    /// The policy failed, and an old answer stood in.
    Stale,
}

/// A decision with all that is kept of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DecisionEntry {
    /// The record.
    pub record: DecisionRecord,
    /// The question that led to it, masked as the operator says; absent if it was too large to be kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<Value>,
    /// What the policies in shadow said to the same question.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shadow: Vec<PolicyRecord>,
}

/// What was decided, and what policies would say to the same question today.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Replay {
    /// What was decided.
    pub record: DecisionRecord,
    /// What would be decided today. What was masked in the question is asked as the mask.
    pub simulation: Simulation,
    /// Outcome, error or what is granted would be another.
    pub differs: bool,
}

/// Which decisions are wanted. What is left out does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionQuery {
    /// Of this decision point.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub hook: Option<HookType>,
    /// With this outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<DecisionOutcome>,
    /// About this client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// About this subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// In which this policy took part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// Of this trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// How many at once, 1 to 200; 50 if that is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}
