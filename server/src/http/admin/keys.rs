//! Signing keys.

use placet_sdk::{admin::KeyEntry, resources::Page};
use serde_json::json;
use warp::reply::Response;

use super::{audit, caller, not_found};
use crate::{
    config::AdminRole,
    http::{reply, request::Request},
    outcome::Outcome,
    problem::ApiResult,
    server::Server,
};

/// `GET /keys`.
pub(super) async fn keys(server: Server, request: Request) -> Outcome<Response> {
    reply::api(list(&server, &request).await)
}

async fn list(server: &Server, request: &Request) -> ApiResult<Response> {
    caller::with(server, request, AdminRole::Read).await?;
    shown(server).await
}

async fn shown(server: &Server) -> ApiResult<Response> {
    let items = server.keys().entries().await?;
    reply::object(200, &Page::<KeyEntry> { items, next_cursor: None })
}

/// `POST /keys:rotate`: stages a successor for every key.
pub(super) async fn rotate(server: Server, request: Request) -> Outcome<Response> {
    reply::api(stage(&server, &request).await)
}

async fn stage(server: &Server, request: &Request) -> ApiResult<Response> {
    let by = caller::with(server, request, AdminRole::Keys).await?;
    stage_successors(server, by).await?;
    shown(server).await
}

/// Stages a successor for every key.
pub(in crate::http) async fn stage_successors(server: &Server, by: caller::Admin<'_>) -> ApiResult<()> {
    tracing::info!(admin = by.name, "an admin rotates the keys");
    Ok(server.keys().rotate(false, &by.recorded()).await?)
}

/// `POST /keys/{kid}:revoke`: what a key signed counts no more, at once; a successor signs at once.
pub(super) async fn revoke(server: Server, request: Request) -> Outcome<Response> {
    reply::api(end(&server, &request).await)
}

async fn end(server: &Server, request: &Request) -> ApiResult<Response> {
    let by = caller::with(server, request, AdminRole::Keys).await?;
    let kid = request.part(0).strip_suffix(":revoke").ok_or_else(not_found)?;
    let event = audit(server, ("key.revoked", kid), &by, json!({ "kid": kid }))?;
    if !server.keys().revoke(kid, event).await? {
        return Err(not_found());
    }
    shown(server).await
}
