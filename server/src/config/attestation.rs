//! Clients whose instances are attested.

use placet_sdk::grant::Object;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Config;
use crate::jwks;

/// The name that stands for every client.
const ANY: &str = "*";

/// Clients that authenticate with an attestation about the very installation that asks, and a proof of its key (OAuth 2.0
/// Attestation-Based Client Authentication, a draft): `attest_jwt_client_auth` and `attest_jwt_client_auth_dpop`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClientAttestationConfig {
    /// Whether clients may authenticate so.
    pub enabled: bool,
    /// Refuse proofs that do not answer a challenge of this server (`use_attestation_challenge`): they may have been made in
    /// advance. Discovery then names the `challenge_endpoint`. A challenge is good as long as a nonce of `[dpop]`, and is one.
    pub require_challenge: bool,
    /// Who vouches for instances.
    pub attesters: Vec<Attester>,
}

/// Somebody whose word on instances of clients counts.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Attester {
    /// A name for the log.
    pub name: String,
    /// Its identifier: an attestation that names an issuer (`iss`) has to name this one. Absent: what it names does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Where its public keys are: an https URL, fetched under the rules of `[outbound]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// Its public keys (RFC 7517), instead of `jwks_uri`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Object>,
    /// Signature algorithms that its attestations may have.
    pub algorithms: Vec<String>,
    /// Clients whose instances it vouches for; `*` stands for every client.
    pub client_ids: Vec<String>,
    /// Attestations count for so many seconds from their `iat`, which they have to have then, however late they end. Absent: until
    /// they end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u32>,
}

impl Default for Attester {
    fn default() -> Self {
        Self {
            name: String::new(),
            issuer: None,
            jwks_uri: None,
            jwks: None,
            algorithms: ["ES256", "ES384", "PS256", "EdDSA"].map(str::to_owned).to_vec(),
            client_ids: Vec::new(),
            max_age: None,
        }
    }
}

impl Attester {
    /// Whether it vouches for this client.
    pub fn vouches_for(&self, client_id: &str) -> bool {
        self.client_ids.iter().any(|id| id == ANY || id == client_id)
    }

    /// Whether an attestation that names this issuer, or none, may be one of its.
    pub fn may_be(&self, issuer: Option<&str>) -> bool {
        match (&self.issuer, issuer) {
            (Some(own), Some(named)) => own == named,
            _ => true,
        }
    }
}

impl ClientAttestationConfig {
    /// Whether proofs have to answer a challenge.
    pub fn challenges(&self) -> bool {
        self.enabled && self.require_challenge
    }
}

impl Config {
    /// The algorithms that some attester may sign with, by the names that are published.
    pub fn attestation_algs(&self) -> Vec<String> {
        let accepted: Vec<&String> =
            self.client_attestation.attesters.iter().flat_map(|attester| &attester.algorithms).collect();
        let accepts = |name: &&str| accepted.iter().any(|alg| jwks::is_same(alg, name));
        jwks::SUPPORTED.into_iter().filter(accepts).map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attester_vouches_for_the_clients_that_are_named() {
        let of = |ids: &[&str]| Attester {
            client_ids: ids.iter().map(|id| (*id).to_owned()).collect(),
            ..Attester::default()
        };
        assert!(of(&["wallet"]).vouches_for("wallet"));
        assert!(of(&["other", "*"]).vouches_for("wallet"));
        for ids in [&[][..], &["other"], &["wallet*"], &[""]] {
            assert!(!of(ids).vouches_for("wallet"), "{ids:?}");
        }
    }

    #[test]
    fn an_issuer_that_is_named_is_the_one_that_is_set() {
        let of = |issuer: Option<&str>| Attester { issuer: issuer.map(str::to_owned), ..Attester::default() };
        assert!(of(Some("https://a.example")).may_be(Some("https://a.example")));
        assert!(!of(Some("https://a.example")).may_be(Some("https://b.example")));
        assert!(of(Some("https://a.example")).may_be(None));
        assert!(of(None).may_be(Some("https://b.example")));
    }
}
