//! Errors of Placet's own JSON APIs: `application/problem+json` (RFC 9457).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Instant, interaction::ClientInfo};

/// An error of the interaction API.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Problem {
    /// Identifies the kind of problem.
    #[serde(rename = "type")]
    pub problem_type: String,
    /// A short summary of the kind.
    pub title: String,
    /// The HTTP status.
    #[schemars(range(min = 400, max = 599))]
    pub status: u16,
    /// What went wrong this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The resource it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Stable, `snake_case`; programs decide by it.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9_]*$"))]
    pub code: String,
    /// Finds the server's log line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// What is wrong with the body, member by member.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// `step_conflict`, `step_ahead`: where the interaction is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_step: Option<u32>,
    /// `step_conflict`, `type_mismatch`: what it asks now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_type: Option<String>,
    /// `interaction_expired`: whose request it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientInfo>,
    /// `interaction_expired`: where the user can start again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart_uri: Option<String>,
    /// When the thing expired, where it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expired_at: Option<Instant>,
}

/// What is wrong with a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FieldError {
    /// JSON pointer to it (RFC 6901); empty for the whole body.
    #[schemars(regex(pattern = r"^(/([^~/]|~[01])*)*$"))]
    pub pointer: String,
    /// Stable, `snake_case`.
    pub code: String,
    /// For humans.
    pub detail: String,
}
