//! The log of decisions.

use placet_sdk::{
    admin::{DecisionEntry, DecisionOutcome, DecisionRecord, Replay},
    decision::HookType,
    resources::Page,
};
use warp::reply::Response;

use super::{
    caller,
    policies::{client_of, refused},
};
use crate::{
    config::AdminRole,
    http::{reply, request::Request, ui::query},
    outcome::Outcome,
    policy::{DecisionFilter, Question, replay as compared},
    problem::{ApiFailure, ApiResult, problem},
    server::Server,
};

/// The most records of a page.
const MOST: usize = 200;

/// `GET /decisions`.
pub(super) async fn decisions(server: Server, request: Request) -> Outcome<Response> {
    reply::api(list(&server, &request).await)
}

async fn list(server: &Server, request: &Request) -> ApiResult<Response> {
    caller::with(server, request, AdminRole::Policies).await?;
    let found = server.policies().decisions(&filter(request)?);
    let next_cursor = found.next.map(|number| number.to_string());
    reply::object(200, &Page::<DecisionRecord> { items: found.decisions, next_cursor })
}

/// The filter that a query is. What it cannot mean is refused: a list that ignores a filter misleads.
fn filter(request: &Request) -> ApiResult<DecisionFilter> {
    let query = query(request)?;
    let wrong = |detail: String| ApiFailure::from(problem(400, "invalid_request", &detail));
    let mut filter = DecisionFilter::default();
    for (name, value) in query.iter() {
        let text = || Some(value.to_owned());
        match name {
            "type" => {
                let hook = value.parse::<HookType>();
                filter.hook = Some(hook.map_err(|_| wrong(format!("type: `{value}` is no decision point")))?);
            }
            "outcome" => {
                let outcome = value.parse::<DecisionOutcome>();
                filter.outcome = Some(outcome.map_err(|e| wrong(format!("outcome: `{value}`: {e}")))?);
            }
            "client_id" => filter.client_id = text(),
            "sub" => filter.sub = text(),
            "policy" => filter.policy = text(),
            "trace_id" => filter.trace_id = text(),
            "limit" => {
                let limit = value.parse::<usize>().ok().filter(|limit| (1..=MOST).contains(limit));
                filter.limit = Some(limit.ok_or_else(|| wrong(format!("`limit` is a number, 1 to {MOST}")))?);
            }
            "cursor" => {
                let after = value.parse::<u64>();
                filter.after = Some(
                    after.map_err(|_| wrong("`cursor` is the `next_cursor` of the page before".into()))?,
                );
            }
            other => return Err(wrong(format!("`{other}` is no parameter of this resource"))),
        }
    }
    Ok(filter)
}

/// `GET /decisions/{id}`.
pub(super) async fn decision(server: Server, request: Request) -> Outcome<Response> {
    reply::api(one(&server, &request).await)
}

async fn one(server: &Server, request: &Request) -> ApiResult<Response> {
    caller::with(server, request, AdminRole::Policies).await?;
    reply::object(200, &kept(server, request.part(0))?)
}

/// A decision with all that is kept of it.
pub(in crate::http) fn kept(server: &Server, id: &str) -> ApiResult<DecisionEntry> {
    server.policies().decision(id).ok_or_else(|| refused(crate::policy::AdminError::UnknownDecision))
}

/// `POST /decisions/{id}:replay`: what would be decided today.
pub(super) async fn replay(server: Server, request: Request) -> Outcome<Response> {
    reply::api(again(&server, &request).await)
}

async fn again(server: &Server, request: &Request) -> ApiResult<Response> {
    caller::with(server, request, AdminRole::Policies).await?;
    reply::object(200, &replayed(server, request.part(0)).await?)
}

/// A decision, and what would be decided today.
pub(in crate::http) async fn replayed(server: &Server, id: &str) -> ApiResult<Replay> {
    let (record, question) = question(server, id).await?;
    let simulation = server.policies().simulate(question).await.map_err(refused)?;
    Ok(compared(record, simulation))
}

/// A decision that was made, and its question.
pub(super) async fn question(server: &Server, id: &str) -> ApiResult<(DecisionRecord, Question)> {
    let (record, request) = server.policies().recorded(id).map_err(refused)?;
    let client = client_of(server, record.client_id.as_deref()).await?;
    Ok((record, Question::simulated(request, client.as_deref())))
}
