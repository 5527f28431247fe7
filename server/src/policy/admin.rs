//! What an operator can see and change while the server runs, and what a policy would say.

use std::sync::{Arc, PoisonError};

use placet_sdk::{
    InstantMillis,
    decision::{Challenge, DecisionRequest, HookType, Mode, PolicyError, Proposal},
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{
    Policies, Question,
    chain::{End, Run},
    context::Context,
    log::{DecisionFilter, DecisionPage, DecisionRecord, PolicyRecord},
    registration::Registration,
};
use crate::{
    config::{OnFailure, PolicyMode},
    outcome::Fault,
};

/// A policy as it is right now.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PolicyState {
    /// Its name.
    pub name: String,
    /// The decisions it takes part in.
    pub types: Vec<HookType>,
    /// `http`, `rules`, `authzen` or `opa`.
    pub backend: &'static str,
    /// Where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its place.
    pub order: i32,
    /// Whether its answers count.
    pub mode: PolicyMode,
    /// What happens when it fails, if that was set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<OnFailure>,
    /// `closed`, `half_open` or `open`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breaker: Option<&'static str>,
    /// The name that it gives itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software: Option<String>,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Its last failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<FailureState>,
}

/// The last failure of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FailureState {
    /// When it was.
    pub at: InstantMillis,
    /// Its code.
    pub code: &'static str,
    /// What happened.
    pub detail: String,
}

/// What policies would say to a request.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Simulation {
    /// `allow`, `deny`, `challenge` or `failed`.
    pub outcome: &'static str,
    /// The proposal as it would be.
    pub proposal: Proposal,
    /// The error of a denial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<PolicyError>,
    /// What would be needed first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub challenge: Option<Challenge>,
    /// The failure, and where the answer breaks the contract.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureState>,
    /// What each policy said.
    pub policies: Vec<PolicyRecord>,
    /// How long all of it took, in milliseconds.
    pub duration_ms: u64,
}

/// Why something cannot be shown or changed.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// No policy has this name.
    #[error("there is no such policy")]
    UnknownPolicy,
    /// No decision with this id is kept.
    #[error("there is no such decision")]
    UnknownDecision,
    /// The question of the decision is not kept, or was masked so that it is none any more.
    #[error("the question of this decision was not kept")]
    NotKept,
    /// The server is broken.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Policies {
    /// The policies, in the order of the configuration.
    pub fn list(&self) -> Vec<PolicyState> {
        self.0.registrations.iter().map(|policy| state(policy)).collect()
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

    /// A decision, with the question that led to it, masked.
    pub fn decision(&self, id: &str) -> Option<(DecisionRecord, Option<Value>)> {
        self.0.log.get(id)
    }

    /// What the enforced policies would say to a request, without any effect.
    pub async fn simulate(&self, request: DecisionRequest) -> Result<Simulation, AdminError> {
        let question = Question::simulated(request);
        let mut run = Run::new(self, question, Mode::Test, Arc::new(Context::default()))?;
        let end = run.go().await;
        let mut simulation = Simulation {
            outcome: end.word(),
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
            End::Failed(_, failed) => {
                simulation.failure = Some(FailureState {
                    at: InstantMillis(self.0.clock.millis()),
                    code: failed.code.as_str(),
                    detail: failed.detail,
                });
            }
        }
        Ok(simulation)
    }

    /// What the policies would say today to the question of a decision. What was masked is asked as the mask.
    pub async fn replay(&self, id: &str) -> Result<Simulation, AdminError> {
        let (_, question) = self.decision(id).ok_or(AdminError::UnknownDecision)?;
        let question = question.ok_or(AdminError::NotKept)?;
        let request: DecisionRequest = serde_json::from_value(question).map_err(|_| AdminError::NotKept)?;
        self.simulate(request).await
    }

    fn named(&self, name: &str) -> Result<&Arc<Registration>, AdminError> {
        let mut all = self.0.registrations.iter();
        all.find(|policy| policy.config.name == name).ok_or(AdminError::UnknownPolicy)
    }
}

fn state(policy: &Registration) -> PolicyState {
    let setting = **policy.setting.load();
    let software = policy.backend.software();
    let seen = policy.version.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let (software, version) = software.unzip();
    let last = policy.last_failure.lock().unwrap_or_else(PoisonError::into_inner).clone();
    PolicyState {
        name: policy.config.name.clone(),
        types: policy.config.types.clone(),
        backend: policy.config.backend.as_str(),
        url: policy.config.url.clone(),
        order: setting.order,
        mode: setting.mode,
        on_failure: policy.config.on_failure,
        breaker: policy.backend.breaker().map(super::BreakerState::as_str),
        software,
        version: version.or(seen.map(|(version, _)| version)),
        last_failure: last.map(|(at, failed)| FailureState {
            at: InstantMillis(at),
            code: failed.code.as_str(),
            detail: failed.detail,
        }),
    }
}
