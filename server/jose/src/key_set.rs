//! The published keys of a recipient (RFC 7517 section 5), and which of them a token is encrypted with.

use serde_json::{Map, Value};

use crate::{Algorithm, Encryption, EncryptionKey, KeyError, key::holds_a_secret};

/// Keys in a set at most.
const MAX_KEYS: usize = 100;

/// The keys of a recipient that encrypt.
#[derive(Debug)]
pub struct EncryptionKeySet(Vec<EncryptionKey>);

impl EncryptionKeySet {
    /// Reads a key set. Keys that cannot be used here are skipped: they are for signatures, or of another kind.
    ///
    /// # Errors
    ///
    /// A set without `keys`, with more than 100, or with a private or symmetric key.
    pub fn parse(set: &Map<String, Value>) -> Result<Self, KeyError> {
        let keys = set.get("keys").and_then(Value::as_array).ok_or(KeyError::MalformedSet)?;
        if keys.len() > MAX_KEYS {
            return Err(KeyError::MalformedSet);
        }
        let mut read = Vec::new();
        for jwk in keys.iter().filter_map(Value::as_object) {
            if holds_a_secret(jwk) {
                return Err(KeyError::SecretPublished);
            }
            read.extend(EncryptionKey::from_jwk(jwk).ok());
        }
        Ok(Self(read))
    }

    /// The key to encrypt with: one that fits, and has this `kid` if one is given. Of several the one that names the
    /// algorithm is taken before one that is only marked for encryption, that one before the others, and then the first
    /// in the order of the set.
    pub fn select(&self, alg: Algorithm, enc: Encryption, kid: Option<&str>) -> Option<&EncryptionKey> {
        self.0
            .iter()
            .filter(|key| key.fits(alg, enc) && (kid.is_none() || key.kid() == kid))
            // `max_by_key` would take the last of equals.
            .min_by_key(|key| std::cmp::Reverse(key.preference()))
    }
}
