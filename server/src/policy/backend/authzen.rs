//! Decision points that speak the AuthZEN Authorization API 1.0: this server is the enforcement point.

mod answer;
mod question;

use std::sync::Arc;

use async_trait::async_trait;
use http::Method;
use placet_sdk::decision::{Decision, HookType, MAX_ANSWER_BYTES};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Answered, Backend, Call,
    discovery::{Discovery, Document, Origin},
    opa::headers,
    transport::{Message, Target, Transport, accept},
};
use crate::{
    config::{AuthzenConfig, AuthzenStrategy},
    policy::{
        breaker::BreakerState,
        failure::{Failed, FailureCode},
    },
    random::Random,
};

/// The most questions in one request.
const MAX_EVALUATIONS: usize = 256;

/// An AuthZEN decision point.
pub(in crate::policy) struct Authzen {
    pub(in crate::policy) origin: Origin,
    pub(in crate::policy) transport: Transport,
    pub(in crate::policy) discovery: Discovery<Metadata>,
    pub(in crate::policy) config: AuthzenConfig,
    pub(in crate::policy) random: Arc<dyn Random>,
}

/// Its metadata, as far as it matters (AuthZEN section 9.1).
#[derive(Clone, Debug, Default, Deserialize)]
pub(in crate::policy) struct Metadata {
    policy_decision_point: String,
    access_evaluation_endpoint: Option<String>,
    access_evaluations_endpoint: Option<String>,
    search_resource_endpoint: Option<String>,
}

impl Document for Metadata {
    const WELL_KNOWN: &'static str = "/.well-known/authzen-configuration";

    fn read(origin: &Origin, body: &[u8]) -> Result<Self, Failed> {
        let mut read: Self = serde_json::from_slice(body)
            .map_err(|e| Failed::new(FailureCode::Schema, format!("the metadata: {e}")))?;
        if read.policy_decision_point.trim_end_matches('/') != origin.id.trim_end_matches('/') {
            let detail = "the metadata is of another decision point than the registered one";
            return Err(Failed::new(FailureCode::IdMismatch, detail));
        }
        for endpoint in [
            &mut read.access_evaluation_endpoint,
            &mut read.access_evaluations_endpoint,
            &mut read.search_resource_endpoint,
        ] {
            *endpoint = endpoint.as_deref().map(|named| origin.endpoint(named)).transpose()?;
        }
        Ok(read)
    }
}

#[async_trait]
impl Backend for Authzen {
    /// Whom a question is about: this is a translation, and no question of AuthZEN is without a subject.
    fn always(&self) -> &'static [&'static str] {
        &["/subject/sub", "/subject/type", "/client/client_id"]
    }

    async fn ask(&self, call: &Call) -> Result<Answered, Failed> {
        if call.request.hook == HookType::ClaimsSource {
            return self.search(call).await;
        }
        match self.config.strategy {
            AuthzenStrategy::PerScope => self.per_scope(call).await,
            AuthzenStrategy::Whole => self.whole(call).await,
        }
    }

    fn breaker(&self) -> Option<BreakerState> {
        Some(self.transport.breaker())
    }
}

impl Authzen {
    /// One question for each scope value and resource; a value is granted if all its answers are true.
    async fn per_scope(&self, call: &Call) -> Result<Answered, Failed> {
        let proposed = call.request.proposal.grant.as_ref().and_then(|grant| grant.scope.clone());
        let scope = proposed.unwrap_or_default();
        if scope.is_empty() {
            return self.whole(call).await;
        }
        let resources = question::resources(call);
        let asked: Vec<(&str, &Value)> = scope
            .iter()
            .flat_map(|value| resources.iter().map(move |resource| (value.as_str(), resource)))
            .collect();
        let (answers, attempts) = self.evaluate(call, &asked).await?;
        let granted = scope.iter().zip(answers.chunks(resources.len()));
        let granted: Vec<&String> = granted
            .filter(|(_, answers)| answers.iter().all(answer::is_true))
            .map(|(value, _)| value)
            .collect();
        let refused = answers.iter().find(|answer| !answer::is_true(answer));
        if granted.is_empty()
            && let Some(refused) = refused
        {
            let decision = answer::refusal(&call.request.id, refused, self.config.accept_context_step_up);
            return Ok(Answered { decision, attempts });
        }
        let mut decision = Decision::allow(&call.request.id);
        if granted.len() < scope.len() {
            decision.set = answer::object(json!({ "grant": { "scope": granted } }));
        }
        answer::obligations(&mut decision, &answers)?;
        Ok(Answered { decision, attempts })
    }

