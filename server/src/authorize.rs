//! The door to authorization: validates the request of a client before any person is asked.

mod request;
mod respond;

use placet_oauth::{
    authorization::{AuthorizationRequest, Destination},
    error::OAuthError,
};
use placet_sdk::interaction::Delivery;

use crate::client::SharedClient;

pub use request::validate;
pub use respond::{delivery, refusal};

/// A valid request.
#[derive(Debug)]
pub struct Valid {
    /// Who asks.
    pub client: SharedClient,
    /// What.
    pub request: AuthorizationRequest,
    /// Where the answer goes.
    pub destination: Destination,
    /// The subject it demands (`id_token_hint`, `claims`), as this client sees subjects.
    pub demanded_sub: Option<String>,
}

/// An authorization request that is refused.
#[derive(Debug)]
pub enum Refusal {
    /// There is nowhere safe to send the browser: a page is shown, nothing is redirected.
    Page(OAuthError),
    /// The client learns it by redirect or form.
    ToClient(OAuthError, Delivery),
    /// We are broken, and there is nowhere safe to send the browser.
    Fault(crate::outcome::Fault),
}

impl From<crate::outcome::Fault> for Refusal {
    fn from(fault: crate::outcome::Fault) -> Self {
        Self::Fault(fault)
    }
}
