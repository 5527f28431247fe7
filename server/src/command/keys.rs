//! `placet keys`: on the store itself, or through the admin API of the server that holds it.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Subcommand};
use placet_sdk::admin::KeyEntry;
use placet_server::{config::Config, events, outcome::Fault};
use serde_json::json;

use super::{
    admin::{
        Connection, Done,
        output::{show, table, word},
    },
    start,
};

#[derive(Args)]
pub(super) struct Arguments {
    /// Ask the server with this private listener (`http://127.0.0.1:8081`, say) instead of opening its store.
    #[arg(long, global = true, value_name = "URL")]
    admin: Option<String>,
    /// A file with the bearer of an admin; else it is taken from `PLACET_ADMIN_TOKEN`.
    #[arg(long, global = true, requires = "admin")]
    token_file: Option<PathBuf>,
    /// Print the keys as JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List the keys with their states.
    ///
    /// `staged`: published, and works soon. `signing`: signs. `verify_only`: published as long as something that it signed
    /// may be good. `decrypting`: others encrypt with it. `retired`: still opens what others encrypted with it.
    /// `revoked`: what it signed counts no more, and what was encrypted with it is not opened.
    List,
    /// Stage a successor for every key; it works once others had time to see it.
    Rotate {
        /// Use the new keys at once: verifiers that have cached the key set refuse the first tokens.
        /// Not with `--admin`.
        #[arg(long)]
        now: bool,
    },
    /// Revoke a key that is in wrong hands: what it signed counts no more, and a new one works at once.
    Revoke {
        /// Its id, as in the list; some begin with a hyphen.
        #[arg(allow_hyphen_values = true)]
        kid: String,
    },
}

/// Runs the command: 0 if it was done, 1 if it was refused or the store or the server cannot be reached.
pub(super) async fn main(file: Option<&Path>, arguments: Arguments) -> ExitCode {
    let done = match &arguments.admin {
        Some(url) => remote(url, &arguments).await,
        None => local(file, &arguments).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("placet: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn remote(url: &str, arguments: &Arguments) -> Done {
    let admin = Connection::to(url, arguments.token_file.as_deref())?;
    let keys = match &arguments.command {
        Command::List => admin.keys().await?,
        Command::Rotate { now: true } => {
            return Err("`--now` needs the store: it does not go with `--admin`".into());
        }
        Command::Rotate { now: false } => admin.rotate_keys().await?,
        Command::Revoke { kid } => admin.revoke_key(kid).await?,
    };
    shown(arguments, &keys.items)
}

async fn local(file: Option<&Path>, arguments: &Arguments) -> Done {
    let mut config = Config::read(file, |name| std::env::var(name).ok())?;
    // Looking after keys needs the store and the master key, and nothing that development relaxes.
    if config.master_key_file.is_none() {
        config.development = true;
    }
    let embedded = config.database_url.is_none();
    let server = start(config).await.map_err(|error| {
        let hint = "; if a server holds this store, ask it by `--admin URL`";
        format!("{error}{}", if embedded { hint } else { "" })
    })?;
    let by = "operator:command-line";
    match &arguments.command {
        Command::List => {}
        Command::Rotate { now } => server.keys().rotate(*now, by).await?,
        Command::Revoke { kid } => {
            let event = events::event(&server, "key.revoked", kid, &json!({ "kid": kid, "by": by }))?;
            if !server.keys().revoke(kid, event).await? {
                return Err(Fault::new("keys", format!("there is no key `{kid}` in force")).into());
            }
        }
    }
    shown(arguments, &server.keys().entries().await?)
}

fn shown(arguments: &Arguments, keys: &[KeyEntry]) -> Done {
    show(arguments.json, &keys, || {
        let rows = keys.iter().map(|key| {
            let until = word(&key.expires_at);
            [key.alg.clone(), key.state.clone(), key.changed_at.to_string(), until, key.kid.clone()]
        });
        table::print(["ALGORITHM", "STATE", "SINCE", "UNTIL", "KEY"], &rows.collect::<Vec<_>>());
    })
}
