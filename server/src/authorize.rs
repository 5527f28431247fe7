//! The door to authorization: validates the request of a client before any person is asked.

mod arrival;
mod object;
mod profile;
mod pushed;
mod request;
mod respond;

use placet_oauth::{
    authorization::{AuthorizationRequest, Destination},
    error::OAuthError,
};
use placet_sdk::interaction::Delivery;

use crate::{
    client::{Client, SharedClient},
    outcome::{Failure, Fault, Outcome},
    server::Server,
};

pub use arrival::Arrival;
pub use pushed::{Pushed, push, spend};
pub(crate) use pushed::{already_answered, spent};
pub(crate) use request::check;
pub use request::{read_without_browser, validate};
pub(crate) use respond::JWT_LIFETIME;
pub use respond::delivery;

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
    /// How it came here.
    pub arrival: Arrival,
}

/// An authorization request that is refused.
#[derive(Debug)]
pub enum Refusal {
    /// There is nowhere safe to send the browser: a page is shown, nothing is redirected.
    Page(OAuthError),
    /// The client learns it by redirect or form.
    ToClient(Box<ToClient>),
    /// We are broken, and there is nowhere safe to send the browser.
    Fault(Fault),
}

/// An error for the client.
#[derive(Debug)]
pub struct ToClient {
    /// The error.
    pub error: OAuthError,
    /// Where it goes.
    pub destination: Destination,
    client: SharedClient,
}

impl ToClient {
    /// What the browser carries there.
    pub async fn delivery(&self, server: &Server) -> Outcome<Delivery> {
        let params = vec![
            ("error".to_owned(), self.error.code.as_str().to_owned()),
            ("error_description".to_owned(), self.error.description.clone()),
        ];
        delivery(server, &self.client, &self.destination, params).await
    }
}

impl Refusal {
    /// The refusal of a request whose destination is known. Our own trouble is told there too.
    pub fn at(client: &SharedClient, destination: &Destination, failure: &Failure) -> Self {
        if let Failure::Fault(fault) = failure {
            tracing::error!(%fault, "an authorization request could not be answered");
        }
        let (client, destination) = (client.clone(), destination.clone());
        Self::ToClient(Box::new(ToClient { error: failure.shown(), destination, client }))
    }
}

/// What stops a request, and the destination, if it is safe to tell it there.
struct Stop {
    failure: Failure,
    destination: Option<Destination>,
}

impl Stop {
    fn at(destination: &Destination, failure: impl Into<Failure>) -> Self {
        Self { failure: failure.into(), destination: Some(destination.clone()) }
    }

    fn refusal(self, client: &SharedClient) -> Refusal {
        match (self.failure, self.destination) {
            (failure, Some(destination)) => Refusal::at(client, &destination, &failure),
            (Failure::Fault(fault), None) => Refusal::Fault(fault),
            (failure, None) => Refusal::Page(failure.shown()),
        }
    }
}

impl<F: Into<Failure>> From<F> for Stop {
    fn from(failure: F) -> Self {
        Self { failure: failure.into(), destination: None }
    }
}

/// The registered redirect URIs of a client.
fn redirect_uris(client: &Client) -> &[String] {
    client.metadata.redirect_uris.as_deref().unwrap_or_default()
}
