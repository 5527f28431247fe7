//! Types of authorization details.

use std::{collections::BTreeMap, path::PathBuf};

use placet_sdk::grant::Object;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A type of authorization details (RFC 9396): what its details must be, how they are shown to users, and what may
/// become of them. Details of other types are refused.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DetailsTypeConfig {
    /// Its name: the value of `type`.
    #[serde(rename = "type")]
    pub name: String,
    /// JSON Schema (draft 2020-12 unless it says otherwise) of one detail, as a TOML table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<Object>,
    /// File with the JSON Schema, instead of `schema`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema_file: Option<PathBuf>,
    /// Title for the consent page, by language; `""` for any other language.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub title: BTreeMap<String, String>,
    /// Description for the consent page, by language.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub description: BTreeMap<String, String>,
    /// How members are called on the consent page: by JSON pointer (`/creditorName`), the name by language.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, BTreeMap<String, String>>,
    /// JSON pointers of members that consent and policies may add or change: the account that a user chose. Everything
    /// else is granted as it was asked for, or not at all.
    pub enrichable: Vec<String>,
    /// JSON pointers of arrays of which a client may later ask for fewer elements, at the token endpoint.
    pub narrowable: Vec<String>,
    /// Resources that `locations` of such a detail may name. Empty: any resource that the client may ask for.
    pub resources: Vec<String>,
    /// The user is asked each time, whatever is remembered: consent to one payment is none to the next.
    pub one_time: bool,
}
