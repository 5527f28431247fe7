//! The public key in a proof, and its thumbprint (RFC 7638).

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use crate::confirmation::Thumbprint;

/// Members that say how a key is used, and nothing of the key itself: clients send them along because their libraries
/// export keys so.
const ABOUT: [&str; 5] = ["kid", "alg", "use", "key_ops", "ext"];
/// Members of private and symmetric keys (RFC 7518 section 6).
const SECRET: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Why a key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It has a private part, which nobody should have seen.
    #[error("is a private or symmetric key: use another one from now on, this one is lost")]
    Private,
    /// It is of a kind that is not known.
    #[error("is of an unknown kind")]
    Unknown,
    /// A member is missing, or is not written as RFC 7518 has it.
    #[error("has no well-formed `{0}`")]
    Member(&'static str),
    /// It holds something that is no part of such a key.
    #[error("holds a member that has no place in it")]
    Extra,
}

/// How long a number in a key is.
#[derive(Clone, Copy)]
enum Length {
    /// Exactly so many bytes (RFC 7518 section 6.2.1.2, RFC 8037 section 2).
    Exactly(usize),
    /// As few bytes as possible (RFC 7518 section 2, `Base64urlUInt`).
    Least,
}

/// The thumbprint of a public key.
///
/// # Errors
///
/// The key is private, of an unknown kind, or is not written in the one way in which it is to be written: else one key
/// could have several thumbprints.
pub fn thumbprint(key: &Map<String, Value>) -> Result<Thumbprint, KeyError> {
    if SECRET.iter().any(|member| key.contains_key(*member)) {
        return Err(KeyError::Private);
    }
    let text = |name: &str| key.get(name).and_then(Value::as_str);
    let numbers: &[(&'static str, Length)] = match (text("kty"), text("crv")) {
        (Some("RSA"), None) => &[("n", Length::Least), ("e", Length::Least)],
        (Some("EC"), Some("P-256")) => &[("x", Length::Exactly(32)), ("y", Length::Exactly(32))],
        (Some("EC"), Some("P-384")) => &[("x", Length::Exactly(48)), ("y", Length::Exactly(48))],
        (Some("OKP"), Some("Ed25519")) => &[("x", Length::Exactly(32))],
        _ => return Err(KeyError::Unknown),
    };
    let mut required = BTreeMap::new();
    for name in ["kty", "crv"] {
        required.extend(text(name).map(|value| (name, value)));
    }
    for (name, length) in numbers {
        let value = text(name).filter(|value| fits(value, *length)).ok_or(KeyError::Member(name))?;
        required.insert(name, value);
    }
    if key.keys().any(|name| !required.contains_key(name.as_str()) && !ABOUT.contains(&name.as_str())) {
        return Err(KeyError::Extra);
    }
    // RFC 7638 section 3: the required members in the order of their names, without white space. None of the values
    // has a character that JSON would escape.
    let members: Vec<String> =
        required.into_iter().map(|(name, value)| format!("\"{name}\":\"{value}\"")).collect();
    Ok(Thumbprint::of(format!("{{{}}}", members.join(",")).as_bytes()))
}

fn fits(value: &str, length: Length) -> bool {
    let Ok(bytes) = URL_SAFE_NO_PAD.decode(value) else { return false };
    match length {
        Length::Exactly(size) => bytes.len() == size,
        Length::Least => bytes.first().is_some_and(|first| *first != 0),
    }
}
