//! What steps take and give.

use super::{
    AuthorizationRecord, CodeRecord, ConsentRecord, Digest, Event, FamilyRecord, InteractionRecord,
    PolledRecord, SessionRecord, TokenRecord,
};
use crate::store::{Begins, DeliveryRecord, OfClient};

/// What a grant issues, recorded together with the use of its artefact.
#[derive(Clone, Debug, Default)]
pub struct Issued {
    /// An opaque access token.
    pub token: Option<TokenRecord>,
    /// A new refresh token family.
    pub family: Option<FamilyRecord>,
    /// What the authorization holds from now on, where that became less.
    pub narrowed: Option<Narrowed>,
    /// What others may want to know.
    pub events: Vec<Event>,
}

/// What an authorization holds once it was narrowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Narrowed {
    /// The authorization.
    pub authorization_id: String,
    /// Whether it outlives the session.
    pub offline: bool,
    /// The grant with its facts.
    pub doc: String,
    /// Whether its tokens carry everything themselves, where that was chosen otherwise than it was.
    pub self_contained: Option<bool>,
}

/// Outcome of [`redeem_code`](crate::store::Store::redeem_code).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redemption {
    /// This was the first; the tokens are recorded.
    First,
    /// It had been redeemed before: its authorization is revoked now, nothing was recorded.
    Replayed,
    /// Expired, unknown, or its authorization is over, or its subject disabled; nothing was recorded.
    Dead,
}

/// Outcome of [`poll`](crate::store::Store::poll).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Polled {
    /// Nobody decided yet.
    Pending,
    /// Nobody decided yet, and the question came too soon: the interval is longer from now on.
    TooFast,
    /// It was decided, it has expired, or it is not known.
    Over,
}

/// An interaction that the server itself begins, and what its client asks after.
#[derive(Clone, Debug)]
pub struct Begun {
    /// The interaction.
    pub interaction: InteractionRecord,
    /// What the client asks after.
    pub request: PolledRecord,
    /// What is used up by it.
    pub consume: Option<Once>,
    /// What others may want to know.
    pub events: Vec<Event>,
}

/// Interactions that wait for a user.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// The user.
    pub sub: String,
    /// What they are about.
    pub kind: &'static str,
    /// The login app that may answer.
    pub ui: String,
}

/// Another authorization in the place of what was granted for a polled request: what was issued under the old one dies.
#[derive(Clone, Debug)]
pub struct Replacement {
    /// Digest of what the client asks with.
    pub digest: Digest,
    /// What was granted.
    pub old: String,
    /// What takes its place; whoever takes part in the old one takes part in it.
    pub new: AuthorizationRecord,
    /// What is issued under it.
    pub issued: Issued,
    /// Now.
    pub now: i64,
}

/// What somebody decided about a polled request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Digest of what its client asks with.
    pub digest: Digest,
    /// Who decides: the browser that claimed it; none where it is decided without one.
    pub by: Option<String>,
    /// Why nothing is granted; none if the authorization of the completion is.
    pub refusal: Option<String>,
}

/// What an authorization is derived from: each must count when it is stored, and it dies with each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parent {
    /// An authorization, by its id.
    Authorization(String),
    /// A JWT access token.
    SignedToken {
        /// Its `jti`.
        jti: String,
        /// When it ends.
        expires_at: i64,
        /// The client that got it for itself; none if it belongs to an authorization, which has to be named too.
        of_client: Option<OfClient>,
    },
    /// An opaque access token. One that can be used once only is used up by the derivation.
    OpaqueToken(Digest),
    /// A refresh token, which must be the current one of its family; it is neither used up nor replaced. What is
    /// derived dies with its authorization, which has to be named too.
    RefreshToken {
        /// Its family.
        family_id: String,
        /// What was presented.
        presented: Digest,
        /// What is stored of the family from now on, if nothing was so far.
        begins: Option<Box<Begins>>,
    },
}

/// Who takes part in an authorization besides its subject and its client: it dies with each of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parties {
    /// Subjects of this server that act; none may be disabled.
    pub subjects: Vec<String>,
    /// Clients in the store that act, or whose own tokens were presented; none may be deleted.
    pub clients: Vec<String>,
    /// The same of clients of the configuration, which cannot be deleted.
    pub configured: Vec<String>,
}

/// An id that can be used once among its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Once {
    /// What it is an id of.
    pub kind: &'static str,
    /// The id, with everything that it is unique within.
    pub id: String,
    /// Until when it is remembered.
    pub expires_at: i64,
}

/// An authorization to store with its tokens, outside an interaction.
#[derive(Clone, Debug)]
pub struct NewGrant {
    /// The authorization; it is stored at `created_at`.
    pub authorization: AuthorizationRecord,
    /// Its tokens and events.
    pub issued: Issued,
    /// What it is derived from.
    pub derived_from: Vec<Parent>,
    /// Who else takes part.
    pub parties: Parties,
    /// What is used up by it.
    pub consume: Vec<Once>,
    /// Whether the session that the authorization names must be live.
    pub in_session: bool,
}

impl NewGrant {
    /// A grant that depends on its subject alone.
    pub fn new(authorization: AuthorizationRecord, issued: Issued) -> Self {
        Self {
            authorization,
            issued,
            derived_from: Vec::new(),
            parties: Parties::default(),
            consume: Vec::new(),
            in_session: false,
        }
    }
}

/// Outcome of [`grant`](crate::store::Store::grant). Unless it is `Stored`, nothing was stored or used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granted {
    /// Stored.
    Stored,
    /// The subject, or one that takes part, is disabled.
    SubjectDisabled,
    /// The session is over.
    SessionOver,
    /// Something it is derived from is over, or a client that takes part is gone.
    ParentOver,
    /// Something that can be used once was used before.
    AlreadyUsed,
}

