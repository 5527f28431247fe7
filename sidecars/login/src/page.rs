//! What every page has in common: its frame, its headers, and who asks.

use askama::Template;
use http::{HeaderValue, StatusCode, header};
use placet_sdk::interaction::{ClientInfo, Prompt};
use warp::reply::{Reply as _, Response};

use crate::{random, text::Text, visit::Visit};

/// What the frame of every page needs.
pub(crate) struct Shell<'a> {
    pub(crate) t: &'static Text,
    pub(crate) brand: &'a str,
    pub(crate) has_logo: bool,
    pub(crate) style: &'a str,
    pub(crate) nonce: String,
    pub(crate) client: Option<Client>,
}

impl<'a> Shell<'a> {
    /// The frame of a page for a prompt, or of a page without one.
    pub(crate) fn new(visit: &'a Visit, prompt: Option<&Prompt>) -> Self {
        let brand = &visit.app.brand;
        Self {
            t: visit.text(prompt),
            brand: &brand.name,
            has_logo: brand.logo.is_some(),
            style: &brand.style_href,
            nonce: random::short(),
            client: prompt.and_then(|p| p.client.as_ref()).map(|client| Client::new(client, visit.app.dev)),
        }
    }

    /// The client's name, where there is a client.
    pub(crate) fn client_name(&self) -> Option<&str> {
        self.client.as_ref().map(|client| client.name.as_str())
    }
}

/// The client as a page shows it.
pub(crate) struct Client {
    pub(crate) name: String,
    pub(crate) initial: String,
    pub(crate) logo: Option<String>,
    /// Who vouches for the name, if nobody registered the client.
    pub(crate) host: Option<String>,
    pub(crate) policy: Option<String>,
    pub(crate) terms: Option<String>,
}

impl Client {
    /// Only web addresses become links: a client registers them, and `javascript:` is an address too.
    pub(crate) fn new(client: &ClientInfo, dev: bool) -> Self {
        let name = client.name.clone().unwrap_or_else(|| client.client_id.clone());
        let logo = client.logo_uri.clone().filter(|uri| {
            uri.starts_with("https://") || uri.starts_with("data:image/") || dev && is_web(uri)
        });
        Self {
            initial: name
                .chars()
                .find(|c| c.is_alphanumeric())
                .map(|c| c.to_uppercase().collect())
                .unwrap_or_default(),
            name,
            logo,
            host: client.document_host.clone(),
            policy: client.policy_uri.clone().filter(|uri| is_web(uri)),
            terms: client.tos_uri.clone().filter(|uri| is_web(uri)),
        }
    }
}

/// Whether a link may go there.
pub(crate) fn is_web(uri: &str) -> bool {
    uri.starts_with("https://") || uri.starts_with("http://")
}

/// The hidden fields of a form.
pub(crate) struct Binding {
    pub(crate) interaction: String,
    pub(crate) step: u32,
    pub(crate) csrf: String,
}

impl Binding {
    /// Binds a form to this browser and to this step of the interaction.
    pub(crate) fn new(visit: &Visit, prompt: &Prompt) -> Self {
        Self {
            interaction: prompt.id.clone(),
            step: prompt.step,
            csrf: visit.app.seal.token(&visit.browser, &prompt.id, prompt.step),
        }
    }
}

/// Sends a page.
pub(crate) fn send(visit: &Visit, status: StatusCode, nonce: &str, page: &impl Template) -> Response {
    let html = match page.render() {
        Ok(html) => html,
        Err(error) => {
            tracing::error!(%error, "a page cannot be rendered");
            return guard(visit, StatusCode::INTERNAL_SERVER_ERROR.into_response());
        }
    };
    let mut response = warp::reply::html(html).into_response();
    *response.status_mut() = status;
    let local = if visit.app.dev { " http://localhost:*" } else { "" };
    // No `form-action`: browsers apply it to the redirect that answers a form, and ours leads to other origins.
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self' https: data:{local}; script-src 'nonce-{nonce}'; \
         frame-ancestors 'none'; base-uri 'none'"
    );
    put(&mut response, header::CONTENT_SECURITY_POLICY, &policy);
    guard(visit, response)
}

/// Sends the browser elsewhere, always with GET.
pub(crate) fn redirect(visit: &Visit, to: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    put(&mut response, header::LOCATION, to);
    guard(visit, response)
}

/// Headers of everything that is made for one browser.
fn guard(visit: &Visit, mut response: Response) -> Response {
    put(&mut response, header::CACHE_CONTROL, "no-store");
    put(&mut response, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(&mut response, header::X_FRAME_OPTIONS, "DENY");
    put(&mut response, header::REFERRER_POLICY, "no-referrer");
    if visit.is_new {
        put(&mut response, header::SET_COOKIE, &crate::csrf::set_cookie(&visit.browser, visit.app.secure));
    }
    response
}

/// Adds a cookie to an answer.
pub(crate) fn add_cookie(response: &mut Response, line: &str) {
    if let Ok(mut value) = HeaderValue::from_str(line) {
        value.set_sensitive(true);
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// Sets a header; a value that no header can carry is left out.
pub(crate) fn put(response: &mut Response, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
