//! Policies as they are now: whether they answer, and whether their answers count.

use askama::Template;
use http::Method;
use placet_sdk::admin::{PolicyChange, PolicyMode, PolicyState};
use warp::reply::Response;

use super::{
    access::{Page, Visit},
    frame::{Frame, answer, page},
    shown::{Moment, tone, word},
};
use crate::{
    config::AdminRole,
    http::{
        admin::policies::{change_policy, forget_kept},
        reply,
        request::Request,
    },
    outcome::Outcome,
    problem::{ApiFailure, problem},
    server::Server,
};

/// Modes in the order of their power.
const MODES: [PolicyMode; 3] = [PolicyMode::Enforce, PolicyMode::Shadow, PolicyMode::Off];

/// A policy.
struct Shown {
    policy: PolicyState,
    mode: &'static str,
    mode_tone: &'static str,
    breaker: Option<(&'static str, &'static str)>,
    types: Vec<String>,
    backend: &'static str,
    on_failure: String,
    failed: Option<(Moment, String, String)>,
    /// The other modes.
    others: Vec<&'static str>,
}

#[derive(Template)]
#[template(path = "console/policies.html")]
struct PoliciesPage<'a> {
    frame: Frame<'a>,
    policies: Vec<Shown>,
    may_change: bool,
    process: u32,
}

/// `GET` and `POST /console/policies`.
pub(super) async fn policies(server: Server, request: Request) -> Outcome<Response> {
    let shown = match request.method {
        Method::POST => change(&server, &request).await,
        _ => list(&server, &request),
    };
    answer(&request, shown)
}

fn list(server: &Server, request: &Request) -> Page<Response> {
    let visit = Visit::of(server, request, AdminRole::Read)?;
    let mut all = server.policies().list();
    all.sort_by_key(|policy| policy.order);
    let now = server.now_millis();
    let template = PoliciesPage {
        frame: Frame::of(&visit, "policies", "Policies"),
        policies: all.into_iter().map(|policy| shown(policy, now)).collect(),
        may_change: visit.may(AdminRole::Policies),
        process: std::process::id(),
    };
    Ok(page(200, &template)?)
}

fn shown(policy: PolicyState, now: i64) -> Shown {
    Shown {
        mode: policy.mode.as_str(),
        mode_tone: tone(policy.mode.as_str()),
        breaker: policy.breaker.map(|breaker| (breaker.as_str(), tone(breaker.as_str()))),
        types: policy.types.iter().map(ToString::to_string).collect(),
        backend: policy.backend.as_str(),
        on_failure: policy
            .on_failure
            .map_or_else(|| "fail, unless its type says otherwise".to_owned(), |on| word(&on)),
        failed: policy.last_failure.as_ref().map(|failure| {
            (Moment::of_millis(failure.at.0, now), failure.code.to_string(), failure.detail.clone())
        }),
        others: MODES.into_iter().filter(|mode| *mode != policy.mode).map(PolicyMode::as_str).collect(),
        policy,
    }
}

async fn change(server: &Server, request: &Request) -> Page<Response> {
    let visit = Visit::of(server, request, AdminRole::Policies)?;
    let form = visit.form()?;
    let wrong = |detail: &str| ApiFailure::from(problem(400, "invalid_request", detail));
    let name = form.get("name").ok_or_else(|| wrong("the form names no policy"))?;
    let done = match (form.get("action"), form.get("mode")) {
        (Some("purge"), None) => {
            forget_kept(server, visit.by(), name).await?;
            "purged"
        }
        (None, Some(mode)) => {
            let mode = MODES.into_iter().find(|known| known.as_str() == mode);
            let mode = mode.ok_or_else(|| wrong("a mode is `enforce`, `shadow` or `off`"))?;
            let change = PolicyChange { mode: Some(mode), order: None };
            change_policy(server, visit.by(), (name, change)).await?;
            "mode"
        }
        _ => return Err(wrong("the form says nothing that could be done").into()),
    };
    Ok(reply::see_other(&format!("/console/policies?done={done}")))
}
