//! Claims sources: each is asked for the claims that it owns, all at the same time.

use std::sync::Arc;

use futures_util::future::join_all;
use placet_sdk::{
    admin::CacheUse,
    decision::{DecisionRequest, HookType, Outcome as Answer, Proposal},
    grant::Object,
};
use tokio::time::Instant;

use super::{
    Policies,
    asking::Told,
    chain::{End, Run, denied},
    failure::{Failed, FailureCode},
    registration::Registration,
    shadow::Shadow,
};
use crate::config::{OnFailure, PolicyMode};

impl Policies {
    /// Whether a claims source owns this claim, in whatever language.
    pub fn owns_claim(&self, name: &str) -> bool {
        let sources = self.taking_part(HookType::ClaimsSource);
        let mut enforced =
            sources.iter().filter(|source| source.takes_part(HookType::ClaimsSource, PolicyMode::Enforce));
        enforced.any(|source| source.config.owns.is_empty() || owns(&source.config.owns, name))
    }

    /// Whether a claims source names this claim as its own, in whatever language.
    pub fn names_claim(&self, name: &str) -> bool {
        let sources = self.taking_part(HookType::ClaimsSource);
        let mut enforced =
            sources.iter().filter(|s| s.takes_part(HookType::ClaimsSource, PolicyMode::Enforce));
        enforced.any(|source| owns(&source.config.owns, name))
    }

    /// The claims that the sources say they own, without languages.
    pub fn owned_claims(&self) -> Vec<String> {
        let sources = self.taking_part(HookType::ClaimsSource);
        let enforced = sources.iter().filter(|s| s.takes_part(HookType::ClaimsSource, PolicyMode::Enforce));
        let names = enforced.flat_map(|source| &source.config.owns);
        let mut names: Vec<String> =
            names.map(|name| name.split('#').next().unwrap_or(name).to_owned()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// Whether a name is among these, in whatever language.
fn owns(names: &[String], name: &str) -> bool {
    let base = name.split('#').next().unwrap_or(name);
    names.iter().any(|own| own == name || own == base)
}

impl Run {
    /// Asks all sources for what they own, and puts their answers together.
    pub(super) async fn gather(&mut self, sources: &[Arc<Registration>]) -> End {
        const HOOK: HookType = HookType::ClaimsSource;
        let enforced: Vec<_> = sources.iter().filter(|s| s.takes_part(HOOK, PolicyMode::Enforce)).collect();
        let mut asked = Vec::new();
        for source in sources {
            let position = asked.len() + 1;
            let mut request = self.request(source, (position, enforced.len()));
            if !narrow(&mut request, source, &enforced) {
                continue;
            }
            if source.takes_part(HOOK, PolicyMode::Shadow) {
                self.shadows.push(Shadow::new(source, request, &self.round));
            } else {
                asked.push((source, request));
            }
        }
        let (policies, round) = (&self.policies, &self.round);
        let telling = asked.into_iter().map(|(source, request)| async move {
            let started = Instant::now();
            let (id, wanted) = (request.id.clone(), wanted(&request));
            let told = policies.ask(source, round, request).await;
            let mut record = policies.measured((source, HOOK, round.mode), started.elapsed(), &told);
            record.id = Some(id);
            (source, wanted, record, told)
        });
        let mut end = End::Allow;
        for (source, wanted, mut record, told) in join_all(telling).await {
            record.id = record.id.filter(|id| *id != self.id);
            self.records.push(record);
            let outcome = told.and_then(|told| self.add(source, told, &wanted));
            let next = match outcome {
                Ok(next) => next,
                Err(failed) => self.without(source, failed),
            };
            if end == End::Allow {
                end = next;
            }
        }
        end
    }

    /// Adds the claims of one source.
    fn add(&mut self, source: &Registration, told: Told, wanted: &[String]) -> Result<End, Failed> {
        if told.cache == CacheUse::Stale {
            self.degraded(source);
        }
        let result = match told.answer {
            Answer::Allow(result) => *result,
            Answer::Deny(error) => return Ok(End::Deny(error)),
            Answer::Challenge(challenge) => return Ok(End::Challenge(challenge)),
        };
        let Proposal { claims, claim_sources, .. } = result;
        let mut found = claims.unwrap_or_default();
        found.retain(|name, _| wanted.iter().any(|own| owns(std::slice::from_ref(own), name)));
        let all = self.proposal.claims.get_or_insert_default();
        if let Some(name) = found.keys().find(|name| all.contains_key(*name)) {
            // The configuration has one owner for each; an operator may have switched on another since.
            let detail = format!("two claims sources tell the claim `{name}`");
            return Err(Failed::new(FailureCode::Limit, detail));
        }
        all.extend(found);
        let named: Object = claim_sources.unwrap_or_default();
        let sources = self.proposal.claim_sources.get_or_insert_default();
        if let Some(name) = named.keys().find(|name| sources.contains_key(*name)) {
            let detail = format!("two claims sources name the source `{name}`");
            return Err(Failed::new(FailureCode::Limit, detail));
        }
        sources.extend(named);
        Ok(End::Allow)
    }

    /// Goes on without a source that failed, if that is allowed.
    fn without(&mut self, source: &Arc<Registration>, failed: Failed) -> End {
        const HOOK: HookType = HookType::ClaimsSource;
        self.policies.failed((source, HOOK, self.round.mode), &failed);
        let required = !self.round.question.request.requires.is_empty();
        match source.on_failure(HOOK, required) {
            _ if source.config.optional => {}
            OnFailure::Proceed => {}
            OnFailure::Deny => return End::Deny(denied()),
            OnFailure::Fail | OnFailure::Stale => return End::Failed(source.config.name.clone(), failed),
        }
        self.degraded(source);
        End::Allow
    }
}

/// Leaves of a request what the source owns; false if that is nothing.
fn narrow(request: &mut DecisionRequest, source: &Registration, all: &[&Arc<Registration>]) -> bool {
    let mine = |name: &str| match source.config.owns.as_slice() {
        [] => !all.iter().any(|other| owns(&other.config.owns, name)),
        names => owns(names, name),
    };
    let Some(claims) = &mut request.claims else { return false };
    claims.requested.retain(|claim| mine(&claim.name));
    if let Some(limits) = &mut request.limits.claims {
        limits.names.retain(|name| mine(name));
    }
    !claims.requested.is_empty()
}

fn wanted(request: &DecisionRequest) -> Vec<String> {
    request.limits.claims.as_ref().map(|limits| limits.names.clone()).unwrap_or_default()
}
