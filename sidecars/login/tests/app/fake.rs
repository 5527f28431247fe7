//! A server that plays the interactions it is given, with the idempotency rules of the interaction API.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;
use warp::{
    Filter,
    reply::{Reply as _, Response},
};

pub(crate) const TOKEN: &str = "token-of-the-test";

/// How many entries a page of a list has.
const PAGE: usize = 100;

/// What happened, and what is to happen.
#[derive(Default)]
pub(crate) struct Play {
    /// The prompts of each interaction, in their order.
    prompts: HashMap<String, Vec<Value>>,
    /// Accepted answers of each interaction.
    answers: HashMap<String, Vec<Value>>,
    /// Interactions that wait for a user who is elsewhere.
    waiting: HashMap<String, Vec<String>>,
    /// Every `PUT`, accepted or not: interaction, step, body.
    pub(crate) puts: Vec<(String, u32, Value)>,
    pub(crate) reports: Vec<Value>,
    /// What the server keeps of the user, by resource: `sessions`, `consents`, `authorizations`.
    pub(crate) kept: HashMap<String, Vec<Value>>,
    /// What was deleted, in order.
    pub(crate) deleted: Vec<String>,
    /// How many calls came at all.
    pub(crate) calls: u32,
    /// A refusal of the next answers.
    pub(crate) refuse_put: Option<Value>,
    /// A refusal of everything.
    pub(crate) refuse_all: Option<Value>,
}

/// The fake server.
#[derive(Clone)]
pub(crate) struct Fake {
    pub(crate) play: Arc<Mutex<Play>>,
    pub(crate) base: Url,
}

impl Fake {
    pub(crate) async fn start() -> Self {
        let play = Arc::new(Mutex::new(Play::default()));
        let shared = Arc::clone(&play);
        let routes = warp::method()
            .and(warp::path::full())
            .and(warp::query::raw().or(warp::any().map(String::new)).unify())
            .and(warp::header::headers_cloned())
            .and(warp::body::bytes())
            .map(move |method: http::Method, path: warp::path::FullPath, query: String, headers, body| {
                let mut play = shared.lock().unwrap();
                play.answer(&method, (path.as_str(), &query), &headers, &body)
            });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/ui/v1", listener.local_addr().unwrap()).parse().unwrap();
        tokio::spawn(warp::serve(routes).incoming(listener).run());
        Self { play, base }
    }

    /// An interaction that goes through these prompts; each is a section of the envelope.
    pub(crate) fn script(&self, id: &str, prompts: &[Value]) {
        let prompts = prompts.iter().enumerate().map(|(at, prompt)| envelope(id, at + 1, prompt)).collect();
        self.play.lock().unwrap().prompts.insert(id.to_owned(), prompts);
    }

    /// An interaction that waits for a user, whose browser it was not sent to.
    pub(crate) fn wait_for(&self, sub: &str, id: &str, prompts: &[Value]) {
        self.script(id, prompts);
        self.play.lock().unwrap().waiting.entry(sub.to_owned()).or_default().push(id.to_owned());
    }

    /// The accepted answers of an interaction.
    pub(crate) fn answers(&self, id: &str) -> Vec<Value> {
        self.play.lock().unwrap().answers.get(id).cloned().unwrap_or_default()
    }

    pub(crate) fn calls(&self) -> u32 {
        self.play.lock().unwrap().calls
    }
}

fn envelope(id: &str, step: usize, prompt: &Value) -> Value {
    let mut all = json!({
        "id": id,
        "kind": "authorization",
        "step": step,
        "created_at": "2026-11-23T09:00:00Z",
        "expires_at": "2026-11-23T09:15:00Z",
        "issuer": "https://as.example",
        "client": {"client_id": "books-web", "name": "Acme Books", "policy_uri": "https://books.example/privacy"},
        "ui": {"locales": []},
    });
    all.as_object_mut().unwrap().extend(prompt.as_object().unwrap().clone());
    all
}

