//! Placet's interaction API with scripted scenarios, for people who write a login and consent app: no keys, no
//! database, no clients. `placet mock` is its command line.
//!
//! The mock answers as a server does: the same resources, prompts, problem documents, and rules for steps. What it
//! asks is in scenarios, which are data: see [`Scenario`] and the folder `scenarios`.

mod accounts;
mod clock;
mod command;
mod http;
mod problem;
mod random;
mod run;
mod scenario;
mod state;

use std::{future::Future, io, net::SocketAddr};

use tokio::net::TcpListener;
use url::Url;

pub use command::{Arguments, main};
pub use scenario::{Arrival, BUILT_IN, End, Fault, FaultOn, Gallery, Scenario, ScenarioError, Step};

/// The bearer of the interaction API that `./run` and `placet dev` use; everybody knows it.
pub const DEVELOPMENT_TOKEN: &str = "placet-development-ui-token-0123456789";

/// How the mock runs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The app's page to which browsers are sent.
    pub ui: Url,
    /// Where browsers find the mock, without a slash at the end; `http://localhost:{port}` if absent.
    pub issuer: Option<String>,
    /// Scenarios: `all`, names, files, folders.
    pub scenarios: Vec<String>,
    /// The bearer that the app sends.
    pub token: String,
    /// What the app may do beyond the ordinary: `set_tokens`, `sessions`, …
    pub capabilities: Vec<String>,
    /// Whether the app opens interactions itself.
    pub headless: bool,
}

/// Why the mock does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The scenarios cannot be had.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// It cannot listen.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, #[source] io::Error),
    /// The address of the app is none to send a browser to.
    #[error("`{0}` is not a web address")]
    Ui(Url),
    /// There is no scenario.
    #[error("there is no scenario to play")]
    Nothing,
}

/// A mock that listens but does not serve yet.
pub struct Mock {
    listener: TcpListener,
    state: state::Shared,
}

impl Mock {
    /// Reads the scenarios and binds the socket.
    pub async fn bind(settings: Settings) -> Result<Self, StartError> {
        if !matches!(settings.ui.scheme(), "http" | "https") {
            return Err(StartError::Ui(settings.ui));
        }
        if Gallery::of(&settings.scenarios)?.scenarios().is_empty() {
            return Err(StartError::Nothing);
        }
        let failed = |error| StartError::Listen(settings.listen, error);
        let listener = TcpListener::bind(settings.listen).await.map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        let issuer = settings.issuer.clone().unwrap_or_else(|| format!("http://localhost:{port}"));
        Ok(Self { listener, state: state::State::shared(settings, issuer) })
    }

    /// Where browsers find it; the issuer of its prompts.
    pub fn issuer(&self) -> &str {
        &self.state.issuer
    }

    /// Where it listens.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop`, then finishes the requests under way.
    pub async fn run(self, stop: impl Future<Output = ()> + Send + 'static) {
        warp::serve(http::routes(&self.state)).incoming(self.listener).graceful(stop).run().await;
    }
}
