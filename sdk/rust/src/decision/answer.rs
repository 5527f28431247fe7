//! What a sidecar answers.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::grant::Object;

/// The answer to a decision request. Only status 200 with this body is an answer; everything else is a failure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    /// The id of the request, repeated.
    pub id: String,
    /// Allow, deny or challenge.
    pub decision: Verdict,
    /// With allow only: a JSON Merge Patch (RFC 7396) over `proposal`. Which sections it may hold depends on the type;
    /// an unknown member is a failure, members starting with `x-` are ignored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<Object>,
    /// With deny: what the client is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<PolicyError>,
    /// With challenge: what is needed first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<Challenge>,
    /// Why; for the decision log alone, never for clients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Labels for log and metrics, at most 16.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// What decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<DecidedBy>,
    /// How long the decision may be used again; absent means not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheHint>,
}

/// Allow, deny or challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As proposed, patched by `set`.
    Allow,
    /// No; `error` says what the client is told.
    Deny,
    /// Not yet; `challenge` says what is needed.
    Challenge,
}

/// What a client is told when a policy denies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyError {
    /// An error code that the type allows.
    pub code: String,
    /// For the client's developer; printable ASCII without `"` and `\` (RFC 6749 section 5.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A page about the error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
}

/// What is needed before the answer can be allow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Challenge {
    /// A stronger or fresher authentication.
    StepUp {
        /// Acceptable authentication context classes, best first.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        acr_values: Vec<String>,
        /// Authentication methods that must be among those used (RFC 8176).
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        amr_values: Vec<String>,
        /// At most so many seconds ago.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max_age: Option<u64>,
        /// For the page.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// The user has to consent, even to what was consented to before.
    Consent {
        /// The scope values it is about; none means all that are requested.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        scope: Vec<String>,
        /// For the page.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// The user has to choose an account.
    SelectAccount {
        /// For the page.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// A page of the login app that only it and this policy know; its result comes back in `interaction.results`.
    Prompt {
        /// The page.
        name: String,
        /// What it shows.
        #[serde(default, skip_serializing_if = "Object::is_empty")]
        params: Object,
        /// For the page.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
}

/// Why a policy decided as it did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    /// A short stable word.
    pub code: String,
    /// A sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// Which policy decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DecidedBy {
    /// Its name.
    pub name: String,
    /// Its version; a new one makes the server forget the decisions of the old one.
    pub version: String,
}

/// How long a decision may be used again. The server's registration has to agree; the shorter time counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CacheHint {
    /// In seconds.
    pub max_age: u32,
    /// Seconds after `max_age` during which it still serves while the sidecar fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stale_if_error: Option<u32>,
}

impl Decision {
    /// An allow of the proposal as it is.
    pub fn allow(id: impl Into<String>) -> Self {
        Self::new(id, Verdict::Allow)
    }

    /// A denial.
    pub fn deny(id: impl Into<String>, code: impl Into<String>) -> Self {
        let error = PolicyError { code: code.into(), description: None, uri: None };
        Self { error: Some(error), ..Self::new(id, Verdict::Deny) }
    }

    /// A challenge.
    pub fn challenge(id: impl Into<String>, challenge: Challenge) -> Self {
        Self { challenge: Some(challenge), ..Self::new(id, Verdict::Challenge) }
    }

    fn new(id: impl Into<String>, decision: Verdict) -> Self {
        Self {
            id: id.into(),
            decision,
            set: None,
            error: None,
            challenge: None,
            reason: None,
            tags: BTreeMap::new(),
            policy: None,
            cache: None,
        }
    }
}
