//! OAuth 2.0 and OpenID Connect as types and pure rules.
//!
//! Every decision the specifications prescribe lives here: what a request may say, what a client may ask,
//! which redirect is safe, what an error is called. Nothing here reads a clock, draws randomness, waits or
//! touches a store, so each rule can be tested alone and read next to the section it obeys.
//!
//! The order of use follows a request: [`params`] turns bytes into names and values, [`credentials`] and
//! [`bearer`] say who speaks, [`token_request`] and [`authorization`] say what is asked, [`client`] and
//! [`scope`] say what is permitted, [`jwt`] and [`claims`] what is handed out, and [`error`] how a refusal is
//! worded.

pub mod attestation;
pub mod authorization;
pub mod bearer;
pub mod ciba;
pub mod claims;
pub mod client;
pub mod confirmation;
pub mod credentials;
pub mod dn;
pub mod dpop;
pub mod error;
pub mod grant_type;
pub mod id;
pub mod jwt;
pub mod metadata;
pub mod mtls;
pub mod native_sso;
pub mod pairwise;
pub mod params;
pub mod pkce;
pub mod profile;
pub mod rar;
pub mod redirect_uri;
pub mod request_object;
pub mod resource;
pub mod response_mode;
pub mod response_type;
pub mod scope;
pub mod session_state;
pub mod token_request;
mod uri;
pub mod user_code;
