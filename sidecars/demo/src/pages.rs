//! The pages, and the answers they travel in.

use std::fmt::Write as _;

use askama::Template;
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

use crate::{
    ambient,
    app::App,
    ask::{PROMPTS, SCOPES},
    call::Call,
    failure::Failure,
    json::{self, Piece},
    provider::Tokens,
    resource,
    session::{Outcome, Shown},
    transfer::{Answered, Transfer},
    tv::{Codes, Picture, Tv},
};

/// What every handler answers with.
pub(crate) type Answer = Response<Bytes>;

/// The name of the cookie that ties a browser to what is remembered of it.
pub(crate) const COOKIE: &str = "placet-demo";

const CSP: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; frame-ancestors 'none'; \
                   base-uri 'none'";

#[derive(Template)]
#[template(path = "start.html")]
struct Start<'a> {
    issuer: &'a str,
    client_id: &'a str,
    redirect_uri: &'a str,
    scopes: [(&'static str, bool); 6],
    prompts: [&'static str; 5],
    signed_in: bool,
    signed_out: bool,
}

#[derive(Template)]
#[template(path = "session.html")]
struct Session<'a> {
    issuer: &'a str,
    csrf: &'a str,
    subject: Option<&'a str>,
    claims: Option<Vec<Piece>>,
    id_token: Option<String>,
    jwt: Option<(Vec<Piece>, Vec<Piece>)>,
    tokens: &'a Tokens,
    refresh_token: bool,
    expires: String,
    panel: Option<Panel<'a>>,
}

#[derive(Template)]
#[template(path = "transfer.html")]
struct TransferPage<'a> {
    csrf: &'a str,
    to: &'a str,
    amount: &'a str,
    max_age: i64,
    acr: String,
    answers: Vec<(usize, &'a Answered, Vec<Piece>)>,
}

#[derive(Template)]
#[template(path = "call.html")]
struct CallPage<'a> {
    csrf: &'a str,
    suggestion: String,
    /// Seconds until the page looks again.
    wait: Option<u64>,
    failure: Option<&'a Failure>,
    claims: Option<Vec<Piece>>,
    call: Option<&'a Call>,
}

struct Panel<'a> {
    title: &'a str,
    json: Option<Vec<Piece>>,
    note: Option<&'a str>,
    failure: Option<&'a Failure>,
}

#[derive(Template)]
#[template(path = "error.html")]
struct Failed<'a> {
    title: &'a str,
    lead: &'a str,
    error: &'a str,
    description: Option<&'a str>,
    retry: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "tv.html")]
struct Television<'a> {
    issuer: &'a str,
    client_id: &'a str,
    waiting: bool,
    codes: Option<&'a Codes>,
    subject: Option<&'a str>,
    scope: &'a [String],
    refresh_token: bool,
    claims: Option<Vec<Piece>>,
    failure: Option<&'a Failure>,
}

/// The start page.
pub(crate) fn start(app: &App, signed_in: bool, signed_out: bool) -> Answer {
    let page = Start {
        issuer: app.provider.issuer.as_str(),
        client_id: &app.provider.client_id,
        redirect_uri: &app.provider.redirect_uri,
        scopes: SCOPES,
        prompts: PROMPTS,
        signed_in,
        signed_out,
    };
    html(StatusCode::OK, &page)
}

/// The page of the call centre.
pub(crate) fn call(csrf: &str, call: Option<&Call>) -> Answer {
    let outcome = call.and_then(|call| call.outcome.as_ref());
    let tokens = outcome.and_then(|outcome| outcome.as_ref().ok());
    let id_token = tokens.and_then(|tokens| tokens.id.as_ref()).map(ToString::to_string);
    let page = CallPage {
        csrf,
        suggestion: ambient::short(),
        wait: call.filter(|call| call.outcome.is_none()).map(Call::wait),
        failure: outcome.and_then(|outcome| outcome.as_ref().err()),
        claims: id_token.as_deref().and_then(json::decode).map(|(_, payload)| json::pieces(&payload)),
        call,
    };
    html(StatusCode::OK, &page)
}

