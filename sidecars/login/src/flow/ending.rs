//! The ends of an interaction: out to where the server says, or a last page.

use askama::Template;
use http::StatusCode;
use placet_sdk::interaction::{DeliveryMethod, ErrorPrompt, Kind, Outcome, Prompt, ResponsePrompt};
use warp::reply::Response;

use crate::{
    failure::{self, ErrorPage, Retry},
    page::{self, Shell},
    visit::Visit,
};

#[derive(Template)]
#[template(path = "post.html")]
struct PostPage<'a> {
    shell: Shell<'a>,
    uri: &'a str,
    fields: Vec<(&'a str, &'a str)>,
}

#[derive(Template)]
#[template(path = "done.html")]
struct DonePage<'a> {
    shell: Shell<'a>,
    good: bool,
    title: &'static str,
    lead: &'static str,
}

/// Sends the browser on.
pub(super) fn deliver(visit: &Visit, prompt: &Prompt, response: &ResponsePrompt) -> Response {
    let delivery = &response.delivery;
    match (delivery.method, delivery.uri.as_deref()) {
        (DeliveryMethod::Redirect, Some(uri)) => page::redirect(visit, uri),
        (DeliveryMethod::FormPost, Some(uri)) if page::is_web(uri) => {
            let fields = delivery.fields.iter().flatten().map(|(k, v)| (k.as_str(), v.as_str())).collect();
            let page = PostPage { shell: Shell::new(visit, Some(prompt)), uri, fields };
            page::send(visit, StatusCode::OK, &page.shell.nonce, &page)
        }
        (DeliveryMethod::None, _) => done(visit, prompt, response.outcome),
        (method, _) => {
            tracing::error!(?method, "the server's answer cannot be delivered by this app");
            failure::fault(visit, Some("unsupported_delivery"), Retry::None)
        }
    }
}

fn done(visit: &Visit, prompt: &Prompt, outcome: Outcome) -> Response {
    let shell = Shell::new(visit, Some(prompt));
    let t = shell.t;
    let good = outcome == Outcome::Success;
    let (title, lead) = match (prompt.kind, good) {
        (Kind::Logout, true) => (t.signed_out, t.signed_out_lead),
        (Kind::Device | Kind::Ciba, true) => (t.done_title, t.done_device),
        (Kind::Device | Kind::Ciba, false) => (t.refused_title, t.refused_device),
        (_, true) => (t.done_title, t.close_page),
        (_, false) => (t.refused_title, t.close_page),
    };
    let page = DonePage { shell, good, title, lead };
    page::send(visit, StatusCode::OK, &page.shell.nonce, &page)
}

/// The server has nowhere safe to send the browser.
pub(super) fn error(visit: &Visit, prompt: &Prompt, error: &ErrorPrompt) -> Response {
    let shell = Shell::new(visit, Some(prompt));
    let t = shell.t;
    let page = ErrorPage {
        title: t.error_title,
        lead: t.error_lead,
        code: Some(&error.error),
        detail: Some(&error.error_description),
        link: None,
        shell,
    };
    page::send(visit, StatusCode::BAD_REQUEST, &page.shell.nonce, &page)
}
