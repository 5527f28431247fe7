//! The policies of one decision point, asked one after the other.

use std::{sync::Arc, time::Duration};

use placet_sdk::{
    admin::{CacheUse, DecisionOutcome, PolicyRecord},
    decision::{
        ChainPosition, Challenge, DecisionRequest, HookType, Limits, Mode, Outcome as Answer, PolicyError,
        Proposal,
    },
};
use tokio::time::Instant;
use tracing::Instrument as _;

use super::{
    Allowed, Decided, Policies, Question,
    asking::{Round, Told},
    context::{Context, Trace},
    failure::Failed,
    registration::Registration,
    shadow::Shadow,
};
use crate::{
    config::{OnFailure, PolicyMode},
    ledger::{self, note},
    outcome::{Fault, Outcome},
};

/// Decisions that may be under way.
pub(super) const OPEN: u32 = 1 << 20;

/// What a chain came to.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum End {
    Allow,
    Deny(PolicyError),
    Challenge(Challenge),
    /// A policy failed, and nothing is to be done: its name, and the failure.
    Failed(String, Failed),
}

impl End {
    pub(super) const fn outcome(&self) -> DecisionOutcome {
        match self {
            Self::Allow => DecisionOutcome::Allow,
            Self::Deny(_) => DecisionOutcome::Deny,
            Self::Challenge(_) => DecisionOutcome::Challenge,
            Self::Failed(..) => DecisionOutcome::Failed,
        }
    }
}

/// A chain on its way.
pub(super) struct Run {
    pub(super) policies: Policies,
    pub(super) round: Round,
    pub(super) id: String,
    pub(super) started: Instant,
    /// The limits of the server.
    limits: Limits,
    pub(super) proposal: Proposal,
    pub(super) records: Vec<PolicyRecord>,
    pub(super) shadows: Vec<Shadow>,
    pub(super) degraded: bool,
    pub(super) changed_subject_by: Option<String>,
}

impl Policies {
    /// Asks the policies of the question's type in their order. Without any, the proposal stands, unless the decision
    /// needs a policy.
    ///
    /// # Errors
    ///
    /// A fault, answered with 503, if a policy fails and its registration does not say otherwise.
    pub async fn decide(&self, question: Question) -> Outcome<Decided> {
        if !self.asks(question.hook) {
            return Ok(unasked(&question));
        }
        // Apart from the request that asks: whoever hangs up while a policy thinks ends neither its question nor the
        // record of it, and so cannot keep guesses out of the log.
        let (policies, context) = (self.clone(), Context::current());
        let open = self.0.open.clone().acquire_owned().await;
        let deciding = async move {
            let decided = policies.run(question, context).await;
            drop(open);
            decided
        };
        let deciding = ledger::within(ledger::current(), Box::pin(deciding));
        match tokio::spawn(deciding.instrument(tracing::Span::current())).await {
            Ok(decided) => decided,
            Err(_) => Err(Fault::new("policy", "a decision broke off").into()),
        }
    }

    /// Waits until no decision is under way any more, also of those who hung up.
    pub async fn settle(&self) {
        let _ = self.0.open.acquire_many(OPEN).await;
    }

    async fn run(&self, question: Question, context: Arc<Context>) -> Outcome<Decided> {
        let mut run = Run::new(self, question, Mode::Enforce, context.clone())?;
        let end = run.go().await;
        context.spend(run.started.elapsed());
        self.conclude(run, end).await
    }

    /// Writes the decision down, and says what it means.
    async fn conclude(&self, run: Run, end: End) -> Outcome<Decided> {
        let (question, masked) = self.0.log.masked(&run.round.question.request);
        let mut record = self.record(&run, &end);
        record.masked = masked;
        note(|noted| noted.decided(&record));
        self.0.log.write(record, &question).await?;
        self.cast(&run, &end);
        match end {
            End::Allow => Ok(Decided::Allow(Allowed {
                proposal: Box::new(run.proposal),
                degraded: run.degraded,
                decision_id: Some(run.id),
                changed_subject_by: run.changed_subject_by,
            })),
            End::Deny(error) => Ok(Decided::Deny(error)),
            End::Challenge(challenge) => Ok(Decided::Challenge(challenge)),
            End::Failed(name, failed) => {
                Err(Fault::new("policy", format!("`{name}` failed: {}", failed.code)).into())
            }
        }
    }
}

/// What stands without any policy.
fn unasked(question: &Question) -> Decided {
    let request = &question.request;
    if question.hook.needs_policy() || missing(&request.requires, &request.proposal) {
        return Decided::Deny(nobody());
    }
    Decided::Allow(Allowed::bare(question.request.proposal.clone()))
}

/// Whether something is required that nobody set.
fn missing(requires: &[String], proposal: &Proposal) -> bool {
    if requires.is_empty() {
        return false;
    }
    let proposal = serde_json::to_value(proposal).unwrap_or_default();
    requires.iter().any(|pointer| proposal.pointer(pointer).is_none_or(serde_json::Value::is_null))
}

fn nobody() -> PolicyError {
    let description = "no policy of this server decides about this request";
    PolicyError {
        code: "unauthorized_client".to_owned(),
        description: Some(description.to_owned()),
        uri: None,
    }
}

