//! Subjects, sessions and authorizations.

use clap::Subcommand;
use placet_sdk::{
    admin::{SubjectEntry, SubjectWrite},
    client::Error,
    interaction::SessionInfo,
    resources::{AuthorizationInfo, Page},
};

use super::{
    Connection, Done,
    output::{object, show, table, word},
};

#[derive(Subcommand)]
pub(in crate::command) enum SubjectsCommand {
    /// Show whether a user is disabled.
    Show {
        /// The subject (`sub`) of the user, as the login app names it.
        sub: String,
    },
    /// Issue nothing for a user any more, and end all sessions and authorizations that there are.
    Disable {
        /// The subject (`sub`) of the user.
        sub: String,
    },
    /// Let a user get something again; what ended stays ended.
    Enable {
        /// The subject (`sub`) of the user.
        sub: String,
    },
}

#[derive(Subcommand)]
pub(in crate::command) enum SessionsCommand {
    /// List the live sessions of a user.
    List {
        /// The subject (`sub`) of the user.
        sub: String,
    },
    /// Show a session.
    Show {
        /// Its id, `ses_…`.
        id: String,
    },
    /// Sign a browser out; authorizations of the session without offline access end too.
    End {
        /// The id of the session, `ses_…`.
        id: String,
    },
}

#[derive(Subcommand)]
pub(in crate::command) enum AuthorizationsCommand {
    /// List the authorizations of a user: one for each grant to a client.
    List {
        /// The subject (`sub`) of the user.
        sub: String,
    },
    /// Show an authorization.
    Show {
        /// Its id, `az_…`.
        id: String,
    },
    /// Revoke an authorization: all its tokens end, and what was exchanged for them.
    Revoke {
        /// Its id, `az_…`.
        id: String,
    },
}

pub(super) async fn subjects(at: &Connection, command: SubjectsCommand) -> Done {
    let admin = at.client()?;
    let found = match command {
        SubjectsCommand::Show { sub } => admin.subject(&sub).await?,
        SubjectsCommand::Disable { sub } => {
            admin.change_subject(&sub, SubjectWrite { disabled: true }).await?
        }
        SubjectsCommand::Enable { sub } => {
            admin.change_subject(&sub, SubjectWrite { disabled: false }).await?
        }
    };
    show(at.json, &found, || subject(&found))
}

pub(super) async fn sessions(at: &Connection, command: SessionsCommand) -> Done {
    let admin = at.client()?;
    match command {
        SessionsCommand::List { sub } => {
            let found = pages(async |cursor| admin.sessions(&sub, cursor.as_deref()).await).await?;
            show(at.json, &found, || browsers(&found))
        }
        SessionsCommand::Show { id } => object(&admin.session(&id).await?),
        SessionsCommand::End { id } => Ok(admin.end_session(&id).await?),
    }
}

pub(super) async fn authorizations(at: &Connection, command: AuthorizationsCommand) -> Done {
    let admin = at.client()?;
    match command {
        AuthorizationsCommand::List { sub } => {
            let found = pages(async |cursor| admin.authorizations(&sub, cursor.as_deref()).await).await?;
            show(at.json, &found, || grants(&found))
        }
        AuthorizationsCommand::Show { id } => object(&admin.authorization(&id).await?),
        AuthorizationsCommand::Revoke { id } => Ok(admin.revoke_authorization(&id).await?),
    }
}

/// All entries of a list, page by page.
pub(super) async fn pages<T>(
    mut page: impl AsyncFnMut(Option<String>) -> Result<Page<T>, Error>,
) -> Result<Vec<T>, Error> {
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let next = page(cursor).await?;
        found.extend(next.items);
        cursor = next.next_cursor;
        if cursor.is_none() {
            return Ok(found);
        }
    }
}

fn subject(found: &SubjectEntry) {
    let state = if found.disabled { "disabled" } else { "enabled" };
    let row = [found.sub.clone(), state.to_owned(), word(&found.disabled_at)];
    table::print(["SUBJECT", "STATE", "SINCE"], &[row]);
}

fn browsers(found: &[SessionInfo]) {
    let rows = found.iter().map(|session| {
        let (ends, level) = (word(&session.expires_at), word(&session.acr));
        [session.id.clone(), session.authenticated_at.to_string(), ends, level]
    });
    table::print(["SESSION", "SIGNED IN", "ENDS", "LEVEL (ACR)"], &rows.collect::<Vec<_>>());
}

fn grants(found: &[AuthorizationInfo]) {
    let rows = found.iter().map(|grant| {
        let (since, until) = (grant.created_at.to_string(), grant.expires_at.to_string());
        [grant.id.clone(), grant.client_id.clone(), since, until, grant.scope.join(" ")]
    });
    table::print(["AUTHORIZATION", "CLIENT", "GRANTED", "ENDS", "SCOPE"], &rows.collect::<Vec<_>>());
}
