//! The admin API: `/admin/v1` on the private listener. Nobody is trusted for being near.

mod caller;
mod clients;
mod decisions;
mod keys;
mod policies;
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

/// Ids of subjects and clients may hold what a path cannot, escaped; `+`, `&` and `=` stand for themselves there.
fn percent_decoded(part: &str) -> Option<String> {
    let plain = part.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    url::form_urlencoded::parse(plain.as_bytes()).next().map(|(name, _)| name.into_owned())
}
