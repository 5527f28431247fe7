//! Identifiers that cannot be confused with each other, and secrets that do not print.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The longest identifier, in characters.
const MAX_ID: usize = 255;

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $field:literal, $permitted:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The identifier, if `text` is one.
            pub fn parse(text: &str) -> Option<Self> {
                let permitted: fn(char) -> bool = $permitted;
                let fits = !text.is_empty() && text.chars().count() <= MAX_ID && text.chars().all(permitted);
                fits.then(|| Self(text.to_owned()))
            }

            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = &'static str;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::parse(&text).ok_or(concat!("not a ", $field))
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    };
}

identifier! {
    /// A `client_id`: 1 to 255 of the characters VSCHAR (RFC 6749 appendix A.1).
    ClientId, "client_id", |character| matches!(character, ' '..='~')
}

identifier! {
    /// The `sub` of a user: 1 to 255 characters, none of them a control character (OpenID Connect Core
    /// section 2). Compared exactly, case included.
    Subject, "sub", |character| !character.is_control()
}

/// A password, code or token. It has neither `Display` nor serde, and its `Debug` shows nothing, so that it
/// reaches a log or a response only through [`Secret::expose`].
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// The secret itself, for the one place that has to send or check it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The SHA-256 of the secret, which is what is stored of a secret with full entropy.
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

/// Takes the same time wherever two secrets of one length differ.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_id_is_visible_ascii_and_spaces() {
        assert_eq!(ClientId::parse("my app~1").unwrap().as_str(), "my app~1");
        assert_eq!(ClientId::parse(&"x".repeat(255)).unwrap().as_str().len(), 255);
        for text in ["", "a\nb", "a\u{7f}", "ä", &"x".repeat(256)] {
            assert_eq!(ClientId::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_subject_is_anything_but_control_characters() {
        assert_eq!(Subject::parse("jürgen").unwrap().to_string(), "jürgen");
        assert!(Subject::parse(&"ü".repeat(255)).is_some());
        for text in ["", "a\0", "a\tb", "a\u{85}", &"ü".repeat(256)] {
            assert_eq!(Subject::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn json_holds_the_plain_text_and_is_checked() {
        let id: ClientId = serde_json::from_str(r#""app""#).unwrap();
        assert_eq!(serde_json::to_string(&id).unwrap(), r#""app""#);
        assert!(serde_json::from_str::<ClientId>(r#""""#).is_err());
        assert!(serde_json::from_str::<Subject>(r#""a\nb""#).is_err());
    }

    #[test]
    fn a_secret_does_not_print() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret:?} {:?}", Some(&secret)), "Secret(..) Some(Secret(..))");
        assert_eq!(secret.expose(), "hunter2");
    }

    #[test]
    fn secrets_are_compared_by_their_bytes() {
        assert_eq!(Secret::new("abc"), Secret::new("abc"));
        for other in ["abd", "ABC", "ab", "abcd", ""] {
            assert_ne!(Secret::new("abc"), Secret::new(other));
        }
    }

    #[test]
    fn the_digest_is_sha_256() {
        let digest = Secret::new("abc").sha256();
        assert_eq!(digest[..4], [0xba, 0x78, 0x16, 0xbf]);
        assert_eq!(digest[28..], [0xf2, 0x00, 0x15, 0xad]);
    }
}
