//! The command line.

use std::{
    io::{self, BufRead as _, IsTerminal as _},
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use clap::{Args, Parser, Subcommand, ValueEnum};
use serde_json::json;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};
use url::Url;

use crate::{
    brand::Colour,
    clock::Clock,
    directory::{Directory, StoredHash, StoredTotp, User},
    password,
    server::{SecondFactor, Server, Settings, read_token},
    totp::Key,
    vault::Vault,
};

/// How long the requests under way may take when the program is asked to stop.
const LAST_REQUESTS: Duration = Duration::from_secs(15);

type Error = Box<dyn std::error::Error + Send + Sync>;

/// A login and consent web app for Placet.
#[derive(Parser)]
#[command(name = "placet-login", version)]
pub struct Command {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Serve the web app
    Serve(Box<Serve>),
    /// Look after the users
    User(Users),
    /// Show the code of this moment for the secret on standard input, as an authenticator app would
    Code,
}

#[derive(Args)]
struct Serve {
    /// Where to listen
    #[arg(long, env = "PLACET_LOGIN_LISTEN", default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
    /// Where browsers find this app
    #[arg(long, env = "PLACET_LOGIN_PUBLIC_URL", default_value = "http://localhost:8090/")]
    public_url: Url,
    /// Base address of the server's interaction API
    #[arg(long, env = "PLACET_LOGIN_API", default_value = "http://127.0.0.1:8081/ui/v1")]
    api: Url,
    /// File with the bearer token for the interaction API
    #[arg(long, env = "PLACET_LOGIN_TOKEN_FILE", conflicts_with = "token")]
    token_file: Option<PathBuf>,
    /// The bearer token itself; other users of the machine may see arguments, so prefer the file
    #[arg(long, env = "PLACET_UI_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// The user directory
    #[arg(long, env = "PLACET_LOGIN_USERS", default_value = "users.toml")]
    users: PathBuf,
    /// Development mode: creates the development users if the user directory does not exist
    #[arg(long, env = "PLACET_LOGIN_DEV")]
    dev: bool,
    /// File with at least 32 random bytes, shared by all instances: forms survive a restart with it, and second factors
    /// need it; in development mode it is made beside the user directory
    #[arg(long, env = "PLACET_LOGIN_KEY_FILE")]
    key_file: Option<PathBuf>,
    /// Authentication context classes that a password satisfies; the first one is the default
    #[arg(long, env = "PLACET_LOGIN_ACR", value_delimiter = ',', default_value = "urn:placet:acr:pwd,0,1")]
    acr: Vec<String>,
    /// Authentication context classes that a password and a second factor satisfy together; the first is the default
    #[arg(long, env = "PLACET_LOGIN_MFA_ACR", value_delimiter = ',', default_value = "urn:placet:acr:mfa")]
    mfa_acr: Vec<String>,
    /// When a user who has a second factor is asked for it
    #[arg(long, env = "PLACET_LOGIN_SECOND_FACTOR", default_value = "demanded")]
    second_factor: When,
    /// Whether users may set up a second factor with their password, when one is demanded
    #[arg(long, env = "PLACET_LOGIN_ENROLMENT", default_value = "open")]
    enrolment: Enrolment,
    /// Addresses of proxies whose X-Forwarded-For is believed
    #[arg(long, env = "PLACET_LOGIN_TRUSTED_PROXY", value_delimiter = ',')]
    trusted_proxy: Vec<IpAddr>,
    /// Name shown on every page
    #[arg(long, env = "PLACET_LOGIN_BRAND_NAME", default_value = "Placet")]
    brand_name: String,
    /// Picture shown in place of the name (.svg, .png, .webp, .jpg)
    #[arg(long, env = "PLACET_LOGIN_BRAND_LOGO")]
    brand_logo: Option<PathBuf>,
    /// Colour of buttons and links
    #[arg(long, env = "PLACET_LOGIN_BRAND_ACCENT", default_value = "#3451d1")]
    brand_accent: Colour,
    /// How much this program logs
    #[arg(long, env = "PLACET_LOGIN_LOG", default_value = "info")]
    log: tracing::Level,
    /// How log lines look
    #[arg(long, env = "PLACET_LOGIN_LOG_FORMAT", default_value = "text")]
    log_format: LogFormat,
}

/// When a second factor is asked for.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum When {
    /// When a request or a policy demands it
    Demanded,
    /// At every sign-in
    Always,
}

/// Who sets up second factors.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Enrolment {
    /// Users, with their password
    Open,
    /// The operator alone, with `user totp`
    Operator,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

#[derive(Args)]
struct Users {
    /// The user directory
    #[arg(long, env = "PLACET_LOGIN_USERS", default_value = "users.toml", global = true)]
    users: PathBuf,
    #[command(subcommand)]
    action: UserAction,
}

#[derive(Subcommand)]
enum UserAction {
    /// Add a user; the password is the first line of standard input
    Add {
        /// What the user types to sign in
        username: String,
        /// Full name
        #[arg(long)]
        name: Option<String>,
        /// Email address
        #[arg(long)]
        email: Option<String>,
    },
    /// Change a password; the new one is the first line of standard input
    Passwd {
        /// Whose
        username: String,
    },
    /// Give a user a second factor, and print its secret and the address that authenticator apps read from a QR code
    Totp {
        /// Whose
        username: String,
        /// The key file of `serve`, which the secret is sealed under
        #[arg(long, env = "PLACET_LOGIN_KEY_FILE", required_unless_present = "remove")]
        key_file: Option<PathBuf>,
        /// Who issues it, as authenticator apps show it
        #[arg(long, env = "PLACET_LOGIN_BRAND_NAME", default_value = "Placet")]
        brand_name: String,
        /// Take it away instead
        #[arg(long)]
        remove: bool,
    },
    /// List the users
    List,
}

