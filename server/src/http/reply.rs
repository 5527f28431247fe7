//! Answers.

use http::{HeaderValue, Method, StatusCode, header};
use placet_oauth::{
    bearer::{self, Scheme},
    error::{ErrorCode, OAuthError},
};
use placet_sdk::problem::Problem;
use serde::Serialize;
use serde_json::{Value, json};
use warp::reply::Response;

use super::request::Errors;
use crate::{
    ledger::note,
    limits::{Policy, Standing, TooMany},
    outcome::{Failure, Outcome},
    problem::{ApiFailure, ApiResult, problem},
};

/// Name of the header that finds the log lines of a request.
pub const REQUEST_ID: &str = "placet-request-id";
/// Name of the header with the challenge for attested clients, as it is written on the wire.
const CHALLENGE: &str = "oauth-client-attestation-challenge";
/// How long a caller waits before it tries again after our own trouble, in seconds.
const RETRY_AFTER: &str = "2";

/// An answer with a body of this type.
pub fn with_type(status: u16, media_type: &'static str, body: impl Into<Vec<u8>>) -> Response {
    let mut response = Response::new(body.into().into());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response.headers_mut().insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    response
}

/// JSON that nobody may keep.
pub fn json(status: u16, value: &Value) -> Response {
    let mut response = with_type(status, "application/json", value.to_string());
    no_store(&mut response);
    response
}

/// Forbids caches to keep an answer (RFC 6749 section 5.1).
pub fn no_store(response: &mut Response) {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // RFC 6749 section 5.1 wants it beside the other one.
    response.headers_mut().insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
}

/// Lets caches keep an answer for `seconds`.
pub fn keep(response: &mut Response, seconds: u32) {
    if let Ok(value) = HeaderValue::from_str(&format!("public, max-age={seconds}")) {
        response.headers_mut().insert(header::CACHE_CONTROL, value);
    }
}

/// An answer without a body.
pub fn empty(status: u16) -> Response {
    let mut response = Response::new(Vec::new().into());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    no_store(&mut response);
    response
}

/// A redirect by `GET` (303).
pub fn see_other(location: &str) -> Response {
    let mut response = empty(303);
    match HeaderValue::from_str(location) {
        Ok(value) => {
            response.headers_mut().insert(header::LOCATION, value);
            response.headers_mut().insert("referrer-policy", HeaderValue::from_static("no-referrer"));
            response
        }
        Err(_) => {
            failure(&Failure::Fault(crate::outcome::Fault::new("redirect", "a location that is no header")))
        }
    }
}

/// A failure as OAuth errors are answered (RFC 6749 section 5.2).
pub fn failure(failure: &Failure) -> Response {
    let error = failure.shown();
    note(|noted| noted.refused(error.shown_code(), &error.description));
    match failure {
        Failure::TooMany(wait) => return too_many(*wait),
        Failure::Fault(fault) => tracing::error!(%fault, "a request could not be answered"),
        Failure::Refused(error) => {
            tracing::info!(code = error.code.as_str(), reason = %error.description, "a request was refused");
        }
    }
    oauth_error(&error)
}

/// An OAuth error.
pub fn oauth_error(error: &OAuthError) -> Response {
    let mut body = json!({ "error": error.shown_code(), "error_description": error.description });
    if let Some(extension) = &error.extension {
        for (name, value) in &extension.members {
            body[name] = value.clone();
        }
        if let Some(uri) = &extension.uri {
            body["error_uri"] = uri.clone().into();
        }
    }
    let mut response = json(error.code.status(), &body);
    let challenge = match error.code {
        ErrorCode::InvalidClient => Some("Basic realm=\"placet\"".to_owned()),
        ErrorCode::InvalidToken | ErrorCode::InsufficientScope => {
            Some(bearer::challenge("placet", Some(error), None))
        }
        _ => None,
    };
    if let Some(value) = challenge.and_then(|c| HeaderValue::from_str(&c).ok()) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    }
    if error.code == ErrorCode::TemporarilyUnavailable {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER));
    }
    response
}

