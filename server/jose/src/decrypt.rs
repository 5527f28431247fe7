//! Opening a token.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use placet_oauth::claims::strict_json_bytes;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::{
    Algorithm, DecryptError, DecryptionKey, Encryption, Random,
    content::{self, Sealed},
    management,
};

/// Header members that demand what is never done: rules of an extension (RFC 7516 section 4.1.13), decompression; and
/// those that bring or name keys, which the receiver alone chooses (RFC 8725 section 3.10).
const REFUSED_MEMBERS: [&str; 6] = ["crit", "zip", "jku", "jwk", "x5u", "x5c"];

/// What the receiver of a token accepts. The header of the token chooses among these, and never beyond.
#[derive(Clone, Copy, Debug)]
pub struct Accepts<'a> {
    /// The keys. With a `kid` in the header only the key with this id counts, and keys without any.
    pub keys: &'a [DecryptionKey],
    /// The values of `alg`.
    pub algorithms: &'a [Algorithm],
    /// The values of `enc`.
    pub encryptions: &'a [Encryption],
    /// The longest token, in bytes; the plaintext is always shorter.
    pub max_bytes: usize,
}

/// A token that was opened: nobody altered it since it was encrypted.
///
/// It says nothing about who encrypted it: with an asymmetric key that can be anybody.
pub struct Decrypted {
    /// How the key came.
    pub alg: Algorithm,
    /// How the content was encrypted.
    pub enc: Encryption,
    /// The id of the key that opened it.
    pub kid: Option<String>,
    /// The whole header.
    pub header: Map<String, Value>,
    /// What was encrypted.
    pub plaintext: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Decrypted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decrypted").field("header", &self.header).finish_non_exhaustive()
    }
}

/// The parts of a token (RFC 7516 section 7.1), decoded.
struct Parts<'a> {
    /// The header as received: it is authenticated so.
    protected: &'a str,
    header: Map<String, Value>,
    encrypted_key: Vec<u8>,
    sealed: Sealed,
}

/// Opens a token in compact form (RFC 7516 section 5.2).
///
/// `random` makes the substitute for a content encryption key that cannot be had: the token then fails where an altered
/// one fails, after the same steps (RFC 7516 section 11.5).
pub fn decrypt(
    token: &str,
    accepts: &Accepts<'_>,
    random: &mut Random<'_>,
) -> Result<Decrypted, DecryptError> {
    let parts = if token.len() <= accepts.max_bytes { parse(token) } else { None };
    let Parts { protected, header, encrypted_key, sealed } = parts.ok_or(DecryptError::Refused)?;
    let text = |name: &str| header.get(name).and_then(Value::as_str).ok_or(DecryptError::Refused);
    let alg = choose(accepts.algorithms, text("alg")?)?;
    let enc = choose(accepts.encryptions, text("enc")?)?;
    let kid = header.get("kid").map(|_| text("kid")).transpose()?;
    let mut tried = false;
    for key in accepts.keys {
        let named = kid.is_none() || key.kid().is_none() || key.kid() == kid;
        if !named || !key.fits(alg, enc) {
            continue;
        }
        tried = true;
        let mut substitute = Zeroizing::new(vec![0; enc.key_len()]);
        random(&mut substitute)?;
        let cek = management::receive(key, (alg, enc), &header, &encrypted_key).unwrap_or(substitute);
        if let Some(plaintext) = content::open(enc, &cek, &sealed, protected.as_bytes()) {
            let kid = key.kid().map(str::to_owned);
            return Ok(Decrypted { alg, enc, kid, header, plaintext });
        }
    }
    Err(if tried { DecryptError::Refused } else { DecryptError::NoKey })
}

/// The algorithm of this name, if it is accepted.
fn choose<T: Copy + std::str::FromStr + PartialEq>(accepted: &[T], name: &str) -> Result<T, DecryptError> {
    name.parse().ok().filter(|one| accepted.contains(one)).ok_or(DecryptError::NotAccepted)
}

fn parse(token: &str) -> Option<Parts<'_>> {
    let mut parts = token.split('.');
    let protected = parts.next()?;
    let mut part = || URL_SAFE_NO_PAD.decode(parts.next()?).ok();
    let encrypted_key = part()?;
    let sealed = Sealed { iv: part()?, ciphertext: part()?, tag: part()? };
    if parts.next().is_some() {
        return None;
    }
    let Ok(Value::Object(header)) = strict_json_bytes(&URL_SAFE_NO_PAD.decode(protected).ok()?) else {
        return None;
    };
    let sound = !REFUSED_MEMBERS.iter().any(|member| header.contains_key(*member));
    sound.then_some(Parts { protected, header, encrypted_key, sealed })
}