/// Runs the command.
pub async fn run(command: Command) -> ExitCode {
    let done = match command.action {
        Action::Serve(serve) => serve.run().await,
        Action::User(users) => users.run(),
        Action::Code => show_code(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("placet-login: {error}");
            ExitCode::FAILURE
        }
    }
}

impl Serve {
    async fn run(self) -> Result<(), Error> {
        start_log(self.log, self.log_format);
        let token = match (&self.token_file, self.token) {
            (Some(path), _) => read_token(path)?,
            (None, Some(token)) => token.trim().to_owned(),
            (None, None) => String::new(),
        };
        if token.is_empty() {
            return Err("a token for the interaction API is needed: --token-file, or PLACET_UI_TOKEN".into());
        }
        if self.acr.iter().all(String::is_empty) || self.mfa_acr.iter().all(String::is_empty) {
            return Err("at least one authentication context class is needed".into());
        }
        let server = Server::bind(Settings {
            listen: self.listen,
            public_url: self.public_url.clone(),
            api: self.api,
            token,
            users: self.users,
            dev: self.dev,
            key_file: self.key_file,
            acr: self.acr,
            second_factor: SecondFactor {
                acr: self.mfa_acr,
                enrolment: self.enrolment == Enrolment::Open,
                always: self.second_factor == When::Always,
            },
            clock: Clock::system(),
            trusted_proxies: self.trusted_proxy,
            brand_name: self.brand_name,
            brand_logo: self.brand_logo,
            brand_accent: self.brand_accent,
        })
        .await?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        println!("placet-login listens on http://{} as {}", server.address()?, self.public_url);
        let (stop, stopping) = oneshot::channel();
        let mut serving = tokio::spawn(server.run(async {
            let _ = stopping.await;
        }));
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            ended = &mut serving => return Ok(ended?),
        }
        tracing::info!("stopping");
        let _ = stop.send(());
        // A connection that never ends must not keep the program alive.
        if tokio::time::timeout(LAST_REQUESTS, serving).await.is_err() {
            tracing::warn!("some requests were cut off");
        }
        Ok(())
    }
}

/// Logs this program alone in detail: what libraries say of a request may hold more than it should.
fn start_log(level: tracing::Level, format: LogFormat) {
    let filter = tracing_subscriber::EnvFilter::new(format!("warn,placet_login={level}"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    match format {
        LogFormat::Text => lines.with_ansi(io::stderr().is_terminal()).init(),
        LogFormat::Json => lines.json().init(),
    }
}

impl Users {
    fn run(self) -> Result<(), Error> {
        match self.action {
            UserAction::Add { username, name, email } => {
                let directory = Directory::open_or_create(&self.users)?;
                let mut user = User::new(username.trim(), read_password()?);
                user.claims.insert("preferred_username".to_owned(), json!(user.username));
                user.claims.extend(name.map(|name| ("name".to_owned(), json!(name))));
                if let Some(email) = email {
                    user.claims.insert("email".to_owned(), json!(email));
                    user.claims.insert("email_verified".to_owned(), json!(false));
                }
                user.claims.insert("updated_at".to_owned(), json!(Clock::system().now()));
                let sub = user.sub.clone();
                directory.add(user)?;
                println!("{sub}");
            }
            UserAction::Passwd { username } => {
                let directory = Directory::open(&self.users)?;
                directory.set_password(&username, read_password()?)?;
            }
            UserAction::Totp { username, remove: true, .. } => {
                Directory::open(&self.users)?.remove_totp(&username)?;
            }
            UserAction::Totp { username, key_file, brand_name, remove: false } => {
                let path = key_file.ok_or("name the key file")?;
                let vault =
                    Vault::from_file(&path).map_err(|e| format!("key file `{}`: {e}", path.display()))?;
                let directory = Directory::open(&self.users)?;
                let user =
                    directory.by_name(&username).ok_or_else(|| format!("there is no user `{username}`"))?;
                let key = Key::random();
                directory.enrol(&user.sub, StoredTotp::new(vault.seal(&user.sub, key.bytes()), 0))?;
                println!("{}\n{}", key.base32(), key.address(&brand_name, &user.username));
            }
            UserAction::List => {
                for user in Directory::open(&self.users)?.all() {
                    let second = if user.totp.is_some() { "totp" } else { "" };
                    println!(
                        "{}\t{}\t{}\t{second}",
                        user.sub,
                        user.username,
                        user.email().unwrap_or_default()
                    );
                }
            }
        }
        Ok(())
    }
}

/// For machines without an authenticator app, and for tests.
fn show_code() -> Result<(), Error> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    let key = Key::from_base32(&line).ok_or("a secret is written in base32 and has at least 128 bits")?;
    println!("{}", key.code(Clock::system().now()));
    Ok(())
}

fn read_password() -> Result<StoredHash, Error> {
    if io::stdin().is_terminal() {
        eprintln!("password (it is shown as you type; better send it by a pipe):");
    }
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() || password.len() > password::MAX_PASSWORD {
        return Err(format!("a password has 1 to {} bytes", password::MAX_PASSWORD).into());
    }
    let hash = password::hash(password).map_err(|e| format!("argon2: {e}"))?;
    Ok(StoredHash::new(hash))
}
