//! Answers.

use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use warp::reply::Response;

use crate::problem::Refusal;

/// An answer with a body of this type, which nobody may keep.
pub(super) fn with_type(status: u16, media_type: &'static str, body: impl Into<Vec<u8>>) -> Response {
    let mut response = Response::new(body.into().into());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    put(&mut response, header::CONTENT_TYPE, media_type);
    put(&mut response, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(&mut response, header::CACHE_CONTROL, "no-store");
    response
}

/// JSON.
pub(super) fn json(status: u16, value: &impl Serialize) -> Response {
    with_type(status, "application/json", serde_json::to_vec(value).unwrap_or_default())
}

/// An answer without a body.
pub(super) fn empty(status: u16) -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    put(&mut response, header::CACHE_CONTROL, "no-store");
    response
}

/// A redirect by `GET`.
pub(super) fn see_other(location: &str) -> Response {
    let mut response = empty(303);
    put(&mut response, header::LOCATION, location);
    put(&mut response, header::REFERRER_POLICY, "no-referrer");
    response
}

/// A problem document (RFC 9457).
pub(super) fn problem(refusal: &Refusal) -> Response {
    let problem = &refusal.problem;
    let body = serde_json::to_vec(problem).unwrap_or_default();
    let mut response = with_type(problem.status, "application/problem+json", body);
    if problem.status == 401 {
        put(&mut response, header::WWW_AUTHENTICATE, "Bearer realm=\"placet\"");
    }
    if let Some(seconds) = refusal.retry_after {
        put(&mut response, header::RETRY_AFTER, &seconds.to_string());
    }
    response
}

/// Sets a header; a value that is none is left out.
pub(super) fn put(response: &mut Response, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
