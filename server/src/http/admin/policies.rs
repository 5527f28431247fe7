//! Policies: how they are, changing them while the server runs, and trying them.

use std::sync::Arc;

use http::Method;
use placet_oauth::id::Subject;
use placet_sdk::{
    admin::{PolicyChange, PolicyMode, PolicyState, Simulation, SimulationRequest},
    decision::DecisionRequest,
    grant::Object,
    resources::Page,
};
use serde_json::{Value, json};
use warp::reply::Response;

use super::{
    audit,
    caller::{self, Admin},
    decisions,
};
use crate::{
    client::Client,
    config::{AdminRole, MAX_GRACE},
    http::{
        reply,
        request::Request,
        ui::{object, query},
    },
    interaction::answer::body,
    outcome::Outcome,
    policy::{AdminError, Question},
    problem::{ApiFailure, ApiResult, invalid_answer, problem},
    server::Server,
};

/// `GET /policies`.
pub(super) async fn policies(server: Server, request: Request) -> Outcome<Response> {
    reply::api(list(&server, &request).await)
}

async fn list(server: &Server, request: &Request) -> ApiResult<Response> {
    caller::with(server, request, AdminRole::Read).await?;
    no_parameters(request)?;
    reply::object(200, &Page::<PolicyState> { items: server.policies().list(), next_cursor: None })
}

/// `GET` and `PATCH /policies/{name}`.
pub(super) async fn policy(server: Server, request: Request) -> Outcome<Response> {
    reply::api(one(&server, &request).await)
}

async fn one(server: &Server, request: &Request) -> ApiResult<Response> {
    let name = request.part(0);
    let read = request.method == Method::GET;
    let by = caller::with(server, request, if read { AdminRole::Read } else { AdminRole::Policies }).await?;
    if read {
        return reply::object(200, &server.policies().policy(name).map_err(refused)?);
    }
    server.policies().policy(name).map_err(refused)?;
    let change: PolicyChange = body::member(object(request)?)?;
    change_policy(server, by, (name, change)).await?;
    reply::object(200, &server.policies().policy(name).map_err(refused)?)
}

/// Changes whether and when a policy is asked, until the server starts again.
pub(in crate::http) async fn change_policy(
    server: &Server,
    by: Admin<'_>,
    (name, change): (&str, PolicyChange),
) -> ApiResult<()> {
    server.policies().policy(name).map_err(refused)?;
    let PolicyChange { mode, order } = change;
    if (mode, order) == (None, None) {
        return Err(invalid_answer("", "missing", "say what is to change: `mode`, `order` or both"));
    }
    if mode == Some(PolicyMode::Enforce) {
        check_together(server, name)?;
    }
    let mut data = json!(change);
    data["policy"] = json!(name);
    let event = audit(server, ("policy.changed", name), &by, data)?;
    server.store().publish(vec![event]).await?;
    if let Some(mode) = mode {
        server.policies().set_mode(name, mode).map_err(refused)?;
    }
    if let Some(order) = order {
        server.policies().set_order(name, order).map_err(refused)?;
    }
    Ok(())
}

/// What the configuration would be refused for is refused here too.
fn check_together(server: &Server, name: &str) -> ApiResult<()> {
    let enforced = |other: &str| {
        let mode = server.policies().policy(other).map(|policy| policy.mode);
        other == name || matches!(mode, Ok(PolicyMode::Enforce))
    };
    let wrong = server.config().conflicts_of(name, enforced);
    if wrong.is_empty() {
        return Ok(());
    }
    Err(problem(409, "policy_conflict", &wrong.join("; ")).into())
}

/// `POST /policies/{name}/cache:purge`: every question is asked anew.
pub(super) async fn purge(server: Server, request: Request) -> Outcome<Response> {
    reply::api(forget(&server, &request).await)
}

async fn forget(server: &Server, request: &Request) -> ApiResult<Response> {
    let by = caller::with(server, request, AdminRole::Policies).await?;
    forget_kept(server, by, request.part(0)).await?;
    Ok(reply::empty(204))
}

/// Forgets the kept decisions of a policy.
pub(in crate::http) async fn forget_kept(server: &Server, by: Admin<'_>, name: &str) -> ApiResult<()> {
    server.policies().policy(name).map_err(refused)?;
    let event = audit(server, ("policy.cache_purged", name), &by, json!({ "policy": name }))?;
    server.store().publish(vec![event]).await?;
    server.policies().purge(name).map_err(refused)?;
    Ok(())
}

