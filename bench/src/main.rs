//! Measures a server that `bench/run` started: how many requests of a scenario it does in a second, how long each takes,
//! and what it costs.

mod bare;
mod drive;
mod measure;
mod overload;
mod place;
mod report;
mod results;
mod scenario;
mod sidecar;
mod statements;
mod target;
mod units;
mod wire;

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use clap::{Parser, Subcommand};

use crate::{
    drive::{Load, Pace, Watched},
    overload::Measuring,
    place::{Mutual, Place},
    report::Line,
    scenario::Kind,
    statements::Database,
    target::Target,
    wire::Broken,
};

#[derive(Parser)]
#[command(name = "placet-bench", about, version)]
struct Command {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Loads a server with scenarios, one after the other, and prints a row for each. Of an option that is there twice, the
    /// last counts.
    #[command(args_override_self = true)]
    Load(Box<Arguments>),
    /// Asks a server for as much as it can do, and for up to ten times that, and prints a row for each.
    #[command(args_override_self = true)]
    Overload {
        #[command(flatten)]
        arguments: Box<Arguments>,
        /// Connections that there are at most.
        #[arg(long, default_value_t = 8_000)]
        most: usize,
    },
    /// The ceiling: a bare warp handler, which answers (`GET /plain`) or signs a token as a server would (`POST /token`).
    Bare {
        /// Where it listens.
        #[arg(long, default_value = "127.0.0.1:17088")]
        listen: SocketAddr,
    },
    /// A policy that allows everything, for the scenarios that ask one.
    Sidecar,
    /// Makes a page in Markdown of files of results.
    Report {
        /// The files: lines of JSON.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

#[derive(clap::Args)]
struct Arguments {
    /// The scenarios; without any, all that what is loaded can do.
    #[arg(value_enum)]
    scenarios: Vec<Kind>,
    /// Base URL of the server.
    #[arg(long, default_value = "http://127.0.0.1:17080")]
    issuer: String,
    /// Addresses of the listeners that the issuer's host stands for, one for each replica.
    #[arg(long, value_delimiter = ',', default_value = "127.0.0.1:17080")]
    public: Vec<SocketAddr>,
    /// Addresses of their private listeners.
    #[arg(long, value_delimiter = ',', default_value = "127.0.0.1:17081")]
    private: Vec<SocketAddr>,
    /// Address of the bare handler.
    #[arg(long, default_value = "127.0.0.1:17088")]
    bare: SocketAddr,
    /// Address of the listener that asks for certificates.
    #[arg(long, requires = "certificates")]
    mtls: Option<SocketAddr>,
    /// Folder with `ca.pem`, `client.pem` and `client.key`.
    #[arg(long)]
    certificates: Option<PathBuf>,
    /// A file that describes a server of somebody else, which is loaded instead.
    #[arg(long)]
    target: Option<PathBuf>,
    /// Process ids of servers, whose CPU time and memory are reported.
    #[arg(long, value_delimiter = ',')]
    pids: Vec<u32>,
    /// Process id of the bare handler.
    #[arg(long)]
    bare_pid: Option<u32>,
    /// Process ids of the servers' database, whose CPU time is reported.
    #[arg(long, value_delimiter = ',')]
    database_pids: Vec<u32>,
    /// URL of a database of the same cluster that counts statements (`pg_stat_statements`).
    #[arg(long, requires = "database_name")]
    statements: Option<String>,
    /// Name of the database whose statements are counted.
    #[arg(long)]
    database_name: Option<String>,
    /// Connections that work at the same time.
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// Requests in a second, over all connections, whether or not they are answered in time (open loop). Absent: each
    /// connection goes on when it has its answer (closed loop).
    #[arg(long)]
    rate: Option<f64>,
    /// How long each scenario is measured, in seconds.
    #[arg(long, default_value_t = 8)]
    seconds: u64,
    /// How long each scenario runs before that, in seconds.
    #[arg(long, default_value_t = 2)]
    warm_up: u64,
    /// The end comes with so many requests, if that is sooner.
    #[arg(long)]
    requests: Option<u64>,
    /// A file to which each result is appended, as a line of JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Said of every result: the store, for example.
    #[arg(long, default_value = "")]
    label: String,
    /// Said of every result: how many authorizations the store held before.
    #[arg(long)]
    rows: Option<u64>,
    /// Judges the answers alone, not how fast they came: fails if one was wrong, or if there was none.
    #[arg(long)]
    check: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Command::parse().what {
        What::Load(arguments) => load(&arguments).await,
        What::Overload { arguments, most } => overload(&arguments, most).await,
        What::Bare { listen } => bare::serve(listen).await.map(|()| true),
        What::Sidecar => sidecar::serve().await.map(|()| true),
        What::Report { files } => results::print(&files).map(|()| true),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("placet-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Tells whether all answers were right, or nobody wants to know.
async fn load(arguments: &Arguments) -> Result<bool, Broken> {
    let load = Load {
        connections: arguments.connections.max(1),
        pace: arguments.rate.map_or(Pace::Closed, Pace::Open),
        warm_up: Duration::from_secs(arguments.warm_up),
        measured: Duration::from_secs(arguments.seconds.max(1)),
        requests: arguments.requests,
    };
    let place = Arc::new(place(arguments)?);
    let kinds = kinds(arguments, &place, load.connections);
    let (mut passed, mut failed) = (0, 0);
    println!("{}", report::HEAD);
    for kind in kinds {
        let watched = watched(arguments, &place, kind);
        let result = match drive::run(kind, &place, load, &watched).await {
            Ok(result) => result,
            // The others may do better.
            Err(error) => {
                eprintln!("placet-bench: {kind}: {error}");
                failed += 1;
                continue;
            }
        };
        let of = if kind.is_bare() { "bare" } else { label(arguments, &place) };
        let line = Line::new(kind, load, (of, arguments.rows), &result);
        println!("{}", line.row());
        if let Some(path) = &arguments.json {
            report::append(path, &line).map_err(Broken::File)?;
        }
        if result.wrong > 0 {
            eprintln!("placet-bench: {kind}: {} were wrong; the first: {}", result.wrong, result.first_wrong);
        }
        if result.wrong > 0 || result.done == 0 {
            failed += 1;
        } else {
            passed += 1;
        }
    }
    if arguments.check {
        println!("\n{passed} passed, {failed} failed");
    }
    Ok(failed == 0 || !arguments.check)
}

/// Tells whether all answers were right, or nobody wants to know.
async fn overload(arguments: &Arguments, connections: usize) -> Result<bool, Broken> {
    let place = Arc::new(place(arguments)?);
    let measuring = Measuring {
        warm_up: Duration::from_secs(arguments.warm_up),
        measured: Duration::from_secs(arguments.seconds.max(1)),
        connections,
    };
    let mut wrong = 0;
    for kind in &arguments.scenarios {
        let of = (label(arguments, &place), arguments.pids.as_slice());
        wrong += overload::run(*kind, &place, measuring, of, arguments.json.as_deref()).await?;
    }
    Ok(wrong == 0 || !arguments.check)
}

fn place(arguments: &Arguments) -> Result<Place, Broken> {
    let mutual = match (arguments.mtls, arguments.certificates.as_deref()) {
        (Some(address), Some(folder)) => Some(Mutual::new(address, folder)?),
        _ => None,
    };
    Ok(Place {
        issuer: arguments.issuer.clone(),
        public: arguments.public.clone(),
        private: arguments.private.clone(),
        bare: arguments.bare,
        mutual,
        target: arguments.target.as_deref().map(Target::read).transpose()?,
    })
}

/// Those that were asked for; else all that there is something for.
fn kinds(arguments: &Arguments, place: &Place, connections: usize) -> Vec<Kind> {
    let can = |kind: &Kind| match &place.target {
        Some(target) => target.does(*kind, connections),
        None => {
            (!kind.is_certified() || place.mutual.is_some())
                && (!kind.is_bare() || arguments.bare_pid.is_some())
        }
    };
    if arguments.scenarios.is_empty() {
        Kind::ALL.into_iter().filter(can).collect()
    } else {
        arguments.scenarios.clone()
    }
}

fn watched(arguments: &Arguments, place: &Place, kind: Kind) -> Watched {
    if kind.is_bare() {
        return Watched { servers: arguments.bare_pid.into_iter().collect(), ..Watched::default() };
    }
    let servers = place.target.as_ref().map_or(&arguments.pids, |target| &target.pids);
    let statements = arguments.statements.clone().zip(arguments.database_name.clone());
    Watched {
        servers: servers.clone(),
        database: arguments.database_pids.clone(),
        statements: statements.map(|(url, name)| Database { url, name }),
    }
}

fn label<'a>(arguments: &'a Arguments, place: &'a Place) -> &'a str {
    match &place.target {
        Some(target) if arguments.label.is_empty() => &target.name,
        _ => &arguments.label,
    }
}
