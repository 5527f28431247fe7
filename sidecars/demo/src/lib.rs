//! The demo app: a small relying party that signs a user in and shows what it got.
//!
//! It knows the authorization server only through OpenID Connect, and speaks it with a stock client library: what
//! works here works with any other client. Everything it remembers is in memory and bounded.

mod ambient;
mod app;
mod ask;
mod bounded;
mod callback;
mod config;
mod failure;
mod json;
mod pages;
mod provider;
mod routes;
mod session;

use std::{future::Future, sync::Arc};

pub use config::Config;
use tokio::net::TcpListener;

/// Serves the app on `listener` until `stop` resolves; open requests are finished first.
///
/// Fails when the configuration does not hold together, before anything is served.
pub async fn serve(
    config: &Config,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), config::Error> {
    let app = Arc::new(app::App::new(config)?);
    warp::serve(routes::all(&app)).incoming(listener).graceful(stop).run().await;
    Ok(())
}
