//! The few pages that the server shows itself: errors, the form of `form_post`, "you are signed out".

mod words;

use askama::Template;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderValue, header};
use placet_oauth::{
    error::{ErrorCode, OAuthError},
    session_state::origin_of,
};
use placet_sdk::interaction::{ClientInfo, Delivery, DeliveryMethod};
use sha2::{Digest as _, Sha256};
use warp::reply::Response;

pub(super) use self::words::{Words, words};
use super::{
    reply,
    request::{Errors, Request},
};
use crate::{
    ledger::note,
    outcome::{Fault, Outcome},
    random,
    server::Server,
};

const STYLE: &str = include_str!("../../templates/style.css");

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    t: &'static Words,
    style: &'a str,
    lead: &'a str,
    code: &'a str,
    description: &'a str,
    id: &'a str,
    restart: Option<&'a str>,
}

/// At which point a person was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stopped<'a> {
    /// An application sent the browser here.
    Request,
    /// The browser came back from the login app; where the user can begin anew, if that is known.
    Return(Option<&'a str>),
}

impl<'a> Stopped<'a> {
    fn lead(self, words: &'static Words, status: u16) -> &'static str {
        match (self, status) {
            (_, 500..) => words.error_server,
            (Self::Request, _) => words.error_request,
            (Self::Return(_), _) => words.error_return,
        }
    }

    fn restart(self) -> Option<&'a str> {
        match self {
            Self::Request => None,
            Self::Return(restart) => restart,
        }
    }
}

#[derive(Template)]
#[template(path = "form_post.html")]
struct FormPost<'a> {
    t: &'static Words,
    style: &'a str,
    nonce: &'a str,
    action: &'a str,
    fields: Vec<(&'a str, &'a str)>,
}

#[derive(Template)]
#[template(path = "signed_out.html")]
struct SignedOut<'a> {
    t: &'static Words,
    style: &'a str,
    ended: bool,
}

#[derive(Template)]
#[template(path = "device.html")]
struct DeviceAnswered<'a> {
    t: &'static Words,
    style: &'a str,
    connected: bool,
    heading: String,
}

#[derive(Template)]
#[template(path = "signing_out.html")]
struct SigningOut<'a> {
    t: &'static Words,
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
pub(super) fn error(
    request: &Request,
    status: u16,
    stopped: Stopped<'_>,
    error: &OAuthError,
) -> Outcome<Response> {
    tracing::info!(code = error.code.as_str(), reason = %error.description, "an error page was shown");
    note(|noted| noted.refused(error.code.as_str(), &error.description));
    let t = words(&[], &request.headers);
    let template = ErrorPage {
        t,
        style: &style_path(),
        lead: stopped.lead(t, status),
        code: error.code.as_str(),
        description: &error.description,
        id: &request.id,
        restart: stopped.restart(),
    };
    Ok(page(status, &template, None)?)
}

/// The server is busy with others, and a person is told so.
pub(super) fn busy(request: &Request) -> Response {
    let text = "the server is busy; nothing was changed, so try again in a moment";
    let refused = OAuthError::new(ErrorCode::TemporarilyUnavailable, text);
    let shown = error(request, 503, Stopped::Request, &refused);
    let mut response = shown.unwrap_or_else(|_| reply::busy(Errors::OAuth));
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

/// Where a browser goes, by whatever method.
pub(super) fn deliver(server: &Server, t: &'static Words, delivery: &Delivery) -> Outcome<Response> {
    let uri = delivery.uri.as_deref().unwrap_or_default();
    match delivery.method {
        DeliveryMethod::Redirect => Ok(reply::see_other(uri)),
        DeliveryMethod::FormPost => {
            let nonce = random::secret(server.random())?;
            let fields = delivery.fields.iter().flatten().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            let template = FormPost { t, style: &style_path(), nonce: nonce.expose(), action: uri, fields };
            Ok(page(200, &template, Some(nonce.expose()))?)
        }
        DeliveryMethod::WebMessage | DeliveryMethod::None => signed_out(t, true),
    }
}

/// The end of a logout whose clients are told in frames; then the browser goes to `next`, if there is such a place.
pub(super) fn signing_out(
    server: &Server,
    t: &'static Words,
    (frames, next): (&[String], Option<&str>),
) -> Outcome<Response> {
    let nonce = random::secret(server.random())?;
    let mut origins: Vec<_> = frames.iter().filter_map(|frame| origin_of(frame)).collect();
    origins.sort_unstable();
    origins.dedup();
    let template = SigningOut { t, style: &style_path(), nonce: nonce.expose(), frames, next };
    Ok(framing(200, &template, (Some(nonce.expose()), &origins.join(" ")))?)
}

/// The end of a logout.
pub(super) fn signed_out(t: &'static Words, ended: bool) -> Outcome<Response> {
    Ok(page(200, &SignedOut { t, style: &style_path(), ended }, None)?)
}

/// The user answered for a device, which fetches the answer itself.
pub(super) fn device_answered(
    t: &'static Words,
    connected: bool,
    client: Option<&ClientInfo>,
) -> Outcome<Response> {
    let name = client.map_or(t.the_device, |client| client.name.as_deref().unwrap_or(&client.client_id));
    let heading = if connected { t.connected } else { t.not_connected }.replace("{}", name);
    Ok(page(200, &DeviceAnswered { t, style: &style_path(), connected, heading }, None)?)
}
