//! Assertions for development, for whoever asks.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;
use url::Url;
use warp::{
    Filter,
    filters::BoxedFilter,
    http::StatusCode,
    reply::{Reply as _, Response, json, with_status},
};

use crate::{
    clock,
    development::{Claimed, DevelopmentIssuer},
};

/// The longest subject, in bytes.
const LONGEST_SUBJECT: usize = 256;

/// The server that development assertions are for.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    issuer: String,
    token_endpoint: String,
}

impl Server {
    /// By its issuer identifier.
    pub(crate) fn new(issuer: &Url) -> Self {
        let issuer = issuer.as_str().trim_end_matches('/').to_owned();
        Self { token_endpoint: format!("{issuer}/token"), issuer }
    }
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default = "alice")]
    sub: String,
}

fn alice() -> String {
    "alice".to_owned()
}

/// `GET /dev/saml-assertion?sub=…`.
pub(super) fn routes(issuer: DevelopmentIssuer, server: Server) -> BoxedFilter<(Response,)> {
    let issuer = Arc::new(issuer);
    warp::path!("dev" / "saml-assertion")
        .and(warp::get())
        .and(warp::header::optional("host"))
        .and(warp::query())
        .map(move |host: Option<String>, wanted: Wanted| answer(&issuer, &server, host.as_deref(), &wanted))
        .boxed()
}

fn answer(issuer: &DevelopmentIssuer, server: &Server, host: Option<&str>, wanted: &Wanted) -> Response {
    let refuse = |status, why: &str| with_status(json(&json!({ "error": why })), status).into_response();
    // A page of somebody else, in a browser on this machine, comes here under a name of its own.
    if !host.is_some_and(is_local) {
        return refuse(StatusCode::MISDIRECTED_REQUEST, "this is for names of the loopback interface alone");
    }
    let subject = wanted.sub.as_str();
    if subject.is_empty() || subject.len() > LONGEST_SUBJECT || subject.contains(char::is_control) {
        return refuse(StatusCode::BAD_REQUEST, "sub has 1 to 256 bytes and no control characters");
    }
    let claimed = Claimed { subject, audience: &server.issuer, recipient: &server.token_endpoint };
    match issuer.assertion(&claimed, clock::now()) {
        Ok(assertion) => json(&json!({ "assertion": assertion })).into_response(),
        Err(error) => {
            tracing::error!(%error, "no development assertion");
            refuse(StatusCode::INTERNAL_SERVER_ERROR, "no assertion could be made")
        }
    }
}

fn is_local(host: &str) -> bool {
    let port_is_number = |port: &str| port.bytes().all(|b| b.is_ascii_digit());
    ["localhost", "127.0.0.1", "[::1]"].iter().any(|name| {
        host.strip_prefix(name)
            .is_some_and(|rest| rest.is_empty() || rest.strip_prefix(':').is_some_and(port_is_number))
    })
}
