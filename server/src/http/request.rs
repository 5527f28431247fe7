//! A request as endpoints see it, and the frame that every endpoint shares: methods, size, CORS, an id for the log.

mod away;
mod body;
mod endpoint;

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use futures_util::Stream;
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

pub use endpoint::{Cors, Endpoint, Errors};

use super::{page, reply};
use crate::{
    admission::Shed,
    client::{Client, ClientCertificate, Sender},
    ledger::{self, Ledger},
    limits::{Asked, Standing, TooMany},
    outcome::Outcome,
    possession::{self, Evidence},
    random,
    server::Server,
    traces::{Begun, Span},
};

/// A request that waits for a place takes at most so many bytes, beside its headers and its body.
const WAITING: usize = 2048;

/// The address of the peer, put beside each request by the listener.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

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
    /// What is left of the limit of its client, once that is known; not there where nothing is limited.
    standing: Option<Arc<OnceLock<Standing>>>,
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

    /// Counts it as a request of a client that has proved who it is. Anybody can be a public client, so that none is
    /// counted: a stranger would spend what belongs to all its users.
    pub fn spend(&self, server: &Server, asked: Asked, client: &Client) -> Result<(), TooMany> {
        if client.is_public() {
            return Ok(());
        }
        let left = server.limits().client(asked, client.id.as_str())?;
        if let (Some(noted), Some(left)) = (&self.standing, left) {
            let _ = noted.set(left);
        }
        Ok(())
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
            let away = away::at_once(&endpoint, (&method, &headers), &id);
            let (span, begun) = match away {
                None => begin(&endpoint, &headers, &id),
                // It is not worth a look.
                Some(_) => (tracing::Span::none(), None),
            };
            async move {
                if let Some((away, admission)) = away {
                    admission.turn_away().await;
                    return away;
                }
                let (head, empty) = (method == Method::HEAD, Bytes::new());
                let request = Request {
                    method,
                    head,
                    path,
                    query,
                    headers,
                    body: empty,
                    peer,
                    certificate,
                    id,
                    standing: None,
                };
                answer(endpoint, (request, begun), body, handler).await
            }
            .instrument(span)
        })
        .boxed()
}

/// What the log and the traces say of a request that begins.
fn begin(endpoint: &Endpoint, headers: &HeaderMap, id: &str) -> (tracing::Span, Option<Begun>) {
    let span = tracing::info_span!("request", id = %id, trace = tracing::field::Empty);
    let begun = endpoint.server.traces().begin(headers, endpoint.is_private(), id);
    if let Some(begun) = &begun {
        span.record("trace", &begun.id);
    }
    (span, begun)
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
    let (methods, cors, errors) = (endpoint.methods, endpoint.cors, endpoint.errors);
    let (server, name, from) = (endpoint.server.clone(), Arc::clone(&endpoint.name), Instant::now());
    let nonce = if endpoint.proofs { possession::fresh_nonce(&endpoint.server) } else { None };
    let challenge = if endpoint.clients { possession::fresh_challenge(&endpoint.server) } else { None };
    let (id, method) = (request.id.clone(), request.method.clone());
    let span = begun.as_ref().and_then(|begun| begun.span.clone());
    let (recording, noting) = Ledger::begin(&server, (&name, method.as_str(), &id)).unzip();
    let origin = request.headers.contains_key(header::ORIGIN);
    let mut response = if request.method == Method::OPTIONS && cors == Cors::Any && origin {
        reply::preflight(methods)
    } else if !knows(methods, &request.method) {
        reply::method_not_allowed(methods, errors)
    } else {
        match endpoint.limit.map(|asked| server.limits().address(asked, request.peer)).transpose() {
            Err(wait) => {
                server.metrics().http().limited(endpoint.limit);
                ledger::within(noting, async { reply::too_many(wait) }).await
            }
            Ok(standing) => {
                let standing = standing.flatten();
                let of_client = standing.map(|_| Arc::new(OnceLock::new()));
                request.standing.clone_from(&of_client);
                let work = Box::pin(handle(endpoint, (request, begun), body, handler));
                debug_assert!(std::mem::size_of_val(&*work) <= WAITING, "whoever waits takes too much room");
                let mut response = ledger::within(noting, work).await;
                let of_client = of_client.and_then(|noted| noted.get().copied());
                for standing in standing.into_iter().chain(of_client) {
                    reply::tell_limit(&mut response, standing);
                }
                response
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
    if let Some(recording) = recording {
        recording.answered(response.status().as_u16());
    }
    response
}

/// Reads the body and asks the handler.
async fn handle<B, D, H, F>(
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
    let (errors, max) = (endpoint.errors, endpoint.max_body);
    let body_timeout = Duration::from_secs(endpoint.server.config().connections.body_timeout.into());
    let admission = endpoint.door.map(|door| Arc::clone(endpoint.server.admission(door)));
    let shed = |request: &Request, reason| {
        endpoint.server.metrics().http().shed(&endpoint.name, reason);
        if endpoint.pages { page::busy(request) } else { reply::busy(errors) }
    };
    if let Some(admission) = admission.as_ref().filter(|admission| endpoint.pages && admission.is_full()) {
        admission.turn_away().await;
        return shed(&request, Shed::Full);
    }
    request.body = match tokio::time::timeout(body_timeout, body::collect(body, (errors, max))).await {
        Err(_) => return reply::refused(408, "the body did not come in time", errors),
        Ok(Err(refused)) => return refused,
        Ok(Ok(bytes)) => bytes,
    };
    // Only now: whoever sends slowly takes no place.
    let place = match admission {
        Some(admission) => match admission.enter().await {
            Ok(place) => Some(place),
            Err(reason) => return shed(&request, reason),
        },
        None => None,
    };
    let head = request.head;
    if head {
        request.method = Method::GET;
    }
    // The work is large: whoever waits for a place needs no room for it yet, and no scope has to move it.
    let work = Box::pin(async {
        endpoint.server.catch_up_if_late().await;
        let span = begun.as_ref().and_then(|begun| begun.span.clone());
        let context = endpoint.server.policies().context(&request.headers, begun);
        let work = Box::pin(handler(endpoint.server, request));
        Span::scope(span, context.scope(work)).await
    });
    let answered = match &place {
        Some(place) => place.work(work).await,
        None => work.await,
    };
    let response = answered.unwrap_or_else(|failure| reply::failure(&failure));
    if response.status().is_client_error() || response.status().is_server_error() {
        tracing::debug!(status = response.status().as_u16(), "answered");
    }
    if head { reply::without_body(response) } else { response }
}

/// `HEAD` is answered wherever `GET` is (RFC 9110 section 9.3.2).
fn knows(methods: &[Method], method: &Method) -> bool {
    methods.contains(method) || (method == Method::HEAD && methods.contains(&Method::GET))
}
