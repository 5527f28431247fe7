//! What access tokens say besides what the server always writes, and what is said of verified claims.

use placet_sdk::grant::Object;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How `scope` is written into an access token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScopeForm {
    /// One string, the values separated by spaces (RFC 9068 section 2.2.3).
    #[default]
    String,
    /// An array of strings, for resource servers that expect one.
    Array,
}

/// A member of an access token that can be left out: whatever else it has, its readers need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OptionalMember {
    /// When the user authenticated.
    AuthTime,
    /// Authentication context class reference.
    Acr,
    /// Authentication methods.
    Amr,
}

impl OptionalMember {
    /// Its name in the token.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthTime => "auth_time",
            Self::Acr => "acr",
            Self::Amr => "amr",
        }
    }
}

/// What access tokens say, JWTs and the answers of introspection alike. A token has the profile of its resources, else
/// that of its client, else none.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AccessTokenProfile {
    /// Its name: letters, digits, `_` and `-`. Clients choose it by that (`access_token.profile`).
    pub name: String,
    /// Tokens have this profile if each audience of theirs is among these. A resource is in one profile at most.
    pub resources: Vec<String>,
    /// Names of claims about the user that tokens carry if the user consented that the client gets them.
    pub claims: Vec<String>,
    /// Names of claims about the user that tokens carry whether or not the user was asked: what the operator's own
    /// APIs must know, like groups. Only claims sources tell them.
    pub unconsented_claims: Vec<String>,
    /// Claims with their values, the same in every token. Those of the client come before them.
    #[serde(skip_serializing_if = "Object::is_empty")]
    pub static_claims: Object,
    /// `string` (the default) or `array`.
    pub scope: ScopeForm,
    /// Members that are left out: `auth_time`, `acr`, `amr`.
    pub omit: Vec<OptionalMember>,
}

/// What discovery says of verified claims (OpenID Connect for Identity Assurance 1.0 section 8). Whoever owns the claim
/// `verified_claims` tells them; nothing is announced while this is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct IdentityAssurance {
    /// Trust frameworks by which identities are verified.
    pub trust_frameworks: Vec<String>,
    /// Claims that can be verified. Others are never passed on in `verified_claims`.
    pub claims: Vec<String>,
    /// Types of evidence: `document`, `electronic_record`, `vouch`, `electronic_signature`.
    pub evidence: Vec<String>,
    /// Types of documents; needed with the evidence `document`.
    pub documents: Vec<String>,
    /// Methods by which documents are verified.
    pub documents_methods: Vec<String>,
    /// Methods by which documents are checked.
    pub documents_check_methods: Vec<String>,
    /// Types of electronic records; needed with the evidence `electronic_record`.
    pub electronic_records: Vec<String>,
    /// Whether attachments are `embedded`, `external`, or either.
    pub attachments: Vec<String>,
    /// Digest algorithms of external attachments, among them `sha-256`.
    pub digest_algorithms: Vec<String>,
}

impl IdentityAssurance {
    /// Whether anything is said.
    pub fn is_empty(&self) -> bool {
        self.lists().into_iter().all(|(_, list)| list.is_empty())
    }

    /// The members of the discovery document; a list without values is none.
    pub fn metadata(&self) -> Object {
        let mut members = Object::new();
        if self.is_empty() {
            return members;
        }
        members.insert("verified_claims_supported".to_owned(), true.into());
        for (name, list) in self.lists().into_iter().filter(|(_, list)| !list.is_empty()) {
            members.insert(name.to_owned(), Value::from(list.to_vec()));
        }
        members
    }

    fn lists(&self) -> [(&'static str, &[String]); 9] {
        [
            ("trust_frameworks_supported", &self.trust_frameworks),
            ("claims_in_verified_claims_supported", &self.claims),
            ("evidence_supported", &self.evidence),
            ("documents_supported", &self.documents),
            ("documents_methods_supported", &self.documents_methods),
            ("documents_check_methods_supported", &self.documents_check_methods),
            ("electronic_records_supported", &self.electronic_records),
            ("attachments_supported", &self.attachments),
            ("digest_algorithms_supported", &self.digest_algorithms),
        ]
    }
}
