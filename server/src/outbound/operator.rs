//! The client for addresses that the operator configured: sidecars. They may be anywhere, in the inside too; no
//! redirects, no proxies, and no more time or data than the caller gives.

use std::{path::PathBuf, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method};
use reqwest::{Certificate, Client, Identity, redirect::Policy};

use crate::outcome::Fault;

/// A connection to a sidecar has to stand within this time.
pub const CONNECT_TIMEOUT: Duration = Duration::from_millis(200);
/// Idle connections are closed after this time.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// How an endpoint is reached.
#[derive(Clone)]
pub struct Route {
    /// Through this Unix socket, whatever host the URL names.
    pub unix_socket: Option<PathBuf>,
    /// PEM of the only certificate authorities that are trusted; none for those of the system.
    pub authorities: Option<Vec<u8>>,
    /// PEM of certificate and private key that the server shows.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
    /// A connection has to stand within this time.
    pub connect_timeout: Duration,
}

/// A request.
#[derive(Clone, Debug)]
pub struct Sent<'a> {
    /// Its method.
    pub method: Method,
    /// Where it goes.
    pub url: &'a str,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// How long everything may take.
    pub timeout: Duration,
    /// An answer may have so many bytes; 0: it is not read at all.
    pub max_answer: usize,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Got {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body; empty unless the status is 200.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// There is no connection; nothing was sent.
    #[error("no connection: {0}")]
    Connect(String),
    /// The TLS handshake failed; nothing was sent.
    #[error("the TLS handshake failed: {0}")]
    Tls(String),
    /// It took too long.
    #[error("no answer in time")]
    Timeout,
    /// The connection broke; the request may have been processed.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// The answer is too large.
    #[error("the answer is too large")]
    TooLarge,
}

/// A client of one endpoint; its connections are kept.
#[derive(Clone, Debug)]
pub struct Operator {
    client: Client,
}

impl Operator {
    /// The client for this route.
    pub fn new(route: &Route) -> Result<Self, Fault> {
        let broken = |what: &'static str| move |e: reqwest::Error| Fault::new(what, e);
        let mut builder = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .referer(false)
            .connect_timeout(route.connect_timeout)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .user_agent(concat!("placet/", env!("CARGO_PKG_VERSION")));
        if let Some(pem) = &route.authorities {
            let authorities = Certificate::from_pem_bundle(pem).map_err(broken("ca_file"))?;
            builder = builder.tls_certs_only(authorities);
        }
        if let Some((certificate, key)) = &route.identity {
            let identity = Identity::from_pkcs8_pem(certificate, key).map_err(broken("mtls"))?;
            builder = builder.identity(identity);
        }
        if let Some(path) = &route.unix_socket {
            builder = builder.unix_socket(path.clone());
        }
        Ok(Self { client: builder.build().map_err(broken("outbound client"))? })
    }

    /// Sends a request and reads the answer.
    pub async fn send(&self, sent: Sent<'_>) -> Result<Got, SendError> {
        let (timeout, max) = (sent.timeout, sent.max_answer);
        tokio::time::timeout(timeout, self.exchange(sent, max)).await.unwrap_or(Err(SendError::Timeout))
    }

    async fn exchange(&self, sent: Sent<'_>, max: usize) -> Result<Got, SendError> {
        let request = self.client.request(sent.method, sent.url).headers(sent.headers).body(sent.body);
        let mut response = request.send().await.map_err(judged)?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = Vec::new();
        // What comes with another status is nothing that is looked at.
        while status == 200
            && max > 0
            && let Some(chunk) = response.chunk().await.map_err(judged)?
        {
            if body.len() + chunk.len() > max {
                return Err(SendError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Got { status, headers, body })
    }
}

fn judged(error: reqwest::Error) -> SendError {
    let timeout = error.is_timeout();
    let (connect, error) = (error.is_connect(), error.without_url());
    let causes = || std::iter::successors(std::error::Error::source(&error), |e| e.source());
    let detail = causes().last().map_or_else(|| error.to_string(), ToString::to_string);
    let tls =
        causes().any(|cause| cause.is::<openssl::ssl::Error>() || cause.is::<openssl::error::ErrorStack>());
    let endless = causes()
        .filter_map(|cause| cause.downcast_ref::<hyper::Error>())
        .any(hyper::Error::is_parse_too_large);
    match (connect, tls, timeout) {
        // More headers than anybody reads.
        _ if endless => SendError::TooLarge,
        (true, true, false) => SendError::Tls(detail),
        (true, ..) => SendError::Connect(detail),
        (false, _, true) => SendError::Timeout,
        (false, ..) => SendError::Broken(detail),
    }
}
