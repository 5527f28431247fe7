//! `/par` (RFC 9126).

use serde_json::json;
use warp::reply::Response;

use super::{reply, request::Request};
use crate::{
    authorize, client, interaction::Origin, limits::Asked, outcome::Outcome, possession, server::Server,
};

/// Takes a request that a client pushes.
pub(super) async fn par(server: Server, request: Request) -> Outcome<Response> {
    let params = request.form()?;
    let credentials = request.credentials(&server, &params)?;
    let examined = possession::examine(&server, request.evidence("/par")?, None)?;
    let client = client::authenticate(&server, &credentials, request.sender("/par").with(&examined)).await?;
    request.spend(&server, Asked::Par, &client)?;
    if client.is_public() {
        // Anybody can be this client: it may keep no more here than strangers at the authorization endpoint.
        server.limits().address(Asked::Authorize, request.peer)?;
    }
    server.limits().keep(client.is_public().then_some(request.peer))?;
    let client = client.with_possession(examined.prove(&server).await?);
    let (peer, user_agent) = request.caller();
    let origin = Origin::new(Some(peer), user_agent);
    let pushed = authorize::push(&server, &client, &params, &origin).await?;
    tracing::info!(client = %client.id, "an authorization request was pushed");
    let body = json!({ "request_uri": pushed.request_uri, "expires_in": pushed.expires_in });
    Ok(reply::json(201, &body))
}
