//! A sidecar without its transport: what comes in is checked, the policy is asked, and what it says is signed.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::Value;
use tokio::time::Instant;

use super::{
    hooks::{self, Asked, Policy},
    question::Question,
    replay::{Key, Replay},
    settings::Settings,
};
use crate::{
    clock,
    decision::{
        DecidedBy, DecisionRequest, HEADER_ID, HEADER_SIGNATURE, HEADER_TIMEOUT, HEADER_TIMESTAMP, HookType,
        PROTOCOL, ViolationCode, judge, parse,
    },
    problem::Problem,
    signature::{SignedHeaders, sign, verify},
};

/// The largest request, in bytes.
pub(super) const MAX_REQUEST: usize = 256 * 1024;
/// The longest time to answer that is believed.
const MAX_TIMEOUT: Duration = Duration::from_secs(60);

/// When to ask again what cannot be told now, in seconds.
const RETRY_AFTER: &str = "1";

/// What is sent back.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Why there is no decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Method,
    TooLarge,
    MediaType,
    Signature,
    Malformed,
    Mismatch,
    Protocol,
    NotImplemented,
    TooLate,
    Unavailable,
    Broken,
}

impl Refusal {
    fn told(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::Method => (405, "method_not_allowed", "Decisions are asked with POST"),
            Self::TooLarge => (413, "too_large", "The request is too large"),
            Self::MediaType => (415, "unsupported_media_type", "A request is application/json"),
            Self::Signature => (401, "signature", "The request is not signed as it should be"),
            Self::Malformed => (400, "malformed", "The body is not a decision request"),
            Self::Mismatch => (400, "mismatch", "Header and body say different things"),
            Self::Protocol => {
                (400, "unsupported_protocol", "This version of the protocol is not spoken here")
            }
            Self::NotImplemented => (501, "not_implemented", "This policy does not decide that"),
            Self::TooLate => (504, "timeout", "The policy took too long"),
            Self::Unavailable => (503, "unavailable", "What the policy depends on does not answer"),
            Self::Broken => (500, "internal", "The policy broke"),
        }
    }

    pub(super) fn reply(self, detail: Option<String>) -> Reply {
        let (status, code, title) = self.told();
        let problem = Problem {
            problem_type: "about:blank".to_owned(),
            title: title.to_owned(),
            status,
            detail,
            code: code.to_owned(),
            ..Problem::default()
        };
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut reply = Reply::new(StatusCode::from_u16(status).unwrap_or_default(), body.into());
        reply.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match self {
            Self::Method => drop(reply.headers.insert(header::ALLOW, HeaderValue::from_static("POST"))),
            Self::Unavailable => {
                drop(reply.headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER)));
            }
            _ => {}
        }
        reply
    }
}

impl Reply {
    pub(super) fn new(status: StatusCode, body: Bytes) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Self { status, headers, body }
    }
}

/// A policy with its settings and its memory.
pub(super) struct Service<P> {
    policy: P,
    pub(super) settings: Settings,
    pub(super) document: Bytes,
    types: Vec<HookType>,
    decided_by: DecidedBy,
    replay: Replay,
}

impl<P: Policy> Service<P> {
    pub(super) fn new(policy: P, settings: Settings) -> Self {
        let types = hooks::implemented::<P>();
        let description = policy.describe();
        let document = description.document(&settings.id, &types, settings.response_secret.is_some());
        let document = serde_json::to_vec(&document).unwrap_or_default().into();
        let decided_by = description.decided_by();
        Self { policy, settings, document, types, decided_by, replay: Replay::default() }
    }

    /// Whether the policy decides anything.
    pub(super) fn decides(&self) -> bool {
        !self.types.is_empty()
    }

    /// Answers a request to the decision endpoint.
    pub(super) async fn respond(self: Arc<Self>, headers: &HeaderMap, body: &Bytes) -> Reply {
        let (question, key) = match self.accept(headers, body) {
            Ok(accepted) => accepted,
            Err(refused) => return *refused,
        };
        let id = question.request.id.clone();
        let deadline = question.deadline;
        // In a task of its own, the handler goes on when the connection breaks, and can panic alone.
        let answering = tokio::spawn(Arc::clone(&self).answer(question, key));
        match tokio::time::timeout_at(deadline, answering).await {
            Ok(Ok(Ok(body))) => self.signed(&id, body),
            Ok(Ok(Err(refusal))) => refusal.reply(None),
            Ok(Err(_)) => {
                tracing::error!(id, "a policy panicked");
                Refusal::Broken.reply(None)
            }
            Err(_) => {
                tracing::warn!(id, "a policy took too long");
                Refusal::TooLate.reply(None)
            }
        }
    }

