//! `/register` (RFC 7591, RFC 7592).

use http::Method;
use placet_oauth::{claims::strict_json_bytes, error::OAuthError};
use serde_json::{Map, Value};
use warp::reply::Response;

use super::{reply, request::Request};
use crate::{outcome::Outcome, register as registration, server::Server};

fn metadata(request: &Request) -> Result<Map<String, Value>, OAuthError> {
    if !request.has_type("application/json") {
        return Err(OAuthError::invalid_client_metadata("the body must be of type `application/json`"));
    }
    match strict_json_bytes(&request.body) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(OAuthError::invalid_client_metadata("the body must be a JSON object")),
        Err(reason) => Err(OAuthError::invalid_client_metadata(format!("the body is not JSON: {reason}"))),
    }
}

/// Registers a client.
pub(super) async fn create(server: Server, request: Request) -> Outcome<Response> {
    if let Err(wait) = server.limits().register(request.peer) {
        return Ok(reply::too_many(wait));
    }
    let token = request.bearer()?;
    let registered = registration::create(&server, token.as_ref(), metadata(&request)?).await?;
    Ok(reply::json(201, &registered))
}

/// Reads, updates or deletes a registration.
pub(super) async fn manage(server: Server, request: Request) -> Outcome<Response> {
    if let Err(wait) = server.limits().register(request.peer) {
        return Ok(reply::too_many(wait));
    }
    let token = request.bearer()?;
    let client_id = request.part(0);
    match request.method {
        Method::PUT => {
            let body = metadata(&request)?;
            Ok(reply::json(200, &registration::update(&server, client_id, token.as_ref(), body).await?))
        }
        Method::DELETE => {
            registration::delete(&server, client_id, token.as_ref()).await?;
            Ok(reply::empty(204))
        }
        _ => Ok(reply::json(200, &registration::read(&server, client_id, token.as_ref()).await?)),
    }
}
