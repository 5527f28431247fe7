//! The store: one trait whose methods are protocol steps, each one transaction.
//!
//! There is no CRUD and no transaction object in the hands of a grant: what must happen together is one
//! method. All instants are seconds since the epoch and are passed in. A store object serves one tenant;
//! every row carries it. Tokens, codes and secrets arrive as digests, never in clear.

mod changes;
mod deliveries;
pub mod embedded;
mod generations;
mod housekeeping;
pub mod migrations;
pub mod postgres;
mod records;
mod sql;
mod subscribers;

use async_trait::async_trait;

use crate::metrics::StoreMeter;

pub use changes::{ALIVE, BEAT, Changed, Changes, Fact, Mark};
pub use deliveries::*;
pub use generations::*;
pub use housekeeping::Housekeeping;
pub use records::*;
pub use subscribers::{PublishedEvent, Room, Subscriber, matches};

/// The store could not do what was asked: our trouble, never the client's (503).
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached, is full, or did not answer in time.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// What was read is not what was written.
    #[error("the store holds something unreadable: {0}")]
    Corrupt(String),
    /// Concurrent writers kept colliding, after several attempts.
    #[error("the store is too contended")]
    Contended,
}

/// Result of a store step.
pub type Result<T> = std::result::Result<T, StoreError>;

/// How busy a store is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Connections that there may be.
    pub connections: u64,
    /// Those in use.
    pub in_use: u64,
    /// Steps that wait for one, or for the writer.
    pub waiting: u64,
    /// When so many wait, each one more waits longer, and nothing is done sooner; none where those that wait are done together,
    /// and where nothing was done lately.
    pub enough: Option<u64>,
    /// Commits of the writer so far.
    pub commits: u64,
    /// Steps in them.
    pub committed: u64,
}

impl Load {
    /// Whether whoever comes now would only wait.
    pub fn is_enough(&self) -> bool {
        self.enough.is_some_and(|enough| self.waiting >= enough)
    }
}

/// What is looked at from outside: how busy a store is, and what changed in it.
#[async_trait]
pub trait Watched: Send + Sync + 'static {
    /// From now on steps are counted there.
    fn measure(&self, meter: StoreMeter);
    /// How busy it is.
    fn load(&self) -> Load;
    /// What changed of what was read, by this process and by others.
    fn changes(&self) -> &Changes;
    /// Finds out whether changes by other processes were missed; called every [`BEAT`].
    async fn catch_up(&self, now: i64) -> Result<()>;
    /// Hears of changes by other processes, for as long as they can be heard.
    async fn hear(&self) -> Result<()>;
}

/// What the server remembers.
#[async_trait]
pub trait Store: Deliveries + Generations + Housekeeping + Watched {
    // --- clients ---------------------------------------------------------------------------------

    /// Adds a client; false if the id is taken.
    async fn insert_client(&self, client: ClientRecord, events: Vec<Event>) -> Result<bool>;
    /// A client by its id.
    async fn client(&self, client_id: &str) -> Result<Option<ClientRecord>>;
    /// Replaces a client whose generation is still `client.generation`, raising it by one; false if somebody
    /// else was first or the client is gone.
    async fn update_client(&self, client: ClientRecord, events: Vec<Event>) -> Result<bool>;
    /// Deletes a client, its consents, and revokes all its authorizations and tokens, those of others in which it
    /// takes part, and what was derived from any of them; false if there is none.
    async fn delete_client(&self, client_id: &str, now: i64, events: Vec<Event>) -> Result<bool>;
    /// Clients in order of their ids, after `after`, at most `limit`.
    async fn clients(&self, after: &str, limit: u32) -> Result<Vec<ClientRecord>>;

    // --- interactions ----------------------------------------------------------------------------

    /// Opens an interaction.
    async fn open_interaction(&self, interaction: InteractionRecord) -> Result<()>;
    /// Opens an interaction that the server itself begins, keeps what its client asks after, and uses up what it came in,
    /// in one step; false if that was used before.
    async fn begin_interaction(&self, begun: Begun) -> Result<bool>;
    /// The interactions that wait for a user, in order of their ids, after `after`.
    async fn interactions_of(
        &self,
        waiting: Waiting,
        page: Paging<'_>,
        now: i64,
    ) -> Result<Vec<InteractionRecord>>;
    /// An interaction that has not expired at `now`.
    async fn interaction(&self, id: &str, now: i64) -> Result<Option<InteractionRecord>>;
    /// Replaces the state of an interaction whose revision is still `interaction.revision`, raising it by one;
    /// false if somebody else was first or it is gone. Compare-and-set: of many racing answers one wins.
    async fn advance_interaction(&self, interaction: InteractionRecord) -> Result<bool>;
    /// Forgets an interaction.
    async fn delete_interaction(&self, id: &str) -> Result<()>;
    /// Everything an interaction leads to, in one transaction: the interaction's last state (compare-and-set
    /// as in `advance_interaction`), session, remembered consent, authorization, code, tokens, ended sessions, events. Nothing
    /// happens if the interaction was advanced by somebody else, if the pushed request that it answers was spent before,
    /// or if the subject is disabled.
    async fn complete_interaction(&self, completion: Completion) -> Result<Completed>;

