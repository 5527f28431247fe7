//! The decision API: what the server asks a sidecar at each decision point, and what the sidecar answers.
//!
//! The server proposes a result, states its limits and asks. The answer allows (with a patch of the proposal),
//! denies, or demands something more of the user first.

mod answer;
mod apply;
mod assertion;
mod discovery;
mod facts;
mod hook;
mod json;
mod limits;
mod person;
mod projection;
mod proposal;
mod request;
mod service;
mod violation;

pub use answer::{CacheHint, Challenge, DecidedBy, Decision, PolicyError, Reason, Verdict};
pub use apply::{MAX_ANSWER_BYTES, MAX_TAGS, Outcome, apply, judge, judge_grant};
pub use assertion::*;
pub use discovery::{PolicyAuth, PolicyDocument, SidecarInfo, SupportedType};
pub use facts::*;
pub use hook::{HookType, ParseHookError};
pub use json::{MAX_DEPTH, MAX_STRING, parse as strict_json};
pub use limits::*;
pub use person::*;
pub use projection::{can_lead, project};
pub use proposal::*;
pub use request::{ChainPosition, DecisionRequest, Mode};
pub use service::*;
pub use violation::{Violation, ViolationCode};
#[cfg(feature = "serve")]
pub(crate) use {apply::difference, json::parse};
#[cfg(feature = "check")]
pub(crate) use {apply::merged, json::below};

/// The version of the protocol that these types speak.
pub const PROTOCOL: &str = "1.0";
/// The header with the id of a decision, also its replay key (Standard Webhooks).
pub const HEADER_ID: &str = "webhook-id";
/// The header with the instant of the signature, in seconds since the epoch (Standard Webhooks).
pub const HEADER_TIMESTAMP: &str = "webhook-timestamp";
/// The header with the signatures, separated by spaces (Standard Webhooks).
pub const HEADER_SIGNATURE: &str = "webhook-signature";
/// The header with the time that is left for an answer, in milliseconds.
pub const HEADER_TIMEOUT: &str = "placet-timeout-ms";
/// The path of the discovery document.
pub const WELL_KNOWN: &str = "/.well-known/placet-policy";
