//! `placet-directory`: serves claims from a directory.

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;
use placet_directory::{DirectoryPolicy, config::Config, source::Source};

/// A claims source for Placet over the login app's user table or an LDAP directory.
///
/// `PLACET_SECRET` (`whsec_…`), `PORT`, `HOST`, `PLACET_SOCKET` and `PLACET_SIDECAR_ID` are those of every sidecar
/// that is written with placet-sdk.
#[derive(Parser)]
#[command(name = "placet-directory", version)]
struct Command {
    /// The configuration
    #[arg(long, env = "PLACET_DIRECTORY_CONFIG")]
    config: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    match run(Command::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("placet-directory: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<(), Box<dyn std::error::Error>> {
    let path = &command.config;
    let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let config: Config = toml::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))?;
    let source = Source::open(&config.source)?;
    let policy = DirectoryPolicy::new(source, config.cache_seconds);
    Ok(placet_sdk::policy::serve(policy).from_env().await?)
}
