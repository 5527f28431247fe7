//! New key pairs.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::Algorithm;
use openssl::{
    bn::{BigNum, BigNumContext},
    ec::{EcGroup, EcKey},
    error::ErrorStack,
    nid::Nid,
    pkey::{PKey, Private},
    rsa::Rsa,
};
use placet_jose::DecryptionKey;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::{
    purpose::{Kind, Purpose},
    signing::{algorithm_name, curve},
};
use crate::outcome::Fault;

const RSA_BITS: u32 = 2048;

/// A new key pair.
pub(super) struct Pair {
    purpose: Purpose,
    key: PKey<Private>,
    /// The private half.
    pub(super) pkcs8: Zeroizing<Vec<u8>>,
}

/// Makes a key pair; RSA takes up to a second.
pub(super) fn generate(purpose: Purpose) -> Result<Pair, Fault> {
    let broken = |e: ErrorStack| Fault::new("key generation", e);
    let key = match purpose {
        Purpose::Signing(Algorithm::EdDSA) => PKey::generate_ed25519(),
        Purpose::Encryption(Kind::P256) => on_curve(Nid::X9_62_PRIME256V1),
        Purpose::Encryption(Kind::Rsa) => Rsa::generate(RSA_BITS).and_then(PKey::from_rsa),
        Purpose::Signing(algorithm) => match curve(algorithm) {
            Some((_, nid, _)) => on_curve(nid),
            None => Rsa::generate(RSA_BITS).and_then(PKey::from_rsa),
        },
    }
    .map_err(broken)?;
    let pkcs8 = Zeroizing::new(key.private_key_to_pkcs8().map_err(broken)?);
    Ok(Pair { purpose, key, pkcs8 })
}

fn on_curve(nid: Nid) -> Result<PKey<Private>, ErrorStack> {
    EcGroup::from_curve_name(nid).and_then(|group| EcKey::generate(&group)).and_then(PKey::from_ec_key)
}

impl Pair {
    /// The public half as a JWK (RFC 7517, RFC 8037). A key that signs has one algorithm; one that others encrypt with
    /// is for all of its kind, so that it names none.
    pub(super) fn public_jwk(&self, kid: &str) -> Result<Map<String, Value>, Fault> {
        match self.purpose {
            Purpose::Signing(algorithm) => {
                let mut jwk = self.verifier(algorithm).map_err(|e| Fault::new("keys", e))?;
                jwk.insert("kid".to_owned(), kid.into());
                jwk.insert("use".to_owned(), "sig".into());
                jwk.insert("alg".to_owned(), algorithm_name(algorithm).into());
                Ok(jwk)
            }
            Purpose::Encryption(_) => DecryptionKey::from_pkcs8(&self.pkcs8, Some(kid))
                .map_err(|e| Fault::new("keys", e))?
                .public_jwk()
                .ok_or_else(|| Fault::new("keys", "a key pair without a public half")),
        }
    }

    fn verifier(&self, algorithm: Algorithm) -> Result<Map<String, Value>, ErrorStack> {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let jwk = match (algorithm, curve(algorithm)) {
            (Algorithm::EdDSA, _) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": text(&self.key.raw_public_key()?) })
            }
            (_, Some((name, _, bytes))) => {
                let key = self.key.ec_key()?;
                let mut context = BigNumContext::new()?;
                let (mut x, mut y) = (BigNum::new()?, BigNum::new()?);
                key.public_key().affine_coordinates(key.group(), &mut x, &mut y, &mut context)?;
                let padded = |n: &BigNum| n.to_vec_padded(bytes).map(|bytes| text(&bytes));
                json!({ "kty": "EC", "crv": name, "x": padded(&x)?, "y": padded(&y)? })
            }
            (_, None) => {
                let key = self.key.rsa()?;
                json!({ "kty": "RSA", "n": text(&key.n().to_vec()), "e": text(&key.e().to_vec()) })
            }
        };
        let Value::Object(jwk) = jwk else { unreachable!("every arm makes an object") };
        Ok(jwk)
    }
}
