//! What is counted and written down of decisions.

use std::{sync::PoisonError, time::Duration};

use placet_sdk::{
    InstantMillis,
    admin::{BreakerState, CacheUse, DecisionOutcome, DecisionRecord, PolicyRecord},
    decision::{Decision, DecisionRequest, HookType, Mode, Verdict},
    grant::{Actor, Grant},
};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    Policies,
    asking::{Round, Told},
    chain::{End, Run},
    failure::Failed,
    registration::Registration,
};

/// New versions of a policy make the server forget its decisions at most this often: while a new version is rolled
/// out, answers of both come in turn.
const FORGET_EVERY: Duration = Duration::from_secs(30);

impl Policies {
    /// Counts what a policy said, and gives its part of the record.
    pub(super) fn measured(
        &self,
        (policy, hook, mode): (&Registration, HookType, Mode),
        took: Duration,
        told: &Result<Told, Failed>,
    ) -> PolicyRecord {
        let name = &policy.config.name;
        let verdict = told.as_ref().ok().map(|told| told.decision.decision);
        if mode != Mode::Test {
            self.count((policy, hook), took, verdict);
        }
        let decision = told.as_ref().ok().map(|told| told.decision.clone());
        let reason = decision.as_ref().and_then(|decision| decision.reason.clone());
        PolicyRecord {
            id: None,
            name: name.clone(),
            version: decision.as_ref().and_then(|d| d.policy.as_ref()).map(|p| p.version.clone()),
            mode,
            decision: verdict,
            reason: reason.as_ref().map(|reason| reason.code.clone()),
            detail: reason.and_then(|reason| reason.detail),
            tags: decision.map(|decision| decision.tags).unwrap_or_default(),
            latency_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            cache: told.as_ref().map_or(CacheUse::Off, |told| told.cache),
            attempts: told.as_ref().map_or_else(|failed| failed.attempts, |told| told.attempts),
            failure: told.as_ref().err().map(|failed| failed.code),
            diverged: None,
        }
    }

    fn count(&self, (policy, hook): (&Registration, HookType), took: Duration, verdict: Option<Verdict>) {
        let (name, metrics) = (&policy.config.name, &self.0.metrics);
        metrics.policy_took(name, hook, took.as_secs_f64());
        let word = match verdict {
            Some(Verdict::Allow) => "allow",
            Some(Verdict::Deny) => "deny",
            Some(Verdict::Challenge) => "challenge",
            None => "failed",
        };
        metrics.policy_answered(name, hook, word);
        if let Some(state) = policy.backend.breaker() {
            metrics.policy_breaker(
                name,
                match state {
                    BreakerState::Closed => 0,
                    BreakerState::HalfOpen => 1,
                    BreakerState::Open => 2,
                },
            );
        }
    }

    /// Counts and tells of a failure; one that was only tried out is nobody's trouble.
    pub(super) fn failed(&self, (policy, hook, mode): (&Registration, HookType, Mode), failed: &Failed) {
        if mode == Mode::Test {
            return;
        }
        let name = &policy.config.name;
        tracing::warn!(
            policy = %name, hook = %hook, code = %failed.code, attempts = failed.attempts,
            detail = %failed.detail, "a policy failed"
        );
        self.0.metrics.policy_failed(name, failed.code.as_str());
        policy.remember(self.0.clock.millis(), failed);
    }

    /// The record of a decision, without what came of it.
    pub(super) fn bare_record(&self, round: &Round, id: &str) -> DecisionRecord {
        let request = &round.question.request;
        let grant = request.grant.as_ref();
        let requested = grant.and_then(|grant| serde_json::to_value(&grant.requested).ok());
        DecisionRecord {
            id: id.to_owned(),
            time: InstantMillis(self.0.clock.millis()),
            hook: request.hook,
            outcome: DecisionOutcome::Failed,
            enforced: true,
            issuer: self.0.issuer.clone(),
            client_id: round.question.client_id.clone(),
            sub: subject(request).map(|sub| self.0.log.person(&sub)),
            act: Vec::new(),
            original_sub: None,
            trace_id: round.trace.id().to_owned(),
            requested: requested.filter(|asked| asked.as_object().is_some_and(|asked| !asked.is_empty())),
            granted: None,
            error: None,
            policies: Vec::new(),
            duration_ms: 0,
            degraded: false,
            masked: Vec::new(),
        }
    }

    /// The record of a decision.
    pub(super) fn record(&self, run: &Run, end: &End) -> DecisionRecord {
        let mut record = self.bare_record(&run.round, &run.id);
        record.outcome = end.outcome();
        record.policies.clone_from(&run.records);
        record.degraded = run.degraded;
        record.duration_ms = u64::try_from(run.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        match end {
            End::Allow => {
                let grant = run.proposal.grant.as_ref();
                record.granted = grant.map(granted);
                let actors =
                    std::iter::successors(grant.and_then(|g| g.act.as_ref()), |a: &&Actor| a.act.as_deref());
                record.act = actors.map(|actor| self.0.log.person(&actor.sub)).collect();
                if let Some(sub) = grant.and_then(|grant| grant.sub.as_ref()) {
                    let original = record.sub.replace(self.0.log.person(sub));
                    record.original_sub = original.filter(|_| run.changed_subject_by.is_some());
                }
            }
            End::Deny(error) => record.error = Some(error.code.clone()),
            End::Challenge(_) | End::Failed(..) => {}
        }
        record
    }
}

impl Registration {
    /// A new version of a policy decides anew.
    pub(super) fn saw_version(&self, decision: &Decision) {
        let Some(told) = &decision.policy else { return };
        let mut seen = self.version.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *seen {
            None => *seen = Some((told.version.clone(), None)),
            Some((version, _)) if *version == told.version => {}
            Some((_, Some(forgot))) if forgot.elapsed() < FORGET_EVERY => {}
            Some(seen) => {
                *seen = (told.version.clone(), Some(Instant::now()));
                self.purge();
            }
        }
    }
}

/// Whom a request is about.
fn subject(request: &DecisionRequest) -> Option<String> {
    let proposed = request.proposal.grant.as_ref().and_then(|grant| grant.sub.clone());
    let party = || request.subject.as_ref().map(|subject| subject.sub.clone());
    proposed.or_else(party).or_else(|| request.session.as_ref().map(|session| session.sub.clone()))
}

/// What a grant comes to, in short.
pub(super) fn granted(grant: &Grant) -> Value {
    let lifetime = grant.access_token.as_ref().and_then(|token| token.lifetime);
    let mut granted = json!({ "scope": grant.scope.clone().unwrap_or_default() });
    if let Some(resources) = grant.resources.as_ref().filter(|resources| !resources.is_empty()) {
        granted["resources"] = json!(resources);
    }
    if let Some(lifetime) = lifetime {
        granted["lifetime"] = lifetime.into();
    }
    granted
}
