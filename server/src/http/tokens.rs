//! Endpoints that take a token: introspection, revocation, `UserInfo`.

use http::Method;
use placet_oauth::{bearer, error::OAuthError, id::Secret};
use serde_json::Value;
use warp::reply::Response;

use super::{reply, request::Request};
use crate::{
    client::{self, AuthenticatedClient},
    introspect as introspection,
    outcome::Outcome,
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
    let Some(token) = bearer::token(request.authorization()?, &request.query, form.as_ref())? else {
        // No credentials at all: the challenge carries no error (RFC 6750 section 3.1).
        let mut response = reply::oauth_error(&OAuthError::invalid_token("an access token is expected"));
        if let Ok(value) = http::HeaderValue::from_str(&bearer::challenge("placet", None, Some("openid"))) {
            response.headers_mut().insert(http::header::WWW_AUTHENTICATE, value);
        }
        return Ok(response);
    };
    let asking = policy::request_facts(&server, "userinfo", form.as_ref(), request.caller());
    let claims = user_info::userinfo(&server, &token, asking).await?;
    Ok(reply::json(200, &Value::Object(claims)))
}
