//! What the store keeps. All instants are seconds since the epoch; `doc` members are JSON text whose shape the
//! callers own.

mod steps;

use std::fmt;

use placet_sdk::grant::Tokens;

pub use steps::*;

/// A SHA-256 or HMAC-SHA-256 digest of a secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(…)")
    }
}

/// A page of a list.
#[derive(Clone, Copy, Debug)]
pub struct Paging<'a> {
    /// Entries with an id greater than this.
    pub after: &'a str,
    /// At most this many.
    pub limit: u32,
}

/// A fact for others, written to the outbox in the transaction of the fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// `evt_…`.
    pub id: String,
    /// `session.created`, `token.reuse_detected`, …
    pub event_type: &'static str,
    /// What it is about: a session, authorization or client id, or a subject.
    pub subject: String,
    /// When.
    pub at: i64,
    /// Ids and reasons, as JSON text; no secrets.
    pub data: String,
}

/// A registered client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientRecord {
    /// Its id.
    pub client_id: String,
    /// Metadata and settings.
    pub doc: String,
    /// Digest of its secret, if it has one.
    pub secret_digest: Option<Digest>,
    /// Digest of its registration access token, if it registered itself.
    pub registration_digest: Option<Digest>,
    /// When it was registered.
    pub created_at: i64,
    /// Grows with every change.
    pub generation: i64,
}

/// An interaction with a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InteractionRecord {
    /// `ia_…`.
    pub id: String,
    /// `authorization`, `logout`, …
    pub kind: String,
    /// The registered UI that may answer.
    pub ui: String,
    /// Whom it waits for, if it is to be found by that.
    pub sub: Option<String>,
    /// The state, sealed under the master key.
    pub sealed: Vec<u8>,
    /// Grows with every change; starts at 1.
    pub revision: i64,
    /// When it was opened.
    pub created_at: i64,
    /// When it dies.
    pub expires_at: i64,
}

/// An authorization request that a client pushed (RFC 9126).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushedRecord {
    /// Digest of its `request_uri`.
    pub digest: Digest,
    /// The client that pushed it, and alone may use it.
    pub client_id: String,
    /// The request, sealed under the master key.
    pub sealed: Vec<u8>,
    /// When it was pushed.
    pub created_at: i64,
    /// Until when it opens interactions.
    pub expires_at: i64,
}

/// A request that a client made without a browser, and asks after until somebody decided (RFC 8628).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolledRecord {
    /// Digest of what the client asks with.
    pub digest: Digest,
    /// `device`, …
    pub kind: String,
    /// Digest of what the user types, if the user types anything.
    pub user_code: Option<Digest>,
    /// The client that made it, and alone may ask.
    pub client_id: String,
    /// The request, sealed under the master key.
    pub sealed: Vec<u8>,
    /// Seconds between two questions.
    pub poll_interval: i64,
    /// Whoever asks before this is too fast.
    pub poll_after: i64,
    /// The browser that claimed it.
    pub claimed_by: Option<String>,
    /// When somebody decided.
    pub decided_at: Option<i64>,
    /// What was granted.
    pub authorization_id: Option<String>,
    /// Why nothing was.
    pub refusal: Option<String>,
    /// When it was made.
    pub created_at: i64,
    /// Until when it can be decided and redeemed.
    pub expires_at: i64,
    /// When tokens were issued for it.
    pub redeemed_at: Option<i64>,
}

/// A session of a user with this server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// `ses_…`, not a credential.
    pub id: String,
    /// Digest of the handle in the cookie.
    pub handle: Digest,
    /// The user.
    pub sub: String,
    /// Settings, `acr`, `amr`, claims and data.
    pub doc: String,
    /// When it began.
    pub created_at: i64,
    /// When the user last authenticated.
    pub authenticated_at: i64,
    /// When it was last used.
    pub last_used_at: i64,
    /// Seconds without use after which it ends.
    pub idle_seconds: i64,
    /// When it ends at the latest.
    pub expires_at: i64,
    /// When it was ended.
    pub ended_at: Option<i64>,
}

impl SessionRecord {
    /// Whether it is live.
    pub fn is_live(&self, now: i64) -> bool {
        self.ended_at.is_none()
            && now < self.expires_at
            && now < self.last_used_at.saturating_add(self.idle_seconds)
    }
}

/// Which consent.
#[derive(Clone, Copy, Debug)]
pub struct ConsentKey<'a> {
    /// Whose.
    pub sub: &'a str,
    /// For which client.
    pub client_id: &'a str,
    /// For which resource; `""` if none was named.
    pub resource: &'a str,
}

/// A remembered consent: one per subject, client and resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentRecord {
    /// `cns_…`.
    pub id: String,
    /// Whose.
    pub sub: String,
    /// For which client.
    pub client_id: String,
    /// For which resource; `""` if none was named.
    pub resource: String,
    /// Granted scope values.
    pub scope: Vec<String>,
    /// Granted claim names.
    pub claims: Vec<String>,
    /// Granted authorization details, each as one JSON text.
    pub details: Vec<String>,
    /// When it was given or last widened.
    pub granted_at: i64,
    /// When it ends; none: never.
    pub expires_at: Option<i64>,
}

