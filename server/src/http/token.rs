//! `/token` (RFC 6749 section 3.2).

use placet_oauth::token_request::{TokenRequest, TokenResponse};
use warp::reply::Response;

use super::{reply, request::Request};
use crate::{
    client, grant, ledger::note, limits::Asked, outcome::Outcome, policy, possession, server::Server, traces,
};

/// The largest request, in bytes: a SAML assertion with all that may come beside it.
pub(super) const MAX_BODY: usize = 256 * 1024;

/// Answers a token request: parse, authenticate, limit, prove possession, exchange.
pub(super) async fn token(server: Server, request: Request) -> Outcome<Response> {
    let mut grant_type = String::new();
    let outcome = issue(&server, &request, &mut grant_type).await;
    server.metrics().http().granted(&grant_type, &outcome);
    Ok(reply::json(200, &outcome?.to_json()))
}

async fn issue(server: &Server, request: &Request, grant_type: &mut String) -> Outcome<TokenResponse> {
    let params = request.form()?;
    params.get("grant_type").unwrap_or_default().clone_into(grant_type);
    let credentials = request.credentials(server, &params)?;
    let examined = possession::examine(server, request.evidence("/token")?, None)?;
    let client = client::authenticate(server, &credentials, request.sender("/token").with(&examined)).await?;
    request.spend(server, Asked::Token, &client)?;
    grant::check_on(server, grant_type)?;
    let asked = TokenRequest::parse(&params)?;
    note(|noted| noted.say(&format!("Grant type `{}`", asked.grant_type().as_str())));
    let client = client.with_possession(examined.prove(server).await?);
    let asking = policy::request_facts(server, "token", Some(&params), request.caller());
    // A grant type that is on is a word of this program.
    traces::note("placet.grant_type", || grant_type.clone());
    let exchanged = grant::exchange(server, &client, asked, &asking).await?;
    tracing::info!(client = %client.id, grant = %grant_type, "tokens were issued");
    note(|noted| noted.done("tokens were issued"));
    Ok(exchanged)
}
