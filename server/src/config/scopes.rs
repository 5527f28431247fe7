//! Scope values.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A scope value.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ScopeConfig {
    /// The value.
    pub value: String,
    /// Title for the consent page, by language; `""` for any other language.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub title: BTreeMap<String, String>,
    /// Description for the consent page, by language.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub description: BTreeMap<String, String>,
    /// Whether discovery hides it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
}

impl ScopeConfig {
    /// A scope without texts.
    pub fn named(value: &str) -> Self {
        Self { value: value.to_owned(), ..Self::default() }
    }
}
