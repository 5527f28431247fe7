//! Assertions for development, for whoever asks.

use std::sync::Arc;

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

/// The longest subject, attribute name and attribute value, in bytes.
const LONGEST: usize = 256;
/// How many attributes.
const ATTRIBUTES: usize = 32;

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

/// Who an assertion is about, and what it says of them.
struct Wanted {
    sub: String,
    attributes: Vec<(String, String)>,
}

impl Wanted {
    /// `sub`, alice if absent, and attributes: whatever else there is.
    fn read(query: Vec<(String, String)>) -> Self {
        let (subs, attributes): (Vec<_>, _) = query.into_iter().partition(|(name, _)| name == "sub");
        let sub = subs.into_iter().next_back().map_or_else(|| "alice".to_owned(), |(_, sub)| sub);
        Self { sub, attributes }
    }

    fn is_sound(&self) -> bool {
        let fits = |text: &String| text.len() <= LONGEST && !text.contains(char::is_control);
        let named = |(name, value): &(String, String)| !name.is_empty() && fits(name) && fits(value);
        !self.sub.is_empty()
            && fits(&self.sub)
            && self.attributes.len() <= ATTRIBUTES
            && self.attributes.iter().all(named)
    }
}

/// `GET /dev/saml-assertion?sub=…&name-of-an-attribute=its-value`.
pub(super) fn routes(issuer: DevelopmentIssuer, server: Server) -> BoxedFilter<(Response,)> {
    let issuer = Arc::new(issuer);
    warp::path!("dev" / "saml-assertion")
        .and(warp::get())
        .and(warp::header::optional("host"))
        .and(warp::query())
        .map(move |host: Option<String>, query| {
            answer(&issuer, &server, host.as_deref(), &Wanted::read(query))
        })
        .boxed()
}

fn answer(issuer: &DevelopmentIssuer, server: &Server, host: Option<&str>, wanted: &Wanted) -> Response {
    let refuse = |status, why: &str| with_status(json(&json!({ "error": why })), status).into_response();
    // A page of somebody else, in a browser on this machine, comes here under a name of its own.
    if !host.is_some_and(is_local) {
        return refuse(StatusCode::MISDIRECTED_REQUEST, "this is for names of the loopback interface alone");
    }
    if !wanted.is_sound() {
        let why = "sub, and names and values of at most 32 attributes, have at most 256 bytes and no control characters";
        return refuse(StatusCode::BAD_REQUEST, why);
    }
    let claimed = Claimed {
        subject: &wanted.sub,
        attributes: &wanted.attributes,
        audience: &server.issuer,
        recipient: &server.token_endpoint,
    };
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
