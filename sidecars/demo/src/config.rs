//! What the operator decides: where to listen, whom to trust, who we are.

use std::net::SocketAddr;

use clap::Parser;

// It has no `Debug`, so that the client secret cannot be printed with it.
/// A small relying party to try an OpenID provider with.
#[derive(Clone, Parser)]
#[command(version)]
pub struct Config {
    /// Address to listen on
    #[arg(long, env = "PLACET_DEMO_LISTEN", default_value = "127.0.0.1:8093")]
    pub listen: SocketAddr,
    /// Issuer identifier of the OpenID provider
    #[arg(long, env = "PLACET_DEMO_ISSUER", default_value = "http://localhost:8080")]
    pub issuer: String,
    /// Client identifier of this app
    #[arg(long, env = "PLACET_DEMO_CLIENT_ID", default_value = "demo")]
    pub client_id: String,
    /// Client secret of this app
    #[arg(
        long,
        env = "PLACET_DEMO_CLIENT_SECRET",
        default_value = "demo-secret-for-development-only-0123456789",
        hide_default_value = true,
        hide_env_values = true
    )]
    pub client_secret: String,
    /// Client identifier of the television that this app plays; it has no secret
    #[arg(long, env = "PLACET_DEMO_TV_CLIENT_ID", default_value = "demo-tv")]
    pub tv_client_id: String,
    /// Client identifier of the call centre, which asks users who are elsewhere
    #[arg(long, env = "PLACET_DEMO_CALL_CENTRE_ID", default_value = "call-centre")]
    pub call_centre_id: String,
    /// Client secret of the call centre
    #[arg(
        long,
        env = "PLACET_DEMO_CALL_CENTRE_SECRET",
        default_value = "demo-secret-for-development-only-0123456789",
        hide_default_value = true,
        hide_env_values = true
    )]
    pub call_centre_secret: String,
    /// Where browsers reach this app; its redirect URI is this followed by `/callback`
    #[arg(long, env = "PLACET_DEMO_PUBLIC_URL", default_value = "http://localhost:8093")]
    pub public_url: String,
    /// The authentication context class that the API behind the transfer page wants
    #[arg(long, env = "PLACET_DEMO_STEP_UP_ACR", default_value = "urn:placet:acr:mfa")]
    pub step_up_acr: String,
}

/// Why the app cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting that should be a URL is none.
    #[error("`{setting}` is not a URL: {cause}")]
    Url {
        /// The flag, without dashes.
        setting: &'static str,
        /// What the parser said.
        cause: url::ParseError,
    },
    /// The HTTP client could not be made.
    #[error("the HTTP client cannot be made: {0}")]
    Http(#[from] reqwest::Error),
}
