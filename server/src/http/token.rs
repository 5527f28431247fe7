//! `/token` (RFC 6749 section 3.2).

use placet_oauth::token_request::TokenRequest;
use warp::reply::Response;

use super::{reply, request::Request};
use crate::{client, grant, outcome::Outcome, policy, possession, server::Server};

/// The largest request, in bytes: a SAML assertion with all that may come beside it.
pub(super) const MAX_BODY: usize = 256 * 1024;

/// Answers a token request: limit, parse, authenticate, prove possession, exchange.
pub(super) async fn token(server: Server, request: Request) -> Outcome<Response> {
    if let Err(wait) = server.limits().token(request.peer) {
        return Ok(reply::too_many(wait));
    }
    let params = request.form()?;
    let credentials = request.credentials(&params)?;
    let examined = possession::examine(&server, request.evidence("/token")?, None)?;
    let client = client::authenticate(&server, &credentials, request.sender("/token")).await?;
    grant::check_on(&server, params.get("grant_type").unwrap_or_default())?;
    let asked = TokenRequest::parse(&params)?;
    let client = client.with_possession(examined.prove(&server).await?);
    let asking = policy::request_facts(&server, "token", Some(&params), request.caller());
    let exchanged = grant::exchange(&server, &client, asked, &asking).await?;
    tracing::info!(client = %client.id, grant = params.get("grant_type").unwrap_or(""), "tokens were issued");
    Ok(reply::json(200, &exchanged.to_json()))
}