impl Run {
    pub(super) fn new(
        policies: &Policies,
        question: Question,
        mode: Mode,
        context: Arc<Context>,
    ) -> Result<Self, Fault> {
        let random = &*policies.0.random;
        let trace = match context.trace() {
            Some(trace) => trace.clone(),
            None => Trace::new(random)?,
        };
        let started = Instant::now();
        let budget = Duration::from_millis(policies.0.defaults.chain_budget_ms.into());
        let (limits, proposal) = (question.request.limits.clone(), question.request.proposal.clone());
        Ok(Self {
            policies: policies.clone(),
            round: Round {
                question: Arc::new(question),
                mode,
                trace,
                context,
                set: Arc::default(),
                until: started + budget,
            },
            id: crate::random::id(random, "dec_")?,
            started,
            limits,
            proposal,
            records: Vec::new(),
            shadows: Vec::new(),
            degraded: false,
            changed_subject_by: None,
        })
    }

    /// Asks one policy after the other.
    pub(super) async fn go(&mut self) -> End {
        let hook = self.round.question.hook;
        let taking_part: Vec<_> = self
            .policies
            .taking_part(hook)
            .into_iter()
            .filter(|policy| policy.waits_for_others() || policy.matches(&self.request(policy, (1, 1))))
            .collect();
        if hook == HookType::ClaimsSource {
            return self.gather(&taking_part).await;
        }
        let enforced = |policy: &&Arc<Registration>| policy.takes_part(hook, PolicyMode::Enforce);
        let of = taking_part.iter().filter(enforced).count();
        let (mut position, mut asked) = (0, false);
        for policy in &taking_part {
            let shadow = policy.takes_part(hook, PolicyMode::Shadow);
            let request = self.request(policy, (position + 1, of));
            position += usize::from(!shadow);
            if !policy.matches(&request) {
                continue;
            }
            if shadow {
                self.shadows.push(Shadow::new(policy, request, &self.round));
                continue;
            }
            asked = true;
            if let Some(end) = self.turn(policy, request).await {
                return end;
            }
        }
        // The last of the chain sees to what is required, unless it was not asked.
        let required = &self.round.question.request.requires;
        if (hook.needs_policy() && !asked) || missing(required, &self.proposal) {
            return End::Deny(nobody());
        }
        End::Allow
    }

    /// Asks the policy whose turn it is. Gives the end, if this is it.
    async fn turn(&mut self, policy: &Arc<Registration>, request: Box<DecisionRequest>) -> Option<End> {
        let hook = self.round.question.hook;
        let required = !request.requires.is_empty() || !self.round.question.request.requires.is_empty();
        let (policies, round) = (self.policies.clone(), self.round.clone());
        let asked = Instant::now();
        let id = request.id.clone();
        let told = policies.ask(policy, &round, request).await;
        let mut record = policies.measured((policy, hook, round.mode), asked.elapsed(), &told);
        record.id = (id != self.id).then_some(id);
        self.records.push(record);
        let told = match told {
            Ok(told) => told,
            Err(failed) => {
                policies.failed((policy, hook, round.mode), &failed);
                return match policy.on_failure(hook, required) {
                    OnFailure::Fail | OnFailure::Stale => {
                        Some(End::Failed(policy.config.name.clone(), failed))
                    }
                    OnFailure::Deny => Some(End::Deny(denied())),
                    OnFailure::Proceed => {
                        self.degraded(policy);
                        None
                    }
                };
            }
        };
        self.take(policy, told)
    }

    /// Goes on without a policy, or with an old answer of it.
    pub(super) fn degraded(&mut self, policy: &Registration) {
        self.degraded = true;
        if self.round.mode != Mode::Test {
            self.policies.0.metrics.policy_degraded(&policy.config.name);
        }
    }

    /// Takes over what a policy said.
    fn take(&mut self, policy: &Arc<Registration>, told: Told) -> Option<End> {
        if told.cache == CacheUse::Stale {
            self.degraded(policy);
        }
        match told.answer {
            Answer::Allow(result) => {
                self.proposal = *result;
                if let Some(set) = &told.decision.set {
                    Arc::make_mut(&mut self.round.set).note(set);
                }
                if told.impersonates {
                    self.changed_subject_by = Some(policy.config.name.clone());
                }
                None
            }
            Answer::Deny(error) => Some(End::Deny(error)),
            Answer::Challenge(challenge) => Some(End::Challenge(challenge)),
        }
    }

    /// The question to the policy at this position. Each has an id of its own: it is the key by which a sidecar knows
    /// a repetition.
    pub(super) fn request(
        &self,
        policy: &Registration,
        (position, of): (usize, usize),
    ) -> Box<DecisionRequest> {
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let mut request = self.round.question.request.clone();
        let shadow = policy.setting.load().mode == PolicyMode::Shadow;
        request.id = match (position, shadow) {
            (1, false) => self.id.clone(),
            (_, false) => format!("{}-{position}", self.id),
            (_, true) => format!("{}-s{}", self.id, self.shadows.len() + 1),
        };
        request.chain = ChainPosition {
            policy: policy.config.name.clone(),
            position: number(position),
            of: number(of.max(position)),
        };
        request.limits = self.round.set.limits(&self.limits, &self.proposal, &policy.config.may_widen);
        request.proposal = self.proposal.clone();
        // What the result must have, the last policy has to see to: earlier ones need not.
        if position < of {
            request.requires.clear();
        }
        self.policies.fill(&mut request, (policy, &self.round));
        request
    }
}

/// What the client is told when a failure counts as a denial.
pub(super) fn denied() -> PolicyError {
    PolicyError { code: "access_denied".to_owned(), description: None, uri: None }
}
