//! Turns SAML 2.0 assertions into verified facts (RFC 7522): the only part of Placet that parses XML.
//!
//! An assertion passes these steps, and each may refuse it:
//!
//! 1. a strict reader takes the document apart (`xml`),
//! 2. if it is encrypted, it is decrypted, and the reader takes what was in it (`encrypted`),
//! 3. it must have one signature of one form (`screen`),
//! 4. its issuer must be known, by its exact name ([`issuer`]),
//! 5. every element must have its place in the grammar of SAML (`assertion`),
//! 6. xmlsec verifies the signature over a copy that was written anew (`signature`),
//! 7. what was verified is read, and nothing else,
//! 8. every rule of RFC 7522 section 3 is applied to it (`rules`).

mod assertion;
mod clock;
pub mod command;
pub mod config;
mod confine;
mod desk;
pub mod development;
mod encrypted;
pub mod issuer;
mod names;
mod policy;
mod random;
mod refusal;
mod rules;
mod screen;
mod server;
mod signature;
mod verify;
mod xml;

pub use encrypted::{DecryptionKey, DecryptionKeyError};
pub use refusal::{Reason, Refusal};
pub use verify::{LONGEST_ASSERTION, LONGEST_VALUE, Verifier};
