//! What can go wrong.

use openssl::error::ErrorStack;

use crate::Algorithm;

/// The random source gives nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the random source failed")]
pub struct RandomFailed;

/// Why a token is not decrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecryptError {
    /// It is malformed, too large, altered, made for another key, or demands what is never done. Which of these is not
    /// said: a sender who could tell them apart could learn plaintexts (RFC 7516 section 11.5).
    #[error("the token cannot be decrypted")]
    Refused,
    /// Its `alg` or `enc` is none of those accepted.
    #[error("the token is encrypted with an algorithm that is not accepted")]
    NotAccepted,
    /// No key has its `kid` and fits its algorithms.
    #[error("there is no key for the token")]
    NoKey,
    /// There is no randomness for the substitute of a broken content encryption key.
    #[error(transparent)]
    Random(#[from] RandomFailed),
}

/// Why a token is not made.
#[derive(Debug, thiserror::Error)]
pub enum EncryptError {
    /// The key is of another kind or size, or is meant for another algorithm.
    #[error("the key does not fit the algorithm `{0}`")]
    KeyDoesNotFit(Algorithm),
    /// There is no randomness.
    #[error(transparent)]
    Random(#[from] RandomFailed),
    /// `OpenSSL` reports a fault.
    #[error("the encryption failed: {0}")]
    Failed(#[from] ErrorStack),
}

/// Why a key is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It is no key, or its parts do not belong together.
    #[error("the key is malformed")]
    Malformed,
    /// It is of a kind or on a curve that is not used here.
    #[error("the key is of a kind that is not supported")]
    Unsupported,
    /// It is an RSA key of fewer than 2048 bits or more than 8192, or has an unusual exponent.
    #[error("the key is too weak or too large")]
    Strength,
    /// It is said to be for something else than encryption.
    #[error("the key is not for encryption")]
    WrongUse,
    /// A set without an array `keys`, or with too many of them.
    #[error("the key set is malformed")]
    MalformedSet,
    /// A published set holds a private or symmetric key: whoever publishes one of these has lost it.
    #[error("the key set holds a private or symmetric key")]
    SecretPublished,
}
