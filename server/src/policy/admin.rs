//! What an operator can see and change while the server runs, and what a policy would say.

use std::sync::{Arc, PoisonError};

use placet_sdk::{
    InstantMillis,
    admin::{DecisionEntry, DecisionOutcome, DecisionRecord, FailureState, PolicyState, Replay, Simulation},
    decision::{DecisionRequest, Mode},
};

use super::{
    Policies, Question,
    chain::{End, Run},
    context::Context,
    failure::Failed,
    log::{DecisionFilter, DecisionPage},
    noted::granted,
    registration::Registration,
};
use crate::{config::PolicyMode, outcome::Fault};

/// Why something cannot be shown or changed.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// No policy has this name.
    #[error("there is no such policy")]
    UnknownPolicy,
    /// No decision with this id is kept.
    #[error("there is no such decision")]
    UnknownDecision,
    /// The question of the decision is too large to be kept.
    #[error("the question of this decision was too large to be kept")]
    NotKept,
    /// The question of the decision was masked so that it is none any more.
    #[error("the question of this decision was masked so that it cannot be asked again")]
    Masked,
    /// None of the policies that made the decision is asked any more.
    #[error("none of the policies that made this decision is asked any more")]
    PoliciesGone,
    /// The server is broken.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Policies {
    /// The policies, in the order of the configuration.
    pub fn list(&self) -> Vec<PolicyState> {
        self.0.registrations.iter().map(|policy| state(policy)).collect()
    }

    /// The policy of this name.
    pub fn policy(&self, name: &str) -> Result<PolicyState, AdminError> {
        self.named(name).map(|policy| state(policy))
    }

    /// Changes whether the answers of a policy count, until the server starts again.
    pub fn set_mode(&self, name: &str, mode: PolicyMode) -> Result<(), AdminError> {
        self.named(name)?.set(|setting| setting.mode = mode);
        tracing::warn!(policy = name, ?mode, "an operator changed the mode of a policy");
        Ok(())
    }

    /// Changes the place of a policy, until the server starts again.
    pub fn set_order(&self, name: &str, order: i32) -> Result<(), AdminError> {
        self.named(name)?.set(|setting| setting.order = order);
        tracing::warn!(policy = name, order, "an operator changed the order of a policy");
        Ok(())
    }

    /// Forgets the kept decisions of a policy.
    pub fn purge(&self, name: &str) -> Result<(), AdminError> {
        self.named(name)?.purge();
        Ok(())
    }

    /// Forgets the kept decisions about a client: it changed.
    pub fn flush_client(&self, client_id: &str) {
        self.0.decisions.flush_client(client_id);
    }

    /// Forgets the kept decisions about a subject: something of it was revoked.
    pub fn flush_subject(&self, sub: &str) {
        self.0.decisions.flush_subject(sub);
    }

    /// Forgets all kept decisions: something was revoked, and it is not known whose it was.
    pub fn flush_all(&self) {
        self.0.decisions.flush_all();
    }

    /// Decisions that were made, newest first, as far as they are kept in memory.
    pub fn decisions(&self, filter: &DecisionFilter) -> DecisionPage {
        self.0.log.find(filter)
    }

    /// A user as the decision log may show users.
    pub fn shown_person(&self, sub: &str) -> String {
        self.0.log.person(sub)
    }

    /// A decision by its id, or by that of a question that belongs to it.
    pub fn decision(&self, id: &str) -> Option<DecisionEntry> {
        self.0.log.get(id)
    }

    /// A decision that was made, and its question, to be asked again.
    pub fn recorded(&self, id: &str) -> Result<(DecisionRecord, DecisionRequest), AdminError> {
        let DecisionEntry { record, question, .. } = self.decision(id).ok_or(AdminError::UnknownDecision)?;
        let taking_part = self.taking_part(record.hook);
        let asked = |name: &str| taking_part.iter().any(|policy| policy.config.name == name);
        if !record.policies.is_empty() && !record.policies.iter().any(|policy| asked(&policy.name)) {
            return Err(AdminError::PoliciesGone);
        }
        let request = serde_json::from_value(question.ok_or(AdminError::NotKept)?);
        Ok((record, request.map_err(|_| AdminError::Masked)?))
    }

    /// What the policies would say to a question, those in shadow too, without any effect: nothing is counted, logged
    /// or kept.
    pub async fn simulate(&self, question: Question) -> Result<Simulation, AdminError> {
        let mut run = Run::new(self, question, Mode::Test, Arc::new(Context::default()))?;
        let end = run.go().await;
        for shadow in std::mem::take(&mut run.shadows) {
            let record = self.compared((shadow, &run.round), (&end, &run.proposal)).await;
            run.records.push(record);
        }
        let mut simulation = Simulation {
            outcome: end.outcome(),
            proposal: run.proposal,
            error: None,
            challenge: None,
            failure: None,
            policies: run.records,
            duration_ms: u64::try_from(run.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        };
        match end {
            End::Allow => {}
            End::Deny(error) => simulation.error = Some(error),
            End::Challenge(challenge) => simulation.challenge = Some(challenge),
            End::Failed(_, failed) => simulation.failure = Some(failure((self.0.clock.millis(), failed))),
        }
        Ok(simulation)
    }

    fn named(&self, name: &str) -> Result<&Arc<Registration>, AdminError> {
        let mut all = self.0.registrations.iter();
        all.find(|policy| policy.config.name == name).ok_or(AdminError::UnknownPolicy)
    }
}

/// A decision beside what it would be today.
pub fn replay(record: DecisionRecord, simulation: Simulation) -> Replay {
    let today = match simulation.outcome {
        DecisionOutcome::Allow => simulation.proposal.grant.as_ref().map(granted),
        _ => None,
    };
    let error = simulation.error.as_ref().map(|error| &error.code);
    let differs =
        record.outcome != simulation.outcome || record.granted != today || record.error.as_ref() != error;
    Replay { record, simulation, differs }
}

fn failure((at, failed): (i64, Failed)) -> FailureState {
    FailureState { at: InstantMillis(at), code: failed.code, detail: failed.detail }
}

fn state(policy: &Registration) -> PolicyState {
    let setting = **policy.setting.load();
    let config = &policy.config;
    let software = policy.backend.software();
    let seen = policy.version.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let (software, version) = software.unzip();
    let last = policy.last_failure.lock().unwrap_or_else(PoisonError::into_inner).clone();
    PolicyState {
        name: config.name.clone(),
        types: config.types.clone(),
        backend: config.backend,
        url: config.url.clone(),
        order: setting.order,
        mode: setting.mode,
        changed: (setting.order, setting.mode) != (config.order, config.mode),
        on_failure: config.on_failure,
        breaker: policy.backend.breaker(),
        software,
        version: version.or(seen.map(|(version, _)| version)),
        last_failure: last.map(failure),
    }
}
