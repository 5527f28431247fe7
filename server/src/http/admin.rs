//! The admin API: `/admin/v1` on the private listener. Nobody is trusted for being near.

mod caller;
mod clients;
mod keys;
mod resources;
mod routes;

use serde_json::{Value, json};

use crate::{
    events,
    outcome::Fault,
    problem::{ApiFailure, problem},
    server::Server,
    store::Event,
};

pub(super) use routes::routes;

/// Entries of a page.
const PAGE: u32 = 50;

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
    data["by"] = json!(format!("admin:{}", by.name));
    tracing::info!(admin = by.name, event = event_type, subject, "an admin changed something");
    events::event(server, event_type, subject, &data)
}
