//! Applications with access: what was consented to and remembered, and what was granted without.

use placet_sdk::{Instant, client::Error, interaction::ClientInfo};

use super::{Done, all, gone};
use crate::{
    page::{self, Client},
    visit::Visit,
};

/// An application that a user let in.
pub(super) struct App {
    pub(super) client_id: String,
    pub(super) client: Client,
    /// Where a sign-in begins there.
    pub(super) sign_in: Option<String>,
    pub(super) scope: Vec<String>,
    /// Since when.
    pub(super) since: Instant,
    consents: Vec<String>,
    authorizations: Vec<String>,
}

/// The applications of a user, by name.
pub(super) async fn of(visit: &Visit, sub: &str) -> Result<Vec<App>, Error> {
    let api = &visit.app.api;
    let mut apps = Vec::new();
    for consent in all(|cursor| async move { api.consents(sub, cursor.as_deref()).await }).await? {
        let info = consent.client.unwrap_or_else(|| unknown(&consent.client_id, consent.client_name));
        let app = entry(visit, &mut apps, (info, consent.sign_in_uri), consent.granted_at);
        app.learn(consent.scope);
        app.consents.push(consent.id);
    }
    for grant in all(|cursor| async move { api.authorizations(sub, cursor.as_deref()).await }).await? {
        let info = grant.client.unwrap_or_else(|| unknown(&grant.client_id, None));
        let app = entry(visit, &mut apps, (info, grant.sign_in_uri), grant.created_at);
        app.learn(grant.scope);
        app.authorizations.push(grant.id);
    }
    apps.sort_by_key(|app| app.client.name.to_lowercase());
    Ok(apps)
}

/// A client that is gone.
fn unknown(client_id: &str, name: Option<String>) -> ClientInfo {
    ClientInfo { client_id: client_id.to_owned(), name, ..ClientInfo::default() }
}

fn entry<'a>(
    visit: &Visit,
    apps: &'a mut Vec<App>,
    (info, sign_in): (ClientInfo, Option<String>),
    since: Instant,
) -> &'a mut App {
    let at = apps.iter().position(|app| app.client_id == info.client_id).unwrap_or_else(|| {
        apps.push(App {
            client: Client::new(&info, visit.app.dev),
            client_id: info.client_id,
            sign_in: sign_in.filter(|uri| page::is_web(uri)),
            scope: Vec::new(),
            since,
            consents: Vec::new(),
            authorizations: Vec::new(),
        });
        apps.len() - 1
    });
    let app = &mut apps[at];
    app.since = app.since.min(since);
    app
}

impl App {
    fn learn(&mut self, scope: Vec<String>) {
        for value in scope {
            if !self.scope.contains(&value) {
                self.scope.push(value);
            }
        }
    }
}

/// Takes from an application everything that this user let it have. Consents go first: nothing is granted under them anew.
pub(super) async fn withdraw(visit: &Visit, sub: &str, client_id: &str) -> Result<Done, Error> {
    let api = &visit.app.api;
    for app in of(visit, sub).await?.into_iter().filter(|app| app.client_id == client_id) {
        for id in &app.consents {
            gone(api.delete_consent(id).await)?;
        }
        for id in &app.authorizations {
            gone(api.revoke_authorization(id).await)?;
        }
    }
    Ok(Done::Withdrawn)
}
