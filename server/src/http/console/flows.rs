//! The ledger of flows.

use std::sync::Arc;

use askama::Template;
use warp::reply::Response;

use super::{
    access::{Page, Visit, link},
    frame::{Frame, answer, page},
    shown::{Moment, bytes, duration, tone},
};
use crate::{
    config::AdminRole,
    http::request::Request,
    ledger::{Asked, Filter, Flow, HUNG_UP, Outcome as Came, Step},
    outcome::Outcome,
    problem::problem,
    server::Server,
};

/// Flows of a page.
const PAGE: usize = 50;

/// A flow in the list.
struct Row {
    id: String,
    began: Moment,
    what: &'static str,
    tone: &'static str,
    outcome: String,
    client: String,
    user: String,
    steps: usize,
}

/// How far the ledger reaches, and whose it is.
struct Reach {
    process: u32,
    since: Moment,
    back_to: Option<Moment>,
    flows: usize,
    keep: usize,
    bytes: String,
    max_bytes: String,
    off: bool,
}

#[derive(Template)]
#[template(path = "console/flows.html")]
struct FlowsPage<'a> {
    frame: Frame<'a>,
    rows: Vec<Row>,
    reach: Reach,
    outcome: String,
    client_id: String,
    sub: String,
    all: bool,
    filtered: bool,
    next: Option<String>,
}

/// `GET /console/flows`.
pub(super) async fn flows(server: Server, request: Request) -> Outcome<Response> {
    answer(&request, list(&server, &request))
}

fn list(server: &Server, request: &Request) -> Page<Response> {
    let visit = Visit::of(server, request, AdminRole::Read)?;
    let query = visit.query()?;
    let text = |name: &str| query.get(name).unwrap_or_default().to_owned();
    let (outcome, client_id, sub, all) = (text("outcome"), text("client_id"), text("sub"), text("all"));
    let given = |value: &str| (!value.is_empty()).then(|| value.to_owned());
    let filter = Filter {
        outcome: given(&outcome),
        client_id: given(&client_id),
        sub: given(&sub).map(|sub| server.policies().shown_person(&sub)),
        session_id: query.get("session").map(str::to_owned),
        all: all == "yes",
        before: query.get("before").and_then(|before| before.parse().ok()),
        limit: PAGE,
    };
    let found = server.ledger().list(&filter);
    let now = server.now_millis();
    let next = found.next.map(|before| {
        let before = before.to_string();
        let pairs = [
            ("outcome", &outcome),
            ("client_id", &client_id),
            ("sub", &sub),
            ("all", &all),
            ("before", &before),
        ];
        link("flows", pairs.map(|(name, value)| (name, value.as_str())))
    });
    let template = FlowsPage {
        frame: Frame::of(&visit, "flows", "Flows"),
        rows: found.flows.iter().map(|flow| row(flow, now)).collect(),
        reach: reach(server, now),
        filtered: [&outcome, &client_id, &sub].iter().any(|value| !value.is_empty())
            || filter.before.is_some(),
        all: filter.all,
        outcome,
        client_id,
        sub,
        next,
    };
    Ok(page(200, &template)?)
}

fn reach(server: &Server, now: i64) -> Reach {
    let held = server.ledger().holdings();
    Reach {
        process: std::process::id(),
        since: Moment::of_millis(held.since, now),
        back_to: held.reaches_back_to.map(|millis| Moment::of_millis(millis, now)),
        flows: held.flows,
        keep: held.keep,
        bytes: bytes(held.bytes),
        max_bytes: bytes(held.max_bytes),
        off: held.keep == 0 || held.max_bytes == 0,
    }
}

fn row(flow: &Arc<Flow>, now: i64) -> Row {
    let (tone, outcome) = came(&flow.outcome);
    Row {
        id: flow.id().to_owned(),
        began: Moment::of_millis(flow.began, now),
        what: flow.steps.first().map_or("", |step| step.words),
        tone,
        outcome,
        client: flow.client_id.clone().unwrap_or_default(),
        user: flow.sub.clone().unwrap_or_default(),
        steps: flow.steps.len() + usize::try_from(flow.left_out).unwrap_or_default(),
    }
}

