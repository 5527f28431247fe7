//! The cryptography behind `jsonwebtoken`: OpenSSL, with parsed keys kept, and `ed25519-dalek` for Ed25519, which it does in
//! less than half of the time.
//!
//! The crate parses a private key again for every signature, which costs ten times an Ed25519 signature; so
//! each thread keeps the keys it has parsed.

use std::{cell::RefCell, collections::HashMap, sync::Arc};

use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey,
    crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils},
    errors::{ErrorKind, Result},
};
use openssl::{
    ecdsa::EcdsaSig,
    hash::MessageDigest,
    pkey::{HasPublic, Id, PKey, PKeyRef, Private, Public},
    rsa::Padding,
    sign::{RsaPssSaltlen, Signer as OpensslSigner, Verifier as OpensslVerifier},
};
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use signature::{Error, Signer, Verifier};
use zeroize::Zeroizing;

use super::signing::{SIGNING_ALGORITHMS, curve};

/// More keys than this are never in use at once; a thread that has parsed more starts again.
const KEPT: usize = 256;

thread_local! {
    static PRIVATE: RefCell<HashMap<Vec<u8>, PrivateKey>> = RefCell::default();
    static PUBLIC: RefCell<HashMap<Vec<u8>, PublicKey>> = RefCell::default();
}

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| {
        Ok(Box::new(Signing { algorithm: supported(*algorithm)?, key: private(key)? }))
    },
    verifier_factory: |algorithm, key| {
        Ok(Box::new(Verifying { algorithm: supported(*algorithm)?, key: public(key)? }))
    },
    key_utils: KeyUtils {
        compute_digest: |data, hash| {
            Ok(match hash {
                jsonwebtoken::jwk::ThumbprintHash::SHA256 => Sha256::digest(data).to_vec(),
                jsonwebtoken::jwk::ThumbprintHash::SHA384 => Sha384::digest(data).to_vec(),
                jsonwebtoken::jwk::ThumbprintHash::SHA512 => Sha512::digest(data).to_vec(),
                _ => return Err(ErrorKind::InvalidAlgorithm.into()),
            })
        },
        ..KeyUtils::new_unimplemented()
    },
};

/// Makes OpenSSL the cryptography of `jsonwebtoken` in this process. Calling it again does nothing.
pub fn install() {
    let _ = PROVIDER.install_default();
}

fn supported(algorithm: Algorithm) -> Result<Algorithm> {
    if SIGNING_ALGORITHMS.contains(&algorithm) {
        Ok(algorithm)
    } else {
        Err(ErrorKind::InvalidAlgorithm.into())
    }
}

fn is_pss(algorithm: Algorithm) -> bool {
    matches!(algorithm, Algorithm::PS256 | Algorithm::PS384 | Algorithm::PS512)
}

fn digest(algorithm: Algorithm) -> MessageDigest {
    match algorithm {
        Algorithm::RS384 | Algorithm::PS384 | Algorithm::ES384 => MessageDigest::sha384(),
        Algorithm::RS512 | Algorithm::PS512 => MessageDigest::sha512(),
        _ => MessageDigest::sha256(),
    }
}

/// A private key, parsed.
#[derive(Clone)]
enum PrivateKey {
    Ed25519(Arc<ed25519_dalek::SigningKey>),
    Openssl(PKey<Private>),
}

/// A public key, parsed.
#[derive(Clone)]
enum PublicKey {
    Ed25519(Box<ed25519_dalek::VerifyingKey>),
    Openssl(PKey<Public>),
}

fn private(key: &EncodingKey) -> Result<PrivateKey> {
    cached(&PRIVATE, key.as_bytes(), |der| {
        let key = PKey::private_key_from_pkcs8(der).ok()?;
        if key.id() != Id::ED25519 {
            return Some(PrivateKey::Openssl(key));
        }
        let raw = Zeroizing::new(key.raw_private_key().ok()?);
        let secret = Zeroizing::new(<[u8; 32]>::try_from(&raw[..]).ok()?);
        Some(PrivateKey::Ed25519(Arc::new(ed25519_dalek::SigningKey::from_bytes(&secret))))
    })
}

fn public(key: &DecodingKey) -> Result<PublicKey> {
    cached(&PUBLIC, key.try_get_as_bytes()?, |der| {
        let key = PKey::public_key_from_der(der).ok()?;
        if key.id() != Id::ED25519 {
            return Some(PublicKey::Openssl(key));
        }
        let raw = <[u8; 32]>::try_from(key.raw_public_key().ok()?).ok()?;
        ed25519_dalek::VerifyingKey::from_bytes(&raw).ok().map(Box::new).map(PublicKey::Ed25519)
    })
}

