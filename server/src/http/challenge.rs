//! `/challenge`, where attested clients get what their next proof has to hold (Attestation-Based Client Authentication,
//! "Providing Challenges through the Challenge Endpoint").

use serde_json::json;
use warp::reply::Response;

use super::{
    reply,
    request::{Errors, Request},
};
use crate::{outcome::Outcome, possession, server::Server};

/// Gives a challenge to whoever asks: it says nothing but what time it is.
pub(super) async fn challenge(server: Server, _: Request) -> Outcome<Response> {
    let Some(challenge) = possession::fresh_challenge(&server) else {
        return Ok(reply::refused(404, "there is nothing at this path", Errors::OAuth));
    };
    Ok(reply::json(200, &json!({ "attestation_challenge": challenge })))
}