fn came(outcome: &Came) -> (&'static str, String) {
    match outcome {
        Came::Waiting(what) => ("warn", format!("waits for {what}")),
        Came::Done(what) => ("good", what.clone()),
        Came::Refused(code) => ("bad", code.clone()),
    }
}

/// A step of a flow.
struct StepShown<'a> {
    step: &'a Step,
    at: Moment,
    took: String,
    after: String,
    status: String,
    tone: &'static str,
    decisions: Vec<DecisionShown<'a>>,
}

/// A decision of a step.
struct DecisionShown<'a> {
    asked: &'a Asked,
    tone: &'static str,
}

#[derive(Template)]
#[template(path = "console/flow.html")]
struct FlowPage<'a> {
    frame: Frame<'a>,
    flow: &'a Flow,
    began: Moment,
    lasted: String,
    tone: &'static str,
    outcome: String,
    steps: Vec<StepShown<'a>>,
    interactions: Vec<&'a str>,
    authorizations: Vec<&'a str>,
    /// Whether this admin may see what policies said.
    tells: bool,
    asked: usize,
    client: String,
    user: String,
}

/// `GET /console/flows/{id}`.
pub(super) async fn flow(server: Server, request: Request) -> Outcome<Response> {
    answer(&request, one(&server, &request))
}

fn one(server: &Server, request: &Request) -> Page<Response> {
    let visit = Visit::of(server, request, AdminRole::Read)?;
    let Some(flow) = server.ledger().find(request.part(0)) else {
        let detail = "this process has no flow with this id: it was long ago, or another process answered it";
        return Err(crate::problem::ApiFailure::from(problem(404, "not_found", detail)).into());
    };
    let now = server.now_millis();
    let (tone, outcome) = came(&flow.outcome);
    let of = |prefix: &str| flow.ids.iter().map(String::as_str).filter(|id| id.starts_with(prefix)).collect();
    let tells = visit.may(AdminRole::Policies);
    let template = FlowPage {
        frame: Frame::of(&visit, "flows", "Flow"),
        began: Moment::of_millis(flow.began, now),
        lasted: span(flow.last - flow.began),
        tone,
        outcome,
        steps: flow.steps.iter().map(|shown| step(shown, &flow, now)).collect(),
        interactions: of("ia_"),
        authorizations: of("az_"),
        tells,
        asked: flow.steps.iter().map(|step| step.decisions.len()).sum(),
        client: flow.client_id.as_deref().map(|id| link("client", [("id", id)])).unwrap_or_default(),
        user: flow.sub.as_deref().map(|sub| link("people", [("sub", sub)])).unwrap_or_default(),
        flow: &flow,
    };
    Ok(page(200, &template)?)
}

fn step<'a>(step: &'a Step, flow: &Flow, now: i64) -> StepShown<'a> {
    let status = match step.status {
        HUNG_UP => "no answer: the caller hung up".to_owned(),
        status => status.to_string(),
    };
    StepShown {
        at: Moment::of_millis(step.at, now),
        took: duration(step.took),
        after: span(step.at - flow.began),
        status,
        tone: match (step.status, &step.refusal) {
            (HUNG_UP | 400.., _) | (_, Some(_)) => "bad",
            _ => "good",
        },
        decisions: step
            .decisions
            .iter()
            .map(|asked| DecisionShown { asked, tone: tone(asked.outcome) })
            .collect(),
        step,
    }
}

/// A time between two steps.
fn span(millis: i64) -> String {
    match millis {
        ..1 => "0 s".to_owned(),
        1..60_000 => duration(millis.unsigned_abs().saturating_mul(1_000)),
        60_000..3_600_000 => format!("{} min {} s", millis / 60_000, millis / 1_000 % 60),
        _ => format!("{} h {} min", millis / 3_600_000, millis / 60_000 % 60),
    }
}
