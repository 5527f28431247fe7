//! Refusals of the interaction API, as problem documents (RFC 9457).

use placet_sdk::problem::{FieldError, Problem};

use crate::{
    limits::TooMany,
    outcome::{Failure, Fault},
};

/// Why a call of the interaction API failed.
#[derive(Debug)]
pub enum ApiFailure {
    /// The caller is refused.
    Problem(Box<Problem>),
    /// The caller has to wait (429).
    TooMany(TooMany),
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

impl From<TooMany> for ApiFailure {
    fn from(wait: TooMany) -> Self {
        Self::TooMany(wait)
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
            Failure::TooMany(wait) => Self::TooMany(wait),
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

/// What a code means.
#[derive(Clone, Copy, Debug)]
pub struct Meaning {
    /// The code.
    pub code: &'static str,
    /// The summary that goes with it.
    pub title: &'static str,
    /// What a caller makes of it.
    pub advice: &'static str,
}

const fn meaning(code: &'static str, title: &'static str, advice: &'static str) -> Meaning {
    Meaning { code, title, advice }
}

/// Every code of the interaction API; the OpenAPI description and `docs/protocol.md` are made from it.
pub const MEANINGS: [Meaning; 30] = [
    meaning("invalid_request", "The request is not valid", "A parameter or header is missing or malformed."),
    meaning(
        "unauthorized",
        "Not authenticated",
        "The bearer token is missing, or is that of nobody who is registered here.",
    ),
    meaning(
        "capability_missing",
        "More than this app may ask",
        "The registration of this app does not allow it; `errors` names the member and the capability.",
    ),
    meaning(
        "binding_mismatch",
        "Another browser than the one that started",
        "`Placet-Browser-Binding` is not the binding that the interaction was opened with.",
    ),
    meaning(
        "account_disabled",
        "The account is disabled",
        "Nothing is issued for an account reported as disabled.",
    ),
    meaning(
        "interaction_not_found",
        "No such interaction",
        "The id was never made by this server, or belongs to another login app.",
    ),
    meaning("not_found", "No such resource", "There is nothing of this id, or at this path."),
    meaning("method_not_allowed", "Method not allowed", "`Allow` lists the methods of the resource."),
    meaning(
        "step_conflict",
        "Step already handled with a different body",
        "`current_step` and `current_type` say where the interaction is: read the current prompt and go on there.",
    ),
    meaning(
        "step_ahead",
        "The interaction has not come that far",
        "`current_step` and `current_type` say where the interaction is.",
    ),
    meaning(
        "interaction_expired",
        "Interaction expired",
        "Timed out, abandoned or finished. Where the client has one, `restart_uri` is where the user can start again.",
    ),
    meaning(
        "payload_too_large",
        "Payload too large",
        "Bodies have at most 128 KiB, scratch state at most 8 KiB.",
    ),
    meaning("unsupported_media_type", "Unsupported media type", "The body must be `application/json`."),
    meaning(
        "invalid_answer",
        "The answer is not valid",
        "`errors` points at the members that are not what the contract says.",
    ),
    meaning(
        "type_mismatch",
        "The answer does not fit the prompt",
        "`current_type` is the type of the prompt that is waiting.",
    ),
    meaning(
        "idempotency_conflict",
        "The key was used for another request",
        "The same `Idempotency-Key` came with another body before.",
    ),
    meaning("role_missing", "More than this admin may do", "The admin's registration lacks the role."),
    meaning(
        "misdirected_request",
        "Not a host of the admin API",
        "`Host` is none of those that the admin API has; `admin_hosts` in the configuration names them.",
    ),
    meaning("client_exists", "The client exists", "Choose another id, or change the client that has it."),
    meaning(
        "client_configured",
        "The client stands in the configuration",
        "Change the configuration and start the server again.",
    ),
    meaning("under_way", "An attempt is under way", "Look at the delivery again in a minute."),
    meaning("no_secret", "The client has no secret", "A public client does not authenticate."),
    meaning("changed_meanwhile", "Changed in the meantime", "Read it again, and change what is there now."),
    meaning(
        "policy_conflict",
        "The policies would not go together",
        "`detail` says what the configuration would be refused for; change that first.",
    ),
    meaning(
        "question_not_kept",
        "The question is not kept",
        "It was too large, or what `decision_log.mask` and `hash` cover cannot be asked again.",
    ),
    meaning(
        "policies_gone",
        "The policies are gone",
        "All of those that decided are off by now: `GET /policies` shows their modes.",
    ),
    meaning("too_many_requests", "Too many requests", "Wait as long as `Retry-After` says."),
    meaning(
        "policy_denied",
        "A policy refuses the grant",
        "`errors` holds the code and the description of the policy; `interaction_required` if it wants something of the user.",
    ),
    meaning(
        "policy_unavailable",
        "A policy cannot decide",
        "Nothing was changed: send the same request again after `Retry-After`.",
    ),
    meaning(
        "unavailable",
        "Temporarily unavailable",
        "The server cannot answer right now: send the same request again after `Retry-After`.",
    ),
];

fn title(code: &str) -> &'static str {
    MEANINGS.iter().find(|m| m.code == code).map_or("Refused", |m| m.title)
}
