//! Asking one policy: what it is shown, an answer that may have been kept, and the answer held against the limits.

use std::{sync::Arc, time::Duration};

use placet_sdk::{
    InstantMillis,
    admin::CacheUse,
    decision::{Decision, DecisionRequest, Mode, Outcome as Answer, judge},
};
use serde_json::Value;
use tokio::time::Instant;

use super::{
    Policies,
    backend::{Answered, Call, Known},
    context::{Context, Trace},
    decisions::{self, About, Found, Key},
    details,
    failure::{Failed, FailureCode},
    identity,
    question::Question,
    registration::Registration,
    shown,
    subjects::{self, Masquerade},
    tighten,
};
use crate::{
    config::{OnFailure, PolicyMode, SubjectView},
    traces::Span,
};

/// What all questions of a chain share.
#[derive(Clone)]
pub(super) struct Round {
    pub(super) question: Arc<Question>,
    pub(super) mode: Mode,
    pub(super) trace: Trace,
    pub(super) context: Arc<Context>,
    /// What earlier policies set.
    pub(super) set: Arc<tighten::Set>,
    /// When all of it must be over.
    pub(super) until: Instant,
}

/// What a policy said, held against the limits.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) answer: Answer,
    pub(super) decision: Decision,
    pub(super) cache: CacheUse,
    pub(super) attempts: u32,
    /// It put somebody in the place of an authenticated user, or took actors away.
    pub(super) impersonates: bool,
}

/// A question on its way to one policy.
struct Asking<'a> {
    policies: &'a Policies,
    policy: &'a Arc<Registration>,
    round: &'a Round,
    call: Call,
    masks: Option<Masquerade>,
}

impl Policies {
    /// Asks a policy. `request` has the id, the chain, the proposal and the limits of its turn.
    pub(super) async fn ask(
        &self,
        policy: &Arc<Registration>,
        round: &Round,
        mut request: Box<DecisionRequest>,
    ) -> Result<Told, Failed> {
        let timeout = policy.timeout(request.hook);
        let now = Instant::now();
        let budget = round.until.saturating_duration_since(now).min(self.budget(&round.context));
        if budget < Duration::from_millis(1) {
            let failed = Failed::new(FailureCode::Budget, "the time for all policies is used up");
            return Err(Failed { attempts: 0, ..failed });
        }
        let until = now + timeout.min(budget);
        self.stamp(&mut request, round.mode, timeout.min(budget));
        let span = round.context.asking(&policy.config.name, request.hook, &request.id);
        let trace = round.trace.within(span.as_ref());
        let told = async {
            let known = policy.backend.known(request.hook, until).await?;
            if known.modes.as_ref().is_some_and(|modes| !modes.contains(&round.mode)) {
                let failed = Failed::new(FailureCode::NotImplemented, "the policy does not know this mode");
                return Err(Failed { attempts: 0, ..failed });
            }
            let (shown, masks) = self.shown(policy, round, &request, &known)?;
            let call = Call { request, shown, until, trace };
            Asking { policies: self, policy, round, call, masks }.ask().await
        };
        let told = told.await.map_err(|failed| match failed.code {
            FailureCode::Timeout if budget < timeout => Failed { code: FailureCode::Budget, ..failed },
            _ => failed,
        });
        if let Some(span) = &span {
            describe(span, &told);
        }
        told
    }

    /// What is left of the time for all policies of the HTTP request.
    fn budget(&self, context: &Context) -> Duration {
        context.left(Duration::from_millis(self.0.defaults.request_budget_ms.into()))
    }

