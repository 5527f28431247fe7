//! Sidecars that speak the decision API over HTTP.

use std::sync::Arc;

use async_trait::async_trait;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use placet_sdk::{
    Instant,
    decision::{
        Decision, HEADER_ID, HEADER_SIGNATURE, HEADER_TIMEOUT, HEADER_TIMESTAMP, HookType, MAX_ANSWER_BYTES,
        PROTOCOL,
    },
    signature::{Secret, sign},
};
use tokio::time;

use super::{Answered, Backend, Call};
use crate::{
    clock::Clock,
    outbound::{Got, Operator, SendError, Sent},
    policy::failure::{Failed, FailureCode},
};

/// The longest question, in bytes; that of a registration or an assertion may be longer.
const MAX_QUESTION: usize = 64 * 1024;
const MAX_LONG_QUESTION: usize = 256 * 1024;

/// A sidecar.
pub(in crate::policy) struct Http {
    /// Where decisions are asked.
    pub(in crate::policy) url: String,
    /// The connections to it.
    pub(in crate::policy) client: Operator,
    /// What requests are signed with; several during a change.
    pub(in crate::policy) secrets: Vec<Secret>,
    /// The clock.
    pub(in crate::policy) clock: Arc<dyn Clock>,
}

#[async_trait]
impl Backend for Http {
    async fn ask(&self, call: &Call) -> Result<Answered, Failed> {
        let body = serde_json::to_vec(&call.shown).map_err(|e| Failed::new(FailureCode::Schema, e))?;
        if body.len() > max_question(call.request.hook) {
            return Err(Failed {
                attempts: 0,
                ..Failed::new(FailureCode::TooLarge, "the question is too large")
            });
        }
        let timeout = call.until.saturating_duration_since(time::Instant::now());
        let headers = self.headers(call, &body, timeout)?;
        let sent = Sent {
            method: Method::POST,
            url: &self.url,
            headers,
            body: body.into(),
            timeout,
            max_answer: MAX_ANSWER_BYTES,
        };
        let got = self.client.send(sent).await.map_err(unsent)?;
        accept(&got)?;
        Ok(Answered { decision: Decision::read(&got.body)?, attempts: 1 })
    }
}

impl Http {
    fn headers(&self, call: &Call, body: &[u8], timeout: time::Duration) -> Result<HeaderMap, Failed> {
        let request = &call.request;
        let now = Instant(self.clock.now());
        let signatures: Vec<String> =
            self.secrets.iter().map(|secret| sign(secret, &request.id, now, body)).collect();
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("content-type", "application/json"),
            ("accept", "application/json"),
            (HEADER_ID, &request.id),
            (HEADER_TIMESTAMP, &now.0.to_string()),
            (HEADER_SIGNATURE, &signatures.join(" ")),
            (HEADER_TIMEOUT, &timeout.as_millis().to_string()),
            ("placet-protocol", PROTOCOL),
            ("placet-type", request.hook.as_str()),
            ("placet-issuer", &request.issuer),
            ("x-request-id", &request.id),
        ] {
            let value = HeaderValue::from_str(value).map_err(|e| Failed::new(FailureCode::Schema, e))?;
            headers.insert(HeaderName::from_static(name), value);
        }
        Ok(headers)
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

fn unsent(error: SendError) -> Failed {
    let code = match &error {
        SendError::Connect(_) | SendError::Broken(_) => FailureCode::Connect,
        SendError::Tls(_) => FailureCode::Tls,
        SendError::Timeout => FailureCode::Timeout,
        SendError::TooLarge => FailureCode::TooLarge,
    };
    Failed::new(code, error)
}

/// Only 200 with JSON is an answer.
fn accept(got: &Got) -> Result<(), Failed> {
    let status = got.status;
    let fail = |code| Err(Failed::new(code, format!("answered with the status {status}")));
    match status {
        200 => {}
        300..=399 => return fail(FailureCode::Redirect),
        501 => return fail(FailureCode::NotImplemented),
        _ => return fail(FailureCode::HttpStatus),
    }
    let media_type = got.headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        Ok(())
    } else {
        Err(Failed::new(FailureCode::ContentType, "the answer is not `application/json`"))
    }
}
