//! How a policy can fail to decide.

use std::fmt;

pub use placet_sdk::admin::FailureCode;
use placet_sdk::decision::{Violation, ViolationCode};

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
