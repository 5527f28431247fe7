//! A request as endpoints see it, and the frame that every endpoint shares: methods, size, CORS, an id for the log.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};
use http::{HeaderMap, Method, header};
use placet_oauth::{
    attestation::{ATTESTATION, POP},
    credentials::{self, Attested, Credentials},
    error::{ErrorCode, OAuthError},
    id::Secret,
    params::Params,
};
use tokio::time::Instant;
use tracing::Instrument as _;
use warp::{Buf, Filter, filters::BoxedFilter, reply::Response};

use super::reply;
use crate::{
    client::{ClientCertificate, Sender},
    outcome::Outcome,
    possession::{self, Evidence},
    random,
    server::Server,
    traces::{Begun, Span},
};

/// Bodies larger than this are refused, where an endpoint does not say otherwise.
pub(super) const MAX_BODY: usize = 128 * 1024;

/// A body has to come within this time.
const BODY_TIMEOUT: Duration = Duration::from_secs(15);

/// The address of the peer, put beside each request by the listener.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// Whether scripts of other origins may call an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cors {
    /// They may, without cookies: the endpoint is made for clients that run in browsers.
    Any,
    /// They may not.
    No,
}

/// How an endpoint words what is refused before its handler is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errors {
    /// As OAuth errors (RFC 6749 section 5.2).
    OAuth,
    /// As problem documents (RFC 9457).
    Problem,
}

/// What an endpoint is.
#[derive(Clone)]
pub struct Endpoint {
    /// The server.
    pub server: Server,
    /// The methods it knows.
    pub methods: &'static [Method],
    /// Who may call it from a browser.
    pub cors: Cors,
    /// How errors look.
    pub errors: Errors,
    /// Whether it takes DPoP proofs, and tells the nonce for them.
    pub proofs: bool,
    /// Whether clients authenticate here, and are told the challenge for their next attested request.
    pub clients: bool,
    /// Larger bodies are refused, in bytes.
    pub max_body: usize,
    /// What it is called in metrics.
    pub name: Arc<str>,
}

impl Endpoint {
    /// One that a standard describes.
    pub fn of_standards(server: &Server, methods: &'static [Method], cors: Cors) -> Self {
        Self {
            server: server.clone(),
            methods,
            cors,
            errors: Errors::OAuth,
            proofs: false,
            clients: false,
            max_body: MAX_BODY,
            name: Arc::from(""),
        }
    }

    /// Whether it is at the private listener, whose callers the operator chose.
    fn is_private(&self) -> bool {
        self.errors == Errors::Problem
    }

    /// The same, taking bodies of this size.
    #[must_use]
    pub fn taking(self, max_body: usize) -> Self {
        Self { max_body, ..self }
    }

    /// The same for clients that authenticate.
    #[must_use]
    pub fn for_clients(self) -> Self {
        Self { clients: true, ..self }
    }

    /// The same, taking DPoP proofs.
    #[must_use]
    pub fn taking_proofs(self) -> Self {
        Self { proofs: true, ..self }
    }
}

/// A request.
#[derive(Debug)]
pub struct Request {
    /// Its method; `GET` for `HEAD`, which is the same without a body.
    pub method: Method,
    /// Whether it is `HEAD`.
    pub head: bool,
    /// The variable parts of its path, as sent.
    pub path: Vec<String>,
    /// Its query string, as sent.
    pub query: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// Where it comes from.
    pub peer: IpAddr,
    /// The certificate that the caller has, if it showed one.
    pub certificate: Option<ClientCertificate>,
    /// Finds its log lines.
    pub id: String,
}