/// A request to a protected resource that is refused (RFC 6750 section 3, RFC 9449 section 7.1). `scheme` is the one by
/// which a token was presented; without any, the request may not have been an attempt.
pub fn refused_at_resource(error: &OAuthError, scheme: Option<Scheme>) -> Response {
    let mut response = failure(&Failure::Refused(error.clone()));
    let of_proof = matches!(error.code, ErrorCode::InvalidDpopProof | ErrorCode::UseDpopNonce);
    if of_proof {
        *response.status_mut() = StatusCode::UNAUTHORIZED;
    }
    if of_proof || matches!(error.code, ErrorCode::InvalidToken | ErrorCode::InsufficientScope) {
        challenge(&mut response, (scheme, Some(error), None));
    }
    response
}

/// Says how a token can be presented: by the scheme that was used, or by either.
pub fn challenge(
    response: &mut Response,
    (scheme, error, scope): (Option<Scheme>, Option<&OAuthError>, Option<&str>),
) {
    response.headers_mut().remove(header::WWW_AUTHENTICATE);
    let dpop = scheme == Some(Scheme::Dpop);
    let bearer = (!dpop).then(|| bearer::challenge("placet", error, scope));
    let bound = bearer::dpop_challenge("placet", error.filter(|_| dpop), &crate::jwks::SUPPORTED);
    for value in bearer.into_iter().chain([bound]) {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().append(header::WWW_AUTHENTICATE, value);
        }
    }
}

/// The server is busy with others; whoever is told so must cost as little as can be.
pub fn busy(errors: Errors) -> Response {
    const OAUTH: &str = concat!(
        r#"{"error":"temporarily_unavailable","#,
        r#""error_description":"the server is busy; nothing was consumed, so try again in a moment"}"#
    );
    const PROBLEM: &str = concat!(
        r#"{"type":"urn:placet:problem:unavailable","title":"Temporarily unavailable","status":503,"#,
        r#""detail":"the server is busy; try the same again in a moment","code":"unavailable"}"#
    );
    let (media_type, body) = match errors {
        Errors::OAuth => ("application/json", OAUTH),
        Errors::Problem => ("application/problem+json", PROBLEM),
    };
    let mut response = Response::new(body.into());
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    no_store(&mut response);
    response
}

/// A caller that has to wait.
pub fn too_many(wait: TooMany) -> Response {
    tracing::info!(retry_after = wait.retry_after, "a request was refused for its rate");
    let text = format!("too many requests, try again in {} seconds", wait.retry_after);
    note(|noted| noted.refused(ErrorCode::TemporarilyUnavailable.as_str(), &text));
    let mut response = json(
        429,
        &json!({
            "error": "temporarily_unavailable",
            "error_description": text,
        }),
    );
    set_retry_after(&mut response, wait);
    response
}

fn set_retry_after(response: &mut Response, wait: TooMany) {
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.retry_after));
    tell_limit(response, Standing { policy: wait.policy, remaining: 0, reset: wait.retry_after });
}

/// Tells what is left of a limit (`RateLimit` header fields for HTTP, draft 10), beside what is told of others.
pub fn tell_limit(response: &mut Response, standing: Standing) {
    let Policy { name, quota, window } = standing.policy;
    let policy = format!("\"{name}\";q={quota};w={window}");
    let left = format!("\"{name}\";r={};t={}", standing.remaining, standing.reset);
    for (field, value) in [("ratelimit-policy", policy), ("ratelimit", left)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().append(field, value);
        }
    }
}

/// An answer of the interaction API.
pub fn api(answered: ApiResult<Response>) -> Outcome<Response> {
    Ok(match answered {
        Ok(response) => response,
        Err(ApiFailure::Problem(refused)) => {
            tracing::info!(code = %refused.code, reason = refused.detail.as_deref().unwrap_or(""), "a call was refused");
            problem_document(&refused)
        }
        Err(ApiFailure::TooMany(wait)) => {
            let detail = format!("try again in {} seconds", wait.retry_after);
            let mut response = problem_document(&problem(429, "too_many_requests", &detail));
            set_retry_after(&mut response, wait);
            response
        }
        Err(ApiFailure::Fault(fault)) => {
            tracing::error!(%fault, "a call could not be answered");
            let refused = if fault.is_of_policy() {
                problem(
                    503,
                    "policy_unavailable",
                    "a policy cannot decide right now; try the same again later",
                )
            } else {
                problem(503, "unavailable", "the server cannot answer right now; try the same again later")
            };
            let mut response = problem_document(&refused);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER));
            response
        }
    })
}

