//! `/bc-authorize` (CIBA Core section 7).

use serde_json::json;
use warp::reply::Response;

use super::{reply, request::Request};
use crate::{
    ciba, client,
    outcome::{Failure, Outcome},
    policy, possession,
    server::Server,
};

/// Takes an authentication request.
pub(super) async fn bc_authorize(server: Server, request: Request) -> Outcome<Response> {
    if let Err(wait) = server.limits().token(request.peer) {
        return Ok(reply::too_many(wait));
    }
    match answer(&server, &request).await {
        // Section 13: what the user or this server denies is forbidden.
        Err(Failure::Refused(error)) if error.code == placet_oauth::error::ErrorCode::AccessDenied => {
            let mut response = reply::failure(&Failure::Refused(error));
            *response.status_mut() = http::StatusCode::FORBIDDEN;
            Ok(response)
        }
        answered => answered,
    }
}

async fn answer(server: &Server, request: &Request) -> Outcome<Response> {
    let params = request.form()?;
    let credentials = request.credentials(&params)?;
    let examined = possession::examine(server, request.evidence("/bc-authorize")?, None)?;
    let client = client::authenticate(server, &credentials, request.sender("/bc-authorize")).await?;
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
