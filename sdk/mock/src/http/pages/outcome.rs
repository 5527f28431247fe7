//! What came of a run: step by step what was asked and answered, and what a server would do now.

use askama::Template;
use http::Method;
use placet_sdk::interaction::{Body, DeliveryMethod, Kind};
use serde::Serialize;
use warp::reply::Response;

use super::{
    gallery::{Mark, time},
    message, style,
};
use crate::{
    clock,
    http::{Request, reply},
    run::{Run, Sent, Verdict},
    scenario::Arrival,
    state::Shared,
};

#[derive(Template)]
#[template(path = "run.html")]
struct Page<'a> {
    style: &'a str,
    title: &'a str,
    about: &'a str,
    name: &'a str,
    id: &'a str,
    mark: Mark,
    reasons: Vec<String>,
    steps: Vec<Step>,
    calls: Vec<Row>,
    sent: Option<Sent>,
    frames: Option<String>,
}

/// A prompt and its answer.
struct Step {
    number: u32,
    kind: &'static str,
    prompt: String,
    answer: Option<String>,
    /// An answer that would be right.
    example: Option<String>,
    class: &'static str,
    words: &'static str,
    notes: Vec<String>,
}

struct Row {
    at: String,
    what: String,
    status: u16,
    class: &'static str,
    note: String,
}

fn pretty(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// The browser comes back from the app.
pub(super) fn resume(state: &Shared, request: &Request) -> Response {
    let (id, ticket) = (request.parameter("i"), request.parameter("t"));
    let (id, ticket) = (id.unwrap_or_default(), ticket.unwrap_or_default());
    let cookie = request.cookie(super::BINDING).map(str::to_owned);
    let known = state.with(&id, |run| run.resume(&ticket, cookie.as_deref(), clock::now()));
    if known != Some(true) {
        let text = "The address is not the one that the last prompt held. Send the browser to `delivery.uri` as it is.";
        return message(400, "No such ticket", text);
    }
    page(state, &id)
}

/// The mock's client gets a response (headless front door).
pub(super) fn landed(state: &Shared, request: &Request, id: &str) -> Response {
    if request.method == Method::POST {
        return reply::see_other(&format!("/runs/{id}"));
    }
    page(state, id)
}

/// A run as JSON.
pub(super) fn report(state: &Shared, id: &str) -> Response {
    match state.with(id, |run| run.report()) {
        Some(report) => reply::json(200, &report),
        None => reply::empty(404),
    }
}

/// A run as a page.
pub(super) fn page(state: &Shared, id: &str) -> Response {
    match state.with(id, |run| run.clone()) {
        Some(run) => show(&run),
        None => message(404, "No such run", "The mock remembers the last 200 runs since it was started."),
    }
}

fn show(run: &Run) -> Response {
    let reasons = match run.verdict() {
        Verdict::Expected => vec![good(run).to_owned()],
        Verdict::UnderWay(why) => vec![format!("Not over yet: {why}.")],
        Verdict::Different(reasons) => reasons,
    };
    let page = Page {
        style: &style(),
        title: &run.scenario.title,
        about: &run.scenario.about,
        name: &run.scenario.name,
        id: run.id(),
        mark: Mark::of(run),
        reasons,
        steps: steps(run),
        calls: calls(run),
        sent: run.sent(),
        frames: frames(run),
    };
    super::page(200, &page)
}

fn good(run: &Run) -> &'static str {
    match (run.scenario.arrives, &run.prompt.body) {
        (Arrival::Never, _) => {
            "The server needs nobody for this: it answers the client at once, and your app is not called."
        }
        (Arrival::Forged, _) => "Your app read an interaction that was never made, and was told so with 404.",
        (Arrival::Expired, _) => "Your app read an interaction that is over, and was told so with 410.",
        (_, Body::Error { .. }) => {
            "Your app read the error. There is nowhere to send the browser: show a page."
        }
        (_, Body::Response { response }) if response.delivery.method == DeliveryMethod::None => {
            "Every answer is what the scenario expects. There is nowhere to go: show a last page."
        }
        (_, Body::Response { .. }) => "Every answer is what the scenario expects, and the browser came back.",
        _ => "The interaction ended as the scenario says: what your app showed then is for you to judge.",
    }
}

fn steps(run: &Run) -> Vec<Step> {
    let mut steps: Vec<Step> = run
        .judged
        .iter()
        .map(|judged| {
            let (class, words) = match () {
                () if judged.other_tab => ("open", "answered by another tab"),
                () if !judged.differences.is_empty() => ("bad", "not as expected"),
                () if !judged.short.is_empty() => ("open", "fell short, asked again"),
                () => ("ok", "as expected"),
            };
            Step {
                number: judged.prompt.step,
                kind: judged.prompt.body.type_name(),
                prompt: pretty(&judged.prompt),
                answer: Some(pretty(&judged.answer)),
                example: None,
                class,
                words,
                notes: judged.differences.iter().chain(&judged.short).cloned().collect(),
            }
        })
        .collect();
    if run.scenario.arrives == Arrival::Waiting {
        let last = run.prompt.body.is_terminal();
        steps.push(Step {
            number: run.prompt.step,
            kind: run.prompt.body.type_name(),
            prompt: pretty(&run.prompt),
            answer: None,
            example: run.example().as_ref().map(pretty),
            class: if last { "ok" } else { "open" },
            words: if last { "the end" } else { "waiting" },
            notes: Vec::new(),
        });
    }
    steps
}

fn calls(run: &Run) -> Vec<Row> {
    let row = |call: &crate::run::Call| Row {
        at: time(call.at),
        what: call.what.clone(),
        status: call.status,
        class: if call.status < 400 { "ok" } else { "bad" },
        note: match (&call.refused, call.replayed) {
            (Some(refused), _) => refused.clone(),
            (None, true) => "the same answer again: Placet-Replayed".to_owned(),
            (None, false) => String::new(),
        },
    };
    run.calls.iter().map(row).collect()
}

/// What became of the front-channel pages of a logout.
fn frames(run: &Run) -> Option<String> {
    let Body::Response { response } = &run.prompt.body else { return None };
    let wanted = response.logout.as_ref()?.frontchannel.len();
    if run.scenario.kind != Kind::Logout || wanted == 0 {
        return None;
    }
    let loaded = run.frames.join(", ");
    let so_far = if run.frames.is_empty() { "none".to_owned() } else { loaded };
    Some(format!(
        "The last prompt lists {wanted} front-channel pages to load in hidden frames. Loaded so far: {so_far}."
    ))
}
