//! Making a token.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use crate::{Algorithm, EncryptError, Encryption, EncryptionKey, Random, content, management};

/// Whom a token is for, and how it is encrypted: a key with algorithms that fit it.
#[derive(Clone, Copy, Debug)]
pub struct Recipient<'a> {
    key: &'a EncryptionKey,
    alg: Algorithm,
    enc: Encryption,
}

impl<'a> Recipient<'a> {
    /// The owner of `key`. Fails if the key is of another kind or size, or meant for another algorithm.
    pub fn new(key: &'a EncryptionKey, alg: Algorithm, enc: Encryption) -> Result<Self, EncryptError> {
        if key.fits(alg, enc) { Ok(Self { key, alg, enc }) } else { Err(EncryptError::KeyDoesNotFit(alg)) }
    }

    pub(crate) fn key(&self) -> &'a EncryptionKey {
        self.key
    }

    pub(crate) fn alg(&self) -> Algorithm {
        self.alg
    }

    pub(crate) fn enc(&self) -> Encryption {
        self.enc
    }
}

/// Members of the header beside those that the encryption needs. `kid` is the key's.
#[derive(Clone, Copy, Debug, Default)]
pub struct Members<'a> {
    /// What the token is.
    pub typ: Option<&'a str>,
    /// What the plaintext is: `JWT` for a nested token (RFC 7519 section 5.2).
    pub cty: Option<&'a str>,
    /// About the sender, for ECDH-ES (RFC 7518 section 4.6.1.2); left out with other algorithms.
    pub apu: Option<&'a [u8]>,
    /// About the recipient, for ECDH-ES (RFC 7518 section 4.6.1.3); left out with other algorithms.
    pub apv: Option<&'a [u8]>,
}

/// Encrypts `plaintext` into a token in compact form (RFC 7516 section 5.1).
///
/// One key must not encrypt more than 2³² tokens with GCM and its random initialization vectors (NIST SP 800-38D section
/// 8.3); that concerns shared keys alone, by `dir` and `A128GCMKW` to `A256GCMKW`.
pub fn encrypt(
    recipient: &Recipient<'_>,
    members: &Members<'_>,
    plaintext: &[u8],
    random: &mut Random<'_>,
) -> Result<String, EncryptError> {
    let enc = recipient.enc();
    let mut header = Map::new();
    for (name, value) in [
        ("alg", Some(recipient.alg().name())),
        ("enc", Some(enc.name())),
        ("kid", recipient.key().kid()),
        ("typ", members.typ),
        ("cty", members.cty),
    ] {
        if let Some(value) = value {
            header.insert(name.to_owned(), value.into());
        }
    }
    let sent = management::send(recipient, members, &mut header, random)?;
    let mut iv = vec![0; enc.iv_len()];
    random(&mut iv)?;
    let header = URL_SAFE_NO_PAD.encode(Value::Object(header).to_string());
    let sealed = content::seal(enc, &sent.cek, iv, header.as_bytes(), plaintext)?;
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    Ok([header, text(&sent.encrypted), text(&sealed.iv), text(&sealed.ciphertext), text(&sealed.tag)]
        .join("."))
}
