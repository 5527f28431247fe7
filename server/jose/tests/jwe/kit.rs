//! Keys for every algorithm, and tokens that no honest sender makes.

use std::sync::OnceLock;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use openssl::{
    ec::{EcGroup, EcKey},
    nid::Nid,
    pkey::PKey,
    rsa::Rsa,
    symm::{Cipher, encrypt_aead},
};
use placet_jose::{
    Accepts, Algorithm, DecryptError, Decrypted, DecryptionKey, Encryption, EncryptionKey, Members,
    RandomFailed, Recipient, decrypt, encrypt,
};
use serde_json::Value;
use zeroize::Zeroizing;

pub(crate) const PLAIN: &[u8] = b"what was said";

#[allow(clippy::disallowed_methods, reason = "tests draw from the real source")]
pub(crate) fn random(bytes: &mut [u8]) -> Result<(), RandomFailed> {
    openssl::rand::rand_bytes(bytes).map_err(|_| RandomFailed)
}

/// Both ends of a way to encrypt.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) alg: Algorithm,
    pub(crate) enc: Encryption,
    pub(crate) public: EncryptionKey,
    pub(crate) private: [DecryptionKey; 1],
}

/// The curves that `OpenSSL` has a number for, and X25519.
pub(crate) const CURVES: [Option<Nid>; 4] =
    [Some(Nid::X9_62_PRIME256V1), Some(Nid::SECP384R1), Some(Nid::SECP521R1), None];

/// A new private key on a curve, as PEM.
pub(crate) fn curve_pem(curve: Option<Nid>) -> Vec<u8> {
    let key = match curve {
        Some(nid) => {
            PKey::from_ec_key(EcKey::generate(&EcGroup::from_curve_name(nid).unwrap()).unwrap()).unwrap()
        }
        None => PKey::generate_x25519().unwrap(),
    };
    key.private_key_to_pem_pkcs8().unwrap()
}

/// An RSA key, made once.
pub(crate) fn rsa_pem() -> &'static [u8] {
    static PEM: OnceLock<Vec<u8>> = OnceLock::new();
    PEM.get_or_init(|| {
        PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap().private_key_to_pem_pkcs8().unwrap()
    })
}

/// Keys for an algorithm; those of ECDH-ES are on P-256.
pub(crate) fn pair(alg: Algorithm, enc: Encryption) -> Pair {
    if let Some(len) = alg.shared_key_len(enc) {
        let mut key = Zeroizing::new(vec![0; len]);
        random(&mut key).unwrap();
        let private = [DecryptionKey::shared(Some("k"), key.clone())];
        return Pair { alg, enc, public: EncryptionKey::shared(Some("k"), key), private };
    }
    if alg.name().starts_with("RSA") { from_pem(alg, enc, rsa_pem()) } else { on(CURVES[0], alg, enc) }
}

/// Keys on a curve.
pub(crate) fn on(curve: Option<Nid>, alg: Algorithm, enc: Encryption) -> Pair {
    from_pem(alg, enc, &curve_pem(curve))
}

fn from_pem(alg: Algorithm, enc: Encryption, pem: &[u8]) -> Pair {
    let private = DecryptionKey::from_pem(pem, Some("k")).unwrap();
    let public = EncryptionKey::from_jwk(&private.public_jwk().unwrap()).unwrap();
    Pair { alg, enc, public, private: [private] }
}

/// Every algorithm with every encryption.
pub(crate) fn pairs() -> impl Iterator<Item = (Algorithm, Encryption)> {
    Algorithm::ALL.into_iter().flat_map(|alg| Encryption::ALL.into_iter().map(move |enc| (alg, enc)))
}

impl Pair {
    pub(crate) fn encrypt(&self, plain: &[u8]) -> String {
        let recipient = Recipient::new(&self.public, self.alg, self.enc).unwrap();
        encrypt(&recipient, &Members::default(), plain, &mut random).unwrap()
    }

    pub(crate) fn decrypt(&self, token: &str) -> Result<Decrypted, DecryptError> {
        decrypt(token, &accepting(&self.private), &mut random)
    }
}

/// Everything is accepted, for these keys.
pub(crate) fn accepting(keys: &[DecryptionKey]) -> Accepts<'_> {
    Accepts { keys, algorithms: &Algorithm::ALL, encryptions: &Encryption::ALL, max_bytes: 10_000 }
}

/// The parts of a token, decoded.
pub(crate) fn parts(token: &str) -> Vec<Vec<u8>> {
    token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap()).collect()
}

/// A token of these parts.
pub(crate) fn join<T: AsRef<[u8]>>(parts: &[T]) -> String {
    parts.iter().map(|part| URL_SAFE_NO_PAD.encode(part)).collect::<Vec<_>>().join(".")
}

/// A token with any header and encrypted key, whose content is encrypted well with A128GCM and this key and
/// initialization vector: what is wrong is in the header, in the encrypted key or in the vector alone.
pub(crate) fn craft(header: &str, encrypted_key: &[u8], cek: &[u8], iv: &[u8]) -> String {
    let aad = URL_SAFE_NO_PAD.encode(header);
    let mut tag = [0; 16];
    let ciphertext =
        encrypt_aead(Cipher::aes_128_gcm(), cek, Some(iv), aad.as_bytes(), PLAIN, &mut tag).unwrap();
    join(&[header.as_bytes(), encrypted_key, iv, &ciphertext, &tag])
}

pub(crate) fn object(value: &Value) -> &serde_json::Map<String, Value> {
    value.as_object().unwrap()
}
