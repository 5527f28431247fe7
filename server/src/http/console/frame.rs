//! What all pages share: the head with its links, the style, the headers, and how refusals look.

use askama::Template;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::HeaderValue;
use sha2::{Digest as _, Sha256};
use warp::reply::Response;

use super::access::{Page, Stopped, Visit};
use crate::{
    config::AdminRole,
    http::{admin::caller, reply, request::Request},
    outcome::{Fault, Outcome},
    problem::{ApiFailure, problem},
    server::Server,
};

const STYLE: &str = include_str!("../../../templates/console/style.css");

/// Nothing is loaded but the style, nothing runs, and forms go nowhere else.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; \
                      frame-ancestors 'none'; base-uri 'none'";

/// A page of the list in the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) path: &'static str,
    pub(super) name: &'static str,
    role: AdminRole,
}

const fn place(path: &'static str, name: &'static str, role: AdminRole) -> Place {
    Place { path, name, role }
}

/// The pages, in their order.
const PLACES: [Place; 7] = [
    place("flows", "Flows", AdminRole::Read),
    place("decisions", "Decisions", AdminRole::Policies),
    place("policies", "Policies", AdminRole::Read),
    place("simulate", "Simulate", AdminRole::Policies),
    place("clients", "Clients", AdminRole::Read),
    place("people", "Users", AdminRole::Read),
    place("keys", "Keys", AdminRole::Read),
];

/// What is around a page.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    pub(super) title: String,
    pub(super) style: String,
    /// The path of the page in the head that this one belongs to.
    pub(super) here: &'static str,
    pub(super) places: Vec<Place>,
    pub(super) admin: &'a str,
    pub(super) roles: String,
    pub(super) token: &'a str,
    /// What was done.
    pub(super) notice: Option<&'static str>,
    pub(super) issuer: &'a str,
    /// What was searched for.
    pub(super) sought: String,
}

/// What a change says on the page that it leads to, by the word in the address.
const NOTICES: [(&str, &str); 6] = [
    ("rotated", "Successors of the keys are staged. They sign once others had time to see them."),
    ("session-ended", "The session is ended, and so is what was granted in it without offline access."),
    ("authorization-revoked", "The authorization is revoked, with everything that was issued for it."),
    ("mode", "The mode of the policy is changed, until this process starts again."),
    ("purged", "What this process had kept of the policy's decisions is forgotten."),
    ("signed-in", "You are signed in. The link is used up."),
];

impl<'a> Frame<'a> {
    /// Around a page of a visit.
    pub(super) fn of(visit: &'a Visit<'a>, here: &'static str, title: impl Into<String>) -> Self {
        let asked = visit.query().ok();
        let done = asked.as_ref().and_then(|query| query.get("done"));
        let notice = NOTICES.iter().find(|(word, _)| Some(*word) == done).map(|(_, text)| *text);
        let roles = visit.admin.roles.iter().map(super::shown::word).collect::<Vec<_>>().join(", ");
        Self {
            title: title.into(),
            style: style_path(),
            here,
            places: PLACES.into_iter().filter(|place| visit.may(place.role)).collect(),
            admin: &visit.admin.name,
            roles,
            token: &visit.token,
            notice,
            issuer: visit.server.issuer(),
            sought: String::new(),
        }
    }
}

#[derive(Template)]
#[template(path = "console/stopped.html")]
struct StoppedPage<'a> {
    title: &'a str,
    style: String,
    code: &'a str,
    detail: &'a str,
    id: &'a str,
}

/// The path of the style sheet, which changes with it.
pub(super) fn style_path() -> String {
    format!("/console/assets/{}.css", URL_SAFE_NO_PAD.encode(&Sha256::digest(STYLE)[..9]))
}

/// The style sheet.
pub(super) async fn asset(server: Server, request: Request) -> Outcome<Response> {
    if let Err(failure) = caller::check_host(&server, &request) {
        return refusal(&request, failure);
    }
    if format!("/console/assets/{}", request.part(0)) != style_path() {
        return Ok(reply::empty(404));
    }
    let mut response = reply::with_type(200, "text/css; charset=utf-8", STYLE);
    reply::keep(&mut response, 31_536_000);
    Ok(response)
}

/// A page.
pub(super) fn page(status: u16, template: &impl Template) -> Result<Response, Fault> {
    let html = template.render().map_err(|e| Fault::new("page", e))?;
    let mut response = reply::with_type(status, "text/html; charset=utf-8", html);
    reply::no_store(&mut response);
    let headers = response.headers_mut();
    headers.insert("content-security-policy", HeaderValue::from_static(POLICY));
    // Not `no-referrer`: browsers would then hide the origin of forms too, by which they are known to be ours.
    headers.insert("referrer-policy", HeaderValue::from_static("same-origin"));
    headers.insert("x-frame-options", HeaderValue::from_static("DENY"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    Ok(response)
}

/// The answer to a request: its page, or one that says why there is none.
pub(super) fn answer(request: &Request, shown: Page<Response>) -> Outcome<Response> {
    match shown {
        Ok(response) => Ok(response),
        Err(Stopped::Out) => Ok(reply::see_other("/console/sign-in")),
        Err(Stopped::Foreign(detail)) => stopped(request, 403, ("foreign_form", detail)),
        Err(Stopped::Failed(failure)) => refusal(request, failure),
    }
}

/// A page that says what is wrong.
pub(super) fn refusal(request: &Request, failure: ApiFailure) -> Outcome<Response> {
    let refused = match failure {
        ApiFailure::Problem(refused) => *refused,
        ApiFailure::TooMany(wait) => {
            problem(429, "too_many_requests", &format!("try again in {} seconds", wait.retry_after))
        }
        ApiFailure::Fault(fault) => {
            tracing::error!(%fault, "a page of the console could not be shown");
            problem(503, "unavailable", "the server cannot answer right now; try the same again later")
        }
    };
    stopped(request, refused.status, (&refused.code, refused.detail.as_deref().unwrap_or_default()))
}

fn stopped(request: &Request, status: u16, (code, detail): (&str, &str)) -> Outcome<Response> {
    let title = match status {
        403 => "Not allowed",
        404 => "Not found",
        421 => "This name leads nowhere",
        503 => "Not now",
        _ => "This cannot be done",
    };
    let template = StoppedPage { title, style: style_path(), code, detail, id: &request.id };
    Ok(page(status, &template)?)
}
