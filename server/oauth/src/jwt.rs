//! Reading the JWTs that this server issued and gets back (RFC 7519, RFC 8725, RFC 9068). Signatures are checked
//! elsewhere: here is everything that can be said without a key.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256, Sha384, Sha512};

use crate::claims::strict_json_bytes;

mod profile;

pub use profile::VerifyProfile;
pub(crate) use profile::{audience_is, instant, same_type};

/// At most this many bytes in a JWT.
const MAX_BYTES: usize = 16 * 1024;

/// Header members that would let the sender choose the key or the rules (RFC 8725 section 3.10).
const REFUSED_MEMBERS: [&str; 6] = ["crit", "b64", "zip", "jku", "x5u", "x5c"];
/// One more of them, except in DPoP proofs, which are about the key that they bring.
const EMBEDDED_KEY: &str = "jwk";

/// Why a JWT is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwtError {
    /// It is not a JWT in compact form, or a claim has the wrong type.
    #[error("the token is malformed")]
    Malformed,
    /// The header contains this member or value, which is never accepted.
    #[error("the header of the token contains `{0}`, which is not supported")]
    UnsupportedHeader(&'static str),
    /// The header holds no key.
    #[error("the header of the token lacks the object `jwk`")]
    MissingKey,
    /// It is a JWT of another kind.
    #[error("the token is of another type")]
    WrongType,
    /// Somebody else issued it.
    #[error("the token has another issuer")]
    WrongIssuer,
    /// It is meant for somebody else.
    #[error("the token has another audience")]
    WrongAudience,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its time has not come.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// This claim is required.
    #[error("the token lacks the claim `{0}`")]
    MissingClaim(&'static str),
}

/// The members of a JOSE header that are used.
#[derive(Clone, Debug)]
pub struct Header {
    /// The signature algorithm; never `none`.
    pub alg: String,
    /// Which key signed.
    pub kid: Option<String>,
    /// What kind of JWT it is.
    pub typ: Option<String>,
}

/// A JWT in compact form (RFC 7515 section 7.1), taken apart but not verified.
#[derive(Clone, Debug)]
pub struct Compact<'a> {
    /// The header.
    pub header: Header,
    /// The claims.
    pub claims: Map<String, Value>,
    /// Header and payload as received: what the signature covers.
    pub message: &'a str,
    /// The signature in base64url.
    pub signature: &'a str,
}

/// Takes a JWT apart. Header and payload must be JSON objects in which no name occurs twice.
///
/// Fails for more than 16 KiB, anything but three parts of base64url without padding, the algorithm `none`, and
/// header members that would let the sender choose the key.
pub fn parse(compact: &str) -> Result<Compact<'_>, JwtError> {
    parse_within(compact, MAX_BYTES)
}

/// The same as [`parse`] for a JWT of at most so many bytes.
pub fn parse_within(compact: &str, most: usize) -> Result<Compact<'_>, JwtError> {
    let (jwt, members) = take_apart(compact, most)?;
    refuse_key(&members)?;
    Ok(jwt)
}

/// The same for a JWT that brings its own key: a DPoP proof alone (RFC 9449 section 4.2).
pub(crate) fn parse_with_key(compact: &str) -> Result<(Compact<'_>, Map<String, Value>), JwtError> {
    let (jwt, mut members) = take_apart(compact, MAX_BYTES)?;
    match members.remove(EMBEDDED_KEY) {
        Some(Value::Object(key)) => Ok((jwt, key)),
        _ => Err(JwtError::MissingKey),
    }
}

fn take_apart(compact: &str, most: usize) -> Result<(Compact<'_>, Map<String, Value>), JwtError> {
    let (message, signature) = split(compact, most)?;
    let (header, payload) = message.split_once('.').ok_or(JwtError::Malformed)?;
    // A further dot ends up in the payload and is not base64url.
    let members = decode_object(header)?;
    let header = parse_header(&members)?;
    let claims = decode_object(payload)?;
    if signature.is_empty() || URL_SAFE_NO_PAD.decode(signature).is_err() {
        return Err(JwtError::Malformed);
    }
    Ok((Compact { header, claims, message, signature }, members))
}

/// Type and claims of a JWT of at most so many bytes that nobody signed (RFC 7519 section 6): its algorithm is `none`,
/// and its third part is empty.
///
/// Fails for any other, and otherwise as [`parse`] does.
pub fn parse_unsigned(compact: &str, most: usize) -> Result<(Option<String>, Map<String, Value>), JwtError> {
    let (message, signature) = split(compact, most)?;
    let (header, payload) = message.split_once('.').ok_or(JwtError::Malformed)?;
    let members = decode_object(header)?;
    refuse_members(&members)?;
    refuse_key(&members)?;
    if text(&members, "alg")?.as_deref() != Some("none") || !signature.is_empty() {
        return Err(JwtError::Malformed);
    }
    Ok((text(&members, "typ")?, decode_object(payload)?))
}

/// Header and payload, and the signature.
fn split(compact: &str, most: usize) -> Result<(&str, &str), JwtError> {
    if compact.len() > most {
        return Err(JwtError::Malformed);
    }
    compact.rsplit_once('.').ok_or(JwtError::Malformed)
}

fn decode_object(part: &str) -> Result<Map<String, Value>, JwtError> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| JwtError::Malformed)?;
    match strict_json_bytes(&bytes) {
        Ok(Value::Object(members)) => Ok(members),
        _ => Err(JwtError::Malformed),
    }
}

fn parse_header(members: &Map<String, Value>) -> Result<Header, JwtError> {
    refuse_members(members)?;
    let alg = text(members, "alg")?.ok_or(JwtError::Malformed)?;
    if alg.eq_ignore_ascii_case("none") {
        return Err(JwtError::UnsupportedHeader("none"));
    }
    Ok(Header { alg, kid: text(members, "kid")?, typ: text(members, "typ")? })
}

/// A key that the sender brings along proves nothing.
fn refuse_key(members: &Map<String, Value>) -> Result<(), JwtError> {
    if members.contains_key(EMBEDDED_KEY) {
        return Err(JwtError::UnsupportedHeader(EMBEDDED_KEY));
    }
    Ok(())
}

fn refuse_members(members: &Map<String, Value>) -> Result<(), JwtError> {
    match REFUSED_MEMBERS.into_iter().find(|member| members.contains_key(*member)) {
        Some(member) => Err(JwtError::UnsupportedHeader(member)),
        None => Ok(()),
    }
}

fn text(members: &Map<String, Value>, name: &str) -> Result<Option<String>, JwtError> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(JwtError::Malformed),
    }
}

/// The claim `at_hash` for an access token, `c_hash` for a code (OpenID Connect Core sections 3.1.3.6 and 3.3.2.11):
/// the left half of the hash that belongs to the signature algorithm, in base64url.
///
/// `EdDSA` means Ed25519, which uses SHA-512.
pub fn half_hash(alg: &str, value: &str) -> String {
    let digest = if alg.ends_with("384") {
        Sha384::digest(value).to_vec()
    } else if alg.ends_with("512") || matches!(alg, "EdDSA" | "Ed25519") {
        Sha512::digest(value).to_vec()
    } else {
        Sha256::digest(value).to_vec()
    };
    URL_SAFE_NO_PAD.encode(&digest[..digest.len() / 2])
}

#[cfg(test)]
mod tests;