/// `POST /policies:simulate`.
pub(super) async fn simulate(server: Server, request: Request) -> Outcome<Response> {
    reply::api(try_out(&server, &request).await)
}

async fn try_out(server: &Server, request: &Request) -> ApiResult<Response> {
    caller::with(server, request, AdminRole::Policies).await?;
    reply::object(200, &simulated(server, object(request)?).await?)
}

/// What policies would say to a question, or to that of a decision.
pub(in crate::http) async fn simulated(server: &Server, members: Object) -> ApiResult<Simulation> {
    let given = members.get("request").cloned();
    let asked: SimulationRequest = body::member(members)?;
    let question = match (asked.request, asked.decision_id) {
        (Some(request), None) => {
            check_known(&given.unwrap_or_default(), &request)?;
            check_proposal(&request)?;
            let named = request.client.as_ref().map(|client| client.client_id.clone());
            Question::simulated(*request, client_of(server, named.as_deref()).await?.as_deref())
        }
        (None, Some(id)) => decisions::question(server, &id).await?.1,
        _ => {
            let detail = "exactly one of `request` and `decision_id` is expected";
            return Err(invalid_answer("", "ambiguous", detail));
        }
    };
    server.policies().simulate(question).await.map_err(refused)
}

/// The client that a question concerns, if there still is one.
pub(super) async fn client_of(server: &Server, id: Option<&str>) -> ApiResult<Option<Arc<Client>>> {
    match id {
        Some(id) => Ok(server.client(id).await?),
        None => Ok(None),
    }
}

/// A sidecar ignores members that it does not know. In a question that somebody wrote by hand they are mistakes, and
/// an answer to what is left would mislead.
fn check_known(given: &Value, read: &DecisionRequest) -> ApiResult<()> {
    let read = serde_json::to_value(read).unwrap_or_default();
    match unknown(given, &read, "/request") {
        None => Ok(()),
        Some(pointer) => Err(invalid_answer(&pointer, "unexpected", "a decision request has no such member")),
    }
}

/// A proposal is answered with what became of it, so it has to be one from the start.
fn check_proposal(request: &DecisionRequest) -> ApiResult<()> {
    let Some(grant) = &request.proposal.grant else { return Ok(()) };
    let at = |name: &str, detail: &str| {
        Err(invalid_answer(&format!("/request/proposal/grant/{name}"), "invalid", detail))
    };
    if grant.sub.as_ref().is_some_and(|sub| Subject::parse(sub).is_none()) {
        return at("sub", "1 to 255 characters, none of them a control character");
    }
    if grant.refresh_token.as_ref().and_then(|token| token.grace).is_some_and(|grace| grace > MAX_GRACE) {
        return at("refresh_token/grace", "at most 300 seconds");
    }
    Ok(())
}

/// The pointer to the first member that got lost on the way through the type.
fn unknown(given: &Value, read: &Value, at: &str) -> Option<String> {
    match (given, read) {
        (Value::Object(given), Value::Object(read)) => given.iter().find_map(|(name, value)| {
            let pointer = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
            match read.get(name) {
                Some(read) => unknown(value, read, &pointer),
                None => (!is_empty(value)).then_some(pointer),
            }
        }),
        (Value::Array(given), Value::Array(read)) => {
            let mut items = given.iter().zip(read).enumerate();
            items.find_map(|(index, (given, read))| unknown(given, read, &format!("{at}/{index}")))
        }
        _ => None,
    }
}

/// Whether a value is one that is left out when it is written.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

/// A parameter that means nothing here would be believed to.
fn no_parameters(request: &Request) -> ApiResult<()> {
    match query(request)?.iter().next() {
        None => Ok(()),
        Some((name, _)) => {
            let detail = format!("`{name}` is no parameter of this resource");
            Err(problem(400, "invalid_request", &detail).into())
        }
    }
}

/// Why something of policies cannot be shown or changed, for the caller.
pub(super) fn refused(error: AdminError) -> ApiFailure {
    let said = error.to_string();
    match error {
        AdminError::UnknownPolicy => {
            problem(404, "not_found", &format!("{said}; `GET /policies` lists them"))
        }
        AdminError::UnknownDecision => {
            let detail = format!("{said}, or it is no longer kept; `decision_log.keep` says how many are");
            problem(404, "not_found", &detail)
        }
        AdminError::NotKept | AdminError::Masked => problem(409, "question_not_kept", &said),
        AdminError::PoliciesGone => problem(409, "policies_gone", &said),
        AdminError::Fault(fault) => return fault.into(),
    }
    .into()
}
