//! The names of RFC 7518, and what is behind each of them.

use std::{fmt, str::FromStr};

use openssl::{hash::MessageDigest, symm::Cipher};
use serde::{Deserialize, Serialize};

/// A name that stands for none of these algorithms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the algorithm is not supported")]
pub struct UnknownName;

/// How the content encryption key reaches the recipient: `alg` (RFC 7518 section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum Algorithm {
    /// RSAES OAEP with SHA-1 (section 4.3).
    RsaOaep,
    /// RSAES OAEP with SHA-256 (section 4.3).
    RsaOaep256,
    /// The agreed key encrypts the content (section 4.6).
    EcdhEs,
    /// The agreed key of 128 bits wraps the content encryption key.
    EcdhEsA128kw,
    /// The agreed key of 192 bits wraps the content encryption key.
    EcdhEsA192kw,
    /// The agreed key of 256 bits wraps the content encryption key.
    EcdhEsA256kw,
    /// AES Key Wrap with a shared key of 128 bits (section 4.4).
    A128kw,
    /// AES Key Wrap with a shared key of 192 bits.
    A192kw,
    /// AES Key Wrap with a shared key of 256 bits.
    A256kw,
    /// The shared key encrypts the content (section 4.5).
    Dir,
    /// AES GCM with a shared key of 128 bits (section 4.7).
    A128gcmkw,
    /// AES GCM with a shared key of 192 bits.
    A192gcmkw,
    /// AES GCM with a shared key of 256 bits.
    A256gcmkw,
}

/// The work behind an [`Algorithm`]; sizes are bytes of the key that wraps.
#[derive(Clone, Copy)]
pub(crate) enum Method {
    Rsa(fn() -> MessageDigest),
    Agreement { wrap: Option<usize> },
    Wrap(usize),
    GcmWrap(usize),
    Direct,
}

impl Algorithm {
    /// All of them, the asymmetric ones first.
    pub const ALL: [Self; 13] = [
        Self::RsaOaep,
        Self::RsaOaep256,
        Self::EcdhEs,
        Self::EcdhEsA128kw,
        Self::EcdhEsA192kw,
        Self::EcdhEsA256kw,
        Self::A128kw,
        Self::A192kw,
        Self::A256kw,
        Self::Dir,
        Self::A128gcmkw,
        Self::A192gcmkw,
        Self::A256gcmkw,
    ];

    /// Its name in RFC 7518 section 4.1.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RsaOaep => "RSA-OAEP",
            Self::RsaOaep256 => "RSA-OAEP-256",
            Self::EcdhEs => "ECDH-ES",
            Self::EcdhEsA128kw => "ECDH-ES+A128KW",
            Self::EcdhEsA192kw => "ECDH-ES+A192KW",
            Self::EcdhEsA256kw => "ECDH-ES+A256KW",
            Self::A128kw => "A128KW",
            Self::A192kw => "A192KW",
            Self::A256kw => "A256KW",
            Self::Dir => "dir",
            Self::A128gcmkw => "A128GCMKW",
            Self::A192gcmkw => "A192GCMKW",
            Self::A256gcmkw => "A256GCMKW",
        }
    }

    /// Whether both sides hold the same key.
    pub const fn is_symmetric(self) -> bool {
        matches!(self.method(), Method::Wrap(_) | Method::GcmWrap(_) | Method::Direct)
    }

    pub(crate) const fn method(self) -> Method {
        match self {
            Self::RsaOaep => Method::Rsa(MessageDigest::sha1),
            Self::RsaOaep256 => Method::Rsa(MessageDigest::sha256),
            Self::EcdhEs => Method::Agreement { wrap: None },
            Self::EcdhEsA128kw => Method::Agreement { wrap: Some(16) },
            Self::EcdhEsA192kw => Method::Agreement { wrap: Some(24) },
            Self::EcdhEsA256kw => Method::Agreement { wrap: Some(32) },
            Self::A128kw => Method::Wrap(16),
            Self::A192kw => Method::Wrap(24),
            Self::A256kw => Method::Wrap(32),
            Self::Dir => Method::Direct,
            Self::A128gcmkw => Method::GcmWrap(16),
            Self::A192gcmkw => Method::GcmWrap(24),
            Self::A256gcmkw => Method::GcmWrap(32),
        }
    }

    /// Bytes of the shared key for content encrypted with `enc`; none for an asymmetric algorithm.
    pub const fn shared_key_len(self, enc: Encryption) -> Option<usize> {
        match self.method() {
            Method::Wrap(len) | Method::GcmWrap(len) => Some(len),
            Method::Direct => Some(enc.key_len()),
            Method::Rsa(_) | Method::Agreement { .. } => None,
        }
    }
}

