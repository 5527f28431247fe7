//! Puts the sidecar together and serves it.

mod development;

use std::{io, net::SocketAddr};

use placet_sdk::policy::{Secret, Settings, serve};
use tokio::net::TcpListener;

use crate::{
    Verifier, clock,
    development::{DEVELOPMENT_ISSUER, DevelopmentIssuer},
    policy::Assertions,
};

pub(crate) use development::Server as DevelopmentServer;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// The secrets that the server and this sidecar share.
pub(crate) struct Secrets {
    /// Signs requests.
    pub(crate) current: Secret,
    /// Signed requests before a change.
    pub(crate) previous: Option<Secret>,
    /// Signs answers.
    pub(crate) answers: Option<Secret>,
}

/// How the sidecar runs.
pub(crate) struct Setup {
    pub(crate) listen: SocketAddr,
    /// The URL by which the server knows it; if absent, where it listens.
    pub(crate) id: Option<String>,
    pub(crate) secrets: Secrets,
    pub(crate) verifier: Verifier,
    /// The server that development assertions are for; absent, there are none.
    pub(crate) development: Option<DevelopmentServer>,
}

/// Serves until `stop`.
pub(crate) async fn run(mut setup: Setup, stop: impl Future<Output = ()> + Send) -> Result<(), Error> {
    crate::development::self_test(clock::now())?;
    let mut development = None;
    if let Some(server) = setup.development {
        if !setup.listen.ip().is_loopback() {
            return Err("--dev is for the loopback interface alone".into());
        }
        let issuer = DevelopmentIssuer::new()?;
        setup.verifier.issuers.add(DEVELOPMENT_ISSUER, issuer.issuer())?;
        development = Some(development::routes(issuer, server));
    }
    if setup.verifier.issuers.iter().next().is_none() {
        return Err("no issuer is configured, so nothing would ever be taken".into());
    }
    let listen = setup.listen;
    let listener = TcpListener::bind(listen)
        .await
        .map_err(|e| io::Error::new(e.kind(), format!("cannot listen on {listen}: {e}")))?;
    let address = listener.local_addr()?;
    let id = setup.id.unwrap_or_else(|| format!("http://{address}"));
    let mut settings = Settings::new(id, setup.secrets.current)?;
    if let Some(previous) = setup.secrets.previous {
        settings = settings.previous_secret(previous);
    }
    if let Some(answers) = setup.secrets.answers {
        settings = settings.response_secret(answers)?;
    }
    let mut serving = serve(Assertions::new(setup.verifier));
    if let Some(routes) = development {
        serving = serving.beside(routes);
        tracing::warn!("development: anybody on this machine gets assertions about anybody");
    }
    println!("placet-saml listens on http://{address}");
    Ok(serving.listener(settings, listener, stop).await?)
}
