//! Endpoints that take a token: introspection, revocation, `UserInfo`.

use http::Method;
use placet_oauth::{bearer, error::OAuthError, id::Secret};
use serde_json::Value;
use warp::reply::Response;

use super::{reply, request::Request};
use crate::{
    client::{self, AuthenticatedClient},
    introspect as introspection,
    outcome::{Failure, Outcome},
    policy, revoke as revocation,
    server::Server,
    userinfo as user_info,
};

async fn caller(
    server: &Server,
    request: &Request,
    endpoint: &str,
) -> Outcome<(AuthenticatedClient, Secret)> {
    let params = request.form()?;
    let credentials = request.credentials(&params)?;
    let client = client::authenticate(server, &credentials, request.sender(endpoint)).await?;
    Ok((client, Secret::new(params.require("token")?)))
}

/// `/introspect` (RFC 7662).
pub(super) async fn introspect(server: Server, request: Request) -> Outcome<Response> {
    if let Err(wait) = server.limits().token(request.peer) {
        return Ok(reply::too_many(wait));
    }
    let (client, token) = caller(&server, &request, "/introspect").await?;
    let asking = policy::request_facts(&server, "introspect", None, request.caller());
    Ok(reply::json(200, &introspection::introspect(&server, &client, &token, asking).await?))
}

/// `/revoke` (RFC 7009).
pub(super) async fn revoke(server: Server, request: Request) -> Outcome<Response> {
    if let Err(wait) = server.limits().token(request.peer) {
        return Ok(reply::too_many(wait));
    }
    let (client, token) = caller(&server, &request, "/revoke").await?;
    revocation::revoke(&server, &client, &token).await?;
    Ok(reply::empty(200))
}

/// `/userinfo` (OpenID Connect Core section 5.3).
pub(super) async fn userinfo(server: Server, request: Request) -> Outcome<Response> {
    if let Err(wait) = server.limits().token(request.peer) {
        return Ok(reply::too_many(wait));
    }
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
        Ok(claims) => Ok(reply::json(200, &Value::Object(claims))),
        Err(Failure::Refused(error)) => Ok(reply::refused_at_resource(&error, Some(presented.scheme))),
        Err(failure) => Err(failure),
    }
}
