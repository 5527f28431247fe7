//! How authorization requests come here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Request objects (RFC 9101): authorization requests as JWTs that their client signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a setting of its own in the file")]
pub struct RequestObjectsConfig {
    /// Whether every authorization request has to be a signed request object; else it is for each client to say
    /// (`require_signed_request_object`).
    pub required: bool,
    /// Whether `request_uri` may lead to an object that the client serves. Only URLs that it registered (`request_uris`)
    /// are asked, under the rules of `[outbound]`.
    pub by_reference: bool,
    /// Whether objects without a signature are taken (`none`, OpenID Connect Core section 6.1): from clients that registered
    /// `none` as their `request_object_signing_alg`, or no algorithm at all. What such an object says counts as much as a
    /// query: anybody can have written it.
    pub unsigned: bool,
    /// Whether the header must have the type `oauth-authz-req+jwt`; else `JWT` and no type do as well.
    pub explicit_type: bool,
    /// Whether `exp` is needed.
    pub expires: bool,
    /// How long an object may be good for, in seconds: `nbf` and `exp` are then needed, `exp` at most so long after `nbf`,
    /// and `nbf` at most so long ago. FAPI wants 3600. Absent means that only `exp` bounds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_lifetime: Option<u32>,
    /// Whether an object with a `jti` is good once. A page that is loaded again then needs a new one, unless the object was
    /// pushed.
    pub single_use: bool,
}

impl Default for RequestObjectsConfig {
    fn default() -> Self {
        Self {
            required: false,
            by_reference: false,
            unsigned: false,
            explicit_type: false,
            expires: true,
            max_lifetime: None,
            single_use: false,
        }
    }
}

/// Pushed authorization requests (RFC 9126).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ParConfig {
    /// Whether every authorization request has to be pushed; else it is for each client to say
    /// (`require_pushed_authorization_requests`).
    pub required: bool,
}
