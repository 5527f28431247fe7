//! The command line.

use std::{
    env, fs,
    io::{self, IsTerminal as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand, ValueEnum};
use placet_sdk::policy::Secret;
use tokio::signal::unix::{SignalKind, signal};
use url::Url;

use crate::{
    config::Config,
    confine::confine,
    desk::MOST_AT_ONCE,
    server::{self, DevelopmentServer, Secrets, Setup},
};

/// Where it listens unless it is told otherwise.
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8091);

/// How long an assertion may live for the server, in seconds, unless its configuration says otherwise.
const SERVER_LIFETIME: u32 = 600;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Turns SAML assertions into verified facts for Placet.
#[derive(Parser)]
#[command(name = "placet-saml", version)]
pub struct Command {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Serve the sidecar
    Serve(Serve),
    /// Read the configuration and every key it names, and say what is believed
    CheckConfig {
        /// The configuration file
        #[arg(long, env = "PLACET_SAML_CONFIG")]
        config: PathBuf,
    },
}

#[derive(Args)]
struct Serve {
    /// The configuration file; needed unless --dev
    #[arg(long, env = "PLACET_SAML_CONFIG", required_unless_present = "dev")]
    config: Option<PathBuf>,
    /// Where to listen [default: 127.0.0.1:8091]
    #[arg(long, env = "PLACET_SAML_LISTEN")]
    listen: Option<SocketAddr>,
    /// File with the secret that the server signs its requests with; or set `PLACET_SAML_SECRET`
    #[arg(long, env = "PLACET_SAML_SECRET_FILE")]
    secret_file: Option<PathBuf>,
    /// File with the secret that answers are signed with; or set `PLACET_SAML_ANSWER_SECRET`
    #[arg(long, env = "PLACET_SAML_ANSWER_SECRET_FILE")]
    answer_secret_file: Option<PathBuf>,
    /// Development mode: issues assertions about anybody at /dev/saml-assertion, and believes them
    #[arg(long, env = "PLACET_SAML_DEV")]
    dev: bool,
    /// The issuer identifier of the server that development assertions are for
    #[arg(long, env = "PLACET_SAML_DEV_ISSUER", default_value = "http://localhost:8080")]
    dev_issuer: Url,
    /// How much this program logs
    #[arg(long, env = "PLACET_SAML_LOG", default_value = "info")]
    log: tracing::Level,
    /// How log lines look
    #[arg(long, env = "PLACET_SAML_LOG_FORMAT", default_value = "text")]
    log_format: LogFormat,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

/// Runs the command.
pub fn run(command: Command) -> ExitCode {
    let done = match command.action {
        Action::Serve(serve) => serve.run(),
        Action::CheckConfig { config } => check(&config),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("placet-saml: {error}");
            ExitCode::FAILURE
        }
    }
}

impl Serve {
    fn run(self) -> Result<(), Error> {
        confine()?;
        start_log(self.log, self.log_format);
        let setup = self.setup()?;
        // Threads have stacks, and stacks count against the limits.
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .max_blocking_threads(MOST_AT_ONCE + 2)
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let mut interrupt = signal(SignalKind::interrupt())?;
            let mut terminate = signal(SignalKind::terminate())?;
            let stop = async move {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                tracing::info!("stopping");
            };
            server::run(setup, stop).await
        })
    }

    fn setup(&self) -> Result<Setup, Error> {
        let config = self.config.as_deref().map(Config::read).transpose()?.unwrap_or_default();
        let folder = folder(self.config.as_deref());
        let file = |option: &Option<PathBuf>, setting: &Option<PathBuf>| {
            option.clone().or_else(|| setting.as_ref().map(|path| folder.join(path)))
        };
        let current = file(&self.secret_file, &config.secret_file);
        let answers = file(&self.answer_secret_file, &config.answer_secret_file);
        let previous = config.previous_secret_file.as_ref().map(|path| folder.join(path));
        let secrets = Secrets {
            current: secret(current.as_deref(), "PLACET_SAML_SECRET")?
                .ok_or("a secret is needed: --secret-file, or PLACET_SAML_SECRET")?,
            previous: previous.map(|path| read_secret(&path)).transpose()?,
            answers: secret(answers.as_deref(), "PLACET_SAML_ANSWER_SECRET")?,
        };
        Ok(Setup {
            listen: self.listen.or(config.listen).unwrap_or(LISTEN),
            verifier: config.verifier(folder)?,
            id: config.id,
            secrets,
            development: self.dev.then(|| DevelopmentServer::new(&self.dev_issuer)),
        })
    }
}

/// Paths in a configuration are relative to its file.
fn folder(config: Option<&Path>) -> &Path {
    config.and_then(Path::parent).unwrap_or(Path::new(""))
}

fn secret(file: Option<&Path>, variable: &str) -> Result<Option<Secret>, Error> {
    if let Some(path) = file {
        return read_secret(path).map(Some);
    }
    match env::var(variable) {
        Ok(text) if !text.is_empty() => Ok(Some(text.parse().map_err(|e| format!("{variable}: {e}"))?)),
        _ => Ok(None),
    }
}

fn read_secret(path: &Path) -> Result<Secret, Error> {
    let text = fs::read_to_string(path).map_err(|e| format!("`{}`: {e}", path.display()))?;
    Ok(text.parse().map_err(|e| format!("`{}`: {e}", path.display()))?)
}

/// Logs this program and the framework that serves it: what other libraries say of a request may hold more than it
/// should.
fn start_log(level: tracing::Level, format: LogFormat) {
    let filter = tracing_subscriber::EnvFilter::new(format!("warn,placet_saml={level},placet_sdk={level}"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    match format {
        LogFormat::Text => lines.with_ansi(io::stderr().is_terminal()).init(),
        LogFormat::Json => lines.json().init(),
    }
}

fn check(path: &Path) -> Result<(), Error> {
    let config = Config::read(path)?;
    let verifier = config.verifier(folder(Some(path)))?;
    for (name, issuer) in verifier.issuers.iter() {
        let until = issuer.valid_until.map(|until| format!(", until {until}")).unwrap_or_default();
        println!("{name}: {} keys, {} seconds{until}", issuer.keys.len(), issuer.max_lifetime);
    }
    println!("{} keys for decryption", verifier.decryption_keys.len());
    println!(
        "the server believes those issuers that its own [[saml.issuers]] lists, and takes assertions that live longer than \
         {SERVER_LIFETIME} seconds where that says so with max_lifetime"
    );
    Ok(())
}
