//! How an authorization response reaches the client (RFC 6749 section 4.1.2, RFC 9207, OAuth form post).

use std::collections::BTreeMap;

use placet_oauth::{
    authorization::Destination,
    error::OAuthError,
    response_mode::{ResponseMode, redirect_location},
};
use placet_sdk::interaction::{Delivery, DeliveryMethod};

use super::Refusal;

/// The delivery of these parameters, with `state` and `iss` added: every response carries the issuer.
pub fn delivery(issuer: &str, destination: &Destination, mut params: Vec<(String, String)>) -> Delivery {
    if let Some(state) = &destination.state {
        params.push(("state".to_owned(), state.clone()));
    }
    params.push(("iss".to_owned(), issuer.to_owned()));
    match redirect_location(&destination.redirect_uri, destination.response_mode, &params) {
        Some(uri) if destination.response_mode != ResponseMode::FormPost => {
            Delivery { method: DeliveryMethod::Redirect, uri: Some(uri), fields: None }
        }
        _ => Delivery {
            method: DeliveryMethod::FormPost,
            uri: Some(destination.redirect_uri.clone()),
            fields: Some(params.into_iter().collect::<BTreeMap<_, _>>()),
        },
    }
}

/// The refusal of a request whose destination is known.
pub fn refusal(issuer: &str, destination: &Destination, error: OAuthError) -> Refusal {
    let params = vec![
        ("error".to_owned(), error.code.as_str().to_owned()),
        ("error_description".to_owned(), error.description.clone()),
    ];
    let delivery = delivery(issuer, destination, params);
    Refusal::ToClient(error, delivery)
}
