//! How an authorization request arrives: in the query, in a request object (RFC 9101), or pushed beforehand (RFC 9126).
//! Everything behind this reads one form, whatever the way.

use placet_oauth::{
    authorization::{Destination, resolve_destination},
    confirmation::Thumbprint,
    error::{ErrorCode, OAuthError},
    params::{Params, mentions},
};
use serde::{Deserialize, Serialize};

use super::{Stop, object, pushed, redirect_uris};
use crate::{
    client::Client,
    outcome::{Fault, Outcome},
    seal::{hex, parse_hex},
    server::Server,
    store::{Digest, Once},
};

/// How a request came here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Arrival {
    /// It was pushed: the digest of its `request_uri`, in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pushed: Option<String>,
    /// It was a signed request object.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub signed: bool,
    /// It was pushed by this instance of an attested client, by the thumbprint of its key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<Thumbprint>,
}

impl Arrival {
    /// The arrival of a request that was pushed.
    pub(super) fn pushed(digest: &Digest, signed: bool, instance: Option<Thumbprint>) -> Self {
        Self { pushed: Some(hex(&digest.0)), signed, instance }
    }

    /// The same in hexadecimal.
    pub fn pushed_digest(&self) -> Option<&str> {
        self.pushed.as_deref()
    }

    /// The digest of its `request_uri`, if it was pushed.
    pub fn digest(&self) -> Result<Option<Digest>, Fault> {
        let Some(text) = &self.pushed else { return Ok(None) };
        let digest = parse_hex(text).ok_or_else(|| Fault::new("interaction record", "a broken digest"))?;
        Ok(Some(Digest(digest)))
    }
}

/// A request that arrived: the parameters that count, as a form, and how they came.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) form: Vec<u8>,
    pub(super) arrival: Arrival,
    /// What is used up by it, once it proves sound.
    pub(super) once: Option<Once>,
}

impl Arrived {
    fn plain(form: &[u8]) -> Self {
        Self { form: form.to_vec(), arrival: Arrival::default(), once: None }
    }
}

/// Finds the request that the raw parameters of a browser stand for.
pub(super) async fn of_browser(server: &Server, client: &Client, raw: &[u8]) -> Result<Arrived, Stop> {
    let params = match Params::parse(raw) {
        Ok(params) => params,
        Err(error) if ["request", "request_uri"].into_iter().any(|name| mentions(raw, name)) => {
            return Err(outside(client, raw, error));
        }
        // It is refused once its destination is known.
        Err(_) => return Ok(Arrived::plain(raw)),
    };
    let (by_value, uri) = (params.get("request"), params.get("request_uri"));
    let secret = uri.and_then(pushed::secret_of);
    if secret.is_none() && must_be_pushed(server, client) {
        return Err(outside(client, raw, must_push()));
    }
    // RFC 9101 section 5: one of them at most.
    if by_value.is_some() && uri.is_some() {
        return Err(outside(client, raw, both()));
    }
    // Whatever else is in the query does not count (RFC 9126 section 4, RFC 9101 section 6.3).
    if let Some(secret) = secret {
        return pushed::find(server, client, secret).await;
    }
    let beside = params.get("response_type");
    match (by_value, uri) {
        (Some(object), _) => Ok(object::open(server, client, object, beside).await?),
        (None, Some(_)) if !server.config().request_objects.by_reference => {
            Err(outside(client, raw, not_by_reference()))
        }
        (None, Some(uri)) => {
            let object = object::fetch(server, client, uri).await?;
            Ok(object::open(server, client, &object, beside).await?)
        }
        (None, None) => Ok(Arrived::plain(raw)),
    }
}

/// Finds the request in what a client pushes.
pub(super) async fn of_push(
    server: &Server,
    client: &Client,
    params: &Params,
    form: &[u8],
) -> Outcome<Arrived> {
    // RFC 9126 section 2.1.
    if params.contains("request_uri") {
        return Err(OAuthError::invalid_request("`request_uri` cannot be pushed").into());
    }
    match params.get("request") {
        Some(object) => object::open(server, client, object, params.get("response_type")).await,
        None => Ok(Arrived::plain(form)),
    }
}

/// RFC 9126 sections 5 and 6.
fn must_be_pushed(server: &Server, client: &Client) -> bool {
    server.config().par.required || client.metadata.require_pushed_authorization_requests == Some(true)
}

fn must_push() -> OAuthError {
    OAuthError::invalid_request(
        "this request has to be pushed: `request_uri` must be one of the pushed authorization request endpoint",
    )
}

fn not_by_reference() -> OAuthError {
    let text = "`request_uri` must be one of the pushed authorization request endpoint";
    OAuthError::new(ErrorCode::RequestUriNotSupported, text)
}

fn both() -> OAuthError {
    OAuthError::invalid_request("`request` and `request_uri` exclude each other")
}

/// An error about the very form of a request. It goes to the redirect URI beside it, if that is registered and named: the
/// only one to choose from would be a guess.
fn outside(client: &Client, raw: &[u8], error: OAuthError) -> Stop {
    let named = |destination: &Destination| destination.redirect_uri_given;
    match resolve_destination(raw, redirect_uris(client)).ok().filter(named) {
        Some(destination) => Stop::at(&destination, error),
        None => error.into(),
    }
}
