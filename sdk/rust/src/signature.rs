//! Signatures of decision requests and answers, as Standard Webhooks writes them: an HMAC-SHA-256 over
//! `<id>.<timestamp>.<body>`, in the headers [`HEADER_ID`], [`HEADER_TIMESTAMP`] and [`HEADER_SIGNATURE`].
//!
//! ```
//! use placet_sdk::{Instant, signature::{Secret, SignedHeaders, sign, verify}};
//!
//! let secret: Secret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".parse()?;
//! let now = Instant(1_795_428_300);
//! let signature = sign(&secret, "dec_1", now, b"{}");
//! let headers = SignedHeaders { id: "dec_1", timestamp: "1795428300", signature: &signature };
//! assert!(verify(&[secret], &headers, b"{}", now).is_ok());
//! # Ok::<(), placet_sdk::signature::SecretError>(())
//! ```

use std::{fmt, str::FromStr};

use base64::{
    Engine as _,
    alphabet::STANDARD as ALPHABET,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq as _};
use zeroize::Zeroizing;

use crate::{
    Instant,
    decision::{HEADER_ID, HEADER_SIGNATURE, HEADER_TIMESTAMP},
};

/// How far the clock of the signer may be from the verifier's, in seconds, in either direction.
pub const TOLERANCE: i64 = 300;
/// How a secret begins when it is written down.
pub const SECRET_PREFIX: &str = "whsec_";

/// How many bytes a secret may have (Standard Webhooks).
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
/// The longest id, in characters.
const MAX_ID: usize = 128;
/// How many signatures of one message are looked at: more than any rotation needs.
const MAX_SIGNATURES: usize = 8;
/// The version that stands before a signature by HMAC.
const VERSION: &str = "v1,";
/// Writers differ about the padding of base64; readers need not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A secret that two parties share. It is never printed, and wiped when it is dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

/// A text is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// The prefix is missing.
    #[error("a secret begins with `whsec_`")]
    Prefix,
    /// The rest cannot be read.
    #[error("a secret is base64 after `whsec_`")]
    Base64,
    /// Too short to be safe, or longer than the specification has it.
    #[error("a secret has 24 to 64 bytes")]
    Length,
}

