//! Encrypting content, and opening it again if nothing was altered (RFC 7518 section 5).

use hmac::{Hmac, digest::KeyInit};
use openssl::{error::ErrorStack, symm};
use sha2::{Sha256, Sha384, Sha512};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::{Encryption, algorithm::Hash};

/// Encrypted content.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sealed {
    /// The initialization vector.
    pub(crate) iv: Vec<u8>,
    /// As long as the plaintext, or padded to whole blocks.
    pub(crate) ciphertext: Vec<u8>,
    /// The authentication tag.
    pub(crate) tag: Vec<u8>,
}

/// Encrypts `plain` with a key and an initialization vector of the right lengths.
pub(crate) fn seal(
    enc: Encryption,
    key: &[u8],
    iv: Vec<u8>,
    aad: &[u8],
    plain: &[u8],
) -> Result<Sealed, ErrorStack> {
    if let Some(hash) = enc.hash() {
        let (mac_key, cipher_key) = key.split_at(key.len() / 2);
        let ciphertext = symm::encrypt(enc.cipher(), cipher_key, Some(&iv), plain)?;
        let tag = tag(hash, mac_key, &[aad, &iv, &ciphertext, &bits(aad)]);
        Ok(Sealed { iv, ciphertext, tag })
    } else {
        let mut tag = vec![0; enc.tag_len()];
        let ciphertext = symm::encrypt_aead(enc.cipher(), key, Some(&iv), aad, plain, &mut tag)?;
        Ok(Sealed { iv, ciphertext, tag })
    }
}

/// The plaintext, if the whole tag is right.
pub(crate) fn open(enc: Encryption, key: &[u8], sealed: &Sealed, aad: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let Sealed { iv, ciphertext, tag: found } = sealed;
    // OpenSSL compares as many bytes of a tag as it is given: one byte would be guessed in 256 tries.
    if key.len() != enc.key_len() || iv.len() != enc.iv_len() || found.len() != enc.tag_len() {
        return None;
    }
    let opened = if let Some(hash) = enc.hash() {
        let (mac_key, cipher_key) = key.split_at(key.len() / 2);
        let expected = tag(hash, mac_key, &[aad, iv, ciphertext, &bits(aad)]);
        // Before anything is decrypted: the padding of an altered ciphertext would tell about its plaintext.
        if !bool::from(expected.ct_eq(found)) {
            return None;
        }
        symm::decrypt(enc.cipher(), cipher_key, Some(iv), ciphertext)
    } else {
        symm::decrypt_aead(enc.cipher(), key, Some(iv), aad, ciphertext, found)
    };
    opened.ok().map(Zeroizing::new)
}

/// The length of the additional data in bits, as it is authenticated.
fn bits(aad: &[u8]) -> [u8; 8] {
    (aad.len() as u64 * 8).to_be_bytes()
}

/// The first half of the HMAC over `parts`.
fn tag(hash: Hash, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    match hash {
        Hash::Sha256 => half::<Hmac<Sha256>>(key, parts),
        Hash::Sha384 => half::<Hmac<Sha384>>(key, parts),
        Hash::Sha512 => half::<Hmac<Sha512>>(key, parts),
    }
}

fn half<M: hmac::Mac + KeyInit>(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = <M as KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    let whole = mac.finalize().into_bytes();
    whole[..whole.len() / 2].to_vec()
}

#[cfg(test)]
mod tests;
