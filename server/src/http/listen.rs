//! The listeners: accept, frame, drain.

use std::{io, net::SocketAddr, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use http::{HeaderMap, Method};
use hyper::{
    body::Incoming,
    service::{Service as _, service_fn},
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
};
use warp::{filters::BoxedFilter, reply::Response};

use super::{
    reply,
    request::{Errors, Peer},
};

/// Connections open at once on one listener.
const CONNECTIONS: usize = 8_192;
/// The head of a request has at most so many bytes.
const HEAD_SIZE: usize = 64 * 1024;
/// How long a client may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// How long requests under way may take after the stop.
const DRAIN: Duration = Duration::from_secs(20);

/// Serves `routes` until `stop` says true; then lets the requests under way finish.
pub async fn serve(
    listener: TcpListener,
    routes: BoxedFilter<(Response,)>,
    trusted_proxies: Vec<std::net::IpAddr>,
    mut stop: watch::Receiver<bool>,
) {
    let graceful = GracefulShutdown::new();
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    let trusted: Arc<[std::net::IpAddr]> = trusted_proxies.into();
    loop {
        let permit = tokio::select! {
            permit = permits.clone().acquire_owned() => permit,
            _ = stop.wait_for(|stopped| *stopped) => break,
        };
        let Ok(permit) = permit else { break };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stopped| *stopped) => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of descriptors, most likely: others will be closed soon.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let connection = connection(stream, peer, (routes.clone(), trusted.clone()));
        let watcher = graceful.watcher();
        tokio::spawn(async move {
            connection(watcher).await;
            drop(permit);
        });
    }
    drop(listener);
    if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests were still under way at the stop");
    }
}

fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    (routes, trusted): (BoxedFilter<(Response,)>, Arc<[std::net::IpAddr]>),
) -> impl FnOnce(hyper_util::server::graceful::Watcher) -> futures_util::future::BoxFuture<'static, ()> {
    move |watcher| {
        async move {
            let _ = stream.set_nodelay(true);
            // A connection on which nothing is ever said must not keep others out.
            if !matches!(tokio::time::timeout(HEAD_TIMEOUT, stream.peek(&mut [0])).await, Ok(Ok(1))) {
                return;
            }
            let service = service_fn(move |request: http::Request<Incoming>| {
                answer(request, peer, (routes.clone(), trusted.clone()))
            });
            let mut builder = auto::Builder::new(TokioExecutor::new());
            builder
                .http1()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIMEOUT)
                .max_buf_size(HEAD_SIZE);
            builder
                .http2()
                .timer(TokioTimer::new())
                .max_concurrent_streams(64)
                .keep_alive_interval(HEAD_TIMEOUT)
                .keep_alive_timeout(HEAD_TIMEOUT);
            let served = builder.serve_connection(TokioIo::new(stream), service).into_owned();
            if let Err(error) = watcher.watch(served).await {
                tracing::debug!(%error, "a connection ended early");
            }
        }
        .boxed()
    }
}

async fn answer(
    mut request: http::Request<Incoming>,
    peer: SocketAddr,
    (routes, trusted): (BoxedFilter<(Response,)>, Arc<[std::net::IpAddr]>),
) -> Result<Response, io::Error> {
    // warp's path filters expect a path.
    if request.method() == Method::CONNECT || request.uri().path_and_query().is_none() {
        return Ok(reply::method_not_allowed(&[Method::GET, Method::POST], Errors::OAuth));
    }
    let address = client_address(request.headers(), peer.ip(), &trusted);
    request.extensions_mut().insert(Peer(address));
    let service = TowerToHyperService::new(warp::service(routes));
    // A panic must cost one request, not the connection.
    match AssertUnwindSafe(service.call(request)).catch_unwind().await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(never)) => match never {},
        Err(_) => {
            tracing::error!("a request panicked");
            Ok(reply::failure(&crate::outcome::Fault::new("request", "panicked").into()))
        }
    }
}

/// The address of the client: what the nearest proxy that is not trusted says of its peer.
fn client_address(
    headers: &HeaderMap,
    peer: std::net::IpAddr,
    trusted: &[std::net::IpAddr],
) -> std::net::IpAddr {
    if !trusted.contains(&peer) {
        return peer;
    }
    let lines: Vec<&str> =
        headers.get_all("x-forwarded-for").iter().map(|value| value.to_str().unwrap_or("")).collect();
    let mut nearest = peer;
    // From the right: what stands left of a hop that is not trusted, or not readable, anybody may have written.
    for hop in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        match hop.trim().parse() {
            Ok(address) if trusted.contains(&address) => nearest = address,
            Ok(address) => return address,
            Err(_) => return nearest,
        }
    }
    nearest
}
