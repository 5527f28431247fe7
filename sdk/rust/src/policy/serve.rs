//! A sidecar as a program.

use std::{fmt, future::Future, io, os::unix::fs::FileTypeExt as _, sync::Arc, time::Duration};

use http::{Method, Request, StatusCode};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
    sync::Semaphore,
};
use warp::{Filter as _, filters::BoxedFilter, reply::Response};

use super::{
    hooks::Policy,
    routes::filter,
    service::Service,
    settings::{Listen, Settings, SettingsError},
};

/// Connections open at once.
const CONNECTIONS: usize = 1024;
/// How long a connection may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// How long requests under way may take after the stop.
const DRAIN: Duration = Duration::from_secs(15);

/// Why a sidecar does not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// It was told something that it cannot use.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// It cannot listen.
    #[error("cannot listen on `{0}`: {1}")]
    Listen(String, #[source] io::Error),
    /// The policy has no method.
    #[error("the policy decides nothing")]
    DecidesNothing,
}

/// A policy that is about to be served.
#[must_use = "nothing is served before `from_env` or `listen` is awaited"]
pub struct Serve<P> {
    policy: P,
    beside: Option<BoxedFilter<(Response,)>>,
}

impl<P: fmt::Debug> fmt::Debug for Serve<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serve").field("policy", &self.policy).finish_non_exhaustive()
    }
}

/// Serves a policy: `serve(policy).from_env().await`.
pub fn serve<P: Policy>(policy: P) -> Serve<P> {
    Serve { policy, beside: None }
}

impl<P: Policy> Serve<P> {
    /// Serves these routes too; those of the policy come first.
    pub fn beside(self, routes: BoxedFilter<(Response,)>) -> Self {
        Self { beside: Some(routes), ..self }
    }

    /// Serves as the environment says (see [`Settings::read`]), until SIGTERM or SIGINT; requests under way are
    /// finished.
    pub async fn from_env(self) -> Result<(), ServeError> {
        let (settings, listen) = Settings::read(|name| std::env::var(name).ok())?;
        self.listen(settings, listen, stopped()).await
    }

    /// Serves until `stop`.
    pub async fn listen(
        self,
        settings: Settings,
        listen: Listen,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<(), ServeError> {
        match listen {
            Listen::Tcp(address) => {
                let listener = TcpListener::bind(address).await;
                let listener = listener.map_err(|error| ServeError::Listen(address.to_string(), error))?;
                self.listener(settings, listener, stop).await
            }
            Listen::Unix(path) => {
                let failed = |error| ServeError::Listen(path.display().to_string(), error);
                // What a process before this one left behind; one that still listens is left alone.
                let socket = std::fs::symlink_metadata(&path).is_ok_and(|meta| meta.file_type().is_socket());
                if socket && std::os::unix::net::UnixStream::connect(&path).is_err() {
                    std::fs::remove_file(&path).map_err(failed)?;
                }
                let listener = UnixListener::bind(&path).map_err(failed)?;
                let routes = self.routes(settings)?;
                tracing::info!(socket = %path.display(), "a policy is served");
                run(routes, listener, stop).await;
                let _ = std::fs::remove_file(&path);
                Ok(())
            }
        }
    }

    /// Serves on a listener that is there already, until `stop`.
    pub async fn listener(
        self,
        settings: Settings,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<(), ServeError> {
        let id = settings.id.clone();
        let routes = self.routes(settings)?;
        tracing::info!(id, "a policy is served");
        run(routes, listener, stop).await;
        Ok(())
    }

    fn routes(self, settings: Settings) -> Result<BoxedFilter<(Response,)>, ServeError> {
        let service = Arc::new(Service::new(self.policy, settings));
        if !service.decides() {
            return Err(ServeError::DecidesNothing);
        }
        let routes = filter(&service);
        Ok(match self.beside {
            Some(beside) => routes.or(beside).unify().boxed(),
            None => routes,
        })
    }
}

/// What connections come from.
trait Accept: Sync {
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    fn next(&self) -> impl Future<Output = io::Result<Self::Stream>> + Send;
}

impl Accept for TcpListener {
    type Stream = TcpStream;

    async fn next(&self) -> io::Result<TcpStream> {
        let (stream, _) = self.accept().await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

impl Accept for UnixListener {
    type Stream = UnixStream;

    async fn next(&self) -> io::Result<UnixStream> {
        self.accept().await.map(|(stream, _)| stream)
    }
}

async fn run(routes: BoxedFilter<(Response,)>, listener: impl Accept, stop: impl Future<Output = ()>) {
    let graceful = GracefulShutdown::new();
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    tokio::pin!(stop);
    loop {
        let next = async {
            let permit = Arc::clone(&permits).acquire_owned().await.ok();
            (permit, listener.next().await)
        };
        let (permit, stream) = tokio::select! {
            (permit, Ok(stream)) = next => (permit, stream),
            () = &mut stop => break,
            else => {
                // Out of descriptors, most likely: others will be closed soon.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let service = TowerToHyperService::new(warp::service(routes.clone()));
        let service = service_fn(move |request: Request<Incoming>| answer(service.clone(), request));
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(HEAD_TIMEOUT)
            .max_concurrent_streams(256);
        let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(permit);
        });
    }
    drop(listener);
    if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests were still under way at the stop");
    }
}

async fn answer<S>(service: S, request: Request<Incoming>) -> Result<Response, S::Error>
where
    S: hyper::service::Service<Request<Incoming>, Response = Response>,
{
    // warp's path filters expect a path.
    if request.method() == Method::CONNECT || request.uri().path_and_query().is_none() {
        let mut refused = Response::default();
        *refused.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        return Ok(refused);
    }
    service.call(request).await
}

/// SIGTERM, or SIGINT.
async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
