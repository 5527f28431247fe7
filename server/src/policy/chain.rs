//! The policies of one decision point, asked one after the other.

use placet_sdk::{
    InstantMillis,
    decision::{ChainPosition, DecisionRequest, HookType, Mode, Outcome as Answer, PolicyError, judge},
};
use tokio::time::Instant;

use super::{
    Allowed, Decided, Policies, Question,
    backend::Call,
    failure::{Failed, FailureCode},
    registration::Registration,
};
use crate::{
    config::OnFailure,
    outcome::{Fault, Outcome},
};

impl Policies {
    /// Asks the policies of the question's type in their order. Without any, the proposal stands.
    ///
    /// # Errors
    ///
    /// A fault, answered with 503, if a policy fails and its registration does not say otherwise.
    pub async fn decide(&self, question: Question) -> Outcome<Decided> {
        let chain = self.chain(question.hook);
        let mut request = question.request;
        if chain.is_empty() {
            return Ok(Decided::Allow(Allowed::bare(request.proposal)));
        }
        let id = crate::random::id(&*self.0.random, "dec_")?;
        let of = u32::try_from(chain.len()).unwrap_or(u32::MAX);
        request.issuer.clone_from(&self.0.issuer);
        let mut degraded = false;
        for (position, policy) in (1..).zip(&chain) {
            // Each question has an id of its own: it is the key by which a sidecar knows a repetition.
            request.id = if position == 1 { id.clone() } else { format!("{id}-{position}") };
            request.chain = ChainPosition { policy: policy.config.name.clone(), position, of };
            let answer = match self.ask(policy, &mut request).await {
                Ok(answer) => answer,
                Err(failed) => match failure(policy, request.hook, &failed)? {
                    None => {
                        degraded = true;
                        continue;
                    }
                    Some(error) => return Ok(Decided::Deny(error)),
                },
            };
            match answer {
                Answer::Allow(result) => request.proposal = *result,
                Answer::Deny(error) => return Ok(Decided::Deny(error)),
                Answer::Challenge(challenge) => return Ok(Decided::Challenge(challenge)),
            }
        }
        Ok(Decided::Allow(Allowed {
            proposal: Box::new(request.proposal),
            degraded,
            decision_id: Some(id),
            changed_subject_by: None,
        }))
    }

    async fn ask(&self, policy: &Registration, request: &mut DecisionRequest) -> Result<Answer, Failed> {
        let timeout = policy.timeout(request.hook);
        let now = self.0.clock.millis();
        let left = i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX);
        request.time = InstantMillis(now);
        request.deadline = InstantMillis(now.saturating_add(left));
        request.mode = Mode::Enforce;
        request.attempt = 1;
        let shown = serde_json::to_value(&*request).map_err(|e| Failed::new(FailureCode::Schema, e))?;
        let call = Call { request: Box::new(request.clone()), shown, until: Instant::now() + timeout };
        let answered = policy.backend.ask(&call).await?;
        judge(request, &answered.decision, &[]).map_err(Failed::from)
    }
}

/// What a failure leads to: a denial, or nothing if the proposal stands.
fn failure(policy: &Registration, hook: HookType, failed: &Failed) -> Result<Option<PolicyError>, Fault> {
    let name = &policy.config.name;
    tracing::warn!(policy = %name, hook = %hook, code = %failed.code, detail = %failed.detail, "a policy failed");
    match policy.on_failure(hook) {
        OnFailure::Fail => Err(Fault::new("policy", format!("`{name}` failed: {}", failed.code))),
        OnFailure::Deny => {
            Ok(Some(PolicyError { code: "access_denied".to_owned(), description: None, uri: None }))
        }
        OnFailure::Proceed => Ok(None),
    }
}
