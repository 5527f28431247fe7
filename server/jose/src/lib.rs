//! JSON Web Encryption (RFC 7516) in compact form, as an authorization server needs it: encrypted ID tokens, `UserInfo`
//! responses, access tokens and request objects.
//!
//! [`encrypt`] makes a token for a [`Recipient`], whose [`EncryptionKey`] comes from an [`EncryptionKeySet`] or a client
//! secret ([`secret_key`]). [`decrypt`] opens one with [`DecryptionKey`]s, by rules that the caller [`Accepts`]: the
//! header of a token chooses among them and never beyond.
//!
//! `RSA1_5` and PBES2 are left out because they cannot be made safe, `zip` because a small token could become a large
//! one. Everything by which a decryption can fail is one error, [`DecryptError::Refused`], so that nobody learns a
//! plaintext by asking often.
//!
//! Random bytes are passed in ([`Random`]), with two exceptions that `OpenSSL` draws from its own generator: ephemeral
//! keys of ECDH-ES, and the seed of RSA-OAEP.

mod agreement;
mod algorithm;
mod content;
mod curve;
mod decrypt;
mod encrypt;
mod error;
mod key;
mod key_set;
mod management;
mod secret;
mod wrap;

pub use algorithm::{Algorithm, Encryption, UnknownName};
pub use decrypt::{Accepts, Decrypted, decrypt};
pub use encrypt::{Members, Recipient, encrypt};
pub use error::{DecryptError, EncryptError, KeyError, RandomFailed};
pub use key::{DecryptionKey, EncryptionKey};
pub use key_set::EncryptionKeySet;
pub use secret::secret_key;

/// A source of unpredictable bytes: fills the whole slice, or reports that it cannot.
pub type Random<'a> = dyn FnMut(&mut [u8]) -> Result<(), RandomFailed> + 'a;
