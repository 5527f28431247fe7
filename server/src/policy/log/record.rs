//! A record of the decision log.

use std::collections::BTreeMap;

use placet_sdk::{
    InstantMillis,
    decision::{HookType, Mode, Verdict},
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// A decision: what was asked, what each policy said, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct DecisionRecord {
    /// The id of the decision, `dec_…`.
    pub id: String,
    /// When it was made.
    pub time: InstantMillis,
    /// The decision point.
    #[serde(rename = "type")]
    pub hook: HookType,
    /// `allow`, `deny`, `challenge`, or `failed`.
    pub outcome: &'static str,
    /// Whether it counted; false for the answers of policies in shadow.
    pub enforced: bool,
    /// The issuer identifier of the server.
    pub issuer: String,
    /// The client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// The actors of the result, newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub act: Vec<String>,
    /// The subject that was authenticated, where a policy put another one in its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original_sub: Option<String>,
    /// The trace (W3C Trace Context).
    pub trace_id: String,
    /// What was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested: Option<Value>,
    /// What came of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub granted: Option<Value>,
    /// The error code of a denial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Each policy that was asked, in order.
    pub policies: Vec<PolicyRecord>,
    /// How long all of it took, in milliseconds.
    pub duration_ms: u64,
    /// A policy failed, and the decision was made without it or with an old answer of it.
    pub degraded: bool,
    /// JSON Pointers of what was masked in the question.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub masked: Vec<String>,
}

/// What one policy said.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PolicyRecord {
    /// The id of the question, where it is not that of the decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its name.
    pub name: String,
    /// Its version, as it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Whether its answer counts.
    pub mode: Mode,
    /// What it decided; absent if it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<Verdict>,
    /// Why, in a word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Its labels.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// How long it took, in milliseconds.
    pub latency_ms: u64,
    /// Whether its answer had been kept.
    pub cache: CacheUse,
    /// How often it was asked.
    pub attempts: u32,
    /// The code of its failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<&'static str>,
    /// Of a policy in shadow: whether it would have decided otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diverged: Option<bool>,
}

/// Whether an answer had been kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
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

/// Which records are wanted.
#[derive(Clone, Debug, Default)]
pub struct DecisionFilter {
    /// Of this decision point.
    pub hook: Option<HookType>,
    /// With this outcome.
    pub outcome: Option<String>,
    /// About this client.
    pub client_id: Option<String>,
    /// About this subject.
    pub sub: Option<String>,
    /// In which this policy took part.
    pub policy: Option<String>,
    /// Older than the one with this id.
    pub after: Option<String>,
    /// How many, 1 to 200; 50 if that is not said.
    pub limit: Option<usize>,
}

/// Some records, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct DecisionPage {
    /// The records.
    pub decisions: Vec<DecisionRecord>,
    /// What `after` has to be for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl DecisionFilter {
    pub(super) fn fits(&self, record: &DecisionRecord) -> bool {
        let is = |wanted: &Option<String>, value: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| Some(wanted) == value)
        };
        self.hook.is_none_or(|hook| hook == record.hook)
            && is(&self.outcome, Some(record.outcome))
            && is(&self.client_id, record.client_id.as_deref())
            && is(&self.sub, record.sub.as_deref())
            && self.policy.as_ref().is_none_or(|name| record.policies.iter().any(|p| &p.name == name))
    }
}