impl Request {
    /// The only value of a header; none if it is absent, repeated or not text.
    pub fn header(&self, name: impl header::AsHeaderName) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let first = values.next()?.to_str().ok()?;
        values.next().is_none().then_some(first)
    }

    /// The value of `Authorization`; a repeated one is refused.
    pub fn authorization(&self) -> Result<Option<&str>, OAuthError> {
        let mut values = self.headers.get_all(header::AUTHORIZATION).iter();
        let Some(first) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(OAuthError::invalid_request("header `Authorization` is repeated"));
        }
        first
            .to_str()
            .map(Some)
            .map_err(|_| OAuthError::invalid_request("header `Authorization` is not text"))
    }

    /// Whether the body has this media type, whatever its parameters.
    pub fn has_type(&self, media_type: &str) -> bool {
        self.header(header::CONTENT_TYPE)
            .and_then(|text| text.split(';').next())
            .is_some_and(|text| text.trim().eq_ignore_ascii_case(media_type))
    }

    /// The parameters of a form.
    pub fn form(&self) -> Result<Params, OAuthError> {
        if !self.has_type("application/x-www-form-urlencoded") {
            return Err(OAuthError::invalid_request(
                "the body must be of type `application/x-www-form-urlencoded`",
            ));
        }
        Params::parse(&self.body)
    }

    /// The client's credentials, beside the parameters they may be part of.
    pub fn credentials(&self, server: &Server, params: &Params) -> Result<Credentials, OAuthError> {
        let attested = if server.config().client_attestation.enabled { self.attested()? } else { None };
        credentials::parse(self.authorization()?, params, attested)
    }

    /// The attestation about the instance of the client, with its proof.
    ///
    /// # Errors
    ///
    /// `invalid_client_attestation` for a header that is repeated or no text.
    fn attested(&self) -> Result<Option<Attested>, OAuthError> {
        let only = |name: &'static str| {
            let refused = |text: &str| {
                let text = format!("header `{name}` is {text}");
                OAuthError::new(ErrorCode::InvalidClientAttestation, text)
            };
            let mut values = self.headers.get_all(name).iter();
            match (values.next(), values.next()) {
                (None, _) => Ok(None),
                (Some(only), None) => {
                    only.to_str().map(|text| Some(Secret::new(text))).map_err(|_| refused("not text"))
                }
                (Some(_), Some(_)) => Err(refused("repeated")),
            }
        };
        let (attestation, pop) = (only(ATTESTATION)?, only(POP)?);
        Ok(attestation.map(|attestation| Attested { attestation, pop }))
    }

    /// The bearer token of `Authorization`.
    pub fn bearer(&self) -> Result<Option<Secret>, OAuthError> {
        placet_oauth::bearer::token(self.authorization()?, &self.query, None)
    }

    /// Who sends it to the endpoint at this path, for the authentication of clients.
    pub fn sender<'a>(&'a self, endpoint: &'a str) -> Sender<'a> {
        Sender { peer: self.peer, endpoint, certificate: self.certificate.as_ref(), proof: None }
    }

    /// What it has to prove more than that, at the endpoint at this path.
    ///
    /// # Errors
    ///
    /// `invalid_dpop_proof` for more than one header `DPoP` (RFC 9449 section 4.3).
    pub fn evidence<'a>(&'a self, endpoint: &'a str) -> Result<Evidence<'a>, OAuthError> {
        let mut values = self.headers.get_all("dpop").iter();
        let refused = |text: &str| OAuthError::invalid_dpop_proof(text);
        let proof = match (values.next(), values.next()) {
            (None, _) => None,
            (Some(only), None) => Some(only.to_str().map_err(|_| refused("header `DPoP` is not text"))?),
            (Some(_), Some(_)) => return Err(refused("header `DPoP` is repeated")),
        };
        // A proof is for the method that is sent (RFC 9449 section 4.2), not for what it amounts to.
        let method = if self.head { "HEAD" } else { self.method.as_str() };
        let certificate = self.certificate.as_ref();
        Ok(Evidence { proof, certificate, method, endpoint })
    }

    /// Where it comes from, and with what.
    pub fn caller(&self) -> (IpAddr, Option<&str>) {
        (self.peer, self.header(header::USER_AGENT))
    }

    /// A variable part of the path.
    pub fn part(&self, index: usize) -> &str {
        self.path.get(index).map_or("", String::as_str)
    }
}

/// The filter of an endpoint: `path` gives the variable parts, `handler` the answer.
pub fn endpoint<P, H, F>(endpoint: Endpoint, path: P, handler: H) -> BoxedFilter<(Response,)>
where
    P: Filter<Extract = (Vec<String>,), Error = warp::Rejection> + Clone + Send + Sync + 'static,
    H: Fn(Server, Request) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Outcome<Response>> + Send,
{
    let endpoint = Endpoint { name: name_of::<H>().into(), ..endpoint };
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    path.and(warp::method())
        .and(query)
        .and(warp::header::headers_cloned())
        .and(
            warp::ext::optional::<Peer>()
                .and(warp::ext::optional::<ClientCertificate>())
                .map(|peer, shown| (peer, shown))
                .boxed(),
        )
        .and(warp::body::stream())
        .then(move |path, method, query, headers, (peer, certificate): (Option<Peer>, _), body| {
            let (endpoint, handler) = (endpoint.clone(), handler.clone());
            let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |p| p.0);
            let id =
                random::id(endpoint.server.random(), "req_").unwrap_or_else(|_| "req_unknown".to_owned());
            let span = tracing::info_span!("request", id = %id, trace = tracing::field::Empty);
            let begun = endpoint.server.traces().begin(&headers, endpoint.is_private(), &id);
            if let Some(begun) = &begun {
                span.record("trace", &begun.id);
            }
            async move {
                let (head, empty) = (method == Method::HEAD, Bytes::new());
                let request =
                    Request { method, head, path, query, headers, body: empty, peer, certificate, id };
                answer(endpoint, (request, begun), body, handler).await
            }
            .instrument(span)
        })
        .boxed()
}

