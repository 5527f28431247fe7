//! Finding records of the decision log.

use placet_sdk::{
    admin::{DecisionOutcome, DecisionRecord},
    decision::HookType,
};

/// Which records are wanted.
#[derive(Clone, Debug, Default)]
pub struct DecisionFilter {
    /// Of this decision point.
    pub hook: Option<HookType>,
    /// With this outcome.
    pub outcome: Option<DecisionOutcome>,
    /// About this client.
    pub client_id: Option<String>,
    /// About this subject.
    pub sub: Option<String>,
    /// In which this policy took part.
    pub policy: Option<String>,
    /// Of this trace.
    pub trace_id: Option<String>,
    /// Older than the record with this number.
    pub after: Option<u64>,
    /// How many, 1 to 200; 50 if that is not said.
    pub limit: Option<usize>,
}

/// Some records, newest first.
#[derive(Clone, Debug, PartialEq)]
pub struct DecisionPage {
    /// The records.
    pub decisions: Vec<DecisionRecord>,
    /// What `after` has to be for the next page; none on the last one.
    pub next: Option<u64>,
}

impl DecisionFilter {
    pub(super) fn fits(&self, record: &DecisionRecord) -> bool {
        let is = |wanted: &Option<String>, value: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| Some(wanted) == value)
        };
        self.hook.is_none_or(|hook| hook == record.hook)
            && self.outcome.is_none_or(|outcome| outcome == record.outcome)
            && is(&self.client_id, record.client_id.as_deref())
            && is(&self.sub, record.sub.as_deref())
            && is(&self.trace_id, Some(&record.trace_id))
            && self.policy.as_ref().is_none_or(|name| record.policies.iter().any(|p| &p.name == name))
    }
}
