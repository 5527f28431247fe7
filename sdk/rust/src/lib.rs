//! Types and client for those who plug into Placet.
//!
//! * [`interaction`]: the prompts that a login and consent web app answers (the interaction API).
//! * [`decision`]: what the server asks a sidecar, and what the sidecar answers (the decision API).
//! * [`grant`]: the one vocabulary for what is granted, shared by both contracts.
//! * [`problem`]: the errors of Placet's own JSON APIs (RFC 9457).
//! * [`client`]: a small HTTP client of the interaction API (feature `client`).
//! * [`policy`]: a framework for sidecars that answer the decision API (feature `serve`).
//! * [`check`]: the conformance kit for sidecars in any language (feature `check`).
//! * [`signature`]: how requests and answers of the decision API are signed (feature `signature`).
//!
//! The JSON Schemas in `sdk/schemas` are generated from these types.

pub mod admin;
#[cfg(feature = "check")]
pub mod check;
#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "serve")]
mod clock;
pub mod decision;
pub mod grant;
pub mod instant;
pub mod interaction;
mod interaction_answer;
mod interaction_prompt;
#[cfg(feature = "serve")]
pub mod policy;
pub mod problem;
pub mod resources;
#[cfg(feature = "signature")]
pub mod signature;

pub use instant::{Instant, InstantMillis};
