//! Keys from client secrets (OpenID Connect Core section 10.2).

use sha2::{Digest as _, Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use crate::{Algorithm, Encryption};

/// The key that a client secret stands for: the left-most bytes of its hash, by the shortest hash that has enough of
/// them. None for an asymmetric algorithm.
pub fn secret_key(secret: &str, alg: Algorithm, enc: Encryption) -> Option<Zeroizing<Vec<u8>>> {
    let len = alg.shared_key_len(enc)?;
    let mut key = Zeroizing::new(match len {
        ..=32 => Sha256::digest(secret).to_vec(),
        33..=48 => Sha384::digest(secret).to_vec(),
        _ => Sha512::digest(secret).to_vec(),
    });
    key.truncate(len);
    Some(key)
}
