//! Refusals of the interaction API, as problem documents (RFC 9457).

use placet_sdk::problem::{FieldError, Problem};

use crate::outcome::{Failure, Fault};

/// Why a call of the interaction API failed.
#[derive(Debug)]
pub enum ApiFailure {
    /// The caller is refused.
    Problem(Box<Problem>),
    /// We are broken (503).
    Fault(Fault),
}

/// Result of a call of the interaction API.
pub type ApiResult<T> = Result<T, ApiFailure>;

impl From<Fault> for ApiFailure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<crate::store::StoreError> for ApiFailure {
    fn from(error: crate::store::StoreError) -> Self {
        Self::Fault(error.into())
    }
}

impl From<Problem> for ApiFailure {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

impl From<Failure> for ApiFailure {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Fault(fault) => Self::Fault(fault),
            Failure::Refused(error) => problem(422, error.code.as_str(), &error.description).into(),
        }
    }
}

/// A problem of this status and code.
pub fn problem(status: u16, code: &str, detail: &str) -> Problem {
    Problem {
        problem_type: format!("urn:placet:problem:{}", code.replace('_', "-")),
        title: title(code).to_owned(),
        status,
        detail: Some(detail.to_owned()),
        code: code.to_owned(),
        ..Problem::default()
    }
}

/// A body that is not what the contract says.
pub fn invalid_answer(pointer: &str, code: &str, detail: &str) -> ApiFailure {
    let mut refused = problem(422, "invalid_answer", "the body is not what the contract says");
    refused.errors =
        vec![FieldError { pointer: pointer.to_owned(), code: code.to_owned(), detail: detail.to_owned() }];
    refused.into()
}

/// The caller asks for more than its registration allows.
pub fn capability_missing(pointer: &str, capability: &str) -> ApiFailure {
    let mut refused =
        problem(403, "capability_missing", &format!("this needs the capability `{capability}`"));
    refused.errors = vec![FieldError {
        pointer: pointer.to_owned(),
        code: "capability_missing".to_owned(),
        detail: format!("needs `{capability}`"),
    }];
    refused.into()
}

fn title(code: &str) -> &'static str {
    match code {
        "step_conflict" => "Step already handled with a different body",
        "step_ahead" => "The interaction has not come that far",
        "type_mismatch" => "The answer does not fit the prompt",
        "invalid_answer" => "The answer is not valid",
        "invalid_request" => "The request is not valid",
        "capability_missing" => "More than this app may ask",
        "binding_mismatch" => "Another browser than the one that started",
        "interaction_expired" => "Interaction expired",
        "interaction_not_found" => "No such interaction",
        "not_found" => "No such resource",
        "unauthorized" => "Not authenticated",
        "too_many_requests" => "Too many requests",
        "method_not_allowed" => "Method not allowed",
        "unsupported_media_type" => "Unsupported media type",
        "payload_too_large" => "Payload too large",
        "idempotency_conflict" => "The key was used for another request",
        "unavailable" => "Temporarily unavailable",
        _ => "Refused",
    }
}
