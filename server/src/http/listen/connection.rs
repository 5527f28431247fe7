//! One connection: TLS, frames, requests.

use std::{
    io,
    net::SocketAddr,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::FutureExt as _;
use http::{HeaderValue, Method, Version, header};
use hyper::{
    body::Incoming,
    service::{Service as _, service_fn},
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::Watcher},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use warp::{filters::BoxedFilter, reply::Response};

use super::{front::Front, patient::Patient, tls::Tls};
use crate::{
    client::ClientCertificate,
    config::ConnectionsConfig,
    http::{
        reply,
        request::{Errors, Peer},
    },
    outcome::Fault,
};

/// The head of a request has at most so many bytes.
const HEAD_SIZE: u32 = 64 * 1024;
/// Streams of HTTP/2 that the peer gave up before they were looked at, and those that we gave up for its errors: with more, it is
/// at nothing good (CVE-2023-44487).
const GIVEN_UP: usize = 20;

/// What all connections of a listener share.
pub(super) struct Service {
    pub(super) routes: BoxedFilter<(Response,)>,
    pub(super) front: Front,
    /// The listener is closed: each answer is the last one of its connection.
    pub(super) leaving: AtomicBool,
}

/// How the requests of a connection are framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    /// The first bytes say it.
    Seen,
    Http1,
    Http2,
}

/// A connection on which requests may come.
pub(super) enum Opened {
    Plain(TcpStream),
    Tls(Tls),
}

/// Makes a connection ready for requests; none if nothing sensible comes in time.
pub(super) async fn open(stream: TcpStream, service: &Service) -> Option<Opened> {
    let _ = stream.set_nodelay(true);
    let allowed = &service.front.connections;
    let Some(tls) = &service.front.tls else {
        // A connection on which nothing is ever said must not keep others out.
        let said = tokio::time::timeout(seconds(allowed.head_timeout), stream.peek(&mut [0])).await;
        return matches!(said, Ok(Ok(1))).then_some(Opened::Plain(stream));
    };
    let context = tls.context();
    match tokio::time::timeout(seconds(allowed.handshake_timeout), Tls::accept(&context, stream)).await {
        Ok(Ok(stream)) => Some(Opened::Tls(stream)),
        Ok(Err(error)) => {
            tracing::debug!(%error, "a handshake failed");
            None
        }
        Err(_) => None,
    }
}

/// Answers the requests of a connection.
pub(super) async fn serve(opened: Opened, peer: SocketAddr, service: Arc<Service>, watcher: Watcher) {
    match opened {
        Opened::Plain(stream) => {
            requests(stream, (Protocol::Seen, peer, None), service, watcher).await;
        }
        Opened::Tls(stream) => {
            let protocol = match stream.ssl().selected_alpn_protocol() {
                Some(b"h2") => Protocol::Http2,
                _ => Protocol::Http1,
            };
            let Ok(certificate) = stream.certificate() else {
                tracing::warn!("the certificate of a client cannot be encoded");
                return;
            };
            requests(stream, (protocol, peer, certificate), service, watcher).await;
        }
    }
}

async fn requests<S>(
    stream: S,
    (protocol, peer, certificate): (Protocol, SocketAddr, Option<ClientCertificate>),
    service: Arc<Service>,
    watcher: Watcher,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let allowed = service.front.connections;
    let activity = Arc::new(Activity::default());
    let handler = service_fn({
        let activity = activity.clone();
        move |request: http::Request<Incoming>| {
            let under_way = activity.begin();
            let (service, version) = (service.clone(), request.version());
            let answered = answer(request, (peer, certificate.clone()), service.clone());
            async move {
                let answered = answered.await;
                drop(under_way);
                let mut response = answered?;
                // HTTP/2 has a frame for it.
                if version < Version::HTTP_2 && service.leaving.load(Ordering::Relaxed) {
                    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                }
                Ok::<_, io::Error>(response)
            }
        }
    });
    let builder = framing(allowed);
    let builder = match protocol {
        Protocol::Seen => builder,
        Protocol::Http1 => builder.http1_only(),
        Protocol::Http2 => builder.http2_only(),
    };
    let stream = Patient::new(stream, seconds(allowed.write_timeout));
    let served = builder.serve_connection(TokioIo::new(stream), handler).into_owned();
    tokio::select! {
        served = watcher.watch(served) => if let Err(error) = served {
            tracing::debug!(%error, "a connection ended early");
        },
        // Pings, windows that are never opened, headers that never end: frames have no time limit for these.
        () = activity.ceases(seconds(allowed.idle_timeout)) => tracing::debug!("a connection was idle"),
    }
}

/// How requests are read from a connection.
fn framing(allowed: ConnectionsConfig) -> auto::Builder<TokioExecutor> {
    let size = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
    let head_timeout = seconds(allowed.head_timeout);
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(head_timeout)
        .max_headers(size(allowed.max_headers))
        .max_buf_size(size(HEAD_SIZE));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(allowed.max_streams)
        .max_header_list_size(HEAD_SIZE)
        .max_pending_accept_reset_streams(GIVEN_UP)
        .max_local_error_reset_streams(GIVEN_UP)
        .keep_alive_interval(head_timeout)
        .keep_alive_timeout(head_timeout);
    builder
}

