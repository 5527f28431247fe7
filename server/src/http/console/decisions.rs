//! The log of decisions, and asking today's policies the same again.

use askama::Template;
use http::Method;
use placet_sdk::{
    admin::{DecisionEntry, DecisionOutcome, DecisionRecord, PolicyRecord, Replay},
    decision::HookType,
};
use warp::reply::Response;

use super::{
    access::{Page, Visit, link},
    frame::{Frame, answer, page},
    shown::{Moment, json, tone, word},
};
use crate::{
    config::AdminRole,
    http::{
        admin::decisions::{kept, replayed},
        request::Request,
    },
    outcome::Outcome,
    policy::DecisionFilter,
    problem::{ApiResult, problem},
    server::Server,
};

/// Decisions of a page.
const PAGE: usize = 50;

/// A decision in the list.
struct Row {
    id: String,
    at: Moment,
    hook: String,
    outcome: &'static str,
    tone: &'static str,
    enforced: bool,
    client: String,
    user: String,
    policies: String,
    reason: String,
    took: u64,
}

#[derive(Template)]
#[template(path = "console/decisions.html")]
struct DecisionsPage<'a> {
    frame: Frame<'a>,
    rows: Vec<Row>,
    hooks: Vec<&'static str>,
    outcomes: Vec<&'static str>,
    hook: String,
    outcome: String,
    policy: String,
    client_id: String,
    sub: String,
    filtered: bool,
    keep: u32,
    next: Option<String>,
}

/// `GET /console/decisions`.
pub(super) async fn decisions(server: Server, request: Request) -> Outcome<Response> {
    answer(&request, list(&server, &request))
}

fn list(server: &Server, request: &Request) -> Page<Response> {
    let visit = Visit::of(server, request, AdminRole::Policies)?;
    let query = visit.query()?;
    let text = |name: &str| query.get(name).unwrap_or_default().to_owned();
    let given = |value: &str| (!value.is_empty()).then(|| value.to_owned());
    let (hook, outcome, policy) = (text("type"), text("outcome"), text("policy"));
    let (client_id, sub, after) = (text("client_id"), text("sub"), text("cursor"));
    let filter = DecisionFilter {
        hook: given(&hook).map(|hook| of(&hook, "decision point")).transpose()?,
        outcome: given(&outcome).map(|outcome| of(&outcome, "outcome")).transpose()?,
        client_id: given(&client_id),
        sub: given(&sub),
        policy: given(&policy),
        after: given(&after).map(|after| of(&after, "page")).transpose()?,
        limit: Some(PAGE),
        trace_id: None,
    };
    let found = server.policies().decisions(&filter);
    let now = server.now_millis();
    let next = found.next.map(|after| {
        let after = after.to_string();
        let all = [("type", &hook), ("outcome", &outcome), ("policy", &policy), ("client_id", &client_id)];
        let all = all.into_iter().chain([("sub", &sub), ("cursor", &after)]);
        link("decisions", all.map(|(name, value)| (name, value.as_str())))
    });
    let template = DecisionsPage {
        frame: Frame::of(&visit, "decisions", "Decisions"),
        rows: found.decisions.iter().map(|record| row(record, now)).collect(),
        hooks: HookType::ALL.iter().map(|hook| hook.as_str()).collect(),
        outcomes: DecisionOutcome::ALL.iter().map(|outcome| outcome.as_str()).collect(),
        filtered: [&hook, &outcome, &policy, &client_id, &sub, &after].iter().any(|value| !value.is_empty()),
        keep: server.config().decision_log.keep,
        hook,
        outcome,
        policy,
        client_id,
        sub,
        next,
    };
    Ok(page(200, &template)?)
}

/// A word of a filter. One that cannot be meant is refused: a list that ignores a filter misleads.
fn of<T: std::str::FromStr>(text: &str, what: &str) -> ApiResult<T> {
    text.parse().map_err(|_| problem(400, "invalid_request", &format!("`{text}` is no {what}")).into())
}

fn row(record: &DecisionRecord, now: i64) -> Row {
    let names: Vec<&str> = record.policies.iter().map(|policy| policy.name.as_str()).collect();
    let telling = record.policies.iter().rev().map(reason).find(|reason| !reason.is_empty());
    Row {
        id: record.id.clone(),
        at: Moment::of_millis(record.time.0, now),
        hook: record.hook.to_string(),
        outcome: record.outcome.as_str(),
        tone: tone(record.outcome.as_str()),
        enforced: record.enforced,
        client: record.client_id.clone().unwrap_or_default(),
        user: record.sub.clone().unwrap_or_default(),
        policies: names.join(", "),
        reason: telling.unwrap_or_default(),
        took: record.duration_ms,
    }
}

