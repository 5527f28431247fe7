//! The Grant object: one vocabulary for the consent of a UI, for a policy's proposal and patch, and for
//! stored authorizations.
//!
//! Absent means "not set"; `[]` means "explicitly none".

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::{Map, Value};

use crate::Instant;

/// A JSON object whose members the contract does not know.
pub type Object = Map<String, Value>;

/// What is granted, and how its tokens shall look.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Grant {
    /// Local subject of the tokens, at most 255 characters; absent for client credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub sub: Option<String>,
    /// The acting party (RFC 8693 section 4.1), nested at most five deep.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub act: Option<Actor>,
    /// Who may act for the subject later (RFC 8693 section 4.4); copied into the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub may_act: Option<Object>,
    /// Granted scope values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<Vec<String>>,
    /// Granted resource indicators (RFC 8707).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Vec<String>>,
    /// Granted authorization details (RFC 9396).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_details: Option<Vec<Object>>,
    /// Consented claim names, per target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claims: Option<GrantedClaims>,
    /// Authentication facts; settable only where the server itself did not see the authentication.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authentication: Option<Authentication>,
    /// Settings of the access token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token: Option<AccessTokenSettings>,
    /// Settings of the refresh token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<RefreshTokenSettings>,
    /// Settings of the ID token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<IdTokenSettings>,
    /// Preset values for `UserInfo`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo: Option<UserinfoSettings>,
    /// Server-side only, at most 8 KiB: kept with the authorization, never in a token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Object>,
    /// At most 4 KiB, handed to claims sources.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claims_context: Option<Object>,
}

/// A link of the actor chain (RFC 8693 section 4.1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Actor {
    /// Subject of the actor.
    pub sub: String,
    /// Issuer of that subject, where it is not this server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iss: Option<String>,
    /// The client that acts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The actor before this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Box<Actor>>,
}

/// Claim names per target; language tags are allowed (`name#fr`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GrantedClaims {
    /// For the ID token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<Vec<String>>,
    /// For `UserInfo`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo: Option<Vec<String>>,
    /// For the access token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token: Option<Vec<String>>,
}

/// Facts about an authentication.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Authentication {
    /// When it happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authenticated_at: Option<Instant>,
    /// Authentication context class reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// Authentication methods (RFC 8176).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amr: Option<Vec<String>>,
}

/// How an access token is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// A JWT after RFC 9068.
    Jwt,
    /// A random string; facts by introspection.
    Opaque,
}

/// Which subject identifier a token shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SubType {
    /// The local subject.
    Public,
    /// One that differs per sector (OpenID Connect Core section 8.1).
    Pairwise,
}

/// Whether a token is bound to a key of its holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SenderConstraint {
    /// A bearer token.
    None,
    /// Bound when the request proved a key.
    IfPresented,
    /// Refused without proof of a key.
    Required,
}

/// Settings of an access token.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AccessTokenSettings {
    /// JWT or opaque.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// Lifetime in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<u32>,
    /// Overrides the audience that follows from `resources`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<Vec<String>>,
    /// Public or pairwise subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_type: Option<SubType>,
    /// Nested JWE to the resource server's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encrypt: Option<bool>,
    /// Binding to a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender_constraint: Option<SenderConstraint>,
    /// Exactly one introspection or `UserInfo` call finds the token active (opaque tokens only).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub single_use: Option<bool>,
    /// Extra claims with values; every reader of the token sees them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claims: Option<Object>,
}

/// When a refresh token is replaced by its successor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rotation {
    /// The token stays the same.
    Never,
    /// Every refresh gives a new one.
    Always,
    /// Rotate unless the token is sender-constrained or the client authenticates.
    Auto,
}

/// Where what is known of a token lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tokens {
    /// Refresh tokens are known to the store, one row for each family.
    #[default]
    Stored,
    /// Refresh tokens carry everything themselves, sealed to the server: see `docs/stateless.md`.
    Stateless,
}

/// Settings of a refresh token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RefreshTokenSettings {
    /// Whether one is issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issue: Option<bool>,
    /// Lifetime of the family in seconds; 0 means as long as the authorization.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<u32>,
    /// Seconds without use after which it dies; 0 means no such limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_idle: Option<u32>,
    /// When it is replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotation: Option<Rotation>,
    /// How long, in seconds, the direct parent is still answered with the same child, if the child is unused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 300))]
    pub grace: Option<u32>,
    /// Where what is known of it lies, for as long as the authorization lives: settled when that is granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Tokens>,
}

