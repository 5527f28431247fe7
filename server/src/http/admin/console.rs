//! Links into the console.

use http::header;
use placet_sdk::admin::ConsoleLink;
use warp::reply::Response;

use super::caller;
use crate::{
    config::AdminRole,
    console,
    http::{reply, request::Request},
    outcome::Outcome,
    problem::ApiResult,
    server::Server,
};

/// `POST /console-links`: a link that signs its opener in to the console, once, with the roles of the caller.
pub(super) async fn links(server: Server, request: Request) -> Outcome<Response> {
    reply::api(link(&server, &request).await)
}

async fn link(server: &Server, request: &Request) -> ApiResult<Response> {
    let by = caller::with(server, request, AdminRole::Read).await?;
    let secret = console::link(server, by.name)?;
    tracing::info!(admin = by.name, "an admin asked for a link into the console");
    // The name by which the caller reached this process: sessions of the console are its own.
    let host = request.header(header::HOST).unwrap_or_default();
    let scheme = if server.config().tls.private.certificate_file.is_some() { "https" } else { "http" };
    let url = format!("{scheme}://{host}/console/sign-in?link={}", secret.expose());
    reply::object(201, &ConsoleLink { url, expires_in: console::LINK_LIFE.unsigned_abs() })
}
