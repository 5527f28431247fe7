//! How questions get to an endpoint: through its gate, signed or with a bearer, tried again when that is harmless.

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, Method, header};
use tokio::time::Instant;

use crate::{
    outbound::{Endpoint, Got, SendError, Sent},
    policy::{
        breaker::{BreakerState, Gate},
        failure::{Failed, FailureCode},
    },
};

/// Statuses that say that the endpoint itself is not well.
const UNWELL: [u16; 5] = [429, 500, 502, 503, 504];

/// The way to an endpoint.
pub(in crate::policy) struct Transport {
    pub(in crate::policy) endpoint: Endpoint,
    pub(in crate::policy) gate: Arc<Gate>,
}

/// A message: made anew for each attempt.
#[derive(Debug)]
pub(in crate::policy) struct Message {
    pub(in crate::policy) headers: HeaderMap,
    pub(in crate::policy) body: Vec<u8>,
}

/// Where a message goes, and how long it may take.
#[derive(Clone, Debug)]
pub(in crate::policy) struct Target<'a> {
    pub(in crate::policy) method: Method,
    pub(in crate::policy) url: &'a str,
    pub(in crate::policy) until: Instant,
    pub(in crate::policy) max_answer: usize,
    /// Whether the breaker learns from it. What is only tried out keeps nobody from being asked.
    pub(in crate::policy) counts: bool,
}

impl Transport {
    /// Sends a message, at most twice, and gives the answer with the number of attempts. `message` makes it for an
    /// attempt.
    pub(in crate::policy) async fn send(
        &self,
        target: &Target<'_>,
        message: impl Fn(u32) -> Result<Message, Failed> + Send + Sync,
    ) -> Result<(Got, u32), Failed> {
        let leave = self.gate.enter(target.counts)?;
        let mut attempt = 1;
        let sent = loop {
            let sent = self.attempt(target, message(attempt)?).await;
            match wait_to_repeat(&sent, target.until) {
                Some(wait) if attempt == 1 => tokio::time::sleep(wait).await,
                _ => break sent,
            }
            attempt += 1;
        };
        match &sent {
            _ if !target.counts => drop(leave),
            Ok(got) if UNWELL.contains(&got.status) => leave.failed(),
            Ok(_) | Err(SendError::TooLarge) => leave.answered(),
            Err(_) => leave.failed(),
        }
        match sent {
            Ok(got) => Ok((got, attempt)),
            Err(error) => Err(Failed { attempts: attempt, ..failed(&error) }),
        }
    }

    pub(in crate::policy) fn breaker(&self) -> BreakerState {
        self.gate.state()
    }

    async fn attempt(&self, target: &Target<'_>, message: Message) -> Result<Got, SendError> {
        self.endpoint
            .send(Sent {
                method: target.method.clone(),
                url: target.url,
                headers: message.headers,
                body: message.body.into(),
                timeout: target.until.saturating_duration_since(Instant::now()),
                max_answer: target.max_answer,
            })
            .await
    }
}

/// How long to wait before the same may be sent again: only what surely was not processed, and what the endpoint
/// itself asks for, if that is in time.
fn wait_to_repeat(sent: &Result<Got, SendError>, until: Instant) -> Option<Duration> {
    let wait = match sent {
        Err(SendError::Connect(_) | SendError::Tls(_)) => Duration::ZERO,
        Ok(got) if got.status == 503 => {
            let seconds = got.headers.get(header::RETRY_AFTER)?.to_str().ok()?;
            Duration::from_secs(seconds.trim().parse().ok()?)
        }
        _ => return None,
    };
    (wait < until.saturating_duration_since(Instant::now())).then_some(wait)
}

fn failed(error: &SendError) -> Failed {
    let code = match error {
        SendError::Connect(_) | SendError::Broken(_) => FailureCode::Connect,
        SendError::Tls(_) => FailureCode::Tls,
        SendError::Timeout => FailureCode::Timeout,
        SendError::TooLarge => FailureCode::TooLarge,
    };
    Failed::new(code, error)
}

/// What another answer than one with the status 200 and JSON means.
pub(in crate::policy) fn accept(got: &Got) -> Result<(), Failed> {
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
