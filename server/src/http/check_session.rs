//! `/check_session`: the page that clients load in a frame to watch the session (OpenID Connect Session Management 1.0
//! section 3.1).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::HeaderValue;
use sha2::{Digest as _, Sha256};
use warp::reply::Response;

use super::{cookie, reply, request::Request};
use crate::{
    outcome::{Fault, Outcome},
    server::Server,
    session_management::is_on,
};

/// Answers a message "client id, space, session state" of a client's page with `unchanged`, `changed` or `error`.
const SCRIPT: &str = include_str!("../../templates/check_session.js");
/// How long browsers keep the page, in seconds.
const KEEP: u32 = 3_600;

/// The page. It is the same for everybody, and any site may frame it: what it says depends on a cookie that it reads
/// itself, and on the origin of who asks.
pub(super) async fn frame(server: Server, _: Request) -> Outcome<Response> {
    if !is_on(server.config()) {
        return Ok(reply::empty(404));
    }
    let script = SCRIPT.replace("{cookie}", cookie::state_name(server.config()));
    let digest = STANDARD.encode(Sha256::digest(&script));
    let html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Session</title>\
         </head><body><script>{script}</script></body></html>\n"
    );
    let policy =
        format!("default-src 'none'; script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'");
    let policy = HeaderValue::from_str(&policy).map_err(|e| Fault::new("page", e))?;
    let mut response = reply::with_type(200, "text/html; charset=utf-8", html);
    reply::keep(&mut response, KEEP);
    let headers = response.headers_mut();
    headers.insert("content-security-policy", policy);
    headers.insert("referrer-policy", HeaderValue::from_static("no-referrer"));
    Ok(response)
}
