//! The mock's own pages: the gallery, the way into the app, and what came of it.

mod gallery;
mod outcome;

use askama::Template;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{Method, header};
use placet_sdk::interaction::Kind;
use sha2::{Digest as _, Sha256};
use url::Url;
use warp::reply::Response;

use super::{Request, reply};
use crate::{
    clock, random,
    run::{Door, Run, encode},
    scenario::{Arrival, Scenario},
    state::Shared,
};

const STYLE: &str = include_str!("../../templates/style.css");
/// The cookie that tells the browser that started from others.
const BINDING: &str = "placet-mock-ib";

#[derive(Template)]
#[template(path = "message.html")]
struct Message<'a> {
    style: &'a str,
    title: &'a str,
    text: &'a str,
}

/// Answers whatever is not the interaction API.
pub(super) fn answer(state: &Shared, request: &Request, parts: &[&str]) -> Response {
    let is_read = matches!(request.method, Method::GET | Method::HEAD);
    match parts {
        ["client", id] if is_read || request.method == Method::POST => outcome::landed(state, request, id),
        _ if !is_read => message(405, "Not like this", "This page is only there to be read."),
        [""] => gallery::page(state),
        ["start", name] => start(state, request, name),
        ["resume"] => outcome::resume(state, request),
        ["runs", id] => match id.strip_suffix(".json") {
            Some(id) => outcome::report(state, id),
            None => outcome::page(state, id),
        },
        ["frontchannel", id, client] => frame(state, id, client),
        ["assets", _] => asset(request),
        ["livez"] => reply::with_type(200, "text/plain; charset=utf-8", "ok\n"),
        _ => message(404, "Nothing here", "There is no such page. The scenarios are on the front page."),
    }
}

/// The path of the style sheet; it changes with the content, so that caches may keep it for ever.
fn style() -> String {
    format!("/assets/{}.css", URL_SAFE_NO_PAD.encode(&Sha256::digest(STYLE)[..9]))
}

fn asset(request: &Request) -> Response {
    if format!("/assets/{}", request.part(1)) != style() {
        return reply::empty(404);
    }
    let mut response = reply::with_type(200, "text/css; charset=utf-8", STYLE);
    reply::put(&mut response, header::CACHE_CONTROL, "public, max-age=31536000, immutable");
    response
}

fn page(status: u16, template: &impl Template) -> Response {
    let html = match template.render() {
        Ok(html) => html,
        Err(error) => return reply::with_type(500, "text/plain; charset=utf-8", error.to_string()),
    };
    let mut response = reply::with_type(status, "text/html; charset=utf-8", html);
    for (name, value) in [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; img-src data:; form-action 'none'; frame-ancestors 'none'; \
             base-uri 'none'",
        ),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        reply::put(&mut response, name, value);
    }
    response
}

fn message(status: u16, title: &str, text: &str) -> Response {
    page(status, &Message { style: &style(), title, text })
}

/// Starts a fresh interaction and sends the browser to the app, exactly as a server does.
fn start(state: &Shared, request: &Request, name: &str) -> Response {
    let gallery = match state.gallery() {
        Ok(gallery) => gallery,
        Err(error) => return message(500, "The scenarios cannot be read", &error.to_string()),
    };
    let Some(scenario) = gallery.find(name) else {
        return message(404, "No such scenario", "It is not among those that the mock was started with.");
    };
    if state.settings.headless && scenario.arrives != Arrival::Never {
        *state.chosen() = Some(scenario.name.clone());
        return reply::see_other(&with(&state.settings.ui, &as_a_client_asks(state, &scenario)));
    }
    let own = request.cookie(BINDING).filter(|value| value.len() == 43).map(str::to_owned);
    let binding = own.clone().unwrap_or_else(random::secret);
    let door = Door::Redirect { binding: binding.clone() };
    let arrives = scenario.arrives;
    let run = match Run::open(scenario, (&state.issuer, clock::now()), door) {
        Ok(run) => run,
        Err(error) => return message(500, "The scenario cannot be played", &error),
    };
    let id = run.id().to_owned();
    state.keep(run);
    let mut response = if arrives == Arrival::Never {
        reply::see_other(&format!("/runs/{id}"))
    } else {
        let parameters = [("interaction".to_owned(), id), ("iss".to_owned(), state.issuer.clone())];
        reply::see_other(&with(&state.settings.ui, &parameters))
    };
    if own.is_none() {
        let cookie = format!("{BINDING}={binding}; Path=/; HttpOnly; SameSite=Lax");
        reply::put(&mut response, header::SET_COOKIE, &cookie);
    }
    response
}

/// The address of the app with these parameters.
fn with(ui: &Url, parameters: &[(String, String)]) -> String {
    let mut base = ui.clone();
    base.set_fragment(None);
    let separator = if base.query().is_some() { '&' } else { '?' };
    format!("{base}{separator}{}", encode(parameters))
}

/// Headless front door: what a client, a device or a user sends to the app.
fn as_a_client_asks(state: &Shared, scenario: &Scenario) -> Vec<(String, String)> {
    let mut all = vec![("scenario".to_owned(), scenario.name.clone())];
    if scenario.kind == Kind::Authorization {
        let text = |name: &str| scenario.request.get(name).and_then(|value| value.as_str());
        let more = [
            ("client_id", "books-web"),
            ("response_type", text("response_type").unwrap_or("code")),
            ("scope", "openid profile email"),
            ("state", "the-state-of-the-client"),
            ("redirect_uri", &format!("{}/client", state.issuer)),
        ];
        all.extend(more.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
    all
}

/// A page of a client that a logout loads in a hidden frame.
fn frame(state: &Shared, id: &str, client: &str) -> Response {
    let known = state.with(id, |run| {
        let client: String = client.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
        if !run.frames.contains(&client) && run.frames.len() < 16 {
            run.frames.push(client);
        }
    });
    let status = if known.is_some() { 200 } else { 404 };
    let mut response =
        reply::with_type(status, "text/html; charset=utf-8", "<!doctype html><title>signed out</title>");
    // Any app may frame it: that is what it is for.
    reply::put(&mut response, header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors *");
    response
}