impl Play {
    fn answer(
        &mut self,
        method: &http::Method,
        (path, query): (&str, &str),
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Response {
        self.calls += 1;
        if headers.get("authorization").is_none_or(|v| v != &format!("Bearer {TOKEN}")) {
            return problem(&json!({"status": 401, "code": "unauthorized"}));
        }
        if let Some(refusal) = &self.refuse_all {
            return problem(refusal);
        }
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        match (method.as_str(), path.split('/').skip(3).collect::<Vec<_>>().as_slice()) {
            ("GET", ["interactions"]) => self.list(query),
            ("GET", ["interactions", id]) => self.current(id),
            ("PUT", ["interactions", id, "steps", step]) => self.put(id, step.parse().unwrap(), &body),
            ("GET", [resource @ ("sessions" | "consents" | "authorizations")]) => {
                let items = self.kept.get(*resource).map(Vec::as_slice).unwrap_or_default();
                let from = query.split_once("&cursor=").map_or(0, |(_, at)| at.parse().unwrap());
                let page = &items[from..items.len().min(from + PAGE)];
                let next = (from + PAGE < items.len()).then(|| (from + PAGE).to_string());
                warp::reply::json(&json!({ "items": page, "next_cursor": next })).into_response()
            }
            ("DELETE", [resource, rest @ ..]) => {
                self.deleted.push([&[*resource], rest].concat().join("/"));
                let items = self.kept.entry((*resource).to_owned()).or_default();
                items.retain(|item| rest.first().is_some_and(|id| item["id"] != *id));
                StatusCode::NO_CONTENT.into_response()
            }
            ("POST", ["reports"]) => {
                self.reports.push(body);
                StatusCode::ACCEPTED.into_response()
            }
            _ => problem(&json!({"status": 404, "code": "not_found"})),
        }
    }

    /// What waits for a user: open ones only.
    fn list(&self, query: &str) -> Response {
        let sub = query.strip_prefix("kind=ciba&sub=").and_then(|rest| rest.strip_suffix("&state=open"));
        let ids = self.waiting.get(sub.expect("the one question of this app")).into_iter().flatten();
        let items: Vec<&Value> =
            ids.filter_map(|id| self.prompt(id)).filter(|prompt| prompt["type"] != "response").collect();
        warp::reply::json(&json!({"items": items})).into_response()
    }

    fn prompt(&self, id: &str) -> Option<&Value> {
        let done = self.answers.get(id).map_or(0, Vec::len);
        self.prompts.get(id).and_then(|prompts| prompts.get(done))
    }

    fn current(&self, id: &str) -> Response {
        match self.prompt(id) {
            Some(prompt) => warp::reply::json(prompt).into_response(),
            None => problem(&json!({"status": 404, "code": "interaction_not_found"})),
        }
    }

    fn put(&mut self, id: &str, step: u32, body: &Value) -> Response {
        self.puts.push((id.to_owned(), step, body.clone()));
        if let Some(refusal) = &self.refuse_put {
            return problem(refusal);
        }
        let answers = self.answers.entry(id.to_owned()).or_default();
        let step = step as usize;
        if step <= answers.len() && answers[step - 1] != *body {
            return problem(&json!({"status": 409, "code": "step_conflict"}));
        }
        if step == answers.len() + 1 {
            answers.push(body.clone());
        }
        let next = self.prompts.get(id).and_then(|prompts| prompts.get(step));
        next.map_or_else(
            || problem(&json!({"status": 404, "code": "interaction_not_found"})),
            |next| warp::reply::json(next).into_response(),
        )
    }
}

fn problem(problem: &Value) -> Response {
    let status = u16::try_from(problem["status"].as_u64().unwrap()).unwrap();
    let status = StatusCode::from_u16(status).unwrap();
    warp::reply::with_status(warp::reply::json(problem), status).into_response()
}
