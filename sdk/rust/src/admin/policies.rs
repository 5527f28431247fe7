//! Policies, as an operator sees and changes them, and what they would say.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::decisions::{DecisionOutcome, PolicyRecord};
use crate::{
    InstantMillis,
    decision::{Challenge, DecisionRequest, HookType, PolicyError, Proposal},
};

/// What decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BackendKind {
    /// A sidecar that speaks the decision API.
    #[default]
    Http,
    /// The rules in `[policy.rules]`, within the server: they survive every outage.
    Rules,
    /// A decision point that speaks the AuthZEN Authorization API 1.0.
    Authzen,
    /// An Open Policy Agent that speaks its REST API.
    Opa,
}

impl BackendKind {
    /// The name as it stands in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Rules => "rules",
            Self::Authzen => "authzen",
            Self::Opa => "opa",
        }
    }
}

/// What happens when a policy fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// Nothing is issued: 503, to be tried again.
    #[default]
    Fail,
    /// It counts as a denial.
    Deny,
    /// The last good decision serves for `cache.stale_for` seconds, then as `fail`.
    Stale,
    /// The proposal stands, marked as degraded.
    Proceed,
}

impl OnFailure {
    /// Everything that can happen.
    pub const ALL: [Self; 4] = [Self::Fail, Self::Deny, Self::Stale, Self::Proceed];

    /// The name as it stands in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Deny => "deny",
            Self::Stale => "stale",
            Self::Proceed => "proceed",
        }
    }
}

/// Whether the answers of a policy count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PolicyMode {
    /// They count.
    #[default]
    Enforce,
    /// It is asked on the side, and its answers are only compared with what was done.
    Shadow,
    /// It is not asked.
    Off,
}

impl PolicyMode {
    /// The name as it stands in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Shadow => "shadow",
            Self::Off => "off",
        }
    }
}

/// Whether an endpoint is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// It is.
    Closed,
    /// A single probe is let through.
    HalfOpen,
    /// It is not.
    Open,
}

impl BreakerState {
    /// The word for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::HalfOpen => "half_open",
            Self::Open => "open",
        }
    }
}

/// Why a policy did not decide. The words stand in logs and metrics too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
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
    /// Every reason.
    pub const ALL: [Self; 18] = [
        Self::Connect,
        Self::Tls,
        Self::Timeout,
        Self::HttpStatus,
        Self::Redirect,
        Self::ContentType,
        Self::TooLarge,
        Self::Malformed,
        Self::Schema,
        Self::IdMismatch,
        Self::Signature,
        Self::Limit,
        Self::Requires,
        Self::ErrorCode,
        Self::BreakerOpen,
        Self::Bulkhead,
        Self::Budget,
        Self::NotImplemented,
    ];

    /// The word.
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

/// A policy as it is right now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyState {
    /// Its name.
    pub name: String,
    /// The decisions it takes part in.
    pub types: Vec<HookType>,
    /// What decides.
    pub backend: BackendKind,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its place: the lowest is asked first.
    pub order: i32,
    /// Whether its answers count.
    pub mode: PolicyMode,
    /// Order or mode are not what the configuration says: somebody changed them since the server started.
    pub changed: bool,
    /// What happens when it fails, if that was set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<OnFailure>,
    /// Whether its endpoint is asked; absent if it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaker: Option<BreakerState>,
    /// The name that it gives itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub software: Option<String>,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Its last failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<FailureState>,
}

/// The failure of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FailureState {
    /// When it was.
    pub at: InstantMillis,
    /// Why it did not decide.
    pub code: FailureCode,
    /// What happened.
    pub detail: String,
}

/// A change of a policy, until the server starts again. What is left out stays; one of both has to be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyChange {
    /// Whether its answers count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<PolicyMode>,
    /// Its place: the lowest is asked first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<i32>,
}

/// What policies are to be asked, without any effect: exactly one of both members.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SimulationRequest {
    /// A question, as a policy would be sent it. Id, instants, mode, attempt, issuer and chain are the server's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Box<DecisionRequest>>,
    /// The question of this decision of the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision_id: Option<String>,
}

/// What policies would say to a question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Simulation {
    /// What would come of it.
    pub outcome: DecisionOutcome,
    /// The proposal as it would be.
    pub proposal: Proposal,
    /// The error of a denial.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<PolicyError>,
    /// What would be needed first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<Challenge>,
    /// The failure, and where the answer breaks the contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureState>,
    /// What each policy said, in order; those in shadow last.
    pub policies: Vec<PolicyRecord>,
    /// How long all of it took, in milliseconds.
    pub duration_ms: u64,
}

#[cfg(test)]
mod tests {
    use schemars::{JsonSchema, schema_for};
    use serde_json::Value;

    use super::*;

    /// The words of all variants, in their order.
    fn words<T: JsonSchema>() -> Vec<Value> {
        let schema = schema_for!(T).to_value();
        schema["oneOf"].as_array().unwrap().iter().map(|variant| variant["const"].clone()).collect()
    }

    #[test]
    fn lists_of_all_variants_leave_none_out_and_agree_with_their_words() {
        assert_eq!(FailureCode::ALL.map(FailureCode::as_str).to_vec(), words::<FailureCode>());
        assert_eq!(OnFailure::ALL.map(OnFailure::as_str).to_vec(), words::<OnFailure>());
        assert_eq!(HookType::ALL.map(HookType::as_str).to_vec(), words::<HookType>());
    }
}
