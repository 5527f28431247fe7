//! A signing key and its public half.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use openssl::{
    bn::BigNum,
    ec::{EcGroup, EcKey},
    nid::Nid,
    pkey::{Id, PKey},
    rsa::Rsa,
};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::outcome::Fault;

/// The algorithms that the server signs with; the first is the default of ID tokens (OpenID Connect Core
/// section 15.1).
pub const SIGNING_ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::PS256,
    Algorithm::ES256,
    Algorithm::EdDSA,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES384,
];
/// So many of them, the first, always have a key; the others from their first use on.
pub(super) const ALWAYS: usize = 4;

/// The name of an algorithm in JOSE.
pub fn algorithm_name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::RS256 => "RS256",
        Algorithm::RS384 => "RS384",
        Algorithm::RS512 => "RS512",
        Algorithm::PS256 => "PS256",
        Algorithm::PS384 => "PS384",
        Algorithm::PS512 => "PS512",
        Algorithm::ES256 => "ES256",
        Algorithm::ES384 => "ES384",
        Algorithm::EdDSA => "EdDSA",
        _ => "unsupported",
    }
}

/// The algorithm of this name, if the server signs with it.
pub fn parse_algorithm(name: &str) -> Option<Algorithm> {
    SIGNING_ALGORITHMS.into_iter().find(|a| algorithm_name(*a) == name)
}

/// The curve of an algorithm: its name in JOSE and in OpenSSL, and the bytes of a coordinate (RFC 7518 section 6.2.1).
pub(super) fn curve(algorithm: Algorithm) -> Option<(&'static str, Nid, i32)> {
    match algorithm {
        Algorithm::ES256 => Some(("P-256", Nid::X9_62_PRIME256V1, 32)),
        Algorithm::ES384 => Some(("P-384", Nid::SECP384R1, 48)),
        _ => None,
    }
}

/// A key that signs.
pub struct SigningKey {
    kid: String,
    algorithm: Algorithm,
    key: EncodingKey,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// The key in this PKCS#8 document.
    pub fn new(kid: String, algorithm: Algorithm, pkcs8: &[u8]) -> Self {
        let key = match algorithm {
            Algorithm::EdDSA => EncodingKey::from_ed_der(pkcs8),
            _ if curve(algorithm).is_some() => EncodingKey::from_ec_der(pkcs8),
            _ => EncodingKey::from_rsa_der(pkcs8),
        };
        Self { kid, algorithm, key }
    }

    /// Its algorithm.
    pub fn algorithm(&self) -> &'static str {
        algorithm_name(self.algorithm)
    }

    /// A JWT of type `typ` with these claims.
    pub fn sign(&self, typ: &str, claims: &impl Serialize) -> Result<String, Fault> {
        let mut header = Header::new(self.algorithm);
        header.typ = Some(typ.to_owned());
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, claims, &self.key).map_err(|e| Fault::new("signature", e))
    }
}

/// Reads a public key that OpenSSL wrote.
type ReadKey = fn(&[u8]) -> DecodingKey;

/// A key that verifies.
pub struct VerifyingKey {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl std::fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VerifyingKey").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

impl VerifyingKey {
    /// The key in a JWK that this server made.
    pub fn from_jwk(algorithm: Algorithm, jwk: &Map<String, Value>) -> Result<Self, Fault> {
        let broken = |e: openssl::error::ErrorStack| Fault::new("keys", e);
        let number = |name: &str| {
            let bytes = jwk
                .get(name)
                .and_then(Value::as_str)
                .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok())
                .ok_or_else(|| Fault::new("keys", format!("a public key without `{name}`")))?;
            Ok::<_, Fault>(bytes)
        };
        let integer = |name: &str| BigNum::from_slice(&number(name)?).map_err(broken);
        let (der, read): (Vec<u8>, ReadKey) = match (algorithm, curve(algorithm)) {
            (Algorithm::EdDSA, _) => {
                let key = PKey::public_key_from_raw_bytes(&number("x")?, Id::ED25519).map_err(broken)?;
                (key.public_key_to_der().map_err(broken)?, DecodingKey::from_ed_der)
            }
            (_, Some((_, nid, _))) => {
                let group = EcGroup::from_curve_name(nid).map_err(broken)?;
                let point =
                    EcKey::from_public_key_affine_coordinates(&group, &*integer("x")?, &*integer("y")?)
                        .map_err(broken)?;
                (point.public_key_to_der().map_err(broken)?, DecodingKey::from_ec_der)
            }
            (_, None) => {
                let rsa = Rsa::from_public_components(integer("n")?, integer("e")?).map_err(broken)?;
                (rsa.public_key_to_der().map_err(broken)?, DecodingKey::from_rsa_der)
            }
        };
        Ok(Self { algorithm, key: read(&der) })
    }

    /// Whether `signature` (base64url) is this key's over `message`, by its own algorithm: the one in the
    /// JWT's header must be the same (RFC 8725 section 3.1).
    pub fn verify(&self, header_algorithm: &str, message: &[u8], signature: &str) -> bool {
        algorithm_name(self.algorithm) == header_algorithm
            && jsonwebtoken::crypto::verify(signature, message, &self.key, self.algorithm).unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::keys::{pair, purpose::Purpose};

    #[test]
    fn every_algorithm_signs_what_its_own_public_jwk_verifies_and_no_other() {
        crate::keys::provider::install();
        let mut verifiers = Vec::new();
        let mut tokens = Vec::new();
        for algorithm in SIGNING_ALGORITHMS {
            let pair = pair::generate(Purpose::Signing(algorithm)).unwrap();
            verifiers.push(VerifyingKey::from_jwk(algorithm, &pair.public_jwk("k").unwrap()).unwrap());
            let key = SigningKey::new("k".to_owned(), algorithm, &pair.pkcs8);
            tokens.push((algorithm, key.sign("at+jwt", &json!({ "sub": "alice" })).unwrap()));
        }
        for (i, verifier) in verifiers.iter().enumerate() {
            for (j, (algorithm, token)) in tokens.iter().enumerate() {
                let (message, signature) = token.rsplit_once('.').unwrap();
                let verified = verifier.verify(algorithm_name(*algorithm), message.as_bytes(), signature);
                assert_eq!(verified, i == j, "key {i}, token {j}");
            }
        }
    }
}
