//! Endpoints that take a token: introspection, revocation, `UserInfo`.

use http::Method;
use placet_oauth::{bearer, credentials::Credentials, error::OAuthError, id::Secret};
use serde_json::Value;
use warp::reply::Response;

use super::{accept, reply, request::Request};
use crate::{
    client::{self, AuthenticatedClient},
    introspect::{self as introspection, Form, Introspected},
    limits::Asked,
    outcome::{Failure, Outcome},
    policy,
    possession::{self, Examined},
    revoke as revocation,
    server::Server,
    userinfo::{self as user_info, UserInfo},
};

/// The media type of introspection responses that are JWTs (RFC 9701 section 5).
const INTROSPECTION_JWT: &str = "application/token-introspection+jwt";

async fn caller(
    server: &Server,
    request: &Request,
    (endpoint, asked): (&str, Asked),
) -> Outcome<(AuthenticatedClient, Secret)> {
    let params = request.form()?;
    let credentials = request.credentials(server, &params)?;
    let examined = match &credentials {
        Credentials::Attestation { .. } => possession::examine(server, request.evidence(endpoint)?, None)?,
        // Nothing is issued here that a proof could bind.
        _ => Examined::of_connection(request.certificate.as_ref()),
    };
    let client = client::authenticate(server, &credentials, request.sender(endpoint).with(&examined)).await?;
    request.spend(server, asked, &client)?;
    let client = client.with_possession(examined.prove(server).await?);
    Ok((client, Secret::new(params.require("token")?)))
}

/// `/introspect` (RFC 7662), as a JWT if the caller asks for one (RFC 9701).
pub(super) async fn introspect(server: Server, request: Request) -> Outcome<Response> {
    let (client, token) = caller(&server, &request, ("/introspect", Asked::Introspection)).await?;
    let asking = policy::request_facts(&server, "introspect", None, request.caller());
    let wanted = if accept::prefers(&request.headers, INTROSPECTION_JWT, "application/json") {
        Form::Jwt
    } else {
        Form::Json
    };
    Ok(match introspection::introspect(&server, &client, (&token, wanted), asking).await? {
        Introspected::Json(answer) => reply::json(200, &Value::Object(answer)),
        Introspected::Jwt(jwt) => signed(INTROSPECTION_JWT, &jwt),
    })
}

/// `/revoke` (RFC 7009).
pub(super) async fn revoke(server: Server, request: Request) -> Outcome<Response> {
    let (client, token) = caller(&server, &request, ("/revoke", Asked::Revocation)).await?;
    revocation::revoke(&server, &client, &token).await?;
    Ok(reply::empty(200))
}

/// `/userinfo` (OpenID Connect Core section 5.3).
pub(super) async fn userinfo(server: Server, request: Request) -> Outcome<Response> {
    let form = if request.method == Method::POST && request.has_type("application/x-www-form-urlencoded") {
        Some(request.form()?)
    } else {
        None
    };
    let presented = match bearer::presented(request.authorization()?, &request.query, form.as_ref()) {
        Ok(Some(presented)) => presented,
        Ok(None) => {
            // No credentials at all: the challenge carries no error (RFC 6750 section 3.1).
            let mut response = reply::oauth_error(&OAuthError::invalid_token("an access token is expected"));
            reply::challenge(&mut response, (None, None, Some("openid")));
            return Ok(response);
        }
        Err(error) => return Ok(reply::refused_at_resource(&error, None)),
    };
    let asking = policy::request_facts(&server, "userinfo", form.as_ref(), request.caller());
    let answered = match request.evidence("/userinfo") {
        Ok(evidence) => user_info::userinfo(&server, &presented, evidence, asking).await,
        Err(error) => Err(error.into()),
    };
    match answered {
        Ok(UserInfo::Json(claims)) => Ok(reply::json(200, &Value::Object(claims))),
        Ok(UserInfo::Jwt(jwt)) => Ok(signed("application/jwt", &jwt)),
        Err(Failure::Refused(error)) => Ok(reply::refused_at_resource(&error, Some(presented.scheme))),
        Err(failure) => Err(failure),
    }
}

/// A JWT that nobody may keep.
fn signed(media_type: &'static str, jwt: &Secret) -> Response {
    let mut response = reply::with_type(200, media_type, jwt.expose());
    reply::no_store(&mut response);
    response
}
