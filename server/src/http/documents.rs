//! Documents: discovery, keys, schemas, health.

use placet_oauth::params::Params;
use serde_json::json;
use warp::reply::Response;

use super::{reply, request::Request};
use crate::{
    outcome::{Fault, Outcome},
    resource, schemas,
    server::Server,
};

/// How long verifiers may keep the key set, in seconds; new keys are published for longer before they sign.
pub const KEEP_KEYS: u32 = 300;
/// How long clients may keep discovery, in seconds.
const KEEP_DISCOVERY: u32 = 300;

/// `/jwks` (RFC 7517).
pub(super) async fn jwks(server: Server, _: Request) -> Outcome<Response> {
    let mut response =
        reply::with_type(200, "application/json", server.keys().current().jwks().as_bytes().to_vec());
    reply::keep(&mut response, KEEP_KEYS);
    Ok(response)
}

/// The discovery documents (OpenID Connect Discovery section 4, RFC 8414 section 3).
pub(super) async fn discovery(server: Server, _: Request) -> Outcome<Response> {
    let mut response = reply::with_type(200, "application/json", server.discovery().to_string());
    reply::keep(&mut response, KEEP_DISCOVERY);
    Ok(response)
}

/// `/.well-known/oauth-protected-resource/…`: the metadata of the resource that has this place (RFC 9728 section 3).
pub(super) async fn protected_resource(server: Server, request: Request) -> Outcome<Response> {
    let host = request.header(http::header::HOST).unwrap_or_default();
    let found = resource::at(&server, host, (request.part(0), &request.query));
    described(&server, found.unwrap_or_default()).await
}

/// `/.well-known/placet-resource-metadata?resource=…`: the same by name, for proxies that cannot keep `Host`, and for
/// whoever copies the document.
pub(super) async fn resource_metadata(server: Server, request: Request) -> Outcome<Response> {
    let params = Params::parse(request.query.as_bytes())?;
    described(&server, params.require("resource")?).await
}

async fn described(server: &Server, uri: &str) -> Outcome<Response> {
    let Some(document) = resource::metadata(server, uri).await? else {
        let text = "no resource of this server has its metadata here";
        let error = json!({ "error": "invalid_target", "error_description": text });
        return Ok(reply::json(404, &error));
    };
    let mut response =
        reply::with_type(200, "application/json", serde_json::Value::Object(document).to_string());
    reply::keep(&mut response, KEEP_DISCOVERY);
    Ok(response)
}

/// The JSON Schemas of Placet's own contracts.
pub(super) async fn schema(_: Server, request: Request) -> Outcome<Response> {
    let name = request.part(0).trim_end_matches(".json");
    Ok(match schemas::all().into_iter().find(|(known, _)| *known == name) {
        Some((_, schema)) => {
            let mut response = reply::with_type(200, "application/schema+json", schema.to_string());
            reply::keep(&mut response, KEEP_DISCOVERY);
            response
        }
        None => reply::json(
            404,
            &json!({ "error": "invalid_request", "error_description": "there is no schema of this name" }),
        ),
    })
}

/// Whether the process runs.
pub(super) async fn livez(_: Server, _: Request) -> Outcome<Response> {
    Ok(reply::json(200, &json!({ "status": "ok" })))
}

/// Whether the process can serve: its store answers, and its clock can be right.
pub(super) async fn readyz(server: Server, _: Request) -> Outcome<Response> {
    server.store().ping().await?;
    if !server.is_clock_believed() {
        return Err(Fault::new(
            "clock",
            "it jumped ahead by more than an hour, or is as far behind what servers of this store have seen",
        )
        .into());
    }
    Ok(reply::json(200, &json!({ "status": "ok" })))
}

/// What the server counts.
pub(super) async fn metrics(server: Server, _: Request) -> Outcome<Response> {
    let text = server.metrics().text()?;
    Ok(reply::with_type(200, crate::metrics::CONTENT_TYPE, text))
}