fn seconds(count: u32) -> Duration {
    Duration::from_secs(count.into())
}

/// What happens on a connection.
#[derive(Debug, Default)]
struct Activity {
    requests: AtomicU64,
    under_way: AtomicUsize,
}

/// A request that is under way.
struct UnderWay(Arc<Activity>);

impl Activity {
    fn begin(self: &Arc<Self>) -> UnderWay {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.under_way.fetch_add(1, Ordering::Relaxed);
        UnderWay(Arc::clone(self))
    }

    /// Ends when no request came for so long, and none is under way.
    async fn ceases(&self, patience: Duration) {
        loop {
            let before = self.requests.load(Ordering::Relaxed);
            tokio::time::sleep(patience).await;
            if self.requests.load(Ordering::Relaxed) == before && self.under_way.load(Ordering::Relaxed) == 0
            {
                return;
            }
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Puts the host that is asked for into `Host`, where everybody looks: HTTP/2 and absolute URIs name it in the target of
/// the request, which counts (RFC 9112 section 3.2.2); in HTTP/2 both have to agree (RFC 9113 section 8.3.1).
fn name_host<B>(request: &mut http::Request<B>) -> Result<(), &'static str> {
    let Some(authority) = request.uri().authority() else { return Ok(()) };
    let named =
        HeaderValue::try_from(authority.as_str()).map_err(|_| "the host of the request is malformed")?;
    let differs = request.headers().get_all(header::HOST).iter().any(|host| host != named);
    if differs && request.version() >= Version::HTTP_2 {
        return Err("`host` is another one than `:authority`");
    }
    request.headers_mut().insert(header::HOST, named);
    Ok(())
}

async fn answer(
    mut request: http::Request<Incoming>,
    (peer, shown): (SocketAddr, Option<ClientCertificate>),
    service: Arc<Service>,
) -> Result<Response, io::Error> {
    // warp's path filters expect a path.
    if request.method() == Method::CONNECT || request.uri().path_and_query().is_none() {
        return Ok(reply::method_not_allowed(&[Method::GET, Method::POST], Errors::OAuth));
    }
    // HTTP/1.1 was counted while it was read.
    if request.headers().len() > usize::try_from(service.front.connections.max_headers).unwrap_or(usize::MAX)
    {
        return Ok(reply::refused(431, "the request has too many header fields", Errors::OAuth));
    }
    if let Err(contradiction) = name_host(&mut request) {
        return Ok(reply::refused(400, contradiction, Errors::OAuth));
    }
    let proxies = &service.front.proxies;
    let address = proxies.address(request.headers(), peer.ip());
    match proxies.certificate(request.headers_mut(), peer.ip(), shown) {
        Ok(None) => {}
        Ok(Some(certificate)) => drop(request.extensions_mut().insert(certificate)),
        Err(malformed) => {
            tracing::error!(proxy = %peer.ip(), reason = malformed.0, "a certificate cannot be understood");
            return Ok(reply::refused(400, &malformed.0, Errors::OAuth));
        }
    }
    request.extensions_mut().insert(Peer(address));
    let routes = TowerToHyperService::new(warp::service(service.routes.clone()));
    // A panic must cost one request, not the connection.
    match AssertUnwindSafe(routes.call(request)).catch_unwind().await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(never)) => match never {},
        Err(_) => {
            tracing::error!("a request panicked");
            Ok(reply::failure(&Fault::new("request", "panicked").into()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(version: Version, uri: &str, hosts: &[&str]) -> Result<Vec<String>, &'static str> {
        let mut request = http::Request::builder().version(version).uri(uri);
        for host in hosts {
            request = request.header(header::HOST, *host);
        }
        let mut request = request.body(()).expect("a request");
        name_host(&mut request)?;
        let hosts = request.headers().get_all(header::HOST).iter();
        Ok(hosts.map(|host| host.to_str().expect("text").to_owned()).collect())
    }

    #[test]
    fn the_host_is_that_of_the_target() {
        let at = |name: &str| Ok(vec![name.to_owned()]);
        assert_eq!(named(Version::HTTP_2, "https://as.example:8081/x", &[]), at("as.example:8081"));
        assert_eq!(named(Version::HTTP_2, "https://as.example/x", &["as.example"]), at("as.example"));
        assert_eq!(named(Version::HTTP_11, "/x", &["as.example"]), at("as.example"));
        assert_eq!(named(Version::HTTP_11, "http://as.example/x", &["other.example"]), at("as.example"));
        assert_eq!(named(Version::HTTP_11, "/x", &[]), Ok(Vec::new()));
    }

    #[test]
    fn a_host_that_contradicts_the_authority_is_refused() {
        named(Version::HTTP_2, "https://as.example/x", &["other.example"]).expect_err("another host");
        named(Version::HTTP_2, "https://as.example/x", &["as.example", "other.example"])
            .expect_err("two hosts");
    }
}