    /// Fills in when a question is sent, and how its answer is taken.
    fn stamp(&self, request: &mut DecisionRequest, mode: Mode, timeout: Duration) {
        let now = self.0.clock.millis();
        request.time = InstantMillis(now);
        let timeout = i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX);
        request.deadline = InstantMillis(now.saturating_add(timeout));
        request.mode = mode;
        request.attempt = 1;
    }

    /// Fills in what depends on the policy that is asked: what its registration lets it see and set.
    pub(super) fn fill(&self, request: &mut DecisionRequest, (policy, round): (&Registration, &Round)) {
        let config = &policy.config;
        let shadow = policy.setting.load().mode == PolicyMode::Shadow;
        request.mode = if shadow && round.mode == Mode::Enforce { Mode::Shadow } else { round.mode };
        request.issuer.clone_from(&self.0.issuer);
        let named = config.headers.iter().map(|name| name.to_ascii_lowercase());
        if round.mode == Mode::Test {
            // There is no request: whoever tries something says what its headers would be.
            let named: Vec<String> = named.collect();
            request.request.headers.retain(|name, _| named.contains(&name.to_ascii_lowercase()));
        } else {
            let headers = named.filter_map(|name| Some((name.clone(), round.context.header(&name)?.clone())));
            request.request.headers = headers.collect();
        }
        if let Some(client) = &mut request.client {
            if let Some(metadata) = &round.question.metadata
                && !config.client_metadata.is_empty()
                && let Ok(Value::Object(all)) = serde_json::to_value(metadata)
            {
                client.metadata = all;
            }
            client.metadata.retain(|name, _| config.client_metadata.contains(name));
        }
        let (proposal, impersonation) = (request.proposal.clone(), round.question.impersonation);
        identity::restrict(&mut request.limits, config, &proposal, impersonation);
    }

    /// The question as the policy is shown it.
    fn shown(
        &self,
        policy: &Registration,
        round: &Round,
        request: &DecisionRequest,
        known: &Known,
    ) -> Result<(Value, Option<Masquerade>), Failed> {
        let mut shown = serde_json::to_value(request).map_err(|e| Failed::new(FailureCode::Schema, e))?;
        let needs = policy.config.needs.as_deref().or(known.needs.as_deref()).map(|needs| {
            let always = policy.backend.always().iter().map(|pointer| (*pointer).to_owned());
            needs.iter().cloned().chain(always).collect::<Vec<_>>()
        });
        if let Some(needs) = &needs {
            shown = shown::project(&shown, needs);
        }
        if policy.caches(request.hook) {
            shown::steady(&mut shown, needs.as_deref());
        }
        let masks = (policy.config.subject_view == SubjectView::Pairwise).then(|| {
            let sector = round.question.sector.as_deref().unwrap_or(&policy.config.name);
            Masquerade::new(request, sector, &self.0.salt)
        });
        if let Some(masks) = &masks {
            masks.cover(&mut shown);
        }
        Ok((shown, masks))
    }
}

/// Says what a question came to.
fn describe(span: &Span, told: &Result<Told, Failed>) {
    match told {
        Ok(told) => {
            let answer = match &told.answer {
                Answer::Allow(_) => "allow",
                Answer::Deny(_) => "deny",
                Answer::Challenge(_) => "challenge",
            };
            span.set("placet.outcome", answer);
            span.set("placet.attempts", told.attempts);
        }
        Err(failed) => {
            span.set("placet.outcome", "failed");
            span.set("error.type", failed.code.as_str());
            span.set("placet.attempts", failed.attempts);
            span.fail();
        }
    }
}

