//! Assertions that come encrypted (SAML core section 2.3.4, XML Encryption 1.1).
//!
//! The content key is transported by RSA-OAEP and the content is under AES-GCM, so that it cannot be changed. RSA
//! PKCS#1 v1.5 and CBC are not taken. Whatever goes wrong with keys and ciphertext ends in one and the same refusal.

mod cipher;
mod shape;

use openssl::pkey::{Id, PKey, Private};

use crate::{
    names::SAML,
    refusal::{Reason, Refusal},
    xml::Element,
};

/// RSA keys below are broken, or will be.
const SHORTEST_RSA: u32 = 2048;

/// A private key to which issuers encrypt assertions.
pub struct DecryptionKey(PKey<Private>);

/// What is wrong with a decryption key.
#[derive(Debug, thiserror::Error)]
pub enum DecryptionKeyError {
    /// It is not a private key in PEM.
    #[error("there is no private key in PEM without a passphrase")]
    Unreadable,
    /// No algorithm that is taken uses it.
    #[error("a decryption key is RSA with at least 2048 bits")]
    NotTaken,
}

impl DecryptionKey {
    /// A private key in PEM.
    pub fn from_pem(pem: &[u8]) -> Result<Self, DecryptionKeyError> {
        // A passphrase is never asked for: there is nobody to answer.
        let key = PKey::private_key_from_pem_callback(pem, |_| Ok(0))
            .map_err(|_| DecryptionKeyError::Unreadable)?;
        if key.id() == Id::RSA && key.bits() >= SHORTEST_RSA {
            Ok(Self(key))
        } else {
            Err(DecryptionKeyError::NotTaken)
        }
    }
}

/// Whether this is the root of an encrypted assertion.
pub(crate) fn is_encrypted(root: &Element) -> bool {
    root.is(SAML, "EncryptedAssertion")
}

/// The bytes of the assertion in it.
pub(crate) fn decrypt(root: &Element, keys: &[DecryptionKey]) -> Result<Vec<u8>, Refusal> {
    let refuse = |detail: &str| Refusal::new(Reason::Encryption, detail);
    if keys.is_empty() {
        return Err(refuse("the assertion is encrypted, and this server has no key for that"));
    }
    let parts = shape::read(root)?;
    keys.iter()
        .find_map(|key| cipher::open(&parts, &key.0))
        .ok_or_else(|| refuse("the assertion cannot be decrypted"))
}
