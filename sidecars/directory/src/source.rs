//! Where users are.

mod ldap;
mod users;

use serde_json::{Map, Value};

use crate::config::SourceConfig;

pub use ldap::Ldap;
pub use users::Users;

/// What is known of a user.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entry {
    /// The local subject.
    pub sub: String,
    /// Claims by their names, language variants as `name#de`.
    pub claims: Map<String, Value>,
}

/// Why a directory does not answer.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The file or a setting cannot be used.
    #[error("the directory cannot be used: {0}")]
    Unusable(String),
    /// It does not answer, or not in time.
    #[error("the directory does not answer: {0}")]
    Unreachable(String),
    /// More than one entry is found where there can be one.
    #[error("the directory has several entries for one subject")]
    Ambiguous,
}

/// A directory.
#[derive(Debug)]
pub enum Source {
    /// The user table of `placet-login`.
    Users(Users),
    /// An LDAP directory.
    Ldap(Box<Ldap>),
}

impl Source {
    /// Opens a directory.
    pub fn open(config: &SourceConfig) -> Result<Self, SourceError> {
        Ok(match config {
            SourceConfig::Users { path } => Self::Users(Users::open(path)?),
            SourceConfig::Ldap(config) => Self::Ldap(Box::new(Ldap::open(config)?)),
        })
    }

    /// The user with this subject, if there is one.
    pub async fn by_sub(&self, sub: &str) -> Result<Option<Entry>, SourceError> {
        match self {
            Self::Users(users) => users.by_sub(sub),
            Self::Ldap(ldap) => ldap.by_sub(sub).await,
        }
    }

    /// The user whom a login hint means, if it is exactly one.
    pub async fn by_hint(&self, hint: &str) -> Result<Option<Entry>, SourceError> {
        match self {
            Self::Users(users) => users.by_hint(hint),
            Self::Ldap(ldap) => ldap.by_hint(hint).await,
        }
    }
}