impl Asking<'_> {
    async fn ask(self) -> Result<Told, Failed> {
        let hook = self.call.request.hook;
        if self.round.mode != Mode::Enforce || !self.policy.caches(hook) {
            let answered = self.policy.backend.ask(&self.call).await?;
            return self.told(answered, CacheUse::Off);
        }
        let key = decisions::key(self.policy, hook, &self.call.shown);
        match self.remembered(key).await {
            Err(failed) if self.policy.config.failure_policy(hook) == OnFailure::Stale => {
                self.stale(&key, failed).await
            }
            other => other,
        }
    }

    /// The answer that was kept, or a new one that may be.
    async fn remembered(&self, key: Key) -> Result<Told, Failed> {
        let (kept, name) = (&self.policies.0.decisions, &self.policy.config.name);
        let now = self.policies.0.clock.now();
        let flight = match kept.find(key, now).await {
            Found::Fresh(decision) => {
                if let Ok(told) = self.again(&decision.decision, CacheUse::Hit) {
                    self.policies.0.metrics.policy_cache(name, true);
                    return Ok(told);
                }
                None
            }
            Found::Lead(flight) => Some(flight),
            Found::Wait(mut told) => {
                let waited = tokio::time::timeout_at(self.call.until, told.changed()).await;
                if waited.is_err() {
                    return Err(Failed::new(FailureCode::Timeout, "no answer to the same question in time"));
                }
                if let Some(failed) = told.borrow().clone() {
                    return Err(failed);
                }
                if let Some(decision) = kept.fresh(&key, now).await
                    && let Ok(told) = self.again(&decision.decision, CacheUse::Hit)
                {
                    self.policies.0.metrics.policy_cache(name, true);
                    return Ok(told);
                }
                None
            }
        };
        self.policies.0.metrics.policy_cache(name, false);
        let about = self.about();
        let asked = self.policy.backend.ask(&self.call).await;
        let told = asked.and_then(|answered| self.told(answered, CacheUse::Miss));
        match (&told, flight) {
            (Err(failed), Some(flight)) => flight.failed(failed),
            (Ok(told), flight) => {
                self.keep(key, told, &about).await;
                drop(flight);
            }
            (Err(_), None) => {}
        }
        told
    }

    /// The last good answer stands in for a policy that fails.
    async fn stale(&self, key: &Key, failed: Failed) -> Result<Told, Failed> {
        let now = self.policies.0.clock.now();
        let Some(decision) = self.policies.0.decisions.stale(key, now).await else { return Err(failed) };
        self.policies.failed((self.policy, self.call.request.hook, self.round.mode), &failed);
        self.again(&decision.decision, CacheUse::Stale).map_err(|_| failed)
    }

    /// An answer that was kept, as one to this question.
    fn again(&self, decision: &Decision, cache: CacheUse) -> Result<Told, Failed> {
        let decision = Decision { id: self.call.request.id.clone(), ..decision.clone() };
        self.told(Answered { decision, attempts: 0 }, cache)
    }

    fn about(&self) -> About {
        About {
            client: self.round.question.client_id.clone(),
            subjects: subjects::users(&self.call.request),
            epoch: self.policies.0.decisions.epoch(),
        }
    }

    async fn keep(&self, key: Key, told: &Told, about: &About) {
        self.policy.saw_version(&told.decision);
        if identity::names_somebody(told.decision.set.as_ref()) {
            return;
        }
        if let Some(ages) = decisions::ages(self.policy, &told.decision) {
            let now = self.policies.0.clock.now();
            self.policies.0.decisions.keep(key, &told.decision, ages, (about, now)).await;
        }
    }

    /// Holds an answer against the limits.
    fn told(&self, answered: Answered, cache: CacheUse) -> Result<Told, Failed> {
        let Answered { decision, attempts } = answered;
        let request = &self.call.request;
        let mut seen = decision.clone();
        if let (Some(masks), Some(set)) = (&self.masks, &mut seen.set) {
            masks.uncover(set);
        }
        let judged = || -> Result<(Answer, bool), Failed> {
            let mut answer = judge(request, &seen, &self.policy.config.extra_error_codes)?;
            let mut impersonates = false;
            if let Answer::Allow(after) = &mut answer {
                let before = &request.proposal;
                if let Some(held) = self.round.set.changed(before, after, &self.policy.config.may_widen) {
                    let detail = format!("`{held}`: an earlier policy set this");
                    return Err(Failed::new(FailureCode::Limit, detail));
                }
                details::check(&self.policies.0.details, before, after)?;
                details::follow(seen.set.as_ref(), before, after)?;
                impersonates =
                    identity::check(&self.policy.config, before, after, self.round.question.impersonation)?;
            }
            Ok((answer, impersonates))
        };
        let (answer, impersonates) = judged().map_err(|failed| Failed { attempts, ..failed })?;
        Ok(Told { answer, decision, cache, attempts, impersonates })
    }
}
