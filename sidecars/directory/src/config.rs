//! The configuration: one TOML file.

use std::{collections::BTreeMap, path::PathBuf};

use serde::Deserialize;

/// Where the users are, and how long an answer may be used again.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Seconds for which the server may use an answer again; 0 means not at all.
    #[serde(default)]
    pub cache_seconds: u32,
    /// Where the users are.
    pub source: SourceConfig,
}

/// Where the users are.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum SourceConfig {
    /// The user table of `placet-login`.
    Users {
        /// The file.
        path: PathBuf,
    },
    /// An LDAP directory (RFC 4511).
    Ldap(Box<LdapConfig>),
}

/// An LDAP directory.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LdapConfig {
    /// `ldaps://…`, or `ldap://…` with `start_tls` or on this machine.
    pub url: String,
    /// Whether the connection turns to TLS before anything is said (RFC 4511 section 4.14).
    #[serde(default)]
    pub start_tls: bool,
    /// Who asks.
    pub bind_dn: String,
    /// File with the password of who asks.
    pub bind_password_file: PathBuf,
    /// Below which entry users are.
    pub base: String,
    /// The attribute that holds the subject.
    pub sub_attribute: String,
    /// The attributes that a login hint may be.
    #[serde(default)]
    pub hint_attributes: Vec<String>,
    /// Only entries of these object classes are users.
    #[serde(default = "persons")]
    pub object_class: String,
    /// Claims, each with its attribute; a language option is written as it is: `"name#de" = "cn;lang-de"`.
    pub claims: BTreeMap<String, String>,
    /// Claims whose value is all values of the attribute, as an array.
    #[serde(default)]
    pub lists: Vec<String>,
    /// Claims that are true wherever their entry exists: `email_verified`.
    #[serde(default)]
    pub always_true: Vec<String>,
    /// How long the directory may take, in milliseconds.
    #[serde(default = "quarter_second")]
    pub timeout_ms: u64,
}

impl std::fmt::Debug for LdapConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LdapConfig").field("url", &self.url).field("base", &self.base).finish_non_exhaustive()
    }
}

fn persons() -> String {
    "person".to_owned()
}

fn quarter_second() -> u64 {
    250
}
