//! Puts the app together and serves it.

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use placet_sdk::client::UiClient;
use tokio::net::TcpListener;
use url::Url;

use crate::{
    app::{App, Limits, Means, Signups},
    brand::{Brand, Colour},
    clock::Clock,
    csrf::Seal,
    directory::Directory,
    password::Passwords,
    routes,
    vault::Vault,
};

/// How the app runs.
pub struct Settings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Where browsers find it.
    pub public_url: Url,
    /// Base address of the interaction API.
    pub api: Url,
    /// The bearer token for the interaction API.
    pub token: String,
    /// The user directory.
    pub users: PathBuf,
    /// Development mode: creates the development users, and allows pictures from `http://localhost`.
    pub dev: bool,
    /// Key of the form tokens and of the secrets of second factors. If absent, the first lives as long as the process,
    /// and there are no second factors; in development mode it is made beside the user directory.
    pub key_file: Option<PathBuf>,
    /// Authentication context classes that a password satisfies.
    pub acr: Vec<String>,
    /// Second factors.
    pub second_factor: SecondFactor,
    /// Tells the time.
    pub clock: Clock,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<std::net::IpAddr>,
    /// The operator's name.
    pub brand_name: String,
    /// The operator's logo.
    pub brand_logo: Option<PathBuf>,
    /// The operator's colour.
    pub brand_accent: Colour,
}

/// How second factors are used.
#[derive(Clone, Debug)]
pub struct SecondFactor {
    /// Authentication context classes that a password and a second factor satisfy together; the first one is the default.
    pub acr: Vec<String>,
    /// Whether users may set one up when one is demanded.
    pub enrolment: bool,
    /// Whether it is asked for at every sign-in of a user who has one, and not only on demand.
    pub always: bool,
}

/// A server that is bound but does not serve yet.
pub struct Server {
    app: Arc<App>,
    listener: TcpListener,
}

impl Server {
    /// Checks the settings, opens the directory and binds the socket.
    pub async fn bind(settings: Settings) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        check_public_url(&settings.public_url)?;
        let key_file = key_file(&settings)?;
        let of_file = |e: io::Error, path: &Path| format!("key file `{}`: {e}", path.display());
        let (seal, vault) = match &key_file {
            Some(path) => (
                Seal::from_file(path).map_err(|e| of_file(e, path))?,
                Some(Vault::from_file(path).map_err(|e| of_file(e, path))?),
            ),
            None => (Seal::random(), None),
        };
        let directory = match &vault {
            Some(vault) if settings.dev => Directory::open_for_development(&settings.users, vault)?,
            _ => Directory::open(&settings.users)?,
        };
        if vault.is_none() && directory.all().iter().any(|user| user.totp.is_some()) {
            return Err("some users have a second factor, whose secret is sealed: name the key file".into());
        }
        let app = App {
            api: UiClient::new(settings.api.as_str(), &settings.token)?,
            directory,
            passwords: Passwords::new().map_err(|e| format!("argon2: {e}"))?,
            limits: Limits::default(),
            signups: Signups::default(),
            codes: Mutex::default(),
            seal,
            brand: Brand::new(settings.brand_name, settings.brand_logo.as_deref(), settings.brand_accent)
                .map_err(|e| format!("logo: {e}"))?,
            means: Means {
                password: settings.acr,
                both: settings.second_factor.acr,
                vault,
                enrolment: settings.second_factor.enrolment,
                always: settings.second_factor.always,
            },
            clock: settings.clock,
            secure: settings.public_url.scheme() == "https",
            dev: settings.dev,
            trusted_proxies: settings.trusted_proxies,
        };
        let listener = TcpListener::bind(settings.listen)
            .await
            .map_err(|e| format!("cannot listen on {}: {e}", settings.listen))?;
        Ok(Self { app: Arc::new(app), listener })
    }

    /// Where it listens.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop`, then finishes the requests under way.
    pub async fn run(self, stop: impl Future<Output = ()> + Send + 'static) {
        warp::serve(routes::all(&self.app)).incoming(self.listener).graceful(stop).run().await;
    }
}

/// The key file; in development mode one that is made beside the user directory.
fn key_file(settings: &Settings) -> Result<Option<PathBuf>, String> {
    if settings.key_file.is_some() || !settings.dev {
        return Ok(settings.key_file.clone());
    }
    let path = settings.users.with_extension("key");
    Vault::make_file(&path).map_err(|e| format!("key file `{}`: {e}", path.display()))?;
    Ok(Some(path))
}

fn check_public_url(url: &Url) -> Result<(), String> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("the public url `{url}` is not a web address"));
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(format!("the public url `{url}` must have no path: the app takes a host of its own"));
    }
    Ok(())
}

/// Reads a token from a file; surrounding white space does not count.
pub(crate) fn read_token(path: &std::path::Path) -> Result<String, String> {
    fs::read_to_string(path)
        .map(|text| text.trim().to_owned())
        .map_err(|e| format!("token file `{}`: {e}", path.display()))
}
