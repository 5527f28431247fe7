//! Types and client for those who plug into Placet.
//!
//! * [`interaction`]: the prompts that a login and consent web app answers (the interaction API).
//! * [`decision`]: what the server asks a sidecar, and what the sidecar answers (the decision API).
//! * [`grant`]: the one vocabulary for what is granted, shared by both contracts.
//! * [`details`]: how authorization details that are granted are held against those that were asked for.
//! * [`event`]: what receivers of events are told.
//! * [`problem`]: the errors of Placet's own JSON APIs (RFC 9457).
//! * [`client`]: a small HTTP client of the interaction API (feature `client`).
//! * [`policy`]: a framework for sidecars that answer the decision API (feature `serve`).
//! * [`mod@check`]: the conformance kit for sidecars in any language (feature `check`).
//! * [`signature`]: how requests and answers of the decision API are signed (feature `signature`).
//!
//! What a policy may answer is not a matter of taste: [`decision::judge`] holds an answer against the limits of its
//! request, and the server does nothing else.
//!
//! ```
//! use placet_sdk::decision::{Decision, DecisionRequest, Outcome, judge};
//!
//! let request: DecisionRequest = serde_json::from_str(r#"{
//!     "protocol": "1.0", "id": "dec_1", "type": "grant.client_credentials", "mode": "enforce", "attempt": 1,
//!     "time": "2026-11-23T09:20:00Z", "deadline": "2026-11-23T09:20:01Z", "issuer": "https://as.example",
//!     "chain": {"policy": "reports", "position": 1, "of": 1}, "request": {"endpoint": "token"},
//!     "client_credentials": {},
//!     "proposal": {"grant": {"scope": ["reports.read", "reports.write"]}},
//!     "limits": {"grant": {"scope": ["reports.read", "reports.write"]}}
//! }"#)?;
//! let answer = |scope: &str| {
//!     let body = r#"{"id": "dec_1", "decision": "allow", "set": {"grant": {"scope": ["SCOPE"]}}}"#;
//!     Decision::read(body.replace("SCOPE", scope).as_bytes()).and_then(|answer| judge(&request, &answer, &[]))
//! };
//! let Ok(Outcome::Allow(result)) = answer("reports.read") else { panic!("this is within the limits") };
//! assert_eq!(result.grant.unwrap().scope.unwrap(), ["reports.read"]);
//! assert_eq!(answer("admin").unwrap_err().pointer, "/grant/scope");
//! # Ok::<(), serde_json::Error>(())
//! ```
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
pub mod details;
pub mod event;
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
