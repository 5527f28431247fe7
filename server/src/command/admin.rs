//! Commands that are clients of the admin API of a running server.

mod accounts;
mod events;
pub(super) mod output;
mod revocations;
mod run;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Subcommand, builder::PossibleValuesParser};
use placet_sdk::client::AdminClient;

/// Why a command was not done.
pub(super) type Failed = Box<dyn std::error::Error + Send + Sync>;
/// What a command comes to.
pub(super) type Done = Result<(), Failed>;

/// The variable with the bearer of an admin.
const TOKEN: &str = "PLACET_ADMIN_TOKEN";

/// Where the server is, and who calls it.
#[derive(Args)]
pub(super) struct Connection {
    /// The private listener of the server.
    #[arg(long, global = true, env = "PLACET_ADMIN_URL", default_value = "http://127.0.0.1:8081")]
    url: String,
    /// A file with the bearer of an admin; else it is taken from `PLACET_ADMIN_TOKEN`.
    #[arg(long, global = true)]
    token_file: Option<PathBuf>,
    /// Print the answer of the server as JSON.
    #[arg(long, global = true)]
    json: bool,
}

impl Connection {
    /// A client of the admin API of the server with this private listener.
    pub(super) fn to(url: &str, token_file: Option<&Path>) -> Result<AdminClient, Failed> {
        let token = match token_file {
            Some(file) => {
                std::fs::read_to_string(file).map_err(|e| format!("--token-file {}: {e}", file.display()))?
            }
            None => std::env::var(TOKEN)
                .map_err(|_| format!("the bearer of an admin is needed, in {TOKEN} or by --token-file"))?,
        };
        Ok(AdminClient::new(&format!("{}/admin/v1", url.trim_end_matches('/')), token.trim())?)
    }

    fn client(&self) -> Result<AdminClient, Failed> {
        Self::to(&self.url, self.token_file.as_deref())
    }
}

/// Commands that call the admin API.
#[derive(Subcommand)]
pub(super) enum AdminCommand {
    /// Look at clients, register, change and delete them.
    Client {
        #[command(flatten)]
        at: Connection,
        #[command(subcommand)]
        command: ClientCommand,
    },
    /// Look at whether users get anything at all; disable and enable them.
    Subjects {
        #[command(flatten)]
        at: Connection,
        #[command(subcommand)]
        command: accounts::SubjectsCommand,
    },
    /// Look at the browsers in which a user is signed in, and sign them out.
    Sessions {
        #[command(flatten)]
        at: Connection,
        #[command(subcommand)]
        command: accounts::SessionsCommand,
    },
    /// Look at what a user has granted to clients, and take it back.
    Authorizations {
        #[command(flatten)]
        at: Connection,
        #[command(subcommand)]
        command: accounts::AuthorizationsCommand,
    },
    /// End everything of a user, of a client, or of somebody who acts for others.
    Revoke {
        #[command(flatten)]
        at: Connection,
        #[command(subcommand)]
        command: revocations::RevokeCommand,
    },
    /// Look at policies and switch them, until the server starts again.
    Policies {
        #[command(flatten)]
        at: Connection,
        #[command(subcommand)]
        command: PoliciesCommand,
    },
    /// Look at what was decided, and why.
    Decisions {
        #[command(flatten)]
        at: Connection,
        #[command(subcommand)]
        command: DecisionsCommand,
    },
    /// Look at the receivers of events, pause and resume them, and deliver again what was given up.
    EventReceivers {
        #[command(flatten)]
        at: Connection,
        #[command(subcommand)]
        command: events::ReceiversCommand,
    },
    /// Look at what waits to be delivered or was given up, and deliver it again.
    Deliveries {
        #[command(flatten)]
        at: Connection,
        #[command(subcommand)]
        command: events::DeliveriesCommand,
    },
    /// Get a link into the console, for the browser of whoever asks: it works once, within two minutes.
    Console {
        #[command(flatten)]
        at: Connection,
    },
    /// Ask the policies without any effect.
    Simulate {
        #[command(flatten)]
        at: Connection,
        /// A file with a question (JSON), `-` for standard input, or the id of a decision (`dec_…`).
        question: String,
    },
}

#[derive(Subcommand)]
pub(super) enum ClientCommand {
    /// List all clients.
    List,
    /// Show a client.
    Show {
        /// Its id.
        id: String,
    },
    /// Register a client: `client_id`, `metadata` and `settings` as JSON.
    Create {
        /// The file; `-` is standard input.
        file: PathBuf,
    },
    /// Replace `metadata` and `settings` of a client.
    Update {
        /// Its id.
        id: String,
        /// The file; `-` is standard input.
        file: PathBuf,
    },
    /// Delete a client; everything it has ends.
    Delete {
        /// Its id.
        id: String,
    },
    /// Make another secret for a client; the old one ends at once.
    RotateSecret {
        /// Its id.
        id: String,
    },
}

#[derive(Subcommand)]
pub(super) enum PoliciesCommand {
    /// List all policies.
    List,
    /// Show a policy.
    Show {
        /// Its name.
        name: String,
    },
    /// Let its answers count or not.
    Mode {
        /// Its name.
        name: String,
        /// What becomes of its answers.
        #[arg(value_parser = PossibleValuesParser::new(["enforce", "shadow", "off"]))]
        mode: String,
    },
    /// Change its place: the lowest is asked first.
    Order {
        /// Its name.
        name: String,
        /// Its place.
        #[arg(allow_hyphen_values = true)]
        order: i32,
    },
    /// Forget its kept decisions.
    Purge {
        /// Its name.
        name: String,
    },
}

#[derive(Subcommand)]
pub(super) enum DecisionsCommand {
    /// List the latest decisions.
    List {
        /// Of this decision point.
        #[arg(long = "type")]
        hook: Option<String>,
        /// `allow`, `deny`, `challenge` or `failed`.
        #[arg(long)]
        outcome: Option<String>,
        /// About this client.
        #[arg(long)]
        client_id: Option<String>,
        /// About this subject.
        #[arg(long)]
        sub: Option<String>,
        /// In which this policy took part.
        #[arg(long)]
        policy: Option<String>,
        /// How many, 1 to 200.
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// Show a decision, with its question if that is kept.
    Show {
        /// Its id, `dec_…`.
        id: String,
    },
    /// Ask today's policies the same question.
    Replay {
        /// Its id, `dec_…`.
        id: String,
    },
}

/// Runs such a command: 0 if it was done, 1 if the server refused or cannot be reached.
pub(super) async fn main(command: AdminCommand) -> ExitCode {
    let done = match command {
        AdminCommand::Client { at, command } => run::client(&at, command).await,
        AdminCommand::Subjects { at, command } => accounts::subjects(&at, command).await,
        AdminCommand::Sessions { at, command } => accounts::sessions(&at, command).await,
        AdminCommand::Authorizations { at, command } => accounts::authorizations(&at, command).await,
        AdminCommand::Revoke { at, command } => revocations::revoke(&at, command).await,
        AdminCommand::Policies { at, command } => run::policies(&at, command).await,
        AdminCommand::Decisions { at, command } => run::decisions(&at, command).await,
        AdminCommand::EventReceivers { at, command } => events::receivers(&at, command).await,
        AdminCommand::Deliveries { at, command } => events::deliveries(&at, command).await,
        AdminCommand::Console { at } => run::console(&at).await,
        AdminCommand::Simulate { at, question } => run::simulate(&at, &question).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("placet: {error}");
            ExitCode::FAILURE
        }
    }
}
