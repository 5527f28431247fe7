//! `/bc-authorize` (CIBA Core section 7).

use placet_oauth::{
    error::{ErrorCode, OAuthError},
    id::Secret,
    params::Params,
};
use serde_json::json;
use warp::reply::Response;

use super::{
    reply,
    request::{Errors, Request},
};
use crate::{
    ciba, client,
    limits::Asked,
    outcome::{Failure, Outcome},
    policy, possession,
    server::Server,
};

/// Takes an authentication request.
pub(super) async fn bc_authorize(server: Server, request: Request) -> Outcome<Response> {
    match answer(&server, &request).await {
        // Section 13: what the user or this server denies is forbidden.
        Err(Failure::Refused(error)) if error.code == ErrorCode::AccessDenied => {
            let mut response = reply::failure(&Failure::Refused(error));
            *response.status_mut() = http::StatusCode::FORBIDDEN;
            Ok(response)
        }
        answered => answered,
    }
}

async fn answer(server: &Server, request: &Request) -> Outcome<Response> {
    let params = request.form()?;
    let credentials = request.credentials(server, &params)?;
    let examined = possession::examine(server, request.evidence("/bc-authorize")?, None)?;
    let client =
        client::authenticate(server, &credentials, request.sender("/bc-authorize").with(&examined)).await?;
    request.spend(server, Asked::Ciba, &client)?;
    server.limits().keep(None)?;
    let client = client.with_possession(examined.prove(server).await?);
    let asking = policy::request_facts(server, "ciba", Some(&params), request.caller());
    let opened = ciba::authenticate(server, &client, &params, asking).await?;
    tracing::info!(client = %client.id, "a user is asked on another device");
    let mut body = json!({ "auth_req_id": opened.auth_req_id.expose(), "expires_in": opened.expires_in });
    if let Some(interval) = opened.interval {
        body["interval"] = interval.into();
    }
    Ok(reply::json(200, &body))
}

/// `/dev/ciba?auth_req_id=…&action=allow|deny`: answers in the name of the user, for test suites.
pub(super) async fn automatic(server: Server, request: Request) -> Outcome<Response> {
    if !(server.config().development && server.config().ciba.automatic_answers) {
        return Ok(reply::refused(404, "there is nothing at this path", Errors::OAuth));
    }
    let params = Params::parse(request.query.as_bytes())?;
    let allow = match params.require("action")? {
        "allow" => true,
        "deny" => false,
        _ => return Err(OAuthError::invalid_request("`action` must be allow or deny").into()),
    };
    let auth_req_id = Secret::new(params.require("auth_req_id")?);
    ciba::automatic(&server, &auth_req_id, allow).await?;
    tracing::warn!(allow, "a request was answered in the name of its user");
    Ok(reply::empty(204))
}
