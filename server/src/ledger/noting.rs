//! What is noted of a request while it is answered, by whoever knows it.

use std::sync::{Arc, Mutex, PoisonError};

use placet_oauth::error::ErrorCode;
use placet_sdk::admin::DecisionRecord;

use super::flow::{Asked, Outcome};
use crate::{seal::hex, store::Digest};

tokio::task_local! {
    static NOTING: Noting;
}

/// The longest text that is noted, in characters.
const LONGEST: usize = 300;
/// So many sentences, and so many decisions, of one request.
const SENTENCES: usize = 8;
const DECISIONS: usize = 12;
/// Of a digest, so many bytes tell what belongs together.
const TELLING: usize = 12;

/// The notes of a request; cheap to clone, and all clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Noting(Arc<Mutex<Noted>>);

/// What was noted.
#[derive(Debug, Default)]
pub struct Noted {
    pub(super) client_id: Option<String>,
    pub(super) sub: Option<String>,
    pub(super) session_id: Option<String>,
    /// What the request belongs to: `ia_…`, `az_…`, and what is not shown, which begins with a blank.
    pub(super) flows: Vec<String>,
    pub(super) said: Vec<String>,
    pub(super) outcome: Option<Outcome>,
    pub(super) refusal: Option<(String, String)>,
    pub(super) decisions: Vec<Asked>,
}

/// Runs something whose notes go there. It is held several times over: what is large comes in a box.
pub async fn within<F: Future>(noting: Option<Noting>, work: F) -> F::Output {
    match noting {
        Some(noting) => NOTING.scope(noting, work).await,
        None => work.await,
    }
}

/// The notes of the request that is being answered, if any are taken.
pub fn current() -> Option<Noting> {
    NOTING.try_with(Clone::clone).ok()
}

/// Notes something of the request that is being answered, if any notes are taken of it.
pub fn note(what: impl FnOnce(&mut Noted)) {
    let _ = NOTING.try_with(|noting| what(&mut noting.0.lock().unwrap_or_else(PoisonError::into_inner)));
}

impl Noting {
    /// What was noted so far.
    pub(super) fn take(&self) -> Noted {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Noted {
    /// The client that is meant.
    pub fn client(&mut self, client_id: &str) {
        self.client_id = Some(short(client_id));
    }

    /// The user that is meant.
    pub fn subject(&mut self, sub: &str) {
        self.sub = Some(short(sub));
    }

    /// The session that is meant.
    pub fn session(&mut self, id: &str) {
        self.session_id = Some(short(id));
    }

    /// An interaction or an authorization that the request belongs to.
    pub fn flow(&mut self, id: &str) {
        self.belongs(short(id));
    }

    /// What the request belongs to, and nobody is shown: what is presented for it is a credential.
    pub fn hidden(&mut self, digest: &Digest) {
        self.belongs(format!(" {}", hex(&digest.0[..TELLING])));
    }

    /// The same, with the digest in hexadecimal.
    pub fn hidden_hex(&mut self, digest: &str) {
        self.belongs(format!(" {}", digest.chars().take(2 * TELLING).collect::<String>()));
    }

    fn belongs(&mut self, id: String) {
        if self.flows.len() < SENTENCES && !self.flows.contains(&id) {
            self.flows.push(id);
        }
    }

    /// A sentence about what was done.
    pub fn say(&mut self, text: &str) {
        let text = short(text);
        if self.said.len() < SENTENCES && !self.said.contains(&text) {
            self.said.push(text);
        }
    }

    /// Something is awaited now.
    pub fn waits(&mut self, what: &str) {
        self.outcome = Some(Outcome::Waiting(short(what)));
    }

    /// The flow has come to its end.
    pub fn done(&mut self, what: &str) {
        self.outcome = Some(Outcome::Done(short(what)));
    }

    /// The flow has come to its end with a refusal.
    pub fn refused(&mut self, code: &str, description: &str) {
        self.refusal = Some((short(code), short(description)));
        self.outcome = Some(if is_pending(code) {
            Outcome::Waiting("the user's answer".to_owned())
        } else {
            Outcome::Refused(short(code))
        });
    }

    /// Policies were asked.
    pub fn decided(&mut self, record: &DecisionRecord) {
        if self.decisions.len() < DECISIONS {
            self.decisions.push(Asked::of(record));
        }
    }
}

/// Whether an error only says that it is too early (RFC 8628 section 3.5).
pub(super) fn is_pending(code: &str) -> bool {
    [ErrorCode::AuthorizationPending, ErrorCode::SlowDown].iter().any(|pending| pending.as_str() == code)
}

/// A text that was bounded.
pub(super) fn short(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}
