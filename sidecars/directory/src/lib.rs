//! A claims source for Placet: what a directory knows of a user becomes claims.
//!
//! It answers `claims.source` with the claims that are asked for and that the directory has, in the languages that are
//! asked for, and `ciba.request` by finding the user whom a login hint means. A directory that does not answer is no
//! answer: the server then does what its registration says of failures.

pub mod config;
mod policy;
pub mod source;

pub use policy::DirectoryPolicy;
