//! Keys: which of them work, and staging their successors.

use askama::Template;
use http::Method;
use placet_sdk::admin::KeyEntry;
use warp::reply::Response;

use super::{
    access::{Page, Visit},
    frame::{Frame, answer, page},
    shown::{Moment, tone},
};
use crate::{
    config::AdminRole,
    http::{admin::keys::stage_successors, reply, request::Request},
    outcome::Outcome,
    server::Server,
};

/// A key.
struct Shown {
    key: KeyEntry,
    tone: &'static str,
    created: Moment,
    changed: Moment,
    ends: Option<Moment>,
}

#[derive(Template)]
#[template(path = "console/keys.html")]
struct KeysPage<'a> {
    frame: Frame<'a>,
    keys: Vec<Shown>,
    may_change: bool,
}

/// `GET` and `POST /console/keys`.
pub(super) async fn keys(server: Server, request: Request) -> Outcome<Response> {
    let shown = match request.method {
        Method::POST => rotate(&server, &request).await,
        _ => list(&server, &request).await,
    };
    answer(&request, shown)
}

async fn list(server: &Server, request: &Request) -> Page<Response> {
    let visit = Visit::of(server, request, AdminRole::Read)?;
    let now = server.now_millis();
    let keys = server.keys().entries().await?.into_iter().map(|key| Shown {
        tone: tone(&key.state),
        created: Moment::of_seconds(key.created_at.0, now),
        changed: Moment::of_seconds(key.changed_at.0, now),
        ends: key.expires_at.map(|at| Moment::of_seconds(at.0, now)),
        key,
    });
    let template = KeysPage {
        keys: keys.collect(),
        may_change: visit.may(AdminRole::Keys),
        frame: Frame::of(&visit, "keys", "Keys"),
    };
    Ok(page(200, &template)?)
}

async fn rotate(server: &Server, request: &Request) -> Page<Response> {
    let visit = Visit::of(server, request, AdminRole::Keys)?;
    visit.form()?;
    stage_successors(server, visit.by()).await?;
    Ok(reply::see_other("/console/keys?done=rotated"))
}
