//! How an authorization response reaches the client (RFC 6749 section 4.1.2, RFC 9207, OAuth form post), in clear or as a
//! JWT (JWT Secured Authorization Response Mode for OAuth 2.0, JARM).

use std::collections::BTreeMap;

use placet_oauth::{authorization::Destination, client::JwtResponse, response_mode::redirect_location};
use placet_sdk::interaction::{Delivery, DeliveryMethod};
use serde_json::Value;

use crate::{client::Client, outcome::Outcome, secured, server::Server};

/// A response that is a JWT is good for so long, in seconds (JARM section 2.1).
pub(crate) const JWT_LIFETIME: u32 = 600;

/// The delivery of these parameters, with `state` and `iss` added: every response carries the issuer.
///
/// Fails where a response is to be encrypted and cannot be: it is not sent in clear instead.
pub async fn delivery(
    server: &Server,
    client: &Client,
    destination: &Destination,
    mut params: Vec<(String, String)>,
) -> Outcome<Delivery> {
    if let Some(state) = &destination.state {
        params.push(("state".to_owned(), state.clone()));
    }
    params.push(("iss".to_owned(), server.issuer().to_owned()));
    if destination.response_mode.is_jwt() {
        params = vec![("response".to_owned(), jwt(server, client, params).await?)];
    }
    Ok(match redirect_location(&destination.redirect_uri, destination.response_mode, &params) {
        Some(uri) => Delivery { method: DeliveryMethod::Redirect, uri: Some(uri), fields: None },
        None => Delivery {
            method: DeliveryMethod::FormPost,
            uri: Some(destination.redirect_uri.clone()),
            fields: Some(params.into_iter().collect::<BTreeMap<_, _>>()),
        },
    })
}

/// The parameters as the claims of a JWT for the client, signed and encrypted as it registered (JARM sections 2.1 to
/// 2.3).
async fn jwt(server: &Server, client: &Client, params: Vec<(String, String)>) -> Outcome<String> {
    let mut claims: BTreeMap<String, Value> =
        params.into_iter().map(|(name, value)| (name, value.into())).collect();
    claims.insert("aud".to_owned(), client.id.clone().into());
    claims.insert("exp".to_owned(), (server.now() + i64::from(JWT_LIFETIME)).into());
    let jwt = secured::jwt(server, client, JwtResponse::Authorization, ("JWT", &claims)).await?;
    Ok(jwt.expose().to_owned())
}
