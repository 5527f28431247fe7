//! Assertions that an independent issuer signed, verified by the library and by the program.

mod draft;
mod encryption;
mod good;
mod issuers;
mod program;
mod rules;
mod signatures;
mod signer;
mod tampering;
mod wrapping;
mod xml;
