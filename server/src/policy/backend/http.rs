//! Sidecars that speak the decision API over HTTP.

use std::sync::Arc;

use async_trait::async_trait;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use placet_sdk::{
    Instant as Seconds,
    decision::{
        Decision, HEADER_ID, HEADER_SIGNATURE, HEADER_TIMEOUT, HEADER_TIMESTAMP, HookType, MAX_ANSWER_BYTES,
        PROTOCOL,
    },
    signature::{Secret, SignedHeaders, sign, verify},
};
use tokio::time::Instant;

use super::{
    Answered, Backend, Call, Known,
    discovery::{Discovery, Sidecar},
    transport::{Message, Target, Transport, accept},
};
use crate::{
    clock::Clock,
    outbound::Got,
    policy::{
        breaker::BreakerState,
        failure::{Failed, FailureCode},
    },
    random::Random,
};

/// The longest question, in bytes; that of a registration or an assertion may be longer.
const MAX_QUESTION: usize = 64 * 1024;
const MAX_LONG_QUESTION: usize = 256 * 1024;

/// A sidecar.
pub(in crate::policy) struct Http {
    /// Where decisions are asked, unless its document says otherwise.
    pub(in crate::policy) url: String,
    /// The way to it.
    pub(in crate::policy) transport: Transport,
    /// Its document; none if it is not to be read.
    pub(in crate::policy) discovery: Option<Discovery<Sidecar>>,
    /// What requests are signed with; several during a change.
    pub(in crate::policy) secrets: Vec<Secret>,
    /// What answers must be signed with.
    pub(in crate::policy) response_secret: Option<Secret>,
    /// The clock.
    pub(in crate::policy) clock: Arc<dyn Clock>,
    /// The random source.
    pub(in crate::policy) random: Arc<dyn Random>,
}

#[async_trait]
impl Backend for Http {
    async fn known(&self, hook: HookType, until: Instant) -> Result<Known, Failed> {
        match &self.discovery {
            Some(discovery) => Ok(discovery.get(&self.transport, until).await?.of(hook)),
            None => Ok(Known::default()),
        }
    }

    async fn ask(&self, call: &Call) -> Result<Answered, Failed> {
        let endpoint = match &self.discovery {
            Some(discovery) => discovery.get(&self.transport, call.until).await?.endpoint(),
            None => None,
        };
        let url = endpoint.unwrap_or_else(|| self.url.clone());
        let target = Target {
            method: Method::POST,
            url: &url,
            until: call.until,
            max_answer: MAX_ANSWER_BYTES,
            counts: call.counts(),
        };
        let (got, attempts) = self.transport.send(&target, |attempt| self.message(call, attempt)).await?;
        let read = accept(&got).and_then(|()| {
            self.check_signature(call, &got)?;
            Decision::read(&got.body).map_err(Failed::from)
        });
        match read {
            Ok(decision) => Ok(Answered { decision, attempts }),
            Err(failed) => {
                if failed.code == FailureCode::NotImplemented
                    && let Some(discovery) = &self.discovery
                {
                    discovery.forget();
                }
                Err(Failed { attempts, ..failed })
            }
        }
    }

    fn breaker(&self) -> Option<BreakerState> {
        Some(self.transport.breaker())
    }

    fn software(&self) -> Option<(String, String)> {
        self.discovery.as_ref()?.last()?.software()
    }
}

impl Http {
    fn message(&self, call: &Call, attempt: u32) -> Result<Message, Failed> {
        let mut shown = call.shown.clone();
        shown["attempt"] = attempt.into();
        let unsent =
            |code, detail: &dyn std::fmt::Display| Failed { attempts: 0, ..Failed::new(code, detail) };
        let body = serde_json::to_vec(&shown).map_err(|e| unsent(FailureCode::Schema, &e))?;
        if body.len() > max_question(call.request.hook) {
            return Err(unsent(FailureCode::TooLarge, &"the question is too large"));
        }
        let headers = self.headers(call, &body).map_err(|e| unsent(FailureCode::Schema, &e))?;
        Ok(Message { headers, body })
    }

    fn headers(&self, call: &Call, body: &[u8]) -> Result<HeaderMap, String> {
        let request = &call.request;
        let now = Seconds(self.clock.now());
        let signatures: Vec<String> =
            self.secrets.iter().map(|secret| sign(secret, &request.id, now, body)).collect();
        let left = call.until.saturating_duration_since(Instant::now()).as_millis();
        let [(parent, parents), (state, states)] = call.traced(&*self.random).map_err(|e| e.to_string())?;
        let mut headers = HeaderMap::new();
        let (tenant, signature) = (request.tenant.clone().unwrap_or_default(), signatures.join(" "));
        for (name, value) in [
            ("content-type", "application/json"),
            ("accept", "application/json"),
            (HEADER_ID, &request.id),
            (HEADER_TIMESTAMP, &now.0.to_string()),
            (HEADER_SIGNATURE, &signature),
            (HEADER_TIMEOUT, &left.to_string()),
            ("placet-protocol", PROTOCOL),
            ("placet-type", request.hook.as_str()),
            ("placet-issuer", &request.issuer),
            ("placet-tenant", &tenant),
            (parent, &parents),
            (state, &states),
            ("x-request-id", &request.id),
        ] {
            if !value.is_empty() {
                let value = HeaderValue::from_str(value).map_err(|e| e.to_string())?;
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        Ok(headers)
    }

    /// The answer is from who it should be, and to this question.
    fn check_signature(&self, call: &Call, got: &Got) -> Result<(), Failed> {
        let Some(secret) = &self.response_secret else { return Ok(()) };
        let header = |name: &str| got.headers.get(name).and_then(|value| value.to_str().ok());
        let wrong = |detail: &dyn std::fmt::Display| Failed::new(FailureCode::Signature, detail);
        let signed = SignedHeaders::read(header).map_err(|e| wrong(&e))?;
        if signed.id != call.request.id {
            return Err(wrong(&"the signature is for another question"));
        }
        verify(std::slice::from_ref(secret), &signed, &got.body, Seconds(self.clock.now()))
            .map_err(|e| wrong(&e))
    }
}

fn max_question(hook: HookType) -> usize {
    match hook {
        HookType::AssertionSaml2
        | HookType::ClientRegister
        | HookType::ClientUpdate
        | HookType::ClientDelete => MAX_LONG_QUESTION,
        _ => MAX_QUESTION,
    }
}