/// The page that shows what a sign-in yielded.
pub(crate) fn session(app: &App, csrf: &str, tokens: &Tokens, outcome: Option<&Outcome>) -> Answer {
    let id_token = tokens.id.as_ref().map(ToString::to_string);
    let claims = id_token.as_deref().and_then(json::decode).map(|(_, payload)| json::pieces(&payload));
    let jwt = json::decode(tokens.access.secret())
        .map(|(header, payload)| (json::pieces(&header), json::pieces(&payload)));
    let page = Session {
        issuer: app.provider.issuer.as_str(),
        csrf,
        subject: tokens.subject.as_ref().map(|subject| subject.as_str()),
        claims,
        id_token,
        jwt,
        tokens,
        refresh_token: tokens.refresh.is_some(),
        expires: expiry(tokens),
        panel: outcome.map(Panel::new),
    };
    html(StatusCode::OK, &page)
}

/// The page where money is moved.
pub(crate) fn transfer(csrf: &str, tokens: &Tokens, transfer: Option<&Transfer>) -> Answer {
    let claims = tokens.id.as_ref().and_then(|id| json::decode(&id.to_string())).map(|(_, claims)| claims);
    let acr = claims.as_ref().and_then(|claims| claims["acr"].as_str()).unwrap_or("not told");
    let blank = Transfer::new("", "");
    let shown = transfer.filter(|transfer| !transfer.done()).unwrap_or(&blank);
    let answers = transfer.map(|transfer| transfer.answers.as_slice()).unwrap_or_default();
    let page = TransferPage {
        csrf,
        to: &shown.to,
        amount: &shown.amount,
        max_age: resource::MAX_AGE,
        acr: acr.to_owned(),
        answers: (1..).zip(answers).map(|(n, answer)| (n, answer, json::pieces(&answer.body))).collect(),
    };
    html(StatusCode::OK, &page)
}

/// The page that plays a television.
pub(crate) fn television(app: &App, tv: Option<&Tv>) -> Answer {
    let mut page = Television {
        issuer: app.provider.issuer.as_str(),
        client_id: &app.provider.tv_client_id,
        waiting: false,
        codes: None,
        subject: None,
        scope: &[],
        refresh_token: false,
        claims: None,
        failure: None,
    };
    match tv.map(|tv| (&tv.shows, &tv.codes)) {
        None => {}
        Some((Picture::Code, codes)) => (page.waiting, page.codes) = (true, Some(codes)),
        Some((Picture::Program(tokens), _)) => {
            page.subject = tokens.subject.as_ref().map(|subject| subject.as_str());
            page.scope = &tokens.scope;
            page.refresh_token = tokens.refresh.is_some();
            let id_token = tokens.id.as_ref().map(ToString::to_string);
            page.claims =
                id_token.as_deref().and_then(json::decode).map(|(_, payload)| json::pieces(&payload));
        }
        Some((Picture::Trouble(failure), _)) => page.failure = Some(failure),
    }
    html(StatusCode::OK, &page)
}

impl<'a> Panel<'a> {
    fn new(outcome: &'a Outcome) -> Self {
        let (json, note, failure) = match &outcome.result {
            Ok(Shown::Json(value)) => (Some(json::pieces(value)), None, None),
            Ok(Shown::Note(note)) => (None, Some(*note), None),
            Err(failure) => (None, None, Some(failure)),
        };
        Self { title: outcome.title, json, note, failure }
    }
}

/// How long the access token still works, as far as the token response told.
fn expiry(tokens: &Tokens) -> String {
    let Some(lifetime) = tokens.lifetime else { return "not told".to_owned() };
    let whole = lifetime.as_secs();
    match lifetime.saturating_sub(tokens.since.elapsed()).as_secs() {
        0 => format!("expired (lifetime {whole} s)"),
        left => format!("in {} (lifetime {whole} s)", words(left)),
    }
}

