//! How a policy can fail to decide.

use std::fmt;

use placet_sdk::decision::{Violation, ViolationCode};

/// Why a policy did not decide. The words stand in logs and metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureCode {
    /// No connection; surely nothing was sent.
    Connect,
    /// The TLS handshake failed; surely nothing was sent.
    Tls,
    /// No answer in time.
    Timeout,
    /// Another status than 200.
    HttpStatus,
    /// A redirect, which is never followed.
    Redirect,
    /// The answer is not `application/json`.
    ContentType,
    /// Request or answer is too large.
    TooLarge,
    /// The answer is no JSON.
    Malformed,
    /// The answer is no decision.
    Schema,
    /// The answer is to another request.
    IdMismatch,
    /// The answer is not signed as it should be.
    Signature,
    /// The answer goes beyond the limits.
    Limit,
    /// The answer lacks what is required.
    Requires,
    /// The answer denies with a code that the type does not have.
    ErrorCode,
    /// The endpoint failed too often lately and is left alone.
    BreakerOpen,
    /// Too many questions to the endpoint are open.
    Bulkhead,
    /// The time for all policies is used up.
    Budget,
    /// The sidecar does not know the type (501).
    NotImplemented,
}

impl FailureCode {
    /// The word for logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::HttpStatus => "http_status",
            Self::Redirect => "redirect",
            Self::ContentType => "content_type",
            Self::TooLarge => "too_large",
            Self::Malformed => "malformed",
            Self::Schema => "schema",
            Self::IdMismatch => "id_mismatch",
            Self::Signature => "signature",
            Self::Limit => "limit",
            Self::Requires => "requires",
            Self::ErrorCode => "error_code",
            Self::BreakerOpen => "breaker_open",
            Self::Bulkhead => "bulkhead",
            Self::Budget => "budget",
            Self::NotImplemented => "not_implemented",
        }
    }
}

impl fmt::Display for FailureCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A policy did not decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// Why.
    pub code: FailureCode,
    /// A sentence for the log; no value that a client or user sent stands in it.
    pub detail: String,
    /// How often it was tried: 0, 1 or 2.
    pub attempts: u32,
}

impl Failed {
    /// A failure of the first attempt.
    pub fn new(code: FailureCode, detail: impl fmt::Display) -> Self {
        Self { code, detail: detail.to_string(), attempts: 1 }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
    }
}

impl From<Violation> for Failed {
    fn from(violation: Violation) -> Self {
        let code = match violation.code {
            ViolationCode::TooLarge => FailureCode::TooLarge,
            ViolationCode::Malformed => FailureCode::Malformed,
            ViolationCode::Schema => FailureCode::Schema,
            ViolationCode::IdMismatch => FailureCode::IdMismatch,
            ViolationCode::Limit => FailureCode::Limit,
            ViolationCode::Requires => FailureCode::Requires,
            ViolationCode::ErrorCode => FailureCode::ErrorCode,
        };
        Self::new(code, format!("`{}`: {}", violation.pointer, violation.detail))
    }
}
