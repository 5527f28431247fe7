//! Applications with access: what was consented to and remembered, and what was granted without.

use placet_sdk::{Instant, client::Error};

use super::{Done, all, gone};
use crate::visit::Visit;

/// An application that a user let in.
pub(super) struct App {
    pub(super) client_id: String,
    pub(super) name: String,
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
        let name = consent.client_name.unwrap_or_else(|| consent.client_id.clone());
        let app = entry(&mut apps, (consent.client_id, name), consent.granted_at);
        app.learn(consent.scope);
        app.consents.push(consent.id);
    }
    for grant in all(|cursor| async move { api.authorizations(sub, cursor.as_deref()).await }).await? {
        let name = grant.client_id.clone();
        let app = entry(&mut apps, (grant.client_id, name), grant.created_at);
        app.learn(grant.scope);
        app.authorizations.push(grant.id);
    }
    apps.sort_by_key(|app| app.name.to_lowercase());
    Ok(apps)
}

fn entry(apps: &mut Vec<App>, (client_id, name): (String, String), since: Instant) -> &mut App {
    let at = apps.iter().position(|app| app.client_id == client_id).unwrap_or_else(|| {
        let (scope, consents, authorizations) = (Vec::new(), Vec::new(), Vec::new());
        apps.push(App { client_id, name, scope, since, consents, authorizations });
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
