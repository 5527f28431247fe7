//! Public keys of others: of clients and of trusted issuers (RFC 7517).

mod certificate;
mod fetched;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey};
use openssl::{
    bn::BigNum,
    ec::{EcGroup, EcKey},
    nid::Nid,
    pkey::{Id, PKey},
    rsa::Rsa,
};
use placet_jose::{EncryptionKeySet, KeyError};
use placet_oauth::jwt::Compact;
use serde_json::{Map, Value};

use crate::outbound::FetchError;
use certificate::Registered;
pub use fetched::KeySets;

/// The weakest RSA key (RFC 7518 section 3.3), and the largest: verification gets dear.
const RSA_BITS: std::ops::RangeInclusive<i32> = 2048..=8192;
/// How long its public exponent may be: with one as long as the modulus, to verify costs as much as to sign.
const RSA_EXPONENT_BITS: std::ops::RangeInclusive<i32> = 2..=64;
/// A public key with the algorithms it may be used for.
struct PublicKey {
    kid: Option<String>,
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

impl PublicKey {
    fn verifies(&self, jwt: &Compact<'_>, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
            && jsonwebtoken::crypto::verify(jwt.signature, jwt.message.as_bytes(), &self.key, algorithm)
                .unwrap_or(false)
    }
}

/// The public keys of somebody.
pub struct KeySet {
    signatures: Vec<PublicKey>,
    encryption: EncryptionKeySet,
    registered: Vec<Registered>,
}

impl std::fmt::Debug for KeySet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeySet").field("signatures", &self.signatures.len()).finish_non_exhaustive()
    }
}

/// Why a key set cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    /// It is no key set, or holds what it must not hold.
    #[error("the key set {0}")]
    Malformed(&'static str),
    /// It cannot be fetched.
    #[error("the key set {0}")]
    Unreachable(#[from] FetchError),
}

impl KeySet {
    /// Reads a key set. Keys of an unknown kind are skipped.
    ///
    /// # Errors
    ///
    /// A set without `keys`, with too many, or with a private or symmetric key: whoever publishes one of these has
    /// lost it.
    pub fn parse(set: &Map<String, Value>) -> Result<Self, KeySetError> {
        let encryption = EncryptionKeySet::parse(set).map_err(|error| match error {
            KeyError::SecretPublished => KeySetError::Malformed("holds a private or symmetric key"),
            _ => KeySetError::Malformed("has no array `keys`, or too many of them"),
        })?;
        let keys = set.get("keys").and_then(Value::as_array).into_iter().flatten();
        let keys: Vec<_> = keys.filter_map(Value::as_object).collect();
        let signatures = keys.iter().filter_map(|key| public_key(key)).collect();
        let registered = keys.iter().filter_map(|key| Registered::in_key(key)).collect();
        Ok(Self { signatures, encryption, registered })
    }

    /// Those that encrypt.
    pub fn encryption(&self) -> &EncryptionKeySet {
        &self.encryption
    }

    /// Whether a JWT is signed by one of these keys, with an algorithm that is in `algorithms` and fits the key (RFC
    /// 8725 section 3.1). A `kid` in its header must be that of the key.
    pub fn verifies(&self, jwt: &Compact<'_>, algorithms: &[String]) -> bool {
        let Some(algorithm) = algorithm(&jwt.header.alg).filter(|_| {
            let wanted = canonical(&jwt.header.alg);
            algorithms.iter().any(|allowed| canonical(allowed) == wanted)
        }) else {
            return false;
        };
        self.matching(jwt).any(|key| key.verifies(jwt, algorithm))
    }

    /// Whether a key could be the one that a JWT names.
    pub fn knows(&self, jwt: &Compact<'_>) -> bool {
        self.matching(jwt).next().is_some()
    }

    fn matching<'a>(&'a self, jwt: &'a Compact<'_>) -> impl Iterator<Item = &'a PublicKey> {
        self.signatures.iter().filter(|key| jwt.header.kid.is_none() || key.kid == jwt.header.kid)
    }
}

/// Whether a JWT is signed by the key that it brings: a DPoP proof (RFC 9449 section 4.3).
pub fn verifies_by(key: &Map<String, Value>, jwt: &Compact<'_>) -> bool {
    let Some(algorithm) = algorithm(&jwt.header.alg) else { return false };
    public_key(key).is_some_and(|key| key.verifies(jwt, algorithm))
}

/// RFC 9864 names `EdDSA` with Ed25519 after its curve.
fn canonical(name: &str) -> &str {
    if name == "Ed25519" { "EdDSA" } else { name }
}

/// Whether two names mean one algorithm.
pub fn is_same(one: &str, other: &str) -> bool {
    canonical(one) == canonical(other)
}

fn algorithm(name: &str) -> Option<Algorithm> {
    Some(match canonical(name) {
        "RS256" => Algorithm::RS256,
        "RS384" => Algorithm::RS384,
        "RS512" => Algorithm::RS512,
        "PS256" => Algorithm::PS256,
        "PS384" => Algorithm::PS384,
        "PS512" => Algorithm::PS512,
        "ES256" => Algorithm::ES256,
        "ES384" => Algorithm::ES384,
        "EdDSA" => Algorithm::EdDSA,
        _ => return None,
    })
}

