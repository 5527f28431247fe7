//! The server's own cookies: the browser's binding, and its session handles.
//!
//! `placet-ib` is one secret per browser, set when absent and never rewritten, so that two tabs do not disturb
//! each other. `placet-sso` lists session handles, the one used last first. `placet-op` says whether they are still the
//! same ones, and nothing else.

use http::{HeaderMap, HeaderValue, header};
use placet_oauth::id::Secret;
use warp::reply::Response;

use super::request::Request;
use crate::{
    config::Config,
    interaction::{
        Origin, SessionCookieChange,
        complete::handle_text,
        open::Visitor,
        session::{self, MAX_PER_BROWSER},
    },
    outcome::Fault,
    random,
    server::Server,
};

/// Cookies of this length at most are read.
const MAX_VALUE: usize = 1024;

fn is_secure(config: &Config) -> bool {
    config.issuer.starts_with("https:")
}

/// Name of the cookie with the session handles.
pub fn session_name(config: &Config) -> &'static str {
    if is_secure(config) { "__Host-placet-sso" } else { "placet-sso" }
}

/// Name of the cookie that binds interactions to a browser.
pub fn binding_name(config: &Config) -> &'static str {
    if is_secure(config) { "__Host-placet-ib" } else { "placet-ib" }
}

/// Name of the cookie that those read who watch the session (`session_state`).
pub fn state_name(config: &Config) -> &'static str {
    if is_secure(config) { "__Host-placet-op" } else { "placet-op" }
}

/// The value of a cookie.
pub(super) fn read<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(n, value)| *n == name && value.len() <= MAX_VALUE && !value.is_empty())
        .map(|(_, value)| value)
}

/// The browser behind a request; its binding secret is none if it has no cookie yet.
pub fn visitor(server: &Server, request: &Request) -> Visitor {
    let headers = &request.headers;
    let (peer, user_agent) = request.caller();
    let handles = read(headers, session_name(server.config()))
        .map(|value| value.split('.').take(MAX_PER_BROWSER).map(Secret::new).collect())
        .unwrap_or_default();
    Visitor {
        handles,
        binding: read(headers, binding_name(server.config())).map(Secret::new),
        browser_state: read(headers, state_name(server.config())).map(str::to_owned),
        origin: Origin::new(Some(peer), user_agent),
    }
}

/// Gives the browser a binding secret if it has none; the cookie to set, if so.
pub fn bind(server: &Server, visitor: &mut Visitor) -> Result<Option<String>, Fault> {
    if visitor.binding.is_some() {
        return Ok(None);
    }
    let secret = random::secret(server.random())?;
    let cookie = line(server.config(), binding_name(server.config()), secret.expose(), None);
    visitor.binding = Some(secret);
    Ok(Some(cookie))
}

/// The session cookie after a change; handles of sessions that are over by now leave it.
pub async fn session_line(
    server: &Server,
    visitor: &Visitor,
    change: &SessionCookieChange,
) -> Result<String, Fault> {
    let live = session::of_browser(server, &visitor.handles).await?;
    let kept = visitor.handles.iter().filter(|handle| {
        let digest = session::handle_digest(server.root(), handle);
        live.iter().any(|s| s.record.handle == digest) && !change.drop.contains(&handle_text(server, handle))
    });
    let kept = kept.map(Secret::expose);
    let all: Vec<&str> = change.add.as_deref().into_iter().chain(kept).take(MAX_PER_BROWSER).collect();
    let max_age = if all.is_empty() { Some(0) } else { change.max_age };
    Ok(line(server.config(), session_name(server.config()), &all.join("."), max_age))
}

/// The cookie for those who watch the session, if it has to change to `state`. Scripts of this origin read it; it is no
/// credential.
pub fn state_line(config: &Config, visitor: &Visitor, state: &str) -> Option<String> {
    if visitor.browser_state.as_deref().unwrap_or_default() == state {
        return None;
    }
    let secure = if is_secure(config) { "; Secure" } else { "" };
    let same_site = if config.browser.third_party { "None" } else { "Lax" };
    let age = if state.is_empty() { 0 } else { config.lifetimes.session };
    Some(format!("{}={state}; Path=/; SameSite={same_site}{secure}; Max-Age={age}", state_name(config)))
}

fn line(config: &Config, name: &str, value: &str, max_age: Option<i64>) -> String {
    let secure = if is_secure(config) { "; Secure" } else { "" };
    let third_party = config.browser.third_party && name == session_name(config);
    let same_site = if third_party { "None" } else { "Lax" };
    let age = max_age.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
    format!("{name}={value}; Path=/; HttpOnly; SameSite={same_site}{secure}{age}")
}

/// Adds a cookie to an answer.
pub fn set(response: &mut Response, line: &str) {
    if let Ok(mut value) = HeaderValue::from_str(line) {
        value.set_sensitive(true);
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}
