//! What the browser is told when something does not work.

use askama::Template;
use http::{StatusCode, header};
use placet_sdk::{client::Error, problem::Problem};
use warp::reply::Response;

use crate::{
    form::{Form, escape},
    page::{self, Client, Shell},
    password::Busy,
    step::Step,
    visit::Visit,
};

/// Why a page cannot be shown, or a form not be sent.
#[derive(Debug)]
pub(crate) enum Failure {
    /// No interaction is named.
    Nothing,
    /// The address names no interaction.
    Unknown,
    /// The address or the form is not well formed.
    Malformed,
    /// The form was not made for this browser.
    Forgery,
    /// Too many attempts.
    Wait,
    /// This app is at its limit.
    Busy,
    /// The server refused, or did not answer.
    Api(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Api(error)
    }
}

impl From<Busy> for Failure {
    fn from(_: Busy) -> Self {
        Self::Busy
    }
}

/// How the user goes on from where they were.
pub(crate) enum Retry {
    /// There is no way.
    None,
    /// By a link.
    Link(String),
    /// By sending the same form again.
    Form {
        /// The page that takes it.
        action: &'static str,
        /// What was in it.
        fields: Vec<(String, String)>,
    },
}

impl Retry {
    /// Back to the interaction.
    pub(crate) fn enter(interaction: &str) -> Self {
        Self::Link(format!("/?interaction={}", escape(interaction)))
    }

    /// The page that the user came from, for when sending the same again would not help.
    fn page(self) -> Option<String> {
        match self {
            Self::Link(href) => Some(href),
            Self::Form { action, fields } => fields
                .iter()
                .find(|(name, value)| name == "interaction" && crate::step::is_interaction(value))
                .map(|(_, id)| format!("/{action}?interaction={}", escape(id))),
            Self::None => None,
        }
    }

    /// The same form again; one with a password is typed again, since pages hold no passwords.
    pub(crate) fn of(step: Step, form: &Form) -> Self {
        if form.fields().iter().any(|(name, _)| name.starts_with("password")) {
            return Self::Link(step.href(form.text("interaction")));
        }
        Self::Form { action: step.name(), fields: form.fields().to_vec() }
    }
}

#[derive(Template)]
#[template(path = "error.html")]
pub(crate) struct ErrorPage<'a> {
    pub(crate) shell: Shell<'a>,
    pub(crate) title: &'static str,
    pub(crate) lead: &'static str,
    pub(crate) code: Option<&'a str>,
    pub(crate) detail: Option<&'a str>,
    /// What leads on: the id, the address and the words of the link.
    pub(crate) link: Option<(&'static str, String, &'static str)>,
}

#[derive(Template)]
#[template(path = "retry.html")]
struct RetryPage<'a> {
    shell: Shell<'a>,
    title: &'static str,
    lead: &'static str,
    retry: Retry,
}

impl Failure {
    /// The page for it.
    pub(crate) fn respond(self, visit: &Visit, retry: Retry) -> Response {
        let t = visit.text(None);
        match self {
            Self::Nothing => plain(visit, StatusCode::BAD_REQUEST, t.nothing_title, t.nothing),
            Self::Unknown => plain(visit, StatusCode::NOT_FOUND, t.unknown_title, t.unknown),
            Self::Malformed => plain(visit, StatusCode::BAD_REQUEST, t.stale_title, t.bad_form),
            Self::Forgery => forgery(visit, retry),
            Self::Wait => retry_page(visit, StatusCode::TOO_MANY_REQUESTS, retry, None),
            Self::Busy => retry_page(visit, StatusCode::SERVICE_UNAVAILABLE, retry, None),
            Self::Api(Error::Refused(problem)) => refused(visit, &problem, retry),
            Self::Api(error) => {
                tracing::warn!(%error, "the server did not answer as it should");
                retry_page(visit, StatusCode::SERVICE_UNAVAILABLE, retry, None)
            }
        }
    }
}

fn refused(visit: &Visit, problem: &Problem, retry: Retry) -> Response {
    let t = visit.text(None);
    let (code, trace_id) = (problem.code.as_str(), problem.trace_id.as_deref());
    match problem.status {
        404 => plain(visit, StatusCode::NOT_FOUND, t.unknown_title, t.unknown),
        410 => {
            let mut shell = Shell::new(visit, None);
            shell.client = problem.client.as_ref().map(|client| Client::new(client, visit.app.dev));
            let restart = problem.restart_uri.clone().filter(|uri| page::is_web(uri));
            let page = ErrorPage {
                title: t.expired_title,
                lead: t.expired,
                code: None,
                detail: None,
                link: restart.map(|uri| ("restart", uri, t.start_again)),
                shell,
            };
            page::send(visit, StatusCode::GONE, &page.shell.nonce, &page)
        }
        429 => retry_page(visit, StatusCode::TOO_MANY_REQUESTS, retry, None),
        500..=599 => {
            tracing::warn!(code, trace_id, "the server cannot answer");
            retry_page(visit, StatusCode::SERVICE_UNAVAILABLE, retry, Some("5"))
        }
        status => {
            tracing::error!(status, code, trace_id, detail = problem.detail, "the server refused this app");
            // Another answer may be taken; nothing else of this app would be.
            let back = if status == 422 { retry } else { Retry::None };
            fault(visit, Some(code), back)
        }
    }
}

/// Something is wrong that the user cannot mend; perhaps it is not when they begin again on the page they came from.
pub(crate) fn fault(visit: &Visit, code: Option<&str>, back: Retry) -> Response {
    let shell = Shell::new(visit, None);
    let t = shell.t;
    let link = back.page().map(|href| ("try-again", href, t.try_again));
    let page = ErrorPage { title: t.fault_title, lead: t.fault, code, detail: None, link, shell };
    page::send(visit, StatusCode::BAD_GATEWAY, &page.shell.nonce, &page)
}

/// A page with a message alone.
pub(crate) fn plain(visit: &Visit, status: StatusCode, title: &'static str, lead: &'static str) -> Response {
    let page =
        ErrorPage { shell: Shell::new(visit, None), title, lead, code: None, detail: None, link: None };
    page::send(visit, status, &page.shell.nonce, &page)
}

fn forgery(visit: &Visit, retry: Retry) -> Response {
    let shell = Shell::new(visit, None);
    let t = shell.t;
    // The same form would be refused again: offer the page it came from.
    let link = retry.page().map(|href| ("try-again", href, t.try_again));
    let page = ErrorPage { title: t.stale_title, lead: t.stale, code: None, detail: None, link, shell };
    page::send(visit, StatusCode::FORBIDDEN, &page.shell.nonce, &page)
}

fn retry_page(visit: &Visit, status: StatusCode, retry: Retry, after: Option<&str>) -> Response {
    let shell = Shell::new(visit, None);
    let t = shell.t;
    let (title, lead) = match status {
        StatusCode::TOO_MANY_REQUESTS => (t.too_many_title, t.wait),
        _ => (t.busy_title, t.busy),
    };
    let page = RetryPage { shell, title, lead, retry };
    let mut response = page::send(visit, status, &page.shell.nonce, &page);
    page::put(&mut response, header::RETRY_AFTER, after.unwrap_or("30"));
    response
}