fn words(seconds: u64) -> String {
    let mut text = String::new();
    for (size, unit) in [(3600, "h"), (60, "min"), (1, "s")] {
        let count = if unit == "h" { seconds / size } else { seconds / size % 60 };
        if count > 0 {
            let _ = write!(text, "{}{count} {unit}", if text.is_empty() { "" } else { " " });
        }
    }
    text
}

/// The page for what went wrong; `retry` is where to try the same again, if that makes sense.
pub(crate) fn failed(failure: &Failure, retry: Option<&str>) -> Answer {
    if let Failure::Down(cause) = failure {
        tracing::warn!(cause, "the provider is down");
    } else {
        // Not the reason: a parser may quote a token.
        tracing::info!(error = failure.code(), "a sign-in failed");
    }
    let (title, lead) = match failure {
        Failure::Down(_) => (
            "The authorization server cannot be reached",
            "This app is up, but the server that signs users in does not answer. Start it, then try again.",
        ),
        Failure::Unusable(_) => (
            "The authorization server's answer cannot be used",
            "It answered, but not with what the specification asks for.",
        ),
        Failure::Answered { .. } => (
            "The sign-in did not succeed",
            "The authorization server answered with an error. Nobody is signed in by it.",
        ),
        Failure::Rejected(..) => (
            "This app refused the answer",
            "What came back failed one of the checks that every relying party has to make. Nobody is signed in by it.",
        ),
    };
    let page = Failed { title, lead, error: failure.code(), description: failure.description(), retry };
    html(failure.status(), &page)
}

/// A page for a request that fits no route, or must not be served.
pub(crate) fn refused(status: StatusCode, lead: &str) -> Answer {
    let title = status.canonical_reason().unwrap_or("Refused");
    html(status, &Failed { title, lead, error: status.as_str(), description: None, retry: None })
}

/// The style sheet.
pub(crate) fn style() -> Answer {
    let css = Bytes::from_static(include_bytes!("../assets/style.css"));
    let mut answer = answer(StatusCode::OK, "text/css; charset=utf-8", css);
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=300"));
    answer
}

/// The app is up; it says nothing of the provider.
pub(crate) fn healthy() -> Answer {
    answer(StatusCode::OK, "text/plain; charset=utf-8", Bytes::from_static(b"ok\n"))
}

/// Sends the browser on with a GET.
pub(crate) fn see_other(location: &str) -> Answer {
    let Ok(location) = HeaderValue::from_str(location) else {
        return refused(StatusCode::BAD_GATEWAY, "The provider's URL cannot be sent to the browser.");
    };
    let mut answer = answer(StatusCode::SEE_OTHER, "text/plain; charset=utf-8", Bytes::new());
    answer.headers_mut().insert(header::LOCATION, location);
    answer
}

/// Has the browser keep `value` for as long as it is open.
pub(crate) fn with_cookie(mut answer: Answer, value: &str, secure: bool) -> Answer {
    let secure = if secure { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={value}; Path=/; HttpOnly; SameSite=Lax{secure}");
    let cookie = HeaderValue::from_str(&cookie).expect("cookie values are our own, and ASCII");
    answer.headers_mut().insert(header::SET_COOKIE, cookie);
    answer
}

fn html(status: StatusCode, page: &impl Template) -> Answer {
    match page.render() {
        Ok(text) => answer(status, "text/html; charset=utf-8", text.into()),
        Err(error) => {
            tracing::error!(%error, "a page cannot be rendered");
            let text = Bytes::from_static(b"the page cannot be shown\n");
            answer(StatusCode::INTERNAL_SERVER_ERROR, "text/plain; charset=utf-8", text)
        }
    }
}

fn answer(status: StatusCode, kind: &'static str, body: Bytes) -> Answer {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    for (name, value) in [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, CSP),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        // Pages show tokens.
        (header::CACHE_CONTROL, "no-store"),
    ] {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    answer
}
