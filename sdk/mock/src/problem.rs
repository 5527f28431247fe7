//! Refusals, as problem documents (RFC 9457): the same codes and titles that the server has.

use placet_sdk::problem::{FieldError, Problem};

/// A call is refused.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    /// Why.
    pub(crate) problem: Box<Problem>,
    /// `Retry-After`, in seconds.
    pub(crate) retry_after: Option<u32>,
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self { problem: Box::new(problem), retry_after: None }
    }
}

/// What a call gives.
pub(crate) type Outcome<T> = Result<T, Refusal>;

const TITLES: [(&str, &str); 16] = [
    ("invalid_request", "The request is not valid"),
    ("unauthorized", "Not authenticated"),
    ("capability_missing", "More than this app may ask"),
    ("binding_mismatch", "Another browser than the one that started"),
    ("interaction_not_found", "No such interaction"),
    ("not_found", "No such resource"),
    ("method_not_allowed", "Method not allowed"),
    ("step_conflict", "Step already handled with a different body"),
    ("step_ahead", "The interaction has not come that far"),
    ("interaction_expired", "Interaction expired"),
    ("payload_too_large", "Payload too large"),
    ("unsupported_media_type", "Unsupported media type"),
    ("invalid_answer", "The answer is not valid"),
    ("type_mismatch", "The answer does not fit the prompt"),
    ("too_many_requests", "Too many requests"),
    ("policy_unavailable", "A policy cannot decide"),
];

/// A problem of this status and code.
pub(crate) fn problem(status: u16, code: &str, detail: &str) -> Problem {
    let title = TITLES.iter().find(|(known, _)| *known == code).map(|(_, title)| *title);
    Problem {
        problem_type: format!("urn:placet:problem:{}", code.replace('_', "-")),
        title: title.unwrap_or(if status == 503 { "Temporarily unavailable" } else { "Refused" }).to_owned(),
        status,
        detail: Some(detail.to_owned()),
        code: code.to_owned(),
        ..Problem::default()
    }
}

/// A body that is not what the contract says.
pub(crate) fn invalid_answer(pointer: &str, code: &str, detail: &str) -> Refusal {
    at_member(problem(422, "invalid_answer", "the body is not what the contract says"), pointer, code, detail)
}

/// The app asks for more than the mock was told to allow it.
pub(crate) fn capability_missing(pointer: &str, capability: &str) -> Refusal {
    let refused = problem(403, "capability_missing", &format!("this needs the capability `{capability}`"));
    at_member(refused, pointer, "capability_missing", &format!("needs `{capability}`"))
}

fn at_member(mut refused: Problem, pointer: &str, code: &str, detail: &str) -> Refusal {
    let error = FieldError { pointer: pointer.to_owned(), code: code.to_owned(), detail: detail.to_owned() };
    refused.errors = vec![error];
    refused.into()
}
