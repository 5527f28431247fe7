//! The one client for requests to addresses that strangers name: https to public addresses only, no redirects, no
//! proxies, little time and little data.
//!
//! A name is judged by what it resolves to at the moment of the connection: a name that was harmless when it was
//! looked at can lead to the inside a second later.

mod address;
mod endpoint;
mod operator;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::HeaderMap;
use reqwest::{
    Certificate, Client, StatusCode,
    dns::{Addrs, Name, Resolve, Resolving},
    header,
    redirect::Policy,
};

use crate::{
    config::Config,
    outcome::Fault,
    traces::{Kind, Span},
};

use address::Rules;
pub use endpoint::{Endpoint, Way, unix};
pub use operator::{CONNECT_TIMEOUT, Got, Operator, Route, SendError, Sent};

/// A request may take this long, from the look-up of the name to the last byte.
const TIMEOUT: Duration = Duration::from_secs(5);
/// At most this many bytes of an answer are read.
const MAX_BYTES: usize = 64 * 1024;

/// Why nothing was fetched. Reads on after the URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The URL is not one that is fetched.
    #[error("must be an https URL")]
    NotSecure,
    /// No connection, no permitted address, or no answer in time. These are told as one: the difference would show
    /// what names and ports there are inside.
    #[error("cannot be fetched from a public address")]
    Unreachable,
    /// The answer has another status than 200.
    #[error("is answered with the status {0} instead of 200")]
    Status(u16),
    /// The answer is too large.
    #[error("is answered with more than 64 KiB")]
    TooLarge,
}

/// What was fetched.
#[derive(Debug)]
pub struct Fetched {
    /// Its media type, without parameters; empty if the answer names none.
    pub media_type: String,
    /// For how many seconds it may be kept, if its server says so (`Cache-Control`, RFC 9111 section 5.2.2).
    pub max_age: Option<u64>,
    /// What it is.
    pub body: Vec<u8>,
}

/// How a receiver answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The status.
    pub status: u16,
    /// For how many seconds it wants to be left alone (`Retry-After`).
    pub retry_after: Option<i64>,
}

/// The guarded client.
#[derive(Clone, Debug)]
pub struct Outbound {
    client: Client,
    rules: Arc<Rules>,
}

impl Outbound {
    /// The client that the configuration describes. Fails if a certificate file cannot be used.
    pub async fn new(config: &Config) -> Result<Self, Fault> {
        let rules = Arc::new(Rules {
            allow_hosts: config.outbound.allow_hosts.clone(),
            development: config.development,
        });
        let mut certificates = Vec::new();
        for path in &config.outbound.extra_ca_files {
            let broken =
                |e: &dyn std::fmt::Display| Fault::new("extra_ca_files", format!("{}: {e}", path.display()));
            let pem = tokio::fs::read(path).await.map_err(|e| broken(&e))?;
            certificates.extend(Certificate::from_pem_bundle(&pem).map_err(|e| broken(&e))?);
        }
        let client = Client::builder()
            .dns_resolver(Resolver(rules.clone()))
            .https_only(!config.development)
            .redirect(Policy::none())
            .no_proxy()
            .referer(false)
            .timeout(TIMEOUT)
            .tls_certs_merge(certificates)
            .user_agent(concat!("placet/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|e| Fault::new("outbound client", e))?;
        Ok(Self { client, rules })
    }

    /// The JSON that lies at `url`.
    pub async fn get(&self, url: &str) -> Result<Vec<u8>, FetchError> {
        self.fetch(url, "application/json").await.map(|found| found.body)
    }

    /// What lies at `url`, preferably of one of the media types in `accept`.
    pub async fn fetch(&self, url: &str, accept: &'static str) -> Result<Fetched, FetchError> {
        let url = self.rules.check(url)?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let failed = |error: reqwest::Error| {
            let cause = error.without_url();
            tracing::info!(host, cause = ?cause, "an outbound request failed");
            FetchError::Unreachable
        };
        let span = asked("GET", &host);
        let request = self.client.get(url).header(header::ACCEPT, accept);
        let mut response = request.send().await.map_err(failed)?;
        answered(span.as_ref(), response.status());
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status().as_u16()));
        }
        let media_type = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type = media_type.and_then(|text| text.split(';').next()).unwrap_or_default();
        let media_type = media_type.trim().to_owned();
        let max_age = kept(response.headers());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > MAX_BYTES {
                return Err(FetchError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Fetched { media_type, max_age, body })
    }
}

impl Outbound {
    /// Posts `body` to `url`. Of the answer the status counts: what else comes is not read.
    pub async fn post(&self, url: &str, headers: HeaderMap, body: Bytes) -> Result<Answered, FetchError> {
        let url = self.rules.check(url)?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let span = asked("POST", &host);
        let sent = self.client.post(url).headers(headers).body(body).send().await;
        let response = sent.map_err(|error| {
            tracing::info!(host, cause = ?error.without_url(), "an outbound request failed");
            FetchError::Unreachable
        })?;
        answered(span.as_ref(), response.status());
        let retry_after = response.headers().get(header::RETRY_AFTER);
        Ok(Answered {
            status: response.status().as_u16(),
            retry_after: retry_after.and_then(|value| value.to_str().ok()?.parse().ok()),
        })
    }
}

