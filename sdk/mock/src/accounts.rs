//! Sessions, consents and authorizations for account pages: the same few at every start, in memory.

use placet_sdk::{
    Instant,
    interaction::SessionInfo,
    resources::{AuthorizationInfo, ConsentInfo, Page},
};
use serde::Deserialize;
use serde_json::Value;

use crate::scenario::{Facts, fill};

const AT_START: &str = include_str!("../accounts.json");

/// What account pages show.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Accounts {
    sessions: Vec<SessionInfo>,
    consents: Vec<ConsentInfo>,
    authorizations: Vec<AuthorizationInfo>,
}

impl Accounts {
    /// Those of the start.
    pub(crate) fn new(now: Instant) -> Self {
        let facts = Facts { now, sub: "alice".to_owned(), id: String::new(), issuer: String::new() };
        serde_json::from_str::<Value>(AT_START)
            .and_then(|value| serde_json::from_value(fill(value, &facts)))
            .expect("the accounts of the start are sound: a test reads them")
    }

    /// The sessions of a user.
    pub(crate) fn sessions(&self, sub: &str) -> Page<SessionInfo> {
        page(&self.sessions, |session| session.sub == sub)
    }

    /// A session.
    pub(crate) fn session(&self, id: &str) -> Option<&SessionInfo> {
        self.sessions.iter().find(|session| session.id == id)
    }

    /// Ends a session and what was granted in it; tells whether there was one.
    pub(crate) fn end_session(&mut self, id: &str) -> bool {
        self.authorizations.retain(|one| one.session_id.as_deref() != Some(id));
        removed(&mut self.sessions, |session| session.id == id)
    }

    /// The consents of a user.
    pub(crate) fn consents(&self, sub: &str) -> Page<ConsentInfo> {
        page(&self.consents, |consent| consent.sub == sub)
    }

    /// Withdraws a consent and what was granted under it; tells whether there was one.
    pub(crate) fn delete_consent(&mut self, id: &str) -> bool {
        if let Some(consent) = self.consents.iter().find(|consent| consent.id == id).cloned() {
            self.authorizations
                .retain(|one| (&one.sub, &one.client_id) != (&consent.sub, &consent.client_id));
        }
        removed(&mut self.consents, |consent| consent.id == id)
    }

    /// The authorizations of a user.
    pub(crate) fn authorizations(&self, sub: &str) -> Page<AuthorizationInfo> {
        page(&self.authorizations, |one| one.sub == sub)
    }

    /// Revokes an authorization; tells whether there was one.
    pub(crate) fn revoke(&mut self, id: &str) -> bool {
        removed(&mut self.authorizations, |one| one.id == id)
    }

    /// Ends everything of a user.
    pub(crate) fn end_all(&mut self, sub: &str) {
        self.sessions.retain(|session| session.sub != sub);
        self.authorizations.retain(|one| one.sub != sub);
    }
}

fn page<T: Clone>(all: &[T], is_one: impl Fn(&T) -> bool) -> Page<T> {
    Page { items: all.iter().filter(|one| is_one(one)).cloned().collect(), next_cursor: None }
}

fn removed<T>(all: &mut Vec<T>, is_it: impl Fn(&T) -> bool) -> bool {
    let before = all.len();
    all.retain(|one| !is_it(one));
    all.len() < before
}
