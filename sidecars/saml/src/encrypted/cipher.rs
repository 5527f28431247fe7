//! Decryption.

use openssl::{
    error::ErrorStack,
    pkey::{PKey, Private},
    pkey_ctx::PkeyCtx,
    rsa::Padding,
    symm::decrypt_aead,
};

use super::shape::EncryptedParts;
use crate::random;

/// The initialisation vector in front of the ciphertext, in bytes (XML Encryption 1.1 section 5.2.4).
const IV: usize = 12;
/// The authentication tag behind it, in bytes; never shorter.
const TAG: usize = 16;

/// The plaintext, if this key opens it and nothing was changed.
pub(super) fn open(parts: &EncryptedParts, key: &PKey<Private>) -> Option<Vec<u8>> {
    let cipher = parts.content_cipher.cipher();
    // A key that cannot be had is replaced by a random one, so that both ways end at the tag, in the same time.
    let mut content_key = random::bytes(cipher.key_len());
    if let Ok(transported) = transported_key(parts, key)
        && transported.len() == content_key.len()
    {
        content_key = transported;
    }
    let (iv, rest) = parts.content.split_at_checked(IV)?;
    let (ciphertext, tag) = rest.split_at_checked(rest.len().checked_sub(TAG)?)?;
    decrypt_aead(cipher, &content_key, Some(iv), &[], ciphertext, tag).ok()
}

fn transported_key(parts: &EncryptedParts, key: &PKey<Private>) -> Result<Vec<u8>, ErrorStack> {
    let mut context = PkeyCtx::new(key)?;
    context.decrypt_init()?;
    context.set_rsa_padding(Padding::PKCS1_OAEP)?;
    context.set_rsa_oaep_md(parts.oaep_digest)?;
    context.set_rsa_mgf1_md(parts.mgf1_digest)?;
    let mut content_key = Vec::new();
    context.decrypt_to_vec(&parts.key, &mut content_key)?;
    Ok(content_key)
}
