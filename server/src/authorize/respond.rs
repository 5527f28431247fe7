//! How an authorization response reaches the client (RFC 6749 section 4.1.2, RFC 9207, OAuth form post).

use std::collections::BTreeMap;

use placet_oauth::{
    authorization::Destination,
    response_mode::{ResponseMode, redirect_location},
};
use placet_sdk::interaction::{Delivery, DeliveryMethod};

use crate::{client::Client, outcome::Fault, server::Server};

/// The delivery of these parameters, with `state` and `iss` added: every response carries the issuer.
pub async fn delivery(
    server: &Server,
    _client: &Client,
    destination: &Destination,
    mut params: Vec<(String, String)>,
) -> Result<Delivery, Fault> {
    if let Some(state) = &destination.state {
        params.push(("state".to_owned(), state.clone()));
    }
    params.push(("iss".to_owned(), server.issuer().to_owned()));
    Ok(match redirect_location(&destination.redirect_uri, destination.response_mode, &params) {
        Some(uri) if destination.response_mode != ResponseMode::FormPost => {
            Delivery { method: DeliveryMethod::Redirect, uri: Some(uri), fields: None }
        }
        _ => Delivery {
            method: DeliveryMethod::FormPost,
            uri: Some(destination.redirect_uri.clone()),
            fields: Some(params.into_iter().collect::<BTreeMap<_, _>>()),
        },
    })
}