    /// One question for each resource; all must be answered with true.
    async fn whole(&self, call: &Call) -> Result<Answered, Failed> {
        let resources = question::resources(call);
        let name = call.request.hook.as_str();
        let asked: Vec<(&str, &Value)> = resources.iter().map(|resource| (name, resource)).collect();
        let (answers, attempts) = self.evaluate(call, &asked).await?;
        let decision = if let Some(refused) = answers.iter().find(|answer| !answer::is_true(answer)) {
            answer::refusal(&call.request.id, refused, self.config.accept_context_step_up)
        } else {
            let mut decision = Decision::allow(&call.request.id);
            answer::obligations(&mut decision, &answers)?;
            decision
        };
        Ok(Answered { decision, attempts })
    }

    /// The answers to these questions, in their order.
    async fn evaluate(&self, call: &Call, asked: &[(&str, &Value)]) -> Result<(Vec<Value>, u32), Failed> {
        if asked.len() > MAX_EVALUATIONS {
            let detail = format!("{} questions are too many for one request", asked.len());
            return Err(Failed { attempts: 0, ..Failed::new(FailureCode::TooLarge, detail) });
        }
        let metadata = self.discovery.get(&self.transport, call.until).await?;
        let mut body = json!({ "subject": question::subject(call), "context": question::context(call) });
        if let [(action, resource)] = asked {
            body["action"] = json!({ "name": action });
            body["resource"] = (*resource).clone();
            let endpoint = metadata.access_evaluation_endpoint;
            let endpoint = endpoint.unwrap_or_else(|| self.origin.below("/access/v1/evaluation"));
            let (answer, attempts) = self.post(call, &endpoint, &body).await?;
            return Ok((vec![answer::checked(answer)?], attempts));
        }
        let evaluations = asked
            .iter()
            .map(|(action, resource)| json!({ "action": { "name": action }, "resource": resource }));
        body["evaluations"] = evaluations.collect();
        body["options"] = json!({ "evaluations_semantic": "execute_all" });
        let endpoint = metadata.access_evaluations_endpoint;
        let endpoint = endpoint.unwrap_or_else(|| self.origin.below("/access/v1/evaluations"));
        let (mut answer, attempts) = self.post(call, &endpoint, &body).await?;
        let answers = match answer["evaluations"].take() {
            Value::Array(answers) if answers.len() == asked.len() => answers,
            _ => return Err(Failed::new(FailureCode::Schema, "not every question is answered")),
        };
        Ok((answers.into_iter().map(answer::checked).collect::<Result<_, _>>()?, attempts))
    }

    /// Claims are the ids of resources that the subject may act upon (AuthZEN section 8).
    async fn search(&self, call: &Call) -> Result<Answered, Failed> {
        let metadata = self.discovery.get(&self.transport, call.until).await?;
        let endpoint = metadata.search_resource_endpoint;
        let endpoint = endpoint.unwrap_or_else(|| self.origin.below("/access/v1/search/resource"));
        let requested = call.request.claims.iter().flat_map(|claims| &claims.requested);
        let mut found = serde_json::Map::new();
        let mut attempts = 1;
        for claim in requested {
            let Some(search) = self.config.claims.get(&claim.name) else { continue };
            let body = json!({
                "subject": question::subject(call),
                "action": { "name": search.action },
                "resource": { "type": search.resource_type },
                "context": question::context(call),
            });
            let (answer, tried) = self.post(call, &endpoint, &body).await?;
            attempts = attempts.max(tried);
            found.insert(claim.name.clone(), answer::ids(&answer)?);
        }
        let mut decision = Decision::allow(&call.request.id);
        decision.set = answer::object(json!({ "claims": found }));
        Ok(Answered { decision, attempts })
    }

    async fn post(&self, call: &Call, url: &str, body: &Value) -> Result<(Value, u32), Failed> {
        let target = Target {
            method: Method::POST,
            url,
            until: call.until,
            max_answer: MAX_ANSWER_BYTES,
            counts: call.counts(),
        };
        let message =
            |_| Ok(Message { headers: headers(call, &*self.random)?, body: body.to_string().into() });
        let (got, attempts) = self.transport.send(&target, message).await?;
        accept(&got)
            .and_then(|()| {
                serde_json::from_slice(&got.body).map_err(|e| Failed::new(FailureCode::Malformed, e))
            })
            .map(|answer| (answer, attempts))
            .map_err(|failed| Failed { attempts, ..failed })
    }
}
