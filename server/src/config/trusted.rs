//! Issuers of assertions that the operator trusts.

use placet_sdk::grant::Object;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An issuer whose JWTs count as authorization grants (RFC 7523) and as subject and actor tokens (RFC 8693).
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrustedIssuer {
    /// Its identifier: the `iss` of its JWTs, compared byte for byte.
    pub issuer: String,
    /// Where its public keys are: an https URL, fetched under the rules of `[outbound]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// Its public keys (RFC 7517), instead of `jwks_uri`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Object>,
    /// Signature algorithms that its JWTs may have.
    pub algorithms: Vec<String>,
    /// Values of `typ` that its JWTs may have; `""` stands for none.
    pub types: Vec<String>,
    /// Audiences that stand for this server, besides the issuer identifier and the token endpoint.
    pub audiences: Vec<String>,
    /// How long, in seconds, a JWT may be good for at the most, from now on and from its `iat`.
    pub max_lifetime: u32,
    /// Clients that may present its JWTs; empty means any that is registered for the grant.
    pub client_ids: Vec<String>,
}

impl Default for TrustedIssuer {
    fn default() -> Self {
        Self {
            issuer: String::new(),
            jwks_uri: None,
            jwks: None,
            algorithms: ["RS256", "PS256", "ES256", "EdDSA"].map(str::to_owned).to_vec(),
            types: ["JWT", ""].map(str::to_owned).to_vec(),
            audiences: Vec::new(),
            max_lifetime: 600,
            client_ids: Vec::new(),
        }
    }
}
