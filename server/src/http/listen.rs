//! The listeners: accept, frame, drain.

mod connection;
mod front;
mod patient;
mod peers;
mod proxy;
mod tls;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use hyper_util::server::graceful::GracefulShutdown;
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
};
use warp::{filters::BoxedFilter, reply::Response};

use connection::Service;
pub use front::{Front, Fronts};

/// How long requests under way may take after the stop.
const DRAIN: Duration = Duration::from_secs(20);
/// How long after the stop idle connections stay open. Whoever uses one in this time is answered, and told that it was the
/// last time: a proxy that sends a request while its connection is being closed cannot know whether it arrived.
const FAREWELL: Duration = Duration::from_secs(2);
/// How long after the stop those are waited for who have not said anything yet.
const LAST_WORD: Duration = Duration::from_secs(1);

/// Serves `routes` until `stop` says true; then lets the requests under way finish.
pub async fn serve(
    listener: TcpListener,
    routes: BoxedFilter<(Response,)>,
    front: Front,
    mut stop: watch::Receiver<bool>,
) {
    let graceful = GracefulShutdown::new();
    let most = usize::try_from(front.connections.max).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
    let permits = Arc::new(Semaphore::new(most));
    let service = Arc::new(Service { routes, front, leaving: AtomicBool::new(false) });
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
        let counted = if service.front.proxies.trusts(peer.ip()) {
            None
        } else {
            let Some(counted) = service.front.peers.admit(peer.ip()) else {
                tracing::debug!(peer = %peer.ip(), "a peer has too many connections");
                continue;
            };
            Some(counted)
        };
        let (service, watcher, mut stop) = (service.clone(), graceful.watcher(), stop.clone());
        tokio::spawn(async move {
            let stopped = async {
                let _ = stop.wait_for(|stopped| *stopped).await;
                tokio::time::sleep(LAST_WORD).await;
            };
            let opened = tokio::select! {
                opened = connection::open(stream, &service) => opened,
                () = stopped => None,
            };
            if let Some(opened) = opened {
                connection::serve(opened, peer, service, watcher).await;
            }
            drop((permit, counted));
        });
    }
    drop(listener);
    service.leaving.store(true, Ordering::Relaxed);
    let farewell = async {
        while graceful.count() > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let _ = tokio::time::timeout(FAREWELL, farewell).await;
    if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests were still under way at the stop");
    }
}