/// What an endpoint is called in metrics: its handler within this part of the program, `token`, `ui.step`. So none can be
/// without a name.
fn name_of<H>() -> String {
    let path = std::any::type_name::<H>();
    let path = path.split_once("::http::").map_or(path, |(_, rest)| rest);
    let mut words: Vec<&str> = path.split("::").collect();
    words.dedup();
    words.join(".")
}

async fn answer<B, D, H, F>(
    endpoint: Endpoint,
    (mut request, begun): (Request, Option<Begun>),
    body: B,
    handler: H,
) -> Response
where
    B: Stream<Item = Result<D, warp::Error>> + Send,
    D: Buf,
    H: Fn(Server, Request) -> F,
    F: Future<Output = Outcome<Response>> + Send,
{
    let (methods, cors, errors, max) = (endpoint.methods, endpoint.cors, endpoint.errors, endpoint.max_body);
    let (server, name, from) = (endpoint.server.clone(), Arc::clone(&endpoint.name), Instant::now());
    let nonce = if endpoint.proofs { possession::fresh_nonce(&endpoint.server) } else { None };
    let challenge = if endpoint.clients { possession::fresh_challenge(&endpoint.server) } else { None };
    let (id, method) = (request.id.clone(), request.method.clone());
    let span = begun.as_ref().and_then(|begun| begun.span.clone());
    let origin = request.headers.contains_key(header::ORIGIN);
    let mut response = if request.method == Method::OPTIONS && cors == Cors::Any && origin {
        reply::preflight(methods)
    } else if !knows(methods, &request.method) {
        reply::method_not_allowed(methods, errors)
    } else {
        let collected = tokio::time::timeout(BODY_TIMEOUT, collect(body, (errors, max))).await;
        match collected {
            Err(_) => reply::refused(408, "the body did not come in time", errors),
            Ok(Err(refused)) => refused,
            Ok(Ok(bytes)) => {
                request.body = bytes;
                let head = request.head;
                if head {
                    request.method = Method::GET;
                }
                let context = endpoint.server.policies().context(&request.headers, begun);
                let answering = context.scope(handler(endpoint.server, request));
                let answered = Span::scope(span.clone(), answering).await;
                let response = answered.unwrap_or_else(|failure| reply::failure(&failure));
                log_failure(&response);
                if head { reply::without_body(response) } else { response }
            }
        }
    };
    if cors == Cors::Any && origin {
        reply::allow_any_origin(&mut response);
    }
    reply::set_request_id(&mut response, &id);
    if let Some(nonce) = nonce {
        reply::set_dpop_nonce(&mut response, &nonce);
    }
    if let Some(challenge) = challenge {
        reply::set_challenge(&mut response, &challenge);
    }
    server.metrics().http().answered(&name, response.status().as_u16(), from.elapsed());
    if let Some(span) = span {
        span.answered((&method, &*name), response.status());
    }
    response
}

/// `HEAD` is answered wherever `GET` is (RFC 9110 section 9.3.2).
fn knows(methods: &[Method], method: &Method) -> bool {
    methods.contains(method) || (method == Method::HEAD && methods.contains(&Method::GET))
}

fn log_failure(response: &Response) {
    if response.status().is_client_error() || response.status().is_server_error() {
        tracing::debug!(status = response.status().as_u16(), "answered");
    }
}

/// Reads the body up to the limit, however it is sent.
async fn collect<B, D>(body: B, (errors, max): (Errors, usize)) -> Result<Bytes, Response>
where
    B: Stream<Item = Result<D, warp::Error>> + Send,
    D: Buf,
{
    let mut body = std::pin::pin!(body);
    let mut bytes = BytesMut::new();
    while let Some(chunk) = body.next().await {
        let mut chunk = chunk.map_err(|_| reply::refused(400, "the body broke off", errors))?;
        if bytes.len() + chunk.remaining() > max {
            return Err(reply::refused(413, "the body is too large", errors));
        }
        while chunk.has_remaining() {
            let part = chunk.chunk();
            let length = part.len();
            bytes.extend_from_slice(part);
            chunk.advance(length);
        }
    }
    Ok(bytes.freeze())
}