    // --- pushed requests -------------------------------------------------------------------------

    /// Keeps a request that a client pushed, and uses up what it came in; false if that was used before.
    async fn push_request(&self, request: PushedRecord, consume: Option<Once>) -> Result<bool>;
    /// A pushed request that has neither expired at `now` nor been spent.
    async fn pushed_request(&self, digest: &Digest, now: i64) -> Result<Option<PushedRecord>>;
    /// Spends a pushed request by a response for which nothing else is stored; true for exactly one response, also of
    /// those for which something is (`Completion::pushed`). Whether it has expired does not matter.
    async fn spend_request(&self, spent: SpentRequest) -> Result<bool>;

    // --- polled requests -------------------------------------------------------------------------

    /// Keeps a request that its client will ask after; false if its user code is taken.
    async fn open_polled(&self, request: PolledRecord) -> Result<bool>;
    /// A polled request, in whatever state, with what was granted for it. One read; nothing is consumed.
    async fn polled(&self, digest: &Digest) -> Result<Option<(PolledRecord, Option<AuthorizationRecord>)>>;
    /// The polled request with this user code that nobody decided and that has not expired at `now`.
    async fn polled_by_user_code(&self, user_code: &Digest, now: i64) -> Result<Option<PolledRecord>>;
    /// Claims an undecided polled request for the browser `by`; false if another one has it. The same one may repeat it.
    /// `events` are published if it is its.
    async fn claim_polled(&self, digest: &Digest, by: &str, now: i64, events: Vec<Event>) -> Result<bool>;
    /// Notes that the client asked while nobody has decided. A question too soon makes the interval five seconds longer
    /// (RFC 8628 section 3.5); of many questions at once one is not too soon.
    async fn poll(&self, digest: &Digest, now: i64) -> Result<Polled>;
    /// Redeems a polled request that was granted and records what was issued for it, in one atomic step. A second
    /// redemption of a device code revokes the authorization in that same step, with what was derived from it.
    async fn redeem_polled(&self, digest: &Digest, now: i64, issued: Issued) -> Result<Redemption>;

    /// Puts another authorization in the place of what was granted for a polled request that was not redeemed; false if
    /// that is not what was granted, or is over.
    async fn replace_polled(&self, replacement: Replacement) -> Result<bool>;

    // --- sessions --------------------------------------------------------------------------------

