//! The few pages that the server shows itself: errors, the form of `form_post`, "you are signed out".

use askama::Template;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::HeaderValue;
use placet_oauth::{error::OAuthError, session_state::origin_of};
use placet_sdk::interaction::{ClientInfo, Delivery, DeliveryMethod};
use sha2::{Digest as _, Sha256};
use warp::reply::Response;

use super::{reply, request::Request};
use crate::{
    outcome::{Fault, Outcome},
    random,
    server::Server,
};

const STYLE: &str = include_str!("../../templates/style.css");

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    style: &'a str,
    lead: &'a str,
    code: &'a str,
    description: &'a str,
    id: &'a str,
}

/// At which point a person was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stopped {
    /// An application sent the browser here.
    Request,
    /// The browser came back from the login app.
    Return,
}

impl Stopped {
    fn lead(self, status: u16) -> &'static str {
        match (self, status) {
            (_, 500..) => {
                "This server cannot answer right now. Nothing was changed. Please try again in a moment."
            }
            (Self::Request, _) => {
                "The application that sent you here made a request that this server cannot answer. Nothing was changed. \
                 You can go back and try again, or tell the people who run the application."
            }
            (Self::Return, _) => {
                "Your sign-in could not be completed, and nothing was changed. Go back to the application and start \
                 again. If you did not start this yourself, you can simply close this window."
            }
        }
    }
}

#[derive(Template)]
#[template(path = "form_post.html")]
struct FormPost<'a> {
    style: &'a str,
    nonce: &'a str,
    action: &'a str,
    fields: Vec<(&'a str, &'a str)>,
}

#[derive(Template)]
#[template(path = "signed_out.html")]
struct SignedOut<'a> {
    style: &'a str,
    ended: bool,
}

#[derive(Template)]
#[template(path = "device.html")]
struct DeviceAnswered<'a> {
    style: &'a str,
    connected: bool,
    name: &'a str,
}

#[derive(Template)]
#[template(path = "signing_out.html")]
struct SigningOut<'a> {
    style: &'a str,
    nonce: &'a str,
    frames: &'a [String],
    next: Option<&'a str>,
}

/// The path of the style sheet; it changes with the content, so that caches may keep it for ever.
fn style_path() -> String {
    format!("/assets/{}.css", URL_SAFE_NO_PAD.encode(&Sha256::digest(STYLE)[..9]))
}

/// The style sheet.
pub(super) async fn asset(_: Server, request: Request) -> Outcome<Response> {
    if format!("/assets/{}", request.part(0)) != style_path() {
        return Ok(reply::empty(404));
    }
    let mut response = reply::with_type(200, "text/css; charset=utf-8", STYLE);
    reply::keep(&mut response, 31_536_000);
    Ok(response)
}

fn page(status: u16, template: &impl Template, nonce: Option<&str>) -> Result<Response, Fault> {
    framing(status, template, (nonce, ""))
}

/// A page that may load frames from these origins.
fn framing(
    status: u16,
    template: &impl Template,
    (nonce, origins): (Option<&str>, &str),
) -> Result<Response, Fault> {
    let html = template.render().map_err(|e| Fault::new("page", e))?;
    let mut response = reply::with_type(status, "text/html; charset=utf-8", html);
    reply::no_store(&mut response);
    let script = nonce.map(|n| format!("; script-src 'nonce-{n}'")).unwrap_or_default();
    let frames = if origins.is_empty() { String::new() } else { format!("; frame-src {origins}") };
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self' data:{script}{frames}; frame-ancestors 'none'; \
         base-uri 'none'"
    );
    let headers = response.headers_mut();
    headers.insert(
        "content-security-policy",
        HeaderValue::from_str(&policy).map_err(|e| Fault::new("page", e))?,
    );
    headers.insert("referrer-policy", HeaderValue::from_static("no-referrer"));
    headers.insert("x-frame-options", HeaderValue::from_static("DENY"));
    Ok(response)
}

/// A request that cannot be processed, where there is nowhere safe to send the browser.
pub(super) fn error(status: u16, stopped: Stopped, error: &OAuthError, id: &str) -> Outcome<Response> {
    tracing::info!(code = error.code.as_str(), reason = %error.description, "an error page was shown");
    let template = ErrorPage {
        style: &style_path(),
        lead: stopped.lead(status),
        code: error.code.as_str(),
        description: &error.description,
        id,
    };
    Ok(page(status, &template, None)?)
}

/// Where a browser goes, by whatever method.
pub(super) fn deliver(server: &Server, delivery: &Delivery) -> Outcome<Response> {
    let uri = delivery.uri.as_deref().unwrap_or_default();
    match delivery.method {
        DeliveryMethod::Redirect => Ok(reply::see_other(uri)),
        DeliveryMethod::FormPost => {
            let nonce = random::secret(server.random())?;
            let fields = delivery.fields.iter().flatten().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            let template = FormPost { style: &style_path(), nonce: nonce.expose(), action: uri, fields };
            Ok(page(200, &template, Some(nonce.expose()))?)
        }
        DeliveryMethod::WebMessage | DeliveryMethod::None => signed_out(true),
    }
}

/// The end of a logout whose clients are told in frames; then the browser goes to `next`, if there is such a place.
pub(super) fn signing_out(server: &Server, frames: &[String], next: Option<&str>) -> Outcome<Response> {
    let nonce = random::secret(server.random())?;
    let mut origins: Vec<_> = frames.iter().filter_map(|frame| origin_of(frame)).collect();
    origins.sort_unstable();
    origins.dedup();
    let template = SigningOut { style: &style_path(), nonce: nonce.expose(), frames, next };
    Ok(framing(200, &template, (Some(nonce.expose()), &origins.join(" ")))?)
}

/// The end of a logout.
pub(super) fn signed_out(ended: bool) -> Outcome<Response> {
    Ok(page(200, &SignedOut { style: &style_path(), ended }, None)?)
}

/// The user answered for a device, which fetches the answer itself.
pub(super) fn device_answered(connected: bool, client: Option<&ClientInfo>) -> Outcome<Response> {
    let name = client.map_or("The device", |client| client.name.as_deref().unwrap_or(&client.client_id));
    Ok(page(200, &DeviceAnswered { style: &style_path(), connected, name }, None)?)
}
