//! The log of decisions.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The log of decisions: one JSON record for each. Passwords, one-time passwords, user codes, what users entered on pages
/// of login apps, and raw tokens never stand in it.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DecisionLogConfig {
    /// Write records to the standard output, one on a line.
    pub stdout: bool,
    /// Append records to this file, one on a line. It may be moved away at any time: a new one is begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// Nothing is issued until the record is in the file, safe from a crash; 503 if it cannot be written within
    /// `policy_defaults.chain_budget_ms`. Else records that cannot be written are counted and dropped, but those of
    /// decisions that put somebody in the place of another.
    pub required: bool,
    /// Write what was asked too, less what `mask` and `hash` name. In memory, the questions of the last decisions are
    /// there for the admin API in any case, less the same; `keep = 0` keeps none.
    pub questions: bool,
    /// JSON Pointers into requests of members that are replaced by `***`.
    pub mask: Vec<String>,
    /// JSON Pointers into requests of members that are replaced by a keyed digest: equal values stay comparable. The user
    /// name is among them unless this is set: people type passwords there.
    pub hash: Vec<String>,
    /// How many records are kept in memory, with their questions, for the admin API.
    pub keep: u32,
}

impl Default for DecisionLogConfig {
    fn default() -> Self {
        Self {
            stdout: false,
            file: None,
            required: false,
            questions: false,
            mask: Vec::new(),
            hash: vec!["/password/username".to_owned()],
            keep: 1_000,
        }
    }
}