impl ConsentRecord {
    /// The granted authorization details. What cannot be read was not granted.
    pub fn authorization_details(&self) -> Vec<serde_json::Map<String, serde_json::Value>> {
        self.details.iter().filter_map(|text| serde_json::from_str(text).ok()).collect()
    }
}

/// An authorization: one per grant; it owns the tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationRecord {
    /// `az_…`.
    pub id: String,
    /// For which client.
    pub client_id: String,
    /// By whom.
    pub sub: String,
    /// In which session.
    pub session_id: Option<String>,
    /// Under which remembered consent.
    pub consent_id: Option<String>,
    /// Whether it outlives the session.
    pub offline: bool,
    /// The grant with its facts.
    pub doc: String,
    /// When it was granted.
    pub created_at: i64,
    /// When it ends at the latest.
    pub expires_at: i64,
    /// When it was revoked.
    pub revoked_at: Option<i64>,
    /// Whether its tokens carry everything themselves.
    pub self_contained: bool,
}

impl AuthorizationRecord {
    /// Whether tokens may exist under it.
    pub fn is_live(&self, now: i64) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }

    /// Where what is known of its tokens lies.
    pub fn tokens(&self) -> Tokens {
        if self.self_contained { Tokens::Stateless } else { Tokens::Stored }
    }
}

/// An authorization code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeRecord {
    /// Digest of the code.
    pub digest: Digest,
    /// The authorization it stands for.
    pub authorization_id: String,
    /// Who may redeem it.
    pub client_id: String,
    /// What it is bound to: redirect URI, PKCE challenge, nonce.
    pub doc: String,
    /// When it was issued.
    pub created_at: i64,
    /// When it ends.
    pub expires_at: i64,
    /// When it was redeemed.
    pub redeemed_at: Option<i64>,
}

/// An opaque access token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRecord {
    /// Digest of the token.
    pub digest: Digest,
    /// The authorization it belongs to; none for client credentials.
    pub authorization_id: Option<String>,
    /// To whom it was issued.
    pub client_id: String,
    /// Its claims.
    pub doc: String,
    /// Whether it can be used once only.
    pub single_use: bool,
    /// When it was issued.
    pub created_at: i64,
    /// When it ends.
    pub expires_at: i64,
    /// When it was used up.
    pub used_at: Option<i64>,
    /// When it was revoked.
    pub revoked_at: Option<i64>,
}

/// A refresh token family: one per authorization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FamilyRecord {
    /// Random; part of every token of the family.
    pub id: String,
    /// The authorization it belongs to.
    pub authorization_id: String,
    /// Who may use it.
    pub client_id: String,
    /// Number of the current token, from 1.
    pub generation: i64,
    /// Digest of the current token.
    pub current: Digest,
    /// Digest of the one before it.
    pub parent: Option<Digest>,
    /// With it the current token was derived from its parent.
    pub salt: Vec<u8>,
    /// Which server key derived it.
    pub key_id: String,
    /// When the current token was derived.
    pub rotated_at: i64,
    /// Whether the current token was presented.
    pub used: bool,
    /// When the family was last used.
    pub last_used_at: i64,
    /// Seconds without use after which it ends; none: no such limit.
    pub idle_seconds: Option<i64>,
    /// When it began.
    pub created_at: i64,
    /// When it ends at the latest.
    pub expires_at: i64,
    /// What whoever uses it must prove, as text; none: nothing.
    pub bound: Option<String>,
}

impl FamilyRecord {
    /// Whether its tokens may be used.
    pub fn is_live(&self, now: i64) -> bool {
        now < self.expires_at
            && self.idle_seconds.is_none_or(|idle| now < self.last_used_at.saturating_add(idle))
    }
}

/// A signing key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    /// Its id.
    pub kid: String,
    /// `RS256`, `ES256`, …
    pub alg: String,
    /// `staged`, `signing`, `verify_only`, `revoked`, `removed`.
    pub state: String,
    /// The private key, sealed under the master key.
    pub sealed: Vec<u8>,
    /// The public JWK, as JSON text.
    pub public_jwk: String,
    /// When it was made.
    pub created_at: i64,
    /// When its state last changed.
    pub changed_at: i64,
    /// When it can be removed: the last signature it made is worthless by then.
    pub expires_at: Option<i64>,
}

/// What is known of a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectRecord {
    /// The subject.
    pub sub: String,
    /// When it was disabled.
    pub disabled_at: Option<i64>,
    /// Grows with every change.
    pub generation: i64,
}

/// The answer to an idempotent request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyRecord {
    /// Digest of the caller and its key.
    pub key: Digest,
    /// Digest of the request.
    pub request: Digest,
    /// The answer, sealed.
    pub sealed: Vec<u8>,
    /// When it is forgotten.
    pub expires_at: i64,
}
