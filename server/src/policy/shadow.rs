//! Policies in shadow: asked on the side, and compared with what was done.

use std::{sync::Arc, time::Duration};

use placet_sdk::{
    admin::PolicyRecord,
    decision::{DecisionRequest, Mode, Outcome as Answer, Proposal},
};
use tokio::time::Instant;

use super::{
    Policies,
    asking::{Round, Told},
    chain::{End, Run},
    context::Context,
    failure::Failed,
    registration::Registration,
    tighten,
};

/// Questions to policies in shadow that may be open at once; more are left out.
pub(super) const OPEN: usize = 64;

/// A question to a policy in shadow.
#[derive(Clone)]
pub(super) struct Shadow {
    policy: Arc<Registration>,
    request: Box<DecisionRequest>,
    /// What those before it set: it is held to what it would be held to if it counted.
    set: Arc<tighten::Set>,
}

impl Shadow {
    pub(super) fn new(policy: &Arc<Registration>, request: Box<DecisionRequest>, round: &Round) -> Self {
        Self { policy: policy.clone(), request, set: round.set.clone() }
    }
}

impl Policies {
    /// Asks the policies in shadow of a chain, off the path of the request.
    pub(super) fn cast(&self, run: &Run, end: &End) {
        for shadow in &run.shadows {
            if run.round.mode != Mode::Enforce || !self.sampled(shadow.policy.config.sample) {
                continue;
            }
            let Ok(permit) = self.0.shadows.clone().try_acquire_owned() else { continue };
            let (policies, shadow) = (self.clone(), shadow.clone());
            let budget = Duration::from_millis(self.0.defaults.chain_budget_ms.into());
            let round = Round {
                mode: Mode::Shadow,
                context: Arc::new(Context::default()),
                until: Instant::now() + budget,
                ..run.round.clone()
            };
            let (id, end, proposal) = (run.id.clone(), end.clone(), run.proposal.clone());
            tokio::spawn(async move {
                policies.compare((shadow, round), (&id, &end, &proposal)).await;
                drop(permit);
            });
        }
    }

    async fn compare(&self, (shadow, round): (Shadow, Round), (id, end, proposal): (&str, &End, &Proposal)) {
        let started = Instant::now();
        let name = shadow.policy.config.name.clone();
        let part = self.compared((shadow, &round), (end, proposal)).await;
        if part.diverged == Some(true) {
            self.0.metrics.policy_diverged(&name);
            tracing::info!(policy = %name, decision = id, "a policy in shadow would decide otherwise");
        }
        let (question, masked) = self.0.log.masked(&round.question.request);
        let mut record = self.bare_record(&round, id);
        (record.outcome, record.enforced) = (end.outcome(), false);
        (record.policies, record.masked) = (vec![part], masked);
        record.duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        if let Err(fault) = self.0.log.write(record, &question).await {
            tracing::warn!(%fault, "the record of a policy in shadow could not be written");
        }
    }

    /// What a policy in shadow says, held against what was done.
    pub(super) async fn compared(
        &self,
        (shadow, round): (Shadow, &Round),
        (end, proposal): (&End, &Proposal),
    ) -> PolicyRecord {
        let Shadow { policy, request, set } = shadow;
        let asked = (&*policy, request.hook, round.mode);
        let (started, id) = (Instant::now(), request.id.clone());
        let told = self.ask(&policy, &Round { set, ..round.clone() }, request).await;
        let mut part = self.measured(asked, started.elapsed(), &told);
        if let Err(failed) = &told {
            self.failed(asked, failed);
        }
        (part.id, part.mode, part.diverged) = (Some(id), Mode::Shadow, diverges(&told, end, proposal));
        part
    }

    fn sampled(&self, share: f64) -> bool {
        if share >= 1.0 {
            return true;
        }
        // Without randomness nobody is asked on the side.
        let drawn = crate::random::bytes::<4>(&*self.0.random).map_or(u32::MAX, u32::from_be_bytes);
        f64::from(drawn) < share * f64::from(u32::MAX)
    }
}

/// Whether the answer differs from what was done; none if that cannot be said, since one of both failed.
fn diverges(told: &Result<Told, Failed>, end: &End, proposal: &Proposal) -> Option<bool> {
    let told = told.as_ref().ok()?;
    match (&told.answer, end) {
        (_, End::Failed(..)) => None,
        (Answer::Allow(result), End::Allow) => Some(**result != *proposal),
        (Answer::Deny(one), End::Deny(other)) => Some(one.code != other.code),
        (Answer::Challenge(one), End::Challenge(other)) => Some(one != other),
        _ => Some(true),
    }
}
