//! One box for every id.

use askama::Template;
use placet_oauth::id::Subject;
use warp::reply::Response;

use super::{
    access::{Page, Visit, link},
    frame::{Frame, answer, page},
};
use crate::{
    config::AdminRole,
    http::{admin::resources, reply, request::Request},
    interaction::session,
    outcome::Outcome,
    problem::ApiFailure,
    server::Server,
};

#[derive(Template)]
#[template(path = "console/search.html")]
struct Nothing<'a> {
    frame: Frame<'a>,
}

/// `GET /console/search?q=`: leads to what has this id.
pub(super) async fn search(server: Server, request: Request) -> Outcome<Response> {
    answer(&request, find(&server, &request).await)
}

async fn find(server: &Server, request: &Request) -> Page<Response> {
    let visit = Visit::of(server, request, AdminRole::Read)?;
    let query = visit.query()?;
    let sought = query.get("q").unwrap_or_default().trim();
    if let Some(to) = place_of(&visit, sought).await? {
        return Ok(reply::see_other(&to));
    }
    let mut frame = Frame::of(&visit, "", "Search");
    sought.clone_into(&mut frame.sought);
    Ok(page(200, &Nothing { frame })?)
}

/// Where something of this id is shown: what it is called says what it is, and what is called nothing may be a client or a
/// user.
async fn place_of(visit: &Visit<'_>, sought: &str) -> Page<Option<String>> {
    let server = visit.server;
    if sought.is_empty() || sought.chars().any(char::is_control) {
        return Ok(None);
    }
    if let Some(flow) = server.ledger().find(sought) {
        return Ok(Some(format!("/console/flows/{}", flow.id())));
    }
    if sought.starts_with("dec_") && visit.may(AdminRole::Policies) {
        let known = server.policies().decision(sought);
        return Ok(known.map(|entry| format!("/console/decisions/{}", entry.record.id)));
    }
    if sought.starts_with("ses_") {
        let live = session::live(server, sought).await?;
        return Ok(live.map(|live| link("people", [("sub", live.record.sub.as_str())])));
    }
    if sought.starts_with("az_") {
        let live = match resources::live_authorization(server, sought).await {
            Err(ApiFailure::Problem(_)) => None,
            other => Some(other?),
        };
        return Ok(live.map(|live| link("people", [("sub", live.sub.as_str())])));
    }
    if server.client(sought).await?.is_some() {
        return Ok(Some(link("client", [("id", sought)])));
    }
    if let Ok(policy) = server.policies().policy(sought) {
        return Ok(Some(format!("/console/policies#{}", policy.name)));
    }
    if Subject::parse(sought).is_some() && is_known(server, sought).await? {
        return Ok(Some(link("people", [("sub", sought)])));
    }
    Ok(None)
}

/// Whether there is anything of a user.
async fn is_known(server: &Server, sub: &str) -> Page<bool> {
    Ok(!resources::sessions_of(server, sub, "").await?.items.is_empty()
        || !resources::authorizations_of(server, sub, "").await?.items.is_empty()
        || server.store().subject(sub).await?.is_some())
}
