//! Wrapping a content encryption key: with AES (RFC 3394) and with RSA (RFC 8017 section 7.1).

use openssl::{
    cipher::{Cipher, CipherRef},
    cipher_ctx::{CipherCtx, CipherCtxFlags},
    encrypt::{Decrypter, Encrypter},
    error::ErrorStack,
    hash::MessageDigest,
    pkey::{PKeyRef, Private, Public},
    rsa::Padding,
};
use zeroize::Zeroizing;

/// AES Key Wrap makes its output so much longer.
const BLOCK: usize = 8;

/// The cipher for a key of so many bytes, which the caller has checked.
fn cipher(key: &[u8]) -> &'static CipherRef {
    match key.len() {
        16 => Cipher::aes_128_wrap(),
        24 => Cipher::aes_192_wrap(),
        _ => Cipher::aes_256_wrap(),
    }
}

/// Wraps `cek` with the default initial value of RFC 3394 section 2.2.3.1.
pub(crate) fn wrap(key: &[u8], cek: &[u8]) -> Result<Vec<u8>, ErrorStack> {
    let mut context = CipherCtx::new()?;
    context.set_flags(CipherCtxFlags::FLAG_WRAP_ALLOW);
    context.encrypt_init(Some(cipher(key)), Some(key), None)?;
    let mut wrapped = vec![0; cek.len() + 2 * BLOCK];
    let written = context.cipher_update(cek, Some(&mut wrapped))?;
    wrapped.truncate(written);
    Ok(wrapped)
}

/// Unwraps a key of `len` bytes.
pub(crate) fn unwrap(key: &[u8], wrapped: &[u8], len: usize) -> Option<Zeroizing<Vec<u8>>> {
    if wrapped.len() != len + BLOCK {
        return None;
    }
    let mut context = CipherCtx::new().ok()?;
    context.set_flags(CipherCtxFlags::FLAG_WRAP_ALLOW);
    context.decrypt_init(Some(cipher(key)), Some(key), None).ok()?;
    let mut cek = Zeroizing::new(vec![0; wrapped.len() + 2 * BLOCK]);
    let written = context.cipher_update(wrapped, Some(&mut cek)).ok()?;
    cek.truncate(written);
    (written == len).then_some(cek)
}

/// Encrypts `cek` with RSAES OAEP; the mask is made with the same hash. `OpenSSL` draws the seed.
pub(crate) fn encrypt(key: &PKeyRef<Public>, hash: MessageDigest, cek: &[u8]) -> Result<Vec<u8>, ErrorStack> {
    let mut encrypter = Encrypter::new(key)?;
    encrypter.set_rsa_padding(Padding::PKCS1_OAEP)?;
    encrypter.set_rsa_oaep_md(hash)?;
    encrypter.set_rsa_mgf1_md(hash)?;
    let mut output = vec![0; encrypter.encrypt_len(cek)?];
    let written = encrypter.encrypt(cek, &mut output)?;
    output.truncate(written);
    Ok(output)
}

/// Decrypts a key of `len` bytes.
pub(crate) fn decrypt(
    key: &PKeyRef<Private>,
    hash: MessageDigest,
    encrypted: &[u8],
    len: usize,
) -> Option<Zeroizing<Vec<u8>>> {
    let mut decrypter = Decrypter::new(key).ok()?;
    decrypter.set_rsa_padding(Padding::PKCS1_OAEP).ok()?;
    decrypter.set_rsa_oaep_md(hash).ok()?;
    decrypter.set_rsa_mgf1_md(hash).ok()?;
    let mut cek = Zeroizing::new(vec![0; key.size()]);
    let written = decrypter.decrypt(encrypted, &mut cek).ok()?;
    cek.truncate(written);
    (written == len).then_some(cek)
}
