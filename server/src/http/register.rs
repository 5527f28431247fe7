//! `/register` (RFC 7591, RFC 7592).

use http::Method;
use placet_oauth::{
    claims::strict_json_bytes,
    error::{ErrorCode, OAuthError},
};
use serde_json::{Map, Value};
use warp::reply::Response;

use super::{reply, request::Request};
use crate::{
    outcome::{Failure, Outcome},
    policy, register as registration,
    server::Server,
};

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
    let token = request.bearer()?;
    let asking = policy::request_facts(&server, "register", None, request.caller());
    let registered = registration::create(&server, token.as_ref(), metadata(&request)?, &asking).await;
    answer(registered.map(|registered| reply::json(201, &registered)))
}

/// A registration that is refused as such is forbidden (403); everything else is as other endpoints answer it.
fn answer(result: Outcome<Response>) -> Outcome<Response> {
    match result {
        Err(Failure::Refused(error)) if error.code == ErrorCode::AccessDenied => {
            tracing::info!(reason = %error.description, "a registration was refused");
            let mut response = reply::oauth_error(&error);
            *response.status_mut() = http::StatusCode::FORBIDDEN;
            Ok(response)
        }
        other => other,
    }
}

/// Reads, updates or deletes a registration.
pub(super) async fn manage(server: Server, request: Request) -> Outcome<Response> {
    let token = request.bearer()?;
    let client_id = request.part(0);
    let asking = policy::request_facts(&server, "register", None, request.caller());
    match request.method {
        Method::PUT => {
            let body = metadata(&request)?;
            let updated = registration::update(&server, client_id, token.as_ref(), (body, &asking)).await;
            answer(updated.map(|updated| reply::json(200, &updated)))
        }
        Method::DELETE => {
            let deleted = registration::delete(&server, client_id, token.as_ref(), &asking).await;
            answer(deleted.map(|()| reply::empty(204)))
        }
        _ => Ok(reply::json(200, &registration::read(&server, client_id, token.as_ref()).await?)),
    }
}
