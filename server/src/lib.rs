//! Placet: an OAuth 2.0 authorization server and OpenID Connect provider that decides nothing about people.
//!
//! Login and consent are a separate web app that answers JSON prompts ([`interaction`]); the server keeps the
//! protocols, the cryptography, the state and the limits. `docs/architecture.md` walks through it.

pub mod actors;
pub mod admission;
pub mod authorize;
pub mod cache;
pub mod ciba;
pub mod claims;
pub mod client;
pub mod clock;
pub mod config;
pub mod console;
pub mod delivery;
pub mod details;
pub mod device;
pub mod direct_grant;
pub mod encryption;
pub mod events;
pub mod freshness;
pub mod generations;
pub mod grant;
pub mod headless;
pub mod housekeeping;
pub mod http;
pub mod interaction;
pub mod introspect;
pub mod jwks;
pub mod keys;
pub mod ledger;
pub mod limits;
pub mod logout;
pub mod metrics;
pub mod openapi;
pub mod outbound;
pub mod outcome;
pub mod policy;
pub mod possession;
pub mod problem;
pub mod random;
pub mod register;
pub mod resource;
pub mod revoke;
pub mod schemas;
pub mod seal;
pub mod secured;
pub mod server;
pub mod session_management;
pub mod store;
pub mod tls;
pub mod token;
pub mod traces;
pub mod trusted;
pub mod userinfo;
