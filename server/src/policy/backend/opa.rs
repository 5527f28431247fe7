//! Open Policy Agents, through their REST API.

use std::sync::Arc;

use async_trait::async_trait;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use placet_sdk::decision::{Decision, MAX_ANSWER_BYTES};
use serde_json::{Value, json};

use super::{
    Answered, Backend, Call,
    discovery::Origin,
    transport::{Message, Target, Transport, accept},
};
use crate::{
    config::OpaConfig,
    policy::{
        breaker::BreakerState,
        failure::{Failed, FailureCode},
    },
    random::Random,
};

/// An Open Policy Agent.
pub(in crate::policy) struct Opa {
    pub(in crate::policy) origin: Origin,
    pub(in crate::policy) transport: Transport,
    pub(in crate::policy) config: OpaConfig,
    pub(in crate::policy) random: Arc<dyn Random>,
}

#[async_trait]
impl Backend for Opa {
    async fn ask(&self, call: &Call) -> Result<Answered, Failed> {
        let mut path = format!("/v1/data/{}/{}", self.config.package, call.request.hook).replace('.', "/");
        if !self.config.rule.is_empty() {
            path = format!("{path}/{}", self.config.rule);
        }
        let url = self.origin.below(&path);
        let target = Target {
            method: Method::POST,
            url: &url,
            until: call.until,
            max_answer: MAX_ANSWER_BYTES,
            counts: call.counts(),
        };
        let message = |attempt: u32| {
            let mut input = call.shown.clone();
            input["attempt"] = attempt.into();
            let body = json!({ "input": input }).to_string().into();
            Ok(Message { headers: headers(call, &*self.random)?, body })
        };
        let (got, attempts) = self.transport.send(&target, message).await?;
        accept(&got)
            .and_then(|()| read(call, &got.body))
            .map(|decision| Answered { decision, attempts })
            .map_err(|failed| Failed { attempts, ..failed })
    }

    fn breaker(&self) -> Option<BreakerState> {
        Some(self.transport.breaker())
    }
}

/// The headers that both adapters send.
pub(super) fn headers(call: &Call, random: &dyn Random) -> Result<HeaderMap, Failed> {
    let unsent = |e: &dyn std::fmt::Display| Failed { attempts: 0, ..Failed::new(FailureCode::Schema, e) };
    let json = || HeaderValue::from_static("application/json");
    let mut headers =
        HeaderMap::from_iter([(http::header::CONTENT_TYPE, json()), (http::header::ACCEPT, json())]);
    let traced = call.traced(random).map_err(|e| unsent(&e))?;
    for (name, value) in traced.into_iter().chain([("x-request-id", call.request.id.clone())]) {
        if !value.is_empty() {
            let value = HeaderValue::from_str(&value).map_err(|e| unsent(&e))?;
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    Ok(headers)
}

/// The result as a decision. A result that is not there was not decided: a misspelt package must never allow.
fn read(call: &Call, body: &[u8]) -> Result<Decision, Failed> {
    let broken = |e: serde_json::Error| Failed::new(FailureCode::Malformed, e);
    let mut answer: Value = serde_json::from_slice(body).map_err(broken)?;
    let id = &call.request.id;
    let mut decision = match answer["result"].take() {
        Value::Bool(true) => Decision::allow(id),
        Value::Bool(false) => Decision::deny(id, "access_denied"),
        Value::Object(mut members) => {
            members.insert("id".to_owned(), id.clone().into());
            let body = serde_json::to_vec(&members).map_err(broken)?;
            Decision::read(&body)?
        }
        Value::Null => return Err(Failed::new(FailureCode::Schema, "the policy is undefined")),
        _ => return Err(Failed::new(FailureCode::Schema, "the result is no decision")),
    };
    if let Some(theirs) = answer["decision_id"].as_str() {
        decision.tags.insert("opa_decision_id".to_owned(), theirs.chars().take(128).collect());
    }
    Ok(decision)
}