    /// What is asked, if everything about the request is as it should be.
    fn accept(&self, headers: &HeaderMap, body: &Bytes) -> Result<(Question, Key), Box<Reply>> {
        let refuse = |refusal: Refusal| Box::new(refusal.reply(None));
        let malformed = |detail: String| Box::new(Refusal::Malformed.reply(Some(detail)));
        if !is_json(headers) {
            return Err(refuse(Refusal::MediaType));
        }
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let signed = SignedHeaders::read(text);
        let verified = signed.and_then(|signed| verify(&self.settings.secrets, &signed, body, clock::now()));
        if let Err(error) = verified {
            tracing::warn!(%error, "a request was refused");
            return Err(refuse(Refusal::Signature));
        }
        let value = parse(body).map_err(|error| malformed(error.detail))?;
        let member = |name: &str| value.get(name).and_then(Value::as_str);
        // The headers route; the signed body decides.
        for (header, member) in [
            (HEADER_ID, member("id")),
            ("placet-type", member("type")),
            ("placet-protocol", member("protocol")),
            ("placet-issuer", member("issuer")),
            ("placet-tenant", member("tenant")),
        ] {
            if headers.get_all(header).iter().any(|value| value.to_str().ok() != member) {
                return Err(refuse(Refusal::Mismatch));
            }
        }
        let major = |version: &str| version.split('.').next().map(ToOwned::to_owned);
        if member("protocol").and_then(major) != major(PROTOCOL) {
            return Err(refuse(Refusal::Protocol));
        }
        let hook = member("type").ok_or_else(|| malformed("`type` is missing".to_owned()))?;
        if !hook.parse().is_ok_and(|hook| self.types.contains(&hook)) {
            return Err(refuse(Refusal::NotImplemented));
        }
        let key = Key::of(&value);
        let request: DecisionRequest =
            serde_json::from_value(value).map_err(|error| malformed(error.to_string()))?;
        let deadline = Instant::now() + time_left(text(HEADER_TIMEOUT), &request);
        Ok((Question { request, deadline }, key))
    }

    /// The answer to a question: once it is there, it is the same for five minutes.
    async fn answer(self: Arc<Self>, question: Question, key: Key) -> Result<Bytes, Refusal> {
        let answer = self.replay.answer(key);
        let body = answer.get_or_try_init(|| self.ask(question)).await?;
        Ok(body.clone())
    }

    async fn ask(&self, question: Question) -> Result<Bytes, Refusal> {
        let request = question.request.clone();
        let asked = tokio::time::timeout_at(question.deadline, hooks::ask(&self.policy, question)).await;
        let mut decision = match asked {
            Ok(Asked::Answer(decision)) => *decision,
            Ok(Asked::NotImplemented) => return Err(Refusal::NotImplemented),
            Ok(Asked::Unavailable) => return Err(Refusal::Unavailable),
            Ok(Asked::NoSection) => return Err(Refusal::Malformed),
            Err(_) => return Err(Refusal::TooLate),
        };
        decision.policy.get_or_insert_with(|| self.decided_by.clone());
        // The server judges; here the author is told. Codes of errors may be the operator's own.
        match judge(&request, &decision, &[]) {
            Err(violation) if violation.code != ViolationCode::ErrorCode => {
                tracing::error!(id = %request.id, hook = %request.hook, %violation, "the server will refuse this answer");
            }
            _ => {}
        }
        let body = Bytes::from(serde_json::to_vec(&decision).map_err(|_| Refusal::Broken)?);
        self.replay.count(body.len());
        Ok(body)
    }

    fn signed(&self, id: &str, body: Bytes) -> Reply {
        let mut reply = Reply::new(StatusCode::OK, body);
        if let Some(secret) = &self.settings.response_secret {
            let now = clock::now();
            let signature = sign(secret, id, now, &reply.body);
            let timestamp = now.0.to_string();
            for (name, value) in
                [(HEADER_ID, id), (HEADER_TIMESTAMP, &timestamp), (HEADER_SIGNATURE, &signature)]
            {
                if let Ok(value) = HeaderValue::from_str(value) {
                    reply.headers.insert(name, value);
                }
            }
        }
        reply
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let media_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    media_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

/// How long there is to answer: what the header says, else what the body says. Neither needs two clocks to agree.
fn time_left(header: Option<&str>, request: &DecisionRequest) -> Duration {
    let told = header.and_then(|text| text.parse::<u64>().ok());
    let between = || u64::try_from(request.deadline.0.saturating_sub(request.time.0)).unwrap_or_default();
    Duration::from_millis(told.unwrap_or_else(between)).min(MAX_TIMEOUT)
}