/// How the content is encrypted: `enc` (RFC 7518 section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum Encryption {
    /// AES-128 in CBC mode with HMAC SHA-256 (section 5.2.3).
    A128cbcHs256,
    /// AES-192 in CBC mode with HMAC SHA-384 (section 5.2.4).
    A192cbcHs384,
    /// AES-256 in CBC mode with HMAC SHA-512 (section 5.2.5).
    A256cbcHs512,
    /// AES-128 in GCM (section 5.3).
    A128gcm,
    /// AES-192 in GCM.
    A192gcm,
    /// AES-256 in GCM.
    A256gcm,
}

/// The hash of an encryption with HMAC.
#[derive(Clone, Copy)]
pub(crate) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Encryption {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::A128cbcHs256,
        Self::A192cbcHs384,
        Self::A256cbcHs512,
        Self::A128gcm,
        Self::A192gcm,
        Self::A256gcm,
    ];

    /// Its name in RFC 7518 section 5.1.
    pub const fn name(self) -> &'static str {
        match self {
            Self::A128cbcHs256 => "A128CBC-HS256",
            Self::A192cbcHs384 => "A192CBC-HS384",
            Self::A256cbcHs512 => "A256CBC-HS512",
            Self::A128gcm => "A128GCM",
            Self::A192gcm => "A192GCM",
            Self::A256gcm => "A256GCM",
        }
    }

    /// Bytes of the content encryption key. With HMAC its first half authenticates and its second half encrypts.
    pub const fn key_len(self) -> usize {
        match self {
            Self::A128gcm => 16,
            Self::A192gcm => 24,
            Self::A128cbcHs256 | Self::A256gcm => 32,
            Self::A192cbcHs384 => 48,
            Self::A256cbcHs512 => 64,
        }
    }

    /// Bytes of the initialization vector.
    pub(crate) const fn iv_len(self) -> usize {
        if self.hash().is_some() { 16 } else { 12 }
    }

    /// Bytes of the authentication tag; no other length is ever taken.
    pub(crate) const fn tag_len(self) -> usize {
        match self.hash() {
            Some(_) => self.key_len() / 2,
            None => 16,
        }
    }

    /// The hash of its HMAC; none in GCM, which authenticates by itself.
    pub(crate) const fn hash(self) -> Option<Hash> {
        match self {
            Self::A128cbcHs256 => Some(Hash::Sha256),
            Self::A192cbcHs384 => Some(Hash::Sha384),
            Self::A256cbcHs512 => Some(Hash::Sha512),
            Self::A128gcm | Self::A192gcm | Self::A256gcm => None,
        }
    }

    pub(crate) fn cipher(self) -> Cipher {
        match self {
            Self::A128cbcHs256 => Cipher::aes_128_cbc(),
            Self::A192cbcHs384 => Cipher::aes_192_cbc(),
            Self::A256cbcHs512 => Cipher::aes_256_cbc(),
            Self::A128gcm => Cipher::aes_128_gcm(),
            Self::A192gcm => Cipher::aes_192_gcm(),
            Self::A256gcm => Cipher::aes_256_gcm(),
        }
    }
}

/// Reading and writing by the names of the RFC, which are compared exactly.
macro_rules! named {
    ($type:ty) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        impl FromStr for $type {
            type Err = UnknownName;

            fn from_str(name: &str) -> Result<Self, UnknownName> {
                Self::ALL.into_iter().find(|one| one.name() == name).ok_or(UnknownName)
            }
        }

        impl TryFrom<String> for $type {
            type Error = UnknownName;

            fn try_from(name: String) -> Result<Self, UnknownName> {
                name.parse()
            }
        }

        impl From<$type> for &'static str {
            fn from(value: $type) -> Self {
                value.name()
            }
        }
    };
}

named!(Algorithm);
named!(Encryption);