/// The algorithms that can be verified, by the names that are published.
pub const SUPPORTED: [&str; 9] =
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];

/// Whether an algorithm of this name can be verified.
pub fn is_supported(name: &str) -> bool {
    algorithm(name).is_some()
}

fn public_key(jwk: &Map<String, Value>) -> Option<PublicKey> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    if text("use").is_some_and(|usage| usage != "sig") {
        return None;
    }
    if let Some(operations) = jwk.get("key_ops").and_then(Value::as_array)
        && !operations.iter().any(|operation| operation == "verify")
    {
        return None;
    }
    let (key, mut algorithms, _) = material(jwk)?;
    if let Some(named) = text("alg") {
        let named = algorithm(named)?;
        algorithms.retain(|possible| *possible == named);
    }
    Some(PublicKey { kid: text("kid").map(str::to_owned), algorithms, key })
}

/// The key, what it can do, and the key again in DER.
fn material(jwk: &Map<String, Value>) -> Option<(DecodingKey, Vec<Algorithm>, Vec<u8>)> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    let bytes = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?).ok();
    let number = |name: &str| BigNum::from_slice(&bytes(name)?).ok();
    match (text("kty")?, text("crv")) {
        ("RSA", _) => {
            let rsa = Rsa::from_public_components(number("n")?, number("e")?).ok()?;
            if !RSA_BITS.contains(&rsa.n().num_bits()) || !RSA_EXPONENT_BITS.contains(&rsa.e().num_bits()) {
                return None;
            }
            let all = [
                Algorithm::RS256,
                Algorithm::RS384,
                Algorithm::RS512,
                Algorithm::PS256,
                Algorithm::PS384,
                Algorithm::PS512,
            ];
            let der = rsa.public_key_to_der().ok()?;
            Some((DecodingKey::from_rsa_der(&der), all.to_vec(), der))
        }
        ("EC", Some(curve @ ("P-256" | "P-384"))) => {
            let (nid, algorithm) = match curve {
                "P-256" => (Nid::X9_62_PRIME256V1, Algorithm::ES256),
                _ => (Nid::SECP384R1, Algorithm::ES384),
            };
            let group = EcGroup::from_curve_name(nid).ok()?;
            // OpenSSL refuses a point that is not on the curve.
            let key =
                EcKey::from_public_key_affine_coordinates(&group, &*number("x")?, &*number("y")?).ok()?;
            let der = key.public_key_to_der().ok()?;
            Some((DecodingKey::from_ec_der(&der), vec![algorithm], der))
        }
        ("OKP", Some("Ed25519")) => {
            let key = PKey::public_key_from_raw_bytes(&bytes("x")?, Id::ED25519).ok()?;
            let der = key.public_key_to_der().ok()?;
            Some((DecodingKey::from_ed_der(&der), vec![Algorithm::EdDSA], der))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(keys: &Value) -> Result<KeySet, KeySetError> {
        KeySet::parse(json!({ "keys": keys }).as_object().unwrap())
    }

    #[test]
    fn a_set_with_a_private_or_symmetric_key_is_refused() {
        let okp =
            json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
        assert_eq!(parse(&json!([okp])).unwrap().signatures.len(), 1);
        let mut private = okp.clone();
        private["d"] = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A".into();
        assert!(parse(&json!([private])).is_err());
        assert!(parse(&json!([{ "kty": "oct", "k": "AAAA" }])).is_err());
    }

    /// With such an exponent, to verify a signature costs as much as to make one.
    #[test]
    fn rsa_keys_with_a_long_public_exponent_are_skipped() {
        let modulus = URL_SAFE_NO_PAD.encode([0xff; 256]);
        let count =
            |e: &str| parse(&json!([{ "kty": "RSA", "n": modulus, "e": e }])).unwrap().signatures.len();
        assert_eq!((count("AQAB"), count("Aw"), count("AQ")), (1, 1, 0));
        assert_eq!((count(&modulus), count(&URL_SAFE_NO_PAD.encode([0xff; 9]))), (0, 0));
    }

    #[test]
    fn keys_for_other_uses_of_weak_strength_or_off_the_curve_are_skipped() {
        let short = "AQAB";
        for key in [
            json!({ "kty": "RSA", "n": "u1SU1LfVLPHCozMxH2Mo4lgOEePzNm0tRgeLezV6ffAt0gunVTLw7onLRnrq0_IzW7yWR7QkrmBL7jTKEn5u", "e": short }),
            json!({ "kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA" }),
            json!({ "kty": "OKP", "crv": "Ed25519", "use": "enc", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }),
            json!({ "kty": "OKP", "crv": "Ed25519", "alg": "ES256", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }),
            json!({ "kty": "OKP", "crv": "X25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }),
        ] {
            let set = parse(&json!([key])).unwrap();
            assert!(set.signatures.iter().all(|key| key.algorithms.is_empty()), "{key}");
        }
    }
}
