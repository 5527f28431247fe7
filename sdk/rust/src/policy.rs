//! A policy sidecar in Rust (feature `serve`).
//!
//! Write the methods of [`Policy`] for the decisions that are yours; the rest is done here: signatures, deadlines,
//! repeated questions, the discovery document, and the status codes of everything that is wrong with a request.
//!
//! ```no_run
//! use placet_sdk::policy::{Decision, Policy, TokenExchange};
//!
//! struct Delegation;
//!
//! impl Policy for Delegation {
//!     async fn token_exchange(&self, x: TokenExchange) -> Decision<TokenExchange> {
//!         let Some(actor) = x.actor() else { return Decision::deny("invalid_request", "actor_token required") };
//!         let scope = x.limits().scope_where(|value| value.starts_with("shipping."));
//!         if scope.is_empty() {
//!             return Decision::deny("invalid_scope", "nothing to delegate");
//!         }
//!         x.allow()
//!             .scope(scope)
//!             .shorten_access_token(120)
//!             .require_sender_constraint()
//!             .reason("delegation_ok")
//!             .tag("actor", &actor.sub)
//!             .cache_secs(20)
//!     }
//! }
//!
//! #[tokio::main]
//! async fn main() -> placet_sdk::policy::Result<()> {
//!     placet_sdk::policy::serve(Delegation).from_env().await
//! }
//! ```
//!
//! `PLACET_SECRET` is the secret (`whsec_…`) that the server's operator registers with the sidecar's URL; the other
//! variables are those of [`Settings::read`]. [`routes`] gives the same as a `warp` filter.

mod decision;
mod description;
mod granting;
mod hooks;
mod question;
mod replay;
mod routes;
mod serve;
mod service;
mod settings;

pub use decision::Decision;
pub use description::Description;
pub use hooks::{
    AssertionSaml2, AuthorizationCode, AuthorizationRequest, Challenges, Ciba, CibaRequest, ClaimsSource,
    ClientCredentials, ClientDelete, ClientRegister, ClientUpdate, DeviceCode, DeviceRequest, Hook,
    InteractionApprove, InteractionEvaluate, JwtBearer, LogoutEvaluate, NotImplemented, Password, Policy,
    RefreshToken, Saml2Bearer, SetsCiba, SetsClaims, SetsClient, SetsConsent, SetsDemand, SetsDevice,
    SetsGrant, SetsIntrospection, SetsLogout, SetsSaml2, SetsSession, SetsTokenResponse, TokenExchange,
    TokenIntrospect,
};
pub use question::Question;
pub use routes::routes;
pub use serve::{Serve, ServeError, serve};
pub use settings::{Listen, Settings, SettingsError};

pub use crate::signature::Secret;

/// What serving a policy ends with.
pub type Result<T> = std::result::Result<T, ServeError>;