fn reason(policy: &PolicyRecord) -> String {
    match policy.failure {
        Some(failure) => failure.to_string(),
        None => policy.reason.clone().unwrap_or_default(),
    }
}

/// What a policy said.
pub(super) struct Said {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) mode: String,
    pub(super) answer: String,
    pub(super) tone: &'static str,
    pub(super) reason: String,
    pub(super) detail: String,
    pub(super) tags: String,
    pub(super) took: u64,
    pub(super) attempts: u32,
    pub(super) cache: String,
    pub(super) diverged: bool,
}

impl Said {
    pub(super) fn of(policy: &PolicyRecord) -> Self {
        let answer = match (policy.failure, policy.decision) {
            (Some(failure), _) => format!("failed: {failure}"),
            (None, decision) => word(&decision),
        };
        let tags = policy.tags.iter().map(|(name, value)| format!("{name}={value}"));
        Self {
            name: policy.name.clone(),
            version: policy.version.clone().unwrap_or_default(),
            mode: word(&policy.mode),
            tone: if policy.failure.is_some() { "bad" } else { tone(&answer) },
            answer,
            reason: policy.reason.clone().unwrap_or_default(),
            detail: policy.detail.clone().unwrap_or_default(),
            tags: tags.collect::<Vec<_>>().join(" "),
            took: policy.latency_ms,
            attempts: policy.attempts,
            cache: word(&policy.cache),
            diverged: policy.diverged == Some(true),
        }
    }
}

/// What would be decided today.
pub(super) struct Today {
    /// Whether that is as it was decided, in a sentence; empty if nothing was.
    pub(super) verdict: &'static str,
    pub(super) outcome: &'static str,
    pub(super) tone: &'static str,
    pub(super) said: Vec<Said>,
    pub(super) took: u64,
    /// Error, challenge or failure.
    pub(super) why: Option<String>,
    pub(super) proposal: String,
}

impl Today {
    pub(super) fn of(simulation: &placet_sdk::admin::Simulation, differs: Option<bool>) -> Self {
        let error = simulation.error.as_ref().map(json);
        let challenge = simulation.challenge.as_ref().map(json);
        Self {
            verdict: match differs {
                None => "",
                Some(false) => "As it was decided.",
                Some(true) => "Other than it was decided.",
            },
            outcome: simulation.outcome.as_str(),
            tone: tone(simulation.outcome.as_str()),
            said: simulation.policies.iter().map(Said::of).collect(),
            took: simulation.duration_ms,
            why: error.or(challenge).or(simulation.failure.as_ref().map(json)),
            proposal: json(&simulation.proposal),
        }
    }
}

#[derive(Template)]
#[template(path = "console/decision.html")]
struct DecisionPage<'a> {
    frame: Frame<'a>,
    record: DecisionRecord,
    at: Moment,
    hook: String,
    tone: &'static str,
    said: Vec<Said>,
    shadow: Vec<Said>,
    requested: Option<String>,
    granted: Option<String>,
    question: Option<String>,
    masked: String,
    today: Option<Today>,
    client: String,
    user: String,
}

/// `GET` and `POST /console/decisions/{id}`; the latter asks today's policies the same, without any effect.
pub(super) async fn decision(server: Server, request: Request) -> Outcome<Response> {
    answer(&request, one(&server, &request).await)
}

async fn one(server: &Server, request: &Request) -> Page<Response> {
    let visit = Visit::of(server, request, AdminRole::Policies)?;
    let id = request.part(0);
    let DecisionEntry { record, question, shadow } = kept(server, id)?;
    let mut today = None;
    if request.method == Method::POST {
        visit.form()?;
        let Replay { simulation, differs, .. } = replayed(server, id).await?;
        today = Some(Today::of(&simulation, Some(differs)));
    }
    let template = DecisionPage {
        frame: Frame::of(&visit, "decisions", "Decision"),
        at: Moment::of_millis(record.time.0, server.now_millis()),
        hook: record.hook.to_string(),
        tone: tone(record.outcome.as_str()),
        said: record.policies.iter().map(Said::of).collect(),
        shadow: shadow.iter().map(Said::of).collect(),
        requested: record.requested.as_ref().map(json),
        granted: record.granted.as_ref().map(json),
        question: question.as_ref().map(json),
        masked: record.masked.join(", "),
        today,
        client: record.client_id.as_deref().map(|id| link("client", [("id", id)])).unwrap_or_default(),
        user: record.sub.as_deref().map(|sub| link("people", [("sub", sub)])).unwrap_or_default(),
        record,
    };
    Ok(page(200, &template)?)
}