impl Secret {
    /// A secret of these bytes, 24 to 64 of them.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Result<Self, SecretError> {
        let bytes = Zeroizing::new(bytes.into());
        if SECRET_BYTES.contains(&bytes.len()) { Ok(Self(bytes)) } else { Err(SecretError::Length) }
    }

    #[cfg(feature = "check")]
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    fn mac(&self, id: &str, timestamp: &str, body: &[u8]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of every length");
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

impl FromStr for Secret {
    type Err = SecretError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let encoded = text.trim().strip_prefix(SECRET_PREFIX).ok_or(SecretError::Prefix)?;
        Self::from_bytes(BASE64.decode(encoded).map_err(|_| SecretError::Base64)?)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Constant-time.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Secret {}

/// The three headers of a signed message, as they came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedHeaders<'a> {
    /// The value of [`HEADER_ID`].
    pub id: &'a str,
    /// The value of [`HEADER_TIMESTAMP`].
    pub timestamp: &'a str,
    /// The value of [`HEADER_SIGNATURE`].
    pub signature: &'a str,
}

impl<'a> SignedHeaders<'a> {
    /// Takes the headers from wherever they are; header names are given in lower case.
    pub fn read(header: impl Fn(&str) -> Option<&'a str>) -> Result<Self, SignatureError> {
        let get = |name: &'static str| header(name).ok_or(SignatureError::Missing(name));
        Ok(Self { id: get(HEADER_ID)?, timestamp: get(HEADER_TIMESTAMP)?, signature: get(HEADER_SIGNATURE)? })
    }
}

/// A message is not from who it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// A header is missing.
    #[error("the header `{0}` is missing")]
    Missing(&'static str),
    /// The id is empty, too long, or has characters that an id may not have.
    #[error("`webhook-id` is malformed")]
    Id,
    /// The timestamp is no number of seconds.
    #[error("`webhook-timestamp` is malformed")]
    Timestamp,
    /// The timestamp is more than [`TOLERANCE`] away from now.
    #[error("`webhook-timestamp` is too far from now")]
    Stale,
    /// None of the signatures is by one of the secrets.
    #[error("no signature holds")]
    Mismatch,
}

/// The signature of a message: the value of [`HEADER_SIGNATURE`]. Several, by several secrets, are joined by spaces.
///
/// The id must not contain `.`; ids of this contract never do, and [`verify`] refuses those that would.
pub fn sign(secret: &Secret, id: &str, timestamp: Instant, body: &[u8]) -> String {
    let mac = secret.mac(id, &timestamp.0.to_string(), body);
    format!("{VERSION}{}", STANDARD.encode(mac))
}

/// Checks that one of the signatures is by one of the secrets, and not older or newer than [`TOLERANCE`].
///
/// Signatures are compared in constant time, each with each.
pub fn verify(
    secrets: &[Secret],
    headers: &SignedHeaders<'_>,
    body: &[u8],
    now: Instant,
) -> Result<(), SignatureError> {
    // With a dot in the id, the border between id and timestamp could be moved without changing what is signed.
    if headers.id.is_empty() || headers.id.len() > MAX_ID || !headers.id.bytes().all(id_byte) {
        return Err(SignatureError::Id);
    }
    if headers.timestamp.is_empty() || !headers.timestamp.bytes().all(|b| b.is_ascii_digit()) {
        return Err(SignatureError::Timestamp);
    }
    let timestamp: i64 = headers.timestamp.parse().map_err(|_| SignatureError::Timestamp)?;
    if timestamp.abs_diff(now.0) > TOLERANCE.unsigned_abs() {
        return Err(SignatureError::Stale);
    }
    let given: Vec<Vec<u8>> = headers
        .signature
        .split(' ')
        .filter_map(|signature| signature.strip_prefix(VERSION))
        .take(MAX_SIGNATURES)
        .filter_map(|encoded| BASE64.decode(encoded).ok())
        .collect();
    let mut holds = Choice::from(0);
    for secret in secrets {
        let expected = secret.mac(headers.id, headers.timestamp, body);
        for mac in &given {
            holds |= expected.as_slice().ct_eq(mac);
        }
    }
    if holds.into() { Ok(()) } else { Err(SignatureError::Mismatch) }
}

fn id_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const OTHER: &str = "whsec_HxweHRobGBkWFxQVEhMQEQ4PDA0KCwgJBgcEBQIDAAE=";
    const ID: &str = "dec_01JD9YF6M1ZC8W3K4T7HQRB2XS";
    const BODY: &[u8] = br#"{"id":"dec_01JD9YF6M1ZC8W3K4T7HQRB2XS","type":"claims.source"}"#;
    const SIGNATURE: &str = "v1,9CDPlWwW7bNn5k9BFTBXsHIKWocovQ9uz8vERvGNApg=";
    const NOW: Instant = Instant(1_795_428_300);

    fn secret(text: &str) -> Secret {
        text.parse().unwrap()
    }

    fn check(secrets: &[&str], headers: SignedHeaders<'_>, now: i64) -> Result<(), SignatureError> {
        let secrets: Vec<Secret> = secrets.iter().map(|s| secret(s)).collect();
        verify(&secrets, &headers, BODY, Instant(now))
    }

    fn headers(signature: &str) -> SignedHeaders<'_> {
        SignedHeaders { id: ID, timestamp: "1795428300", signature }
    }

    #[test]
    fn the_published_example_is_reproduced_and_verifies() {
        assert_eq!(sign(&secret(SECRET), ID, NOW, BODY), SIGNATURE);
        assert_eq!(check(&[SECRET], headers(SIGNATURE), NOW.0), Ok(()));
    }

    #[test]
    fn any_of_several_signatures_by_any_of_several_secrets_is_enough() {
        let two = format!("v1,AAAA v1a,{} {SIGNATURE}", &SIGNATURE[3..]);
        assert_eq!(check(&[SECRET], headers(&two), NOW.0), Ok(()));
        assert_eq!(check(&[OTHER, SECRET], headers(SIGNATURE), NOW.0), Ok(()));
        assert_eq!(check(&[OTHER], headers(&two), NOW.0), Err(SignatureError::Mismatch));
        assert_eq!(check(&[], headers(&two), NOW.0), Err(SignatureError::Mismatch));
    }

    #[test]
    fn an_altered_body_id_or_timestamp_breaks_the_signature() {
        let broken = verify(&[secret(SECRET)], &headers(SIGNATURE), b"{}", NOW);
        assert_eq!(broken, Err(SignatureError::Mismatch));
        let id = SignedHeaders { id: "dec_2", ..headers(SIGNATURE) };
        assert_eq!(check(&[SECRET], id, NOW.0), Err(SignatureError::Mismatch));
        let timestamp = SignedHeaders { timestamp: "1795428301", ..headers(SIGNATURE) };
        assert_eq!(check(&[SECRET], timestamp, NOW.0), Err(SignatureError::Mismatch));
    }

    #[test]
    fn a_signature_holds_for_five_minutes_in_either_direction() {
        for (off, expected) in [
            (300, Ok(())),
            (-300, Ok(())),
            (301, Err(SignatureError::Stale)),
            (-301, Err(SignatureError::Stale)),
        ] {
            assert_eq!(check(&[SECRET], headers(SIGNATURE), NOW.0 + off), expected, "{off}");
        }
    }

    #[test]
    fn malformed_headers_are_refused() {
        for id in ["", "dec_1.2", "dec 1", "dec_é", &"x".repeat(129)] {
            let bad = SignedHeaders { id, ..headers(SIGNATURE) };
            assert_eq!(check(&[SECRET], bad, NOW.0), Err(SignatureError::Id), "{id}");
        }
        for timestamp in ["", "+1795428300", "1795428300.0", "-1", "99999999999999999999"] {
            let bad = SignedHeaders { timestamp, ..headers(SIGNATURE) };
            assert_eq!(check(&[SECRET], bad, NOW.0), Err(SignatureError::Timestamp), "{timestamp}");
        }
        for signature in ["", "v1,", "v1", &SIGNATURE[3..], "v1,!!", &SIGNATURE[..30]] {
            assert_eq!(check(&[SECRET], headers(signature), NOW.0), Err(SignatureError::Mismatch));
        }
        let none = SignedHeaders::read(|_| None);
        assert_eq!(none, Err(SignatureError::Missing(HEADER_ID)));
    }

    #[test]
    fn a_secret_is_read_strictly_and_never_printed() {
        let read = |text: &str| text.parse::<Secret>();
        assert_eq!(read(&SECRET[6..]), Err(SecretError::Prefix));
        assert_eq!(read("whsec_%%%"), Err(SecretError::Base64));
        assert_eq!(read("whsec_AAECAwQFBgcICQ=="), Err(SecretError::Length));
        assert_eq!(read(&SECRET[..SECRET.len() - 1]), read(SECRET));
        assert_eq!(format!("{:?}", secret(SECRET)), "Secret(…)");
    }
}