/// A problem document (RFC 9457).
pub fn problem_document(refused: &Problem) -> Response {
    note(|noted| noted.refused(&refused.code, refused.detail.as_deref().unwrap_or_default()));
    let body = serde_json::to_vec(refused).unwrap_or_default();
    let mut response = with_type(refused.status, "application/problem+json", body);
    no_store(&mut response);
    if refused.status == 401 {
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"placet\""));
    }
    response
}

/// An object of the interaction API.
pub fn object(status: u16, value: &impl Serialize) -> ApiResult<Response> {
    let value = serde_json::to_value(value).map_err(|e| crate::outcome::Fault::new("answer", e))?;
    Ok(json(status, &value))
}

/// What is refused before an endpoint is asked.
pub fn refused(status: u16, reason: &str, errors: Errors) -> Response {
    match errors {
        Errors::OAuth => json(status, &json!({ "error": "invalid_request", "error_description": reason })),
        Errors::Problem => {
            let code = match status {
                404 => "not_found",
                405 => "method_not_allowed",
                413 => "payload_too_large",
                _ => "invalid_request",
            };
            problem_document(&problem(status, code, reason))
        }
    }
}

/// A method that the endpoint does not know (RFC 9110 section 15.5.6).
pub fn method_not_allowed(methods: &[Method], errors: Errors) -> Response {
    let allow = methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
    let mut response = refused(405, &format!("only {allow} is allowed here"), errors);
    if let Ok(value) = HeaderValue::from_str(&allow) {
        response.headers_mut().insert(header::ALLOW, value);
    }
    response
}

/// What no public endpoint matched.
pub async fn not_found(_: warp::Rejection) -> Result<Response, std::convert::Infallible> {
    Ok(refused(404, "there is nothing at this path", Errors::OAuth))
}

/// What no private endpoint matched.
pub async fn no_resource(_: warp::Rejection) -> Result<Response, std::convert::Infallible> {
    Ok(refused(404, "there is nothing at this path", Errors::Problem))
}

/// The answer to a preflight request (CORS).
pub fn preflight(methods: &[Method]) -> Response {
    let mut response = empty(204);
    let allow = methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&allow) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, value);
    }
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static(
            "authorization, content-type, dpop, oauth-client-attestation, oauth-client-attestation-pop",
        ),
    );
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    response
}

/// Lets scripts of any origin read an answer; cookies are never involved.
pub fn allow_any_origin(response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static(
            "www-authenticate, dpop-nonce, oauth-client-attestation-challenge, placet-request-id, retry-after, \
             ratelimit, ratelimit-policy",
        ),
    );
}

/// Tells clients the nonce for their next DPoP proof (RFC 9449 section 8.2).
pub fn set_dpop_nonce(response: &mut Response, nonce: &str) {
    if let Ok(value) = HeaderValue::from_str(nonce) {
        response.headers_mut().insert("dpop-nonce", value);
        no_store(response);
    }
}

/// Tells attested clients the challenge for their next proof.
pub fn set_challenge(response: &mut Response, challenge: &str) {
    if let Ok(value) = HeaderValue::from_str(challenge) {
        response.headers_mut().insert(CHALLENGE, value);
        no_store(response);
    }
}

/// Names the request, so that its log lines can be found.
pub fn set_request_id(response: &mut Response, id: &str) {
    if let Ok(value) = HeaderValue::from_str(id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
}

/// The answer to `HEAD`.
pub fn without_body(response: Response) -> Response {
    let (parts, _) = response.into_parts();
    Response::from_parts(parts, Vec::new().into())
}
