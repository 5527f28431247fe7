//! Verification of assertions that an independent issuer signed.

mod draft;
mod encryption;
mod good;
mod issuers;
mod rules;
mod signatures;
mod signer;
mod tampering;
mod wrapping;
mod xml;