fn cached<T: Clone>(
    kept: &'static std::thread::LocalKey<RefCell<HashMap<Vec<u8>, T>>>,
    der: &[u8],
    parse: impl Fn(&[u8]) -> Option<T>,
) -> Result<T> {
    kept.with_borrow_mut(|kept| {
        if let Some(key) = kept.get(der) {
            return Ok(key.clone());
        }
        let key = parse(der).ok_or(ErrorKind::InvalidKeyFormat)?;
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(der.to_vec(), key.clone());
        Ok(key)
    })
}

struct Signing {
    algorithm: Algorithm,
    key: PrivateKey,
}

impl Signer<Vec<u8>> for Signing {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, Error> {
        match (&self.key, self.algorithm) {
            (PrivateKey::Ed25519(key), Algorithm::EdDSA) => {
                Ok(ed25519_dalek::Signer::sign(&**key, message).to_bytes().to_vec())
            }
            (PrivateKey::Openssl(key), algorithm) if algorithm != Algorithm::EdDSA => {
                sign(algorithm, key, message).map_err(Error::from_source)
            }
            _ => Err(Error::new()),
        }
    }
}

impl JwtSigner for Signing {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

struct Verifying {
    algorithm: Algorithm,
    key: PublicKey,
}

impl Verifier<Vec<u8>> for Verifying {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), Error> {
        match (&self.key, self.algorithm) {
            (PublicKey::Ed25519(key), Algorithm::EdDSA) => {
                let signature = ed25519_dalek::Signature::from_slice(signature);
                // Keys of small order, for which many messages have the same signature, are good for none.
                let verified = signature.and_then(|signature| key.verify_strict(message, &signature));
                verified.map_err(|_| Error::new())
            }
            (PublicKey::Openssl(key), algorithm) if algorithm != Algorithm::EdDSA => {
                match verify(algorithm, key, message, signature) {
                    Ok(true) => Ok(()),
                    Ok(false) => Err(Error::new()),
                    Err(e) => Err(Error::from_source(e)),
                }
            }
            _ => Err(Error::new()),
        }
    }
}

impl JwtVerifier for Verifying {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

type Openssl<T> = std::result::Result<T, openssl::error::ErrorStack>;

fn sign(algorithm: Algorithm, key: &PKeyRef<Private>, message: &[u8]) -> Openssl<Vec<u8>> {
    let mut signer = OpensslSigner::new(digest(algorithm), key)?;
    if is_pss(algorithm) {
        signer.set_rsa_padding(Padding::PKCS1_PSS)?;
        signer.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH)?;
        signer.set_rsa_mgf1_md(digest(algorithm))?;
    }
    let raw = signer.sign_oneshot_to_vec(message)?;
    let Some((_, _, bytes)) = curve(algorithm) else { return Ok(raw) };
    // JOSE wants the two coordinates side by side (RFC 7518 section 3.4), OpenSSL gives DER.
    let pair = EcdsaSig::from_der(&raw)?;
    Ok([pair.r().to_vec_padded(bytes)?, pair.s().to_vec_padded(bytes)?].concat())
}

fn verify<T: HasPublic>(
    algorithm: Algorithm,
    key: &PKeyRef<T>,
    message: &[u8],
    signature: &[u8],
) -> Openssl<bool> {
    if let Some((_, _, bytes)) = curve(algorithm) {
        let bytes = usize::try_from(bytes).unwrap_or_default();
        if signature.len() != 2 * bytes {
            return Ok(false);
        }
        let (r, s) = signature.split_at(bytes);
        let pair = EcdsaSig::from_private_components(
            openssl::bn::BigNum::from_slice(r)?,
            openssl::bn::BigNum::from_slice(s)?,
        )?;
        OpensslVerifier::new(digest(algorithm), key)?.verify_oneshot(&pair.to_der()?, message)
    } else {
        let mut verifier = OpensslVerifier::new(digest(algorithm), key)?;
        if is_pss(algorithm) {
            verifier.set_rsa_padding(Padding::PKCS1_PSS)?;
            verifier.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH)?;
            verifier.set_rsa_mgf1_md(digest(algorithm))?;
        }
        verifier.verify_oneshot(signature, message)
    }
}
