//! Sessions of users with this server, and the handles that browsers hold.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use placet_oauth::{authorization::AuthFacts, id::Secret};
use placet_sdk::{
    Instant,
    decision::SessionFacts,
    grant::Object,
    interaction::{Candidate, SessionAction, SessionInfo},
};
use serde::{Deserialize, Serialize};

use super::state::Accepted;
use crate::{
    outcome::Fault,
    seal::RootKeys,
    server::Server,
    store::{Digest, SessionRecord},
};

/// Kind of the digests of session handles.
pub const SESSION_HANDLE: &str = "session";
/// A browser is signed in to at most so many accounts at once.
pub const MAX_PER_BROWSER: usize = 8;
/// The use of a session is noted at most this often, in seconds.
const TOUCH_EVERY: i64 = 60;

/// What a session holds besides its times.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct SessionDoc {
    /// Authentication context class reference.
    pub acr: Option<String>,
    /// Authentication methods.
    pub amr: Vec<String>,
    /// Until when the authentication satisfies ordinary requests.
    pub satisfies_until: Option<i64>,
    /// Whether the cookie outlives the browser.
    pub persistent: bool,
    /// Claims that the login app knows.
    pub claims: Object,
    /// Opaque data of the login app.
    pub data: Option<Object>,
}

/// A live session with its document.
#[derive(Clone, Debug)]
pub struct Session {
    /// The record.
    pub record: SessionRecord,
    /// The document.
    pub doc: SessionDoc,
}

impl Session {
    /// The session in a record.
    pub fn read(record: SessionRecord) -> Result<Self, Fault> {
        let doc = serde_json::from_str(&record.doc).map_err(|e| Fault::new("session record", e))?;
        Ok(Self { record, doc })
    }

    /// Its authentication.
    pub fn facts(&self) -> AuthFacts {
        AuthFacts {
            sub: self.record.sub.clone(),
            authenticated_at: self.record.authenticated_at,
            acr: self.doc.acr.clone(),
            amr: self.doc.amr.clone(),
            satisfies_until: self.doc.satisfies_until,
        }
    }

    /// Its authentication, as if the user had given it in this interaction.
    pub fn accepted(&self) -> Accepted {
        Accepted {
            sub: self.record.sub.clone(),
            authenticated_at: self.record.authenticated_at,
            acr: self.doc.acr.clone(),
            amr: self.doc.amr.clone(),
            action: SessionAction::Reuse,
            session_id: Some(self.record.id.clone()),
            persistent: self.doc.persistent,
            max_life: None,
            max_idle: None,
            auth_life: None,
            claims: self.doc.claims.clone(),
            data: self.doc.data.clone(),
        }
    }

    /// How prompts and lists show it.
    pub fn info(&self) -> SessionInfo {
        SessionInfo {
            id: self.record.id.clone(),
            sub: self.record.sub.clone(),
            created_at: Some(Instant(self.record.created_at)),
            authenticated_at: Instant(self.record.authenticated_at),
            acr: self.doc.acr.clone(),
            amr: self.doc.amr.clone(),
            last_used_at: Some(Instant(self.record.last_used_at)),
            expires_at: Some(Instant(self.record.expires_at)),
            data: self.doc.data.clone(),
        }
    }

    /// How policies see it.
    pub fn shown(&self) -> SessionFacts {
        SessionFacts {
            id: Some(self.record.id.clone()),
            sub: self.record.sub.clone(),
            created_at: Some(Instant(self.record.created_at)),
            authenticated_at: Some(Instant(self.record.authenticated_at)),
            acr: self.doc.acr.clone(),
            amr: self.doc.amr.clone(),
            data: self.doc.data.clone(),
        }
    }

    /// How a choice of accounts shows it.
    pub fn candidate(&self) -> Candidate {
        Candidate {
            session_id: self.record.id.clone(),
            sub: self.record.sub.clone(),
            authenticated_at: Instant(self.record.authenticated_at),
            acr: self.doc.acr.clone(),
            amr: self.doc.amr.clone(),
        }
    }

    /// Whether its use is worth a write.
    pub fn is_stale(&self, now: i64) -> bool {
        now.saturating_sub(self.record.last_used_at) >= TOUCH_EVERY
    }
}

/// Digest of a handle.
pub fn handle_digest(root: &RootKeys, handle: &Secret) -> Digest {
    root.digest(SESSION_HANDLE, handle)
}

/// The live sessions behind the handles of a browser, in the order of the handles.
pub async fn of_browser(server: &Server, handles: &[Secret]) -> Result<Vec<Session>, Fault> {
    let digests: Vec<Digest> =
        handles.iter().take(MAX_PER_BROWSER).map(|h| handle_digest(server.root(), h)).collect();
    if digests.is_empty() {
        return Ok(Vec::new());
    }
    let mut records = server.store().sessions_by_handle(&digests, server.now()).await?;
    records.sort_by_key(|r| digests.iter().position(|d| *d == r.handle));
    records.into_iter().map(Session::read).collect()
}

/// A session by its id, if it is live.
pub async fn live(server: &Server, id: &str) -> Result<Option<Session>, Fault> {
    let record = server.store().session(id).await?.filter(|r| r.is_live(server.now()));
    record.map(Session::read).transpose()
}

/// The session id that a client sees (`sid`): another one for every client, so that clients cannot compare.
pub fn sid(root: &RootKeys, session_id: &str, client_id: &str) -> String {
    let digest = root.digest("sid", &Secret::new(format!("{session_id} {client_id}")));
    URL_SAFE_NO_PAD.encode(&digest.0[..16])
}
