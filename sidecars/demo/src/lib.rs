//! The demo app: a small relying party that signs a user in and shows what it got.
//!
//! It knows the authorization server only through OpenID Connect, and speaks it with a stock client library: what
//! works here works with any other client. Everything it remembers is in memory and bounded.

mod ambient;
mod app;
mod ask;
mod bounded;
mod call;
mod callback;
mod config;
mod failure;
mod json;
mod pages;
mod provider;
mod resource;
mod routes;
mod session;
mod transfer;
mod tv;

use std::{future::Future, sync::Arc};

pub use config::{Config, Error};
use tokio::net::TcpListener;

/// The app, ready to be served.
pub struct Demo(Arc<app::App>);

impl Demo {
    /// Sets the app up; the provider is not called before somebody signs in.
    ///
    /// Fails when the configuration does not hold together.
    pub fn new(config: &Config) -> Result<Self, Error> {
        app::App::new(config).map(|app| Self(Arc::new(app)))
    }

    /// Serves the app on `listener` until `stop` resolves; open requests are finished first.
    pub async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()> + Send + 'static) {
        warp::serve(routes::all(&self.0)).incoming(listener).graceful(stop).run().await;
    }
}