/// Use of a refresh token whose digest is `presented`.
///
/// * It is the current one: with `child`, the family moves on to it (`parent` := `presented`); without, it stays.
/// * It is the direct parent, the current one was never presented, and it was derived at most `grace` seconds
///   ago: the same current token is answered again.
/// * Otherwise it is a replay: the authorization is revoked in the same step.
///
/// In the first two cases the family may be made to end sooner, never later.
#[derive(Clone, Debug)]
pub struct Rotate {
    /// The family.
    pub family_id: String,
    /// What was presented.
    pub presented: Digest,
    /// The successor, if the family rotates.
    pub child: Option<Child>,
    /// How long the parent is answered, in seconds; 0: never.
    pub grace: i64,
    /// The family ends at the latest then; at `now`: it ends with this use.
    pub expires_at: i64,
    /// Seconds without use after which the family ends; none: as before.
    pub idle_seconds: Option<i64>,
    /// Now.
    pub now: i64,
    /// What is stored of the family from now on, if nothing was so far.
    pub begins: Option<Begins>,
}

/// A successor of a refresh token.
#[derive(Clone, Debug)]
pub struct Child {
    /// Its digest.
    pub digest: Digest,
    /// With it the child was derived.
    pub salt: Vec<u8>,
    /// Which server key derived it.
    pub key_id: String,
}

/// Outcome of [`rotate`](crate::store::Store::rotate).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// The child is the current token now.
    Rotated,
    /// The presented token stays the current one.
    Kept,
    /// The child that exists already is to be answered again: derive it with these.
    Repeated {
        /// The salt.
        salt: Vec<u8>,
        /// The server key.
        key_id: String,
        /// Generation of the child.
        generation: i64,
    },
    /// A replay: the authorization is revoked now, nothing was recorded.
    Replayed,
    /// Expired, idle for too long, unknown, revoked, or the subject is disabled; nothing was recorded.
    Dead,
}

/// An opaque access token and what decides over it.
#[derive(Clone, Debug)]
pub struct TokenState {
    /// The token.
    pub token: TokenRecord,
    /// Its authorization.
    pub authorization: Option<AuthorizationRecord>,
}

/// What an interaction does to sessions.
#[derive(Clone, Debug)]
pub enum SessionChange {
    /// A new session.
    Create(SessionRecord),
    /// The session goes on with a new handle, document, authentication and limits, if it still is live.
    Renew(SessionRecord),
    /// Only noted as used, at `last_used_at`, if it still is live.
    Touch(SessionRecord),
}

/// How far a logout reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndSessions {
    /// Revoke the authorizations of this client in this session, and tell it; the session lives.
    Client {
        /// The session.
        session_id: String,
        /// The client.
        client_id: String,
    },
    /// End these sessions.
    Sessions(Vec<String>),
    /// End every session of this user.
    Subject(String),
}

/// Whose everything is revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Of a user: sessions, authorizations, and those in which the user acts.
    Subject(String),
    /// Of a client: authorizations, tokens of its own, and those in which it takes part.
    Client(String),
    /// Of a user or a client that acts for others: what it got by that.
    Actor(String),
    /// Of everybody.
    Everybody,
}

/// A consent to remember: the union of what is remembered and this.
#[derive(Clone, Debug)]
pub struct Remembering {
    /// What is added; its id counts only if nothing was remembered.
    pub consent: ConsentRecord,
}

/// A pushed request that a response spends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpentRequest {
    /// Digest of its `request_uri`.
    pub digest: Digest,
    /// Until when it is remembered that it is spent: at least until the last interaction is over that it can have opened.
    pub remembered_until: i64,
}

/// Everything an interaction leads to.
#[derive(Clone, Debug)]
pub struct Completion {
    /// Its last state; `revision` is the one it replaces.
    pub interaction: InteractionRecord,
    /// What happens to the session.
    pub session: Option<SessionChange>,
    /// How many live sessions the user of a new one may have; others end, those first that were used least recently.
    pub sessions_at_most: Option<u32>,
    /// What is remembered.
    pub remember: Option<Remembering>,
    /// What was granted. Its `consent_id` is set to the id of the remembered consent, if one is remembered.
    pub authorization: Option<AuthorizationRecord>,
    /// Who else takes part in what was granted.
    pub parties: Parties,
    /// A code for it.
    pub code: Option<CodeRecord>,
    /// An opaque access token for it (implicit and hybrid responses).
    pub token: Option<TokenRecord>,
    /// The pushed request that is answered.
    pub pushed: Option<SpentRequest>,
    /// The polled request that is decided.
    pub decided: Option<Decision>,
    /// Which sessions end.
    pub end: Option<EndSessions>,
    /// Who began their end, for the events of those that do.
    pub initiator: String,
    /// What has to reach others.
    pub deliveries: Vec<DeliveryRecord>,
    /// Now.
    pub now: i64,
    /// What others may want to know.
    pub events: Vec<Event>,
}

/// Outcome of [`complete_interaction`](crate::store::Store::complete_interaction).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completed {
    /// Everything was stored.
    Done,
    /// The interaction was advanced by somebody else, or is gone; nothing was stored.
    Conflict,
    /// The pushed request was answered before, or the polled request was decided before, belongs to another browser or
    /// has expired; nothing was stored.
    RequestSpent,
    /// The session to renew or to touch, or that of the authorization, is over; nothing was stored.
    SessionOver,
    /// The subject, or somebody who takes part, is disabled or gone; nothing was stored.
    SubjectDisabled,
}
