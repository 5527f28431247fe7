//! Measures a server that `bench/run` started: how many requests of a scenario it does in a second, how long each takes,
//! and what it costs.

mod bare;
mod drive;
mod measure;
mod report;
mod scenario;
mod sidecar;
mod wire;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Parser, Subcommand};

use crate::{
    drive::{Load, Pace},
    scenario::{Kind, Place},
};

#[derive(Parser)]
#[command(name = "placet-bench", about, version)]
struct Command {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Loads a server with scenarios, one after the other, and prints a row for each.
    Load(Box<Arguments>),
    /// The ceiling: a bare warp handler, which answers (`GET /plain`) or signs a token as a server would (`POST /token`).
    Bare {
        /// Where it listens.
        #[arg(long, default_value = "127.0.0.1:18088")]
        listen: SocketAddr,
    },
    /// A policy that allows everything, for the scenarios that ask one.
    Sidecar,
}

#[derive(clap::Args)]
struct Arguments {
    /// The scenarios; all, without any.
    #[arg(value_enum)]
    scenarios: Vec<Kind>,
    /// Base URL of the server.
    #[arg(long, default_value = "http://127.0.0.1:18080")]
    issuer: String,
    /// Address of the listener that the issuer's host stands for.
    #[arg(long, default_value = "127.0.0.1:18080")]
    public: SocketAddr,
    /// Address of its private listener.
    #[arg(long, default_value = "127.0.0.1:18081")]
    private: SocketAddr,
    /// Address of the bare handler.
    #[arg(long, default_value = "127.0.0.1:18088")]
    bare: SocketAddr,
    /// Process ids whose CPU time and memory are reported.
    #[arg(long, value_delimiter = ',')]
    pids: Vec<u32>,
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
    /// A file to which each result is appended, as a line of JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Said of every result: the store, for example.
    #[arg(long, default_value = "")]
    label: String,
}

#[tokio::main]
async fn main() -> std::process::ExitCode {
    let done = match Command::parse().what {
        What::Load(arguments) => load(*arguments).await,
        What::Bare { listen } => bare::serve(listen).await,
        What::Sidecar => sidecar::serve().await,
    };
    match done {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("placet-bench: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

async fn load(arguments: Arguments) -> Result<(), wire::Broken> {
    let place = Place {
        issuer: arguments.issuer,
        public: arguments.public,
        private: arguments.private,
        bare: arguments.bare,
    };
    let load = Load {
        connections: arguments.connections.max(1),
        pace: arguments.rate.map_or(Pace::Closed, Pace::Open),
        warm_up: Duration::from_secs(arguments.warm_up),
        measured: Duration::from_secs(arguments.seconds.max(1)),
    };
    let kinds = if arguments.scenarios.is_empty() { Kind::ALL.to_vec() } else { arguments.scenarios };
    report::head();
    for kind in kinds {
        let result = drive::run(kind, &place, load, &arguments.pids).await?;
        report::row(kind, &arguments.label, &result);
        if let Some(path) = &arguments.json {
            report::append(path, kind, &arguments.label, &result).map_err(wire::Broken::File)?;
        }
        if result.wrong > 0 {
            eprintln!("placet-bench: {} of them were wrong; the first: {}", result.wrong, result.first_wrong);
        }
    }
    Ok(())
}