    /// The live sessions (not ended, not expired, not idle at `now`) with one of these handle digests.
    async fn sessions_by_handle(&self, handles: &[Digest], now: i64) -> Result<Vec<SessionRecord>>;
    /// A session by its id, also when it is over.
    async fn session(&self, id: &str) -> Result<Option<SessionRecord>>;
    /// Notes that a session was used, and so puts off its idle limit.
    async fn touch_session(&self, id: &str, now: i64) -> Result<()>;
    /// The live sessions of a subject, in order of their ids, after `after`.
    async fn sessions_of(&self, sub: &str, page: Paging<'_>, now: i64) -> Result<Vec<SessionRecord>>;
    /// Ends a session and revokes its authorizations that have no offline access, with what was derived from them, and
    /// writes a delivery for each client that it was used with ([`EndedSession`]); false if it was not live.
    async fn end_session(&self, id: &str, now: i64, events: Vec<Event>) -> Result<bool>;
    /// The clients that a session was used with, and that were not signed out alone since.
    async fn clients_of_session(&self, id: &str) -> Result<Vec<String>>;

    // --- consents and authorizations -------------------------------------------------------------

    /// The remembered consent of a subject for a client and resource (`""`: none named), unless expired.
    async fn consent(&self, key: ConsentKey<'_>, now: i64) -> Result<Option<ConsentRecord>>;
    /// The remembered consents of a subject.
    async fn consents_of(&self, sub: &str, page: Paging<'_>, now: i64) -> Result<Vec<ConsentRecord>>;
    /// Deletes a consent and revokes every authorization granted under it, with what was derived from it; false if
    /// there is none.
    async fn delete_consent(&self, id: &str, now: i64, events: Vec<Event>) -> Result<bool>;
    /// An authorization, also when it is revoked or over.
    async fn authorization(&self, id: &str) -> Result<Option<AuthorizationRecord>>;
    /// The live authorizations of a subject.
    async fn authorizations_of(
        &self,
        sub: &str,
        page: Paging<'_>,
        now: i64,
    ) -> Result<Vec<AuthorizationRecord>>;
    /// Revokes an authorization and so everything issued under it, and what was derived from it; false if it was not
    /// live.
    async fn revoke_authorization(&self, id: &str, now: i64, events: Vec<Event>) -> Result<bool>;
    /// Revokes everything of somebody, with what was derived from it, in one transaction. Sessions end as by
    /// `end_sessions_of`. What everybody has is revoked in many, and whoever gets an error repeats it.
    async fn revoke_all(&self, of: Whose, now: i64, events: Vec<Event>) -> Result<()>;
    /// The number of the newest revocation of everything of a client; 0 before there is any.
    async fn revocation_number(&self) -> Result<i64>;
    /// Stores an authorization with its tokens outside an interaction, in one transaction with the use of what it
    /// is granted for; see [`NewGrant`].
    async fn grant(&self, grant: NewGrant) -> Result<Granted>;

    // --- codes and tokens ------------------------------------------------------------------------

    /// A code, also redeemed or expired, with its authorization. One read; nothing is consumed.
    async fn code(&self, digest: &Digest) -> Result<Option<(CodeRecord, AuthorizationRecord)>>;
    /// Redeems a code and records what was issued for it, in one atomic step. A second redemption revokes the
    /// authorization in that same step, with what was derived from it.
    async fn redeem_code(&self, digest: &Digest, now: i64, issued: Issued) -> Result<Redemption>;
    /// Records an access token without an authorization (client credentials, opaque).
    async fn insert_token(&self, token: TokenRecord) -> Result<()>;
    /// An opaque access token with its authorization. One read.
    async fn token(&self, digest: &Digest) -> Result<Option<TokenState>>;
    /// Uses up a single-use token; true for exactly one caller, and only while it is active.
    async fn use_token(&self, digest: &Digest, now: i64) -> Result<bool>;
    /// Revokes one opaque access token and what was derived from it; its refresh token lives on.
    async fn revoke_token(&self, digest: &Digest, now: i64, events: Vec<Event>) -> Result<bool>;
    /// What is known of a JWT access token. One read.
    async fn jwt_state(&self, jti: &str, home: &JwtHome) -> Result<JwtState>;
    /// Revokes one JWT access token until it expires by itself, and what was derived from it.
    async fn revoke_jti(&self, jti: &str, now: i64, expires_at: i64, events: Vec<Event>) -> Result<()>;

    /// A refresh token family with its authorization. One read; nothing is consumed.
    async fn family(&self, id: &str) -> Result<Option<(FamilyRecord, AuthorizationRecord)>>;
    /// Uses a refresh token and records what was issued for it, in one atomic step; see [`Rotate`].
    async fn rotate(&self, rotate: Rotate, issued: Issued) -> Result<Rotation>;

    // --- keys, subjects, the rest ----------------------------------------------------------------

    /// All signing keys that are not removed.
    async fn keys(&self) -> Result<Vec<KeyRecord>>;
    /// Adds keys and changes the states of others, provided that the newest generation of the key set is still
    /// `generation`; it is raised by one. False if another process was first.
    async fn change_keys(&self, generation: i64, changes: Vec<KeyRecord>, events: Vec<Event>)
    -> Result<bool>;
    /// The generation of the key set; 0 before there is any.
    async fn key_generation(&self) -> Result<i64>;

    /// What is known of a subject; none for most.
    async fn subject(&self, sub: &str) -> Result<Option<SubjectRecord>>;
    /// Disables or enables a subject. Disabling ends its sessions and revokes its authorizations.
    async fn set_subject_disabled(
        &self,
        sub: &str,
        disabled: bool,
        now: i64,
        events: Vec<Event>,
    ) -> Result<()>;
    /// Ends all sessions of a subject, as `end_session` does, and tells of each that was live, and that `by` began it; gives
    /// their number. `events` are published whether or not there were any.
    async fn end_sessions_of(&self, sub: &str, by: &str, now: i64, events: Vec<Event>) -> Result<u64>;

    /// Remembers `id` among its `kind` until `expires_at`; true for exactly one caller.
    async fn consume_once(&self, kind: &str, id: &str, expires_at: i64) -> Result<bool>;
    /// Remembers the answer to an idempotent request. Gives the one stored before, if there was one.
    async fn remember_reply(&self, reply: ReplyRecord, now: i64) -> Result<Option<ReplyRecord>>;
    /// Writes events that belong to no other step.
    async fn publish(&self, events: Vec<Event>) -> Result<()>;

    /// Deletes at most `limit` dead rows of every kind; gives how many.
    async fn purge(&self, now: i64, limit: u32) -> Result<u64>;
    /// Whether the store answers.
    async fn ping(&self) -> Result<()>;
}