/// The span of a request to a host, if the request that it is made for has one. It has failed until it is answered.
fn asked(method: &'static str, host: &str) -> Option<Span> {
    let span = Span::within(|| format!("{method} {host}").into(), Kind::Client)?;
    span.set("http.request.method", method);
    span.set("server.address", host.to_owned());
    Some(span)
}

fn answered(span: Option<&Span>, status: StatusCode) {
    if let Some(span) = span {
        span.set("http.response.status_code", status.as_u16());
    }
}

/// For how long an answer may be kept; 0 if not at all.
fn kept(headers: &HeaderMap) -> Option<u64> {
    let values = headers.get_all(header::CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let mut age = None;
    for directive in values.flat_map(|value| value.split(',')).map(|part| part.trim().to_ascii_lowercase()) {
        match directive.split_once('=') {
            None if directive == "no-store" || directive == "no-cache" => return Some(0),
            Some(("max-age", seconds)) => age = seconds.trim_matches('"').parse().ok(),
            _ => {}
        }
    }
    age
}

/// Resolves names to permitted addresses only. Addresses in URLs never come here: [`Rules::check`] judges them.
struct Resolver(Arc<Rules>);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let rules = self.0.clone();
        Box::pin(async move {
            let host = name.as_str();
            let all = tokio::net::lookup_host((host, 0)).await?;
            let permitted: Vec<_> = all.filter(|found| rules.permits(host, found.ip())).collect();
            if permitted.is_empty() {
                return Err("no permitted address".into());
            }
            let addresses: Addrs = Box::new(permitted.into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;

    async fn client(development: bool) -> Outbound {
        Outbound::new(&Config { development, ..Config::default() }).await.unwrap()
    }

    /// The port of a server on this machine that answers every request with `answer`.
    async fn serve(answer: String) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        port
    }

    fn response(body: &str) -> String {
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
    }

    #[tokio::test]
    async fn a_document_on_this_machine_is_fetched_in_development() {
        let port = serve(response("[]")).await;
        let client = client(true).await;
        assert_eq!(client.get(&format!("http://127.0.0.1:{port}/")).await.unwrap(), b"[]");
        assert_eq!(client.get(&format!("http://localhost:{port}/")).await.unwrap(), b"[]");
    }

    #[tokio::test]
    async fn a_name_that_leads_to_this_machine_is_not_followed_otherwise() {
        let port = serve(response("[]")).await;
        let client = client(false).await;
        let fetched = client.get(&format!("https://localhost:{port}/")).await;
        assert_eq!(fetched, Err(FetchError::Unreachable));
        let resolved = Resolver(client.rules.clone()).resolve("localhost".parse().unwrap()).await;
        assert_eq!(resolved.err().unwrap().to_string(), "no permitted address");
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed() {
        let port = serve("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n".to_owned()).await;
        let fetched = client(true).await.get(&format!("http://127.0.0.1:{port}/")).await;
        assert_eq!(fetched, Err(FetchError::Status(302)));
    }

    #[tokio::test]
    async fn an_answer_may_have_64_kib_and_no_more() {
        let just = serve(response(&"x".repeat(MAX_BYTES))).await;
        let fetched = client(true).await.get(&format!("http://127.0.0.1:{just}/")).await;
        assert_eq!(fetched.map(|body| body.len()), Ok(MAX_BYTES));
        let more = serve(response(&"x".repeat(MAX_BYTES + 1))).await;
        let fetched = client(true).await.get(&format!("http://127.0.0.1:{more}/")).await;
        assert_eq!(fetched, Err(FetchError::TooLarge));
    }

    #[tokio::test]
    async fn of_the_answer_to_what_is_posted_the_status_counts_and_nothing_is_followed() {
        for (status, line) in [(204, "204 No Content"), (302, "302 Found"), (503, "503 Busy")] {
            let head = "Location: /elsewhere\r\nRetry-After: 17\r\nContent-Length: 99999999";
            let port = serve(format!("HTTP/1.1 {line}\r\n{head}\r\n\r\nit goes on")).await;
            let (client, url) = (client(true).await, format!("http://127.0.0.1:{port}/"));
            let posted = client.post(&url, HeaderMap::new(), Bytes::new()).await;
            assert_eq!(posted, Ok(Answered { status, retry_after: Some(17) }));
        }
        let posted = client(false).await.post("https://10.0.0.1/", HeaderMap::new(), Bytes::new()).await;
        assert_eq!(posted, Err(FetchError::Unreachable));
    }
}
