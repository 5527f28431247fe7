//! Issuers of assertions that the operator trusts.

use placet_sdk::{decision::Trust, grant::Object};
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

/// What is believed of SAML assertions (RFC 7522).
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SamlConfig {
    /// Whose assertions count. The sidecar of `assertion.saml2` has their keys; the server holds what it says of an
    /// assertion against this list, so that the program that reads XML cannot vouch for whom it likes.
    pub issuers: Vec<SamlIssuer>,
}

/// An issuer whose SAML assertions count as authorization grants.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SamlIssuer {
    /// Its name: the `Issuer` of its assertions, compared byte for byte.
    pub entity_id: String,
    /// `third_party`, or `self` for a client that issues assertions about itself: then `client_ids` names it.
    pub trust: Trust,
    /// Clients that may present its assertions; empty means any that is registered for the grant.
    pub client_ids: Vec<String>,
    /// How long, in seconds, an assertion may be good for at the most, from now on and from its `IssueInstant`.
    pub max_lifetime: u32,
    /// Signature algorithms that its assertions may have, as XML Signature names them behind the `#`.
    pub algorithms: Vec<String>,
}

impl Default for SamlIssuer {
    fn default() -> Self {
        Self {
            entity_id: String::new(),
            trust: Trust::ThirdParty,
            client_ids: Vec::new(),
            max_lifetime: 600,
            algorithms: SAML_ALGORITHMS.map(str::to_owned).to_vec(),
        }
    }
}

/// Signature algorithms of SAML assertions that may be allowed: none with SHA-1, none with a shared key.
pub(super) const SAML_ALGORITHMS: [&str; 6] =
    ["rsa-sha256", "rsa-sha384", "rsa-sha512", "ecdsa-sha256", "ecdsa-sha384", "ecdsa-sha512"];
