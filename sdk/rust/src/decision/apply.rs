//! Judging an answer: the patch of the proposal is applied and held against the limits.
//!
//! Server and conformance kit share this one implementation. What exceeds a limit is a failure; nothing is ever cut
//! to size silently. A member that the patch leaves as it was proposed passes, since a bare allow gives it too.

mod claims;
mod grant;
mod merge;
mod refusal;
mod rules;
mod sections;
mod shape;
mod tokens;

use serde_json::Value;

use super::{
    answer::{Challenge, Decision, PolicyError, Verdict},
    json::{self, MAX_DEPTH, MAX_STRING},
    limits::{GrantLimits, Limits},
    proposal::Proposal,
    request::DecisionRequest,
    violation::{Violation, ViolationCode},
};
use crate::grant::{Grant, Object};

#[cfg(feature = "serve")]
pub(crate) use merge::difference;
#[cfg(feature = "check")]
pub(crate) use merge::merged;

/// The largest answer, in bytes.
pub const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// The most labels of an answer.
pub const MAX_TAGS: usize = 16;

/// What a sound answer says.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// This is done.
    Allow(Box<Proposal>),
    /// The client is told this.
    Deny(PolicyError),
    /// This is needed first.
    Challenge(Challenge),
}

impl Decision {
    /// Reads an answer. Members that are not known are ignored, except within `set`, which [`apply`] looks at.
    pub fn read(body: &[u8]) -> Result<Self, Violation> {
        if body.len() > MAX_ANSWER_BYTES {
            let detail = format!("an answer has at most {MAX_ANSWER_BYTES} bytes");
            return Err(Violation::new(ViolationCode::TooLarge, "", detail));
        }
        let value = json::parse(body)?;
        if let Some(pointer) = json::long_string(&value, "") {
            return Err(Violation::schema(&pointer, format!("a string has at most {MAX_STRING} bytes")));
        }
        serde_json::from_value(value).map_err(|error| Violation::schema("", error.to_string()))
    }
}

/// Holds an answer against its request. `extra_codes` are error codes that the operator adds to those of the type.
pub fn judge(
    request: &DecisionRequest,
    decision: &Decision,
    extra_codes: &[String],
) -> Result<Outcome, Violation> {
    if decision.id != request.id {
        let detail = "the answer must repeat the id of the request";
        return Err(Violation::new(ViolationCode::IdMismatch, "/id", detail));
    }
    if decision.tags.len() > MAX_TAGS {
        return Err(Violation::schema("/tags", format!("an answer has at most {MAX_TAGS} tags")));
    }
    let verdict = decision.decision;
    for (name, there, with) in [
        ("set", decision.set.is_some(), Verdict::Allow),
        ("error", decision.error.is_some(), Verdict::Deny),
        ("challenge", decision.challenge.is_some(), Verdict::Challenge),
    ] {
        if there && verdict != with {
            return Err(Violation::schema(&json::below("", name), format!("`{name}` has no place here")));
        }
    }
    match verdict {
        Verdict::Allow => apply(request, decision).map(|result| Outcome::Allow(Box::new(result))),
        Verdict::Deny => refusal::error(request.hook, decision, extra_codes).map(Outcome::Deny),
        Verdict::Challenge => refusal::challenge(request.hook, decision).map(Outcome::Challenge),
    }
}

/// The result of an allow: the proposal, patched by `set` (RFC 7396), if that is within the limits and has what the
/// request requires. The verdict itself is not looked at; see [`judge`].
pub fn apply(request: &DecisionRequest, decision: &Decision) -> Result<Proposal, Violation> {
    let nothing = Object::new();
    let set = shape::known(decision.set.as_ref().unwrap_or(&nothing), request.hook)?;
    bounded(&set)?;
    let proposed = serde_json::to_value(&request.proposal)
        .map_err(|error| Violation::schema("", format!("the proposal cannot be written: {error}")))?;
    let patched = merge::merged(proposed, &set);
    let result: Proposal =
        serde_json::from_value(patched).map_err(|error| shape::misfit(&set, &error.to_string()))?;
    within(&request.proposal, &result, &request.limits)?;
    required(&request.requires, &result)?;
    Ok(result)
}

/// Holds a grant against the limits: what differs from the proposed one must be within them. For others than policies
/// whose word is bound by the same limits.
pub fn judge_grant(proposed: &Grant, grant: &Grant, limits: &GrantLimits) -> Result<(), Violation> {
    grant::check(Some(proposed), Some(grant), Some(limits))
}

fn bounded(set: &Object) -> Result<(), Violation> {
    let whole = Value::Object(set.clone());
    if json::depth(&whole) > MAX_DEPTH {
        return Err(Violation::schema("", format!("nested deeper than {MAX_DEPTH}")));
    }
    match json::long_string(&whole, "") {
        Some(pointer) => Err(Violation::schema(&pointer, format!("a string has at most {MAX_STRING} bytes"))),
        None => Ok(()),
    }
}

fn within(old: &Proposal, new: &Proposal, limits: &Limits) -> Result<(), Violation> {
    grant::check(old.grant.as_ref(), new.grant.as_ref(), limits.grant.as_ref())?;
    sections::check(old, new, limits)?;
    claims::check(old, new, limits)
}

/// Every pointer must lead to something in the result.
fn required(pointers: &[String], result: &Proposal) -> Result<(), Violation> {
    if pointers.is_empty() {
        return Ok(());
    }
    let whole = serde_json::to_value(result)
        .map_err(|error| Violation::schema("", format!("the result cannot be written: {error}")))?;
    for pointer in pointers {
        if whole.pointer(pointer).is_none_or(Value::is_null) {
            let detail = "the request requires that this is set";
            return Err(Violation::new(ViolationCode::Requires, pointer, detail));
        }
    }
    Ok(())
}
