//! Revocation of everything of somebody.

use clap::Subcommand;
use placet_sdk::admin::Revocation;

use super::{Connection, Done};

#[derive(Subcommand)]
pub(in crate::command) enum RevokeCommand {
    /// Everything of a user: sessions, authorizations, and what was exchanged for them. The user may sign in again.
    Subject {
        /// The subject (`sub`) of the user, as the login app names it.
        sub: String,
    },
    /// Everything that was granted to a client, and the tokens that it got for itself.
    Client {
        /// Its id.
        id: String,
    },
    /// What a user or a client got while acting for others.
    Actor {
        /// The subject of the user, or the id of the client.
        name: String,
    },
    /// Everything that there is: all users are signed out, and all applications lose their tokens.
    Everybody {
        /// Says that this is meant.
        #[arg(long, required = true)]
        yes: bool,
    },
}

pub(super) async fn revoke(at: &Connection, command: RevokeCommand) -> Done {
    let nobody = Revocation::default();
    let whose = match command {
        RevokeCommand::Subject { sub } => Revocation { sub: Some(sub), ..nobody },
        RevokeCommand::Client { id } => Revocation { client_id: Some(id), ..nobody },
        RevokeCommand::Actor { name } => Revocation { actor: Some(name), ..nobody },
        RevokeCommand::Everybody { yes } => Revocation { everybody: Some(yes), ..nobody },
    };
    Ok(at.client()?.revoke(&whose).await?)
}
