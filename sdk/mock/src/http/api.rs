//! The interaction API.

use http::{Method, header};
use placet_sdk::{
    grant::Object,
    interaction::{Kind, Open, Prompt},
    resources::Page,
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use warp::reply::Response;

use super::{Request, parameter, reply, resources};
use crate::{
    clock,
    problem::{Outcome, Refusal, capability_missing, invalid_answer, problem},
    run::{Call, Door, Run, answer_object},
    scenario::{Gallery, Scenario},
    state::Shared,
};

/// The header with the browser's binding (headless front door).
const BINDING: &str = "placet-browser-binding";

/// The description of this API, as the server publishes it.
const DESCRIPTION: &str = include_str!("../../../schemas/1/openapi.json");

/// Answers a call; `rest` is the path below `/ui/v1`.
pub(super) fn answer(state: &Shared, request: &Request, rest: &[&str]) -> Response {
    route(state, request, rest).unwrap_or_else(|refusal| reply::problem(&refusal))
}

fn route(state: &Shared, request: &Request, rest: &[&str]) -> Outcome<Response> {
    let allowed: &[Method] = match rest {
        ["interactions"] => &[Method::GET, Method::POST],
        ["interactions", _, "data"] => &[Method::GET, Method::PUT],
        ["interactions", _, "steps", _] => &[Method::PUT],
        ["interactions" | "sessions", _] => &[Method::GET, Method::DELETE],
        ["sessions" | "consents" | "authorizations" | "openapi.json"] => &[Method::GET],
        ["consents" | "authorizations", _] => &[Method::DELETE],
        ["grants" | "reports"] => &[Method::POST],
        _ => return Err(problem(404, "not_found", "there is nothing at this path").into()),
    };
    if !allowed.contains(&request.method) {
        return Ok(method_not_allowed(allowed));
    }
    if rest == ["openapi.json"] {
        return Ok(reply::with_type(200, "application/json", DESCRIPTION));
    }
    authenticate(state, request)?;
    match rest {
        ["interactions"] if request.method == Method::POST => open(state, request),
        ["interactions"] => list(state, request),
        ["interactions", id] => one(state, request, id),
        ["interactions", id, "data"] => data(state, request, id),
        ["interactions", id, "steps", number] => step(state, request, (id, number)),
        _ => resources::answer(state, request, rest),
    }
}

fn method_not_allowed(allowed: &[Method]) -> Response {
    let allow = allowed.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
    let refused = problem(405, "method_not_allowed", &format!("only {allow} is allowed here"));
    let mut response = reply::problem(&refused.into());
    reply::put(&mut response, header::ALLOW, &allow);
    response
}

fn authenticate(state: &Shared, request: &Request) -> Outcome<()> {
    let given = request.header(header::AUTHORIZATION).and_then(|line| {
        let (scheme, token) = line.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    let digest = |text: &str| Sha256::digest(text.as_bytes());
    let expected = digest(&state.settings.token);
    if given.is_some_and(|given| bool::from(digest(given).ct_eq(&expected))) {
        return Ok(());
    }
    Err(problem(401, "unauthorized", "the bearer of a registered login app is expected").into())
}

/// The JSON object in a body.
pub(super) fn object(request: &Request) -> Outcome<Object> {
    is_json(request)?;
    match placet_sdk::decision::strict_json(&request.body) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(invalid_answer("", "wrong_type", "an object is expected")),
        Err(broken) => Err(invalid_answer("", "malformed", &broken.detail)),
    }
}

fn is_json(request: &Request) -> Outcome<()> {
    let media_type = request.header(header::CONTENT_TYPE).and_then(|text| text.split(';').next());
    if media_type.is_some_and(|text| text.trim().eq_ignore_ascii_case("application/json")) {
        return Ok(());
    }
    let detail = "the body must be of type `application/json`";
    Err(problem(415, "unsupported_media_type", detail).into())
}

/// Does a call about an interaction and writes it down.
fn about<T>(
    state: &Shared,
    (request, id): (&Request, &str),
    shown: impl Fn(&T) -> (u16, Option<u32>, bool),
    work: impl FnOnce(&mut Run) -> Outcome<T>,
) -> Outcome<T> {
    let below = request.path.get(4..).map(|rest| rest.join("/")).unwrap_or_default();
    state.of_app(id, |run| {
        let outcome = work(run);
        let (status, prompt_step, replayed) = match &outcome {
            Ok(value) => shown(value),
            Err(refusal) => (refusal.problem.status, None, false),
        };
        let refused = outcome.as_ref().err().map(|refusal: &Refusal| {
            let problem = &refusal.problem;
            let first = problem.errors.first().map(|e| format!("`{}`: {}", e.pointer, e.detail));
            format!("{}: {}", problem.code, first.or(problem.detail.clone()).unwrap_or_default())
        });
        let what = format!("{} {}", request.method, if below.is_empty() { "the prompt" } else { &below });
        run.note(Call { at: clock::now(), what, status, refused, replayed, prompt_step });
        outcome
    })
}

fn one(state: &Shared, request: &Request, id: &str) -> Outcome<Response> {
    let now = clock::now();
    if request.method == Method::DELETE {
        about(state, (request, id), |()| (204, None, false), |run| run.abandon(now))?;
        return Ok(reply::empty(204));
    }
    let shown = |prompt: &Prompt| (200, Some(prompt.step), false);
    Ok(reply::json(200, &about(state, (request, id), shown, |run| run.read(now))?))
}

fn step(state: &Shared, request: &Request, (id, number): (&str, &str)) -> Outcome<Response> {
    let now = clock::now();
    let shown = |(prompt, replayed): &(Prompt, bool)| (200, Some(prompt.step), *replayed);
    let (prompt, replayed) = about(state, (request, id), shown, |run| {
        is_json(request)?;
        let number = number
            .parse()
            .map_err(|_| problem(404, "interaction_not_found", "a step is a number, beginning with 1"))?;
        run.check_binding(request.header(BINDING))?;
        run.answer((number, &request.body), &state.capabilities, now)
    })?;
    let mut response = reply::json(200, &prompt);
    if replayed {
        reply::put(&mut response, header::HeaderName::from_static("placet-replayed"), "true");
    }
    Ok(response)
}

fn data(state: &Shared, request: &Request, id: &str) -> Outcome<Response> {
    let now = clock::now();
    if request.method == Method::GET {
        let found = about(state, (request, id), |_| (200, None, false), |run| run.data(now))?;
        return Ok(reply::json(200, &found));
    }
    about(
        state,
        (request, id),
        |()| (204, None, false),
        |run| {
            run.check_binding(request.header(BINDING))?;
            run.put_data(object(request)?, now)
        },
    )?;
    Ok(reply::empty(204))
}

fn list(state: &Shared, request: &Request) -> Outcome<Response> {
    let kind = match request.parameter("kind").as_deref() {
        Some("ciba") => Kind::Ciba,
        Some("device") => Kind::Device,
        _ => return Err(problem(400, "invalid_request", "`kind` must be `ciba` or `device`").into()),
    };
    let sub = request.parameter("sub");
    let waiting = state.waiting(kind).into_iter();
    let items: Vec<Prompt> = waiting
        .filter(|run| sub.as_ref().is_none_or(|sub| run.facts.sub == *sub))
        .map(|run| run.prompt)
        .collect();
    Ok(reply::json(200, &Page { items, next_cursor: None }))
}

/// `POST /interactions` (headless front door).
fn open(state: &Shared, request: &Request) -> Outcome<Response> {
    if !state.settings.headless {
        let detail = "this app has the redirect front door: the server opens its interactions; \
                      start the mock with `--headless` if yours opens them itself";
        return Err(problem(403, "capability_missing", detail).into());
    }
    let asked: Open = answer_object(object(request)?)?;
    let key = request.header("idempotency-key").map(str::to_owned);
    let known = key.as_ref().and_then(|key| state.opened().get(key).cloned());
    let id = match known {
        Some((body, id)) if body == request.body => id,
        Some(_) => {
            let detail = "the same `Idempotency-Key` came with another body before";
            return Err(problem(422, "idempotency_conflict", detail).into());
        }
        None => begin(state, &asked)?,
    };
    if let Some(key) = key {
        state.opened().insert(key, (request.body.clone(), id.clone()));
    }
    let prompt = state.of_app(&id, |run| run.read(clock::now()))?;
    let mut response = reply::json(201, &prompt);
    reply::put(&mut response, header::LOCATION, &format!("/ui/v1/interactions/{id}"));
    Ok(response)
}

fn begin(state: &Shared, asked: &Open) -> Outcome<String> {
    let gallery = state.gallery().map_err(|e| problem(503, "unavailable", &e.to_string()))?;
    let scenario = chosen(state, &gallery, asked).ok_or_else(|| {
        problem(400, "invalid_request", "no scenario of this kind is played: name one in `scenario`")
    })?;
    let door = Door::Headless { binding: asked.browser.binding.clone() };
    let run = Run::open(scenario, (&state.issuer, clock::now()), door);
    let run = run.map_err(|e| problem(503, "unavailable", &e))?;
    let id = run.id().to_owned();
    state.keep(run);
    Ok(id)
}

/// The scenario that the request names, else the one that the front page started last, else the first of its kind.
fn chosen(state: &Shared, gallery: &Gallery, asked: &Open) -> Option<std::sync::Arc<Scenario>> {
    let mut raw = asked.request.iter().flat_map(|r| [&r.query, &r.form]).flatten();
    let named = raw.find_map(|text| parameter(text, "scenario"));
    let named = named.or_else(|| state.chosen().clone());
    named
        .and_then(|name| gallery.find(&name))
        .filter(|scenario| scenario.kind == asked.kind)
        .or_else(|| gallery.scenarios().iter().find(|scenario| scenario.kind == asked.kind).cloned())
}

/// Refuses what the app was not allowed.
pub(super) fn may(state: &Shared, capability: &str) -> Outcome<()> {
    if state.capabilities.allow(capability) { Ok(()) } else { Err(capability_missing("", capability)) }
}
