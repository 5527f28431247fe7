//! The admin API: `/admin/v1` on the private listener. Nobody is trusted for being near.

pub(super) mod caller;
pub(super) mod clients;
mod console;
pub(super) mod decisions;
mod events;
pub(super) mod keys;
pub(super) mod policies;
pub(super) mod resources;
mod revocations;
mod routes;

use serde_json::{Value, json};
use warp::reply::Response;

use super::{reply, request::Request};
use crate::{
    events as recorded, openapi,
    outcome::{Fault, Outcome},
    problem::{ApiFailure, problem},
    server::Server,
    store::Event,
};

pub(super) use routes::routes;

/// Entries of a page.
const PAGE: u32 = 50;

/// `GET /openapi.json`: the description of this API. It holds no secret, and no bearer is asked for.
async fn description(server: Server, request: Request) -> Outcome<Response> {
    reply::api(caller::check_host(&server, &request).map(|()| reply::json(200, &openapi::admin_api())))
}

fn not_found() -> ApiFailure {
    problem(404, "not_found", "there is nothing of this id").into()
}

/// The record of a change: what, to whom, by whom.
fn audit(
    server: &Server,
    (event_type, subject): (&'static str, &str),
    by: &caller::Admin<'_>,
    mut data: Value,
) -> Result<Event, Fault> {
    data["by"] = json!(by.recorded());
    tracing::info!(admin = by.name, event = event_type, subject, "an admin changed something");
    recorded::event(server, event_type, subject, &data)
}

/// Ids of subjects and clients may hold what a path cannot, escaped; a `+` stands for itself there. None if the escapes
/// are broken, or what is escaped is no text.
fn percent_decoded(part: &str) -> Option<String> {
    placet_oauth::params::decode(part.replace('+', "%2B").as_bytes())
}
