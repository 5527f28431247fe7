//! How a request can fail: refused, or broken. A client learns the code, the log learns the cause.

use std::fmt;

use placet_oauth::error::{ErrorCode, OAuthError};

use crate::{limits::TooMany, store::StoreError};

/// Our own trouble: answered with 503 (or by redirect with `temporarily_unavailable`), never as the client's
/// fault.
#[derive(Debug)]
pub struct Fault {
    what: &'static str,
    cause: String,
}

impl Fault {
    /// `what` could not do its work because of `cause`; `cause` must hold no secret.
    pub fn new(what: &'static str, cause: impl fmt::Display) -> Self {
        Self { what, cause: cause.to_string() }
    }

    /// Whether a policy could not decide.
    pub fn is_of_policy(&self) -> bool {
        self.what == "policy"
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.cause)
    }
}

impl std::error::Error for Fault {}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::new("store", error)
    }
}

/// Refused is not broken.
#[derive(Debug)]
pub enum Failure {
    /// The caller's request is refused, with the specification's error.
    Refused(OAuthError),
    /// The caller has to wait (429).
    TooMany(TooMany),
    /// We are broken.
    Fault(Fault),
}

impl Failure {
    /// The error that the caller is shown.
    pub fn shown(&self) -> OAuthError {
        match self {
            Self::Refused(error) => error.clone(),
            Self::TooMany(wait) => OAuthError::new(
                ErrorCode::TemporarilyUnavailable,
                format!("too many requests, try again in {} seconds", wait.retry_after),
            ),
            Self::Fault(_) => OAuthError::new(
                ErrorCode::TemporarilyUnavailable,
                "the server cannot answer right now; nothing was consumed, so try again later",
            ),
        }
    }
}

impl From<OAuthError> for Failure {
    fn from(error: OAuthError) -> Self {
        Self::Refused(error)
    }
}

impl From<TooMany> for Failure {
    fn from(wait: TooMany) -> Self {
        Self::TooMany(wait)
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Fault(error.into())
    }
}

/// Result of what a caller asked.
pub type Outcome<T> = Result<T, Failure>;
