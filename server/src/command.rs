//! Commands: `dev`, `serve`, `check-config`, `check-sidecar`, `clock`, `mock`, `keys`, `migrate`; and `client`, `subjects`,
//! `sessions`, `authorizations`, `policies`, `decisions`, `simulate`,
//! `event-receivers`, `deliveries`, `console`, which call the admin API.

mod admin;
mod clock;
#[cfg(test)]
mod documents;
mod house;
mod keys;

use std::{
    io::IsTerminal as _,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use clap::{Parser, Subcommand};
use futures_util::future::OptionFuture;
use placet_sdk::check;
use placet_server::{
    clock::{Clock, SystemClock},
    config::{Config, DEVELOPMENT_SECRETS},
    delivery, freshness,
    http::{self, listen::Fronts},
    random::{OsRandom, Random},
    seal::MasterKeys,
    server::{Environment, Server, StartError},
    store::{Store, embedded::Embedded, postgres},
};
use tokio::{net::TcpListener, sync::watch};
use tracing_subscriber::EnvFilter;

use crate::development::{self, conformance::Purpose};

/// How often it is looked at what other processes changed: well within what is promised.
const CATCH_UP_EVERY: Duration = Duration::from_secs(2);
/// How often it is seen whether certificates changed.
const CERTIFICATES_EVERY: Duration = Duration::from_secs(10);
/// How long a request waits for a connection to the database.
const DATABASE_WAIT: Duration = Duration::from_secs(3);
/// How long a stop waits for decisions whose requests are gone: longer than one may take by default.
const DECISIONS_WAIT: Duration = Duration::from_secs(5);
/// How long a stop waits for the collector of traces.
const TRACES_WAIT: Duration = Duration::from_secs(3);
/// The tenant of a server with one issuer.
const TENANT: &str = "default";

#[derive(Parser)]
#[command(name = "placet", version, about = "An OAuth 2.0 authorization server and OpenID Connect provider")]
struct Arguments {
    /// The configuration file.
    #[arg(long, global = true, env = "PLACET_CONFIG")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    #[command(flatten)]
    Server(ServerCommand),
    /// Look at and change the keys: those that sign, and those that others encrypt with.
    ///
    /// Opens the store and the master key that the configuration names. That works while no server holds an embedded
    /// store; if one does, ask it: `placet keys --admin http://127.0.0.1:8081 list`.
    Keys(keys::Arguments),
    #[command(flatten)]
    Admin(admin::AdminCommand),
    /// Check whether a sidecar speaks the decision API as it should.
    CheckSidecar(Box<check::Arguments>),
    /// Serve the interaction API with scripted scenarios, for those who write a login app.
    Mock(Box<placet_mock::Arguments>),
}

#[derive(Subcommand)]
enum ServerCommand {
    /// Serve for development: open registration, http on localhost, a demo client and well-known secrets.
    Dev {
        /// What for: `conformance` leaves the demo out, and switches on what a conformance suite examines.
        #[arg(long, value_enum, default_value_t)]
        profile: Purpose,
    },
    /// Serve.
    Serve,
    /// Say whether the configuration is sound, and everything that is wrong with it.
    CheckConfig,
    /// Bring the schema of the store up to date; starting the server does the same.
    Migrate,
    /// Look at the latest time that servers of this store have seen, which none of them goes back behind.
    Clock {
        #[command(subcommand)]
        command: clock::ClockCommand,
    },
    /// Look at the resources of the configuration.
    Resource {
        #[command(subcommand)]
        command: ResourceCommand,
    },
}

#[derive(Subcommand)]
enum ResourceCommand {
    /// List the resources whose metadata are published, and where clients look for them.
    List,
    /// Print the metadata of a resource (RFC 9728), to be served by its own host. A running server gives them with a
    /// signature at `/.well-known/placet-resource-metadata?resource=`.
    Metadata {
        /// The resource indicator.
        uri: String,
    },
}

/// Where the log goes: to the standard error, as text for people or, with `PLACET_LOG_FORMAT=json`, as a JSON object a line.
fn log() {
    let filter = EnvFilter::try_from_env("PLACET_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::env::var("PLACET_LOG_FORMAT").is_ok_and(|format| format == "json") {
        lines.json().flatten_event(true).with_current_span(false).init();
    } else {
        lines.with_ansi(std::io::stderr().is_terminal()).init();
    }
}

/// After so many tasks a thread looks whether anything came over the network. A signature may take a millisecond, and
/// with the usual 61 of them in between, nobody would hear of a request for the keys for as many.
const LOOK_UP: u32 = 16;
/// Every second task that a thread takes is one of those that found no room in the queue of a thread, if there are any: when
/// connections come in crowds, they and whoever was there before would else wait for seconds.
const TURNS: u32 = 2;

/// Runs the command line.
pub(crate) fn run() -> ExitCode {
    let arguments = Arguments::parse();
    log();
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if let Ok(n) = std::env::var("GQI") {
        builder.global_queue_interval(n.parse().unwrap());
    }
    builder.enable_all().event_interval(LOOK_UP).global_queue_interval(TURNS);
    let runtime = match builder.build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("placet: {error}");
            return ExitCode::FAILURE;
        }
    };
    let command = match arguments.command {
        Command::CheckSidecar(sidecar) => return runtime.block_on(check::main(*sidecar)),
        Command::Keys(keys) => return runtime.block_on(keys::main(arguments.config.as_deref(), keys)),
        Command::Admin(command) => return runtime.block_on(admin::main(command)),
        Command::Mock(mock) => return runtime.block_on(placet_mock::main(*mock)),
        Command::Server(command) => command,
    };
    match runtime.block_on(execute(arguments.config.as_deref(), command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("placet: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn execute(file: Option<&Path>, command: ServerCommand) -> Result<(), StartError> {
    let mut config = Config::read(file, |name| std::env::var(name).ok())?;
    if let ServerCommand::Dev { profile } = command {
        match profile {
            Purpose::Demo => development::prepare(&mut config),
            Purpose::Conformance => development::conformance::prepare(&mut config)?,
        }
        development::admit_admin(&mut config, std::env::var(development::ADMIN_TOKEN).ok())?;
    }
    match command {
        ServerCommand::Dev { .. } | ServerCommand::Serve => serve(config).await,
        ServerCommand::CheckConfig => {
            config.check()?;
            // A file that is not at hand here is for `serve` to miss: configurations are checked without secrets, too.
            let at_hand = |path: &PathBuf| path.exists();
            for client in
                config.clients.iter().filter(|client| client.secret_file.as_ref().is_some_and(at_hand))
            {
                client.known_secret()?;
            }
            println!("the configuration is sound");
            Ok(())
        }
        ServerCommand::Resource { command } => resource(&config, &command),
        ServerCommand::Clock { command } => clock::run(&*store(&config).await?, &command).await,
        ServerCommand::Migrate => {
            store(&config).await?;
            println!("the schema is up to date");
            Ok(())
        }
    }
}

async fn store(config: &Config) -> Result<Arc<dyn Store>, StartError> {
    if let Some(url) = &config.database_url {
        let settings = postgres::PoolSettings { size: config.database_connections, wait: DATABASE_WAIT };
        let store = postgres::Postgres::connect(url, TENANT, settings).await;
        return Ok(Arc::new(store.map_err(|e| StartError::Fault(e.into()))?));
    }
    std::fs::create_dir_all(&config.data_dir).map_err(|e| {
        placet_server::outcome::Fault::new("data_dir", format!("{}: {e}", config.data_dir.display()))
    })?;
    let store = Embedded::open(&config.data_dir.join("placet.db"), TENANT);
    Ok(Arc::new(store.map_err(|e| StartError::Fault(e.into()))?))
}

fn master(config: &Config, random: &dyn Random) -> Result<MasterKeys, StartError> {
    Ok(match &config.master_key_file {
        Some(path) => MasterKeys::read(path)?,
        None => MasterKeys::read_or_make(&config.data_dir.join("master.key"), random)?,
    })
}

async fn start(config: Config) -> Result<Server, StartError> {
    config.check()?;
    let random: Arc<dyn Random> = Arc::new(OsRandom);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let store = store(&config).await?;
    let master = master(&config, &*random)?;
    Server::start(config, Environment { store, clock, random, master }).await
}

fn resource(config: &Config, command: &ResourceCommand) -> Result<(), StartError> {
    config.check()?;
    match command {
        ResourceCommand::List => {
            for (uri, place) in config.published_resources() {
                println!("{uri} {}", place.url());
            }
        }
        ResourceCommand::Metadata { uri } => {
            let document = config.resource_metadata(uri).ok_or_else(|| {
                placet_server::outcome::Fault::new(
                    "resource",
                    format!("no metadata of `{uri}` are published"),
                )
            })?;
            println!("{:#}", serde_json::Value::Object(document));
        }
    }
    Ok(())
}

async fn serve(config: Config) -> Result<(), StartError> {
    if !config.limits.enabled {
        tracing::warn!("ALL RATE LIMITS ARE OFF");
    }
    let bind = |address| async move {
        TcpListener::bind(address)
            .await
            .map_err(|e| placet_server::outcome::Fault::new("listener", format!("{address}: {e}")))
    };
    let public = bind(config.listen).await?;
    let private = bind(config.private_listen).await?;
    let mutual = match config.mtls.listen {
        Some(address) => Some(bind(address).await?),
        None => None,
    };
    let server = start(config).await?;
    let fronts = Fronts::load(server.config())
        .map_err(|e| placet_server::outcome::Fault::new("certificate of a listener", e))?;
    let (stop, stopped) = watch::channel(false);
    let housekeeping = tokio::spawn(house::keep(server.clone(), stopped.clone()));
    let keeping_up = tokio::spawn(keep_up(server.clone(), stopped.clone()));
    println!("placet serves {} on {}", server.issuer(), server.config().listen);
    if server.config().development {
        println!("console, for one browser within two minutes: {}", development::console(&server)?);
    }
    let fresh = tokio::spawn(freshness::run(server.clone(), stopped.clone()));
    let deliveries = tokio::spawn(delivery::run(server.clone(), stopped.clone()));
    let rotation = tokio::spawn(rotate_on_signal(server.clone(), stopped.clone()));
    let certificates = tokio::spawn(keep_certificates(server.clone(), fronts.clone(), stopped.clone()));
    let mutual = mutual.zip(fronts.mutual).map(|(listener, front)| {
        http::listen::serve(listener, http::mutual(&server), front, stopped.clone())
    });
    let listeners = async {
        tokio::join!(
            http::listen::serve(public, http::public(&server), fronts.public, stopped.clone()),
            http::listen::serve(private, http::private(&server), fronts.private, stopped.clone()),
            OptionFuture::from(mutual),
        )
    };
    tokio::join!(listeners, async {
        wait_for_signal().await;
        tracing::info!("stopping: requests under way are finished");
        let _ = stop.send(true);
    });
    let _ = housekeeping.await;
    let _ = keeping_up.await;
    let _ = fresh.await;
    let _ = rotation.await;
    let _ = certificates.await;
    let _ = deliveries.await;
    // Decisions go on when those who need them hang up, and each leaves its record.
    let _ = tokio::time::timeout(DECISIONS_WAIT, server.policies().settle()).await;
    let _ = tokio::time::timeout(TRACES_WAIT, server.traces().flush()).await;
    Ok(())
}

/// Learns what other processes changed, until the stop. In a task of its own: nothing else may make it late.
async fn keep_up(server: Server, mut stopped: watch::Receiver<bool>) {
    let mut look = tokio::time::interval(CATCH_UP_EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = look.tick() => server.catch_up().await,
            changed = stopped.changed() => if changed.is_err() || *stopped.borrow() { break },
        }
    }
}

/// Stages successors of the keys at every SIGUSR1: the way to rotate while this process holds the store.
async fn rotate_on_signal(server: Server, mut stopped: watch::Receiver<bool>) {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut asked) = signal(SignalKind::user_defined1()) else { return };
    loop {
        tokio::select! {
            _ = asked.recv() => match server.keys().rotate(false, "operator:signal").await {
                Ok(()) => tracing::info!("successors of the keys are staged"),
                Err(fault) => tracing::error!(%fault, "the keys could not be rotated"),
            },
            changed = stopped.changed() => if changed.is_err() || *stopped.borrow() { break },
        }
    }
}

/// Takes changed certificates at every SIGHUP, and without one within a while.
async fn keep_certificates(server: Server, fronts: Fronts, mut stopped: watch::Receiver<bool>) {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut asked) = signal(SignalKind::hangup()) else { return };
    let mut look = tokio::time::interval(CERTIFICATES_EVERY);
    loop {
        tokio::select! {
            _ = asked.recv() => {}
            _ = look.tick() => {}
            changed = stopped.changed() => {
                if changed.is_err() || *stopped.borrow() {
                    break;
                }
                continue;
            }
        }
        fronts.refresh();
        server.refresh_authorities();
    }
}

async fn wait_for_signal() {
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

/// The published secrets, for the development configuration.
pub(crate) fn published() -> [&'static str; 2] {
    DEVELOPMENT_SECRETS
}