/// Settings of an ID token.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct IdTokenSettings {
    /// Whether one is issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issue: Option<bool>,
    /// Lifetime in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<u32>,
    /// Audiences besides the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<Vec<String>>,
    /// Preset values, kept for refreshed ID tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claims: Option<Object>,
    /// A new ID token with each refresh while the session lives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reissue_on_refresh: Option<bool>,
}

/// Preset values for `UserInfo`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UserinfoSettings {
    /// Claim values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claims: Option<Object>,
}

/// Reads a grant of a server that may be newer: members that these types do not know are left out. What a login app
/// or a policy sends is read strictly instead.
pub(crate) fn lenient<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Grant>, D::Error> {
    let Some(mut grant) = Option::<Object>::deserialize(deserializer)? else { return Ok(None) };
    let known =
        |section: &str| MEMBERS.iter().find(|(name, _)| *name == section).map(|(_, members)| *members);
    grant.retain(|name, _| known("").is_some_and(|members| members.contains(&name.as_str())));
    for (name, value) in &mut grant {
        if let (Some(members), Value::Object(inner)) = (known(name), value) {
            inner.retain(|name, _| members.contains(&name.as_str()));
        }
    }
    serde_json::from_value(Value::Object(grant)).map(Some).map_err(D::Error::custom)
}

/// The members of a grant, and of its sections.
const MEMBERS: [(&str, &[&str]); 7] = [
    (
        "",
        &[
            "sub",
            "act",
            "may_act",
            "scope",
            "resources",
            "authorization_details",
            "claims",
            "authentication",
            "access_token",
            "refresh_token",
            "id_token",
            "userinfo",
            "data",
            "claims_context",
        ],
    ),
    ("claims", &["id_token", "userinfo", "access_token"]),
    ("authentication", &["authenticated_at", "acr", "amr"]),
    (
        "access_token",
        &[
            "encoding",
            "lifetime",
            "audience",
            "sub_type",
            "encrypt",
            "sender_constraint",
            "single_use",
            "claims",
        ],
    ),
    ("refresh_token", &["issue", "lifetime", "max_idle", "rotation", "grace", "tokens"]),
    ("id_token", &["issue", "lifetime", "audience", "claims", "reissue_on_refresh"]),
    ("userinfo", &["claims"]),
];

/// Parameters that the specifications do not define, each with all its values.
pub type Parameters = BTreeMap<String, Vec<String>>;

/// Claim names that `claims` objects may never set: the server alone writes them.
pub const RESERVED_CLAIMS: [&str; 30] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "nbf",
    "jti",
    "client_id",
    "scope",
    "cnf",
    "act",
    "may_act",
    "sid",
    "nonce",
    "auth_time",
    "acr",
    "amr",
    "azp",
    "at_hash",
    "c_hash",
    "s_hash",
    "ds_hash",
    "authorization_details",
    "txn",
    "_claim_names",
    "_claim_sources",
    "events",
    "sub_jwk",
    "urn:openid:params:jwt:claim:auth_req_id",
    "urn:openid:params:jwt:claim:rt_hash",
];

/// Whether the server alone writes a claim, with or without a language tag.
pub fn is_reserved_claim(name: &str) -> bool {
    RESERVED_CLAIMS.contains(&name.split('#').next().unwrap_or(name))
}

#[cfg(test)]
mod tests {
    use schemars::schema_for;

    use super::*;

    #[test]
    fn the_list_of_members_is_that_of_the_types() {
        let schema = schema_for!(Grant).to_value();
        let mut names: Vec<&str> =
            schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        let mut known = MEMBERS[0].1.to_vec();
        names.sort_unstable();
        known.sort_unstable();
        assert_eq!(names, known);
        for (section, members) in &MEMBERS[1..] {
            let mut all = Object::new();
            for member in *members {
                all.insert((*member).to_owned(), Value::Null);
            }
            let whole = serde_json::json!({ *section: all });
            assert!(serde_json::from_value::<Grant>(whole).is_ok(), "{section}");
        }
    }

    #[test]
    fn members_of_a_newer_server_are_ignored() {
        #[derive(Deserialize)]
        struct Outer {
            #[serde(deserialize_with = "lenient")]
            grant: Option<Grant>,
        }
        let newer = serde_json::json!({
            "grant": {"sub": "alice", "colour": "red", "access_token": {"lifetime": 60, "shape": "round"}}
        });
        let grant = serde_json::from_value::<Outer>(newer).unwrap().grant.unwrap();
        assert_eq!(grant.sub.as_deref(), Some("alice"));
        assert_eq!(grant.access_token.unwrap().lifetime, Some(60));
    }
}
