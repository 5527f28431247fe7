//! A store that can be switched off: then every call fails, as when the database is gone. One where racing callers
//! meet right before the step that only one of them may win. And one whose answers come late.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use async_trait::async_trait;
use placet_server::{
    metrics::StoreMeter,
    store::{
        AuthorizationRecord, Backlog, Begun, Changes, Claim, ClientRecord, CodeRecord, Completed, Completion,
        ConsentKey, ConsentRecord, Deliveries, DeliveryFilter, DeliveryRecord, Digest, Event, FamilyRecord,
        Generations, Granted, Hold, Housekeeping, InteractionRecord, Issued, JwtHome, JwtState, Kept,
        KeyRecord, Learned, Load, NewGrant, Once, Paging, Polled, PolledRecord, PushedRecord, Redemption,
        Replacement, ReplyRecord, Result, Revoked, Rotate, Rotation, SessionRecord, Settled, SpentRequest,
        Store, StoreError, SubjectRecord, Subscriber, TokenRecord, TokenState, Waiting, Watched, Whose,
    },
};
use tokio::sync::{Barrier, watch};

/// A store behind a switch.
pub struct Flaky {
    inner: Arc<dyn Store>,
    down: AtomicBool,
    meeting: OnceLock<Barrier>,
    late: watch::Sender<bool>,
    held: AtomicUsize,
    successor: OnceLock<(String, i64)>,
}

impl Flaky {
    /// This store, switched on.
    pub fn new(inner: Arc<dyn Store>) -> Self {
        let (late, _) = watch::channel(false);
        let (down, held) = (AtomicBool::new(false), AtomicUsize::new(0));
        Self { inner, down, meeting: OnceLock::new(), late, held, successor: OnceLock::new() }
    }

    /// Switches it off or on.
    pub fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    /// From now on, whoever uses up a token waits until so many want to.
    pub fn gather(&self, callers: usize) {
        assert!(self.meeting.set(Barrier::new(callers)).is_ok(), "they meet once");
    }

    /// From now on, what is read of tokens, clients and revocations is handed over late: once this is called again.
    pub fn hold_answers(&self, late: bool) {
        self.late.send_replace(late);
    }

    /// How many answers were held back so far.
    pub fn held_back(&self) -> usize {
        self.held.load(Ordering::SeqCst)
    }

    /// What was read, now or later.
    async fn handed_over<T: Send>(&self, found: T) -> T {
        if *self.late.borrow() {
            self.held.fetch_add(1, Ordering::SeqCst);
            self.late.subscribe().wait_for(|late| !late).await.expect("the store is there");
        }
        found
    }

    /// After the next deletion of what is dead another worker leads, who stands at this time.
    pub fn succeed(&self, worker: &str, now: i64) {
        assert!(self.successor.set((worker.to_owned(), now)).is_ok(), "there is one");
    }

    fn up(&self) -> Result<&dyn Store> {
        if self.down.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("switched off".to_owned()));
        }
        Ok(&*self.inner)
    }
}

#[async_trait]
impl Deliveries for Flaky {
    async fn enqueue(&self, deliveries: Vec<DeliveryRecord>, events: Vec<Event>) -> Result<()> {
        self.up()?.enqueue(deliveries, events).await
    }
    async fn claim_deliveries(&self, claim: Claim) -> Result<Vec<DeliveryRecord>> {
        self.up()?.claim_deliveries(claim).await
    }
    async fn settle_delivery(
        &self,
        id: &str,
        attempt: i64,
        settled: Settled,
        events: Vec<Event>,
    ) -> Result<bool> {
        self.up()?.settle_delivery(id, attempt, settled, events).await
    }
    async fn delivery(&self, id: &str) -> Result<Option<DeliveryRecord>> {
        self.up()?.delivery(id).await
    }
    async fn deliveries(&self, filter: &DeliveryFilter, page: Paging<'_>) -> Result<Vec<DeliveryRecord>> {
        self.up()?.deliveries(filter, page).await
    }
    async fn redeliver(&self, id: &str, due: (i64, i64), events: Vec<Event>) -> Result<bool> {
        self.up()?.redeliver(id, due, events).await
    }
    async fn drop_delivery(&self, id: &str, events: Vec<Event>) -> Result<bool> {
        self.up()?.drop_delivery(id, events).await
    }
    fn subscribe(&self, subscribers: Vec<Subscriber>) {
        self.inner.subscribe(subscribers);
    }
    fn keep(&self, kept: Kept) {
        self.inner.keep(kept);
    }
    async fn redeliver_to(
        &self,
        destination: &str,
        due: (i64, i64),
        limit: u32,
        events: Vec<Event>,
    ) -> Result<u64> {
        self.up()?.redeliver_to(destination, due, limit, events).await
    }
    async fn hold_destination(&self, hold: Hold, events: Vec<Event>) -> Result<bool> {
        self.up()?.hold_destination(hold, events).await
    }
    async fn release_destination(&self, destination: &str, events: Vec<Event>) -> Result<bool> {
        self.up()?.release_destination(destination, events).await
    }
    async fn held_destinations(&self) -> Result<Vec<Hold>> {
        self.up()?.held_destinations().await
    }
    async fn backlog(&self, destination: &str, most: u32) -> Result<Backlog> {
        self.up()?.backlog(destination, most).await
    }
}

#[async_trait]
impl Generations for Flaky {
    async fn learn_generations(&self, since: i64, limit: u32) -> Result<Learned> {
        let learned = self.up()?.learn_generations(since, limit).await;
        self.handed_over(learned).await
    }
    async fn number_generations(&self) -> Result<u64> {
        self.up()?.number_generations().await
    }
    async fn raised_since(&self, names: &[Revoked; 4], number: i64) -> Result<Vec<Revoked>> {
        self.up()?.raised_since(names, number).await
    }
    fn generations_raised(&self) -> u64 {
        self.inner.generations_raised()
    }
}

#[async_trait]
impl Housekeeping for Flaky {
    async fn lead(&self, worker: &str, now: i64) -> Result<bool> {
        self.up()?.lead(worker, now).await
    }
    async fn latest_time(&self) -> Result<i64> {
        self.up()?.latest_time().await
    }
    async fn forget_time(&self) -> Result<()> {
        self.up()?.forget_time().await
    }
}

#[async_trait]
impl Store for Flaky {
    async fn insert_client(&self, client: ClientRecord, events: Vec<Event>) -> Result<bool> {
        self.up()?.insert_client(client, events).await
    }
    async fn client(&self, client_id: &str) -> Result<Option<ClientRecord>> {
        let found = self.up()?.client(client_id).await;
        self.handed_over(found).await
    }
    async fn update_client(&self, client: ClientRecord, events: Vec<Event>) -> Result<bool> {
        self.up()?.update_client(client, events).await
    }
    async fn delete_client(&self, client_id: &str, now: i64, events: Vec<Event>) -> Result<bool> {
        self.up()?.delete_client(client_id, now, events).await
    }
    async fn clients(&self, after: &str, limit: u32) -> Result<Vec<ClientRecord>> {
        self.up()?.clients(after, limit).await
    }
    async fn open_interaction(&self, interaction: InteractionRecord) -> Result<()> {
        self.up()?.open_interaction(interaction).await
    }
    async fn begin_interaction(&self, begun: Begun) -> Result<bool> {
        self.up()?.begin_interaction(begun).await
    }
    async fn interactions_of(
        &self,
        waiting: Waiting,
        page: Paging<'_>,
        now: i64,
    ) -> Result<Vec<InteractionRecord>> {
        self.up()?.interactions_of(waiting, page, now).await
    }
    async fn interaction(&self, id: &str, now: i64) -> Result<Option<InteractionRecord>> {
        self.up()?.interaction(id, now).await
    }
    async fn advance_interaction(&self, interaction: InteractionRecord) -> Result<bool> {
        self.up()?.advance_interaction(interaction).await
    }
    async fn delete_interaction(&self, id: &str) -> Result<()> {
        self.up()?.delete_interaction(id).await
    }
    async fn complete_interaction(&self, completion: Completion) -> Result<Completed> {
        self.up()?.complete_interaction(completion).await
    }
    async fn push_request(&self, request: PushedRecord, consume: Option<Once>) -> Result<bool> {
        self.up()?.push_request(request, consume).await
    }
    async fn pushed_request(&self, digest: &Digest, now: i64) -> Result<Option<PushedRecord>> {
        self.up()?.pushed_request(digest, now).await
    }
    async fn spend_request(&self, spent: SpentRequest) -> Result<bool> {
        self.up()?.spend_request(spent).await
    }
    async fn open_polled(&self, request: PolledRecord) -> Result<bool> {
        self.up()?.open_polled(request).await
    }
    async fn polled(&self, digest: &Digest) -> Result<Option<(PolledRecord, Option<AuthorizationRecord>)>> {
        self.up()?.polled(digest).await
    }
    async fn polled_by_user_code(&self, user_code: &Digest, now: i64) -> Result<Option<PolledRecord>> {
        self.up()?.polled_by_user_code(user_code, now).await
    }
    async fn claim_polled(&self, digest: &Digest, by: &str, now: i64, events: Vec<Event>) -> Result<bool> {
        self.up()?.claim_polled(digest, by, now, events).await
    }
    async fn poll(&self, digest: &Digest, now: i64) -> Result<Polled> {
        self.up()?.poll(digest, now).await
    }
    async fn redeem_polled(&self, digest: &Digest, now: i64, issued: Issued) -> Result<Redemption> {
        self.up()?.redeem_polled(digest, now, issued).await
    }
    async fn replace_polled(&self, replacement: Replacement) -> Result<bool> {
        self.up()?.replace_polled(replacement).await
    }
    async fn sessions_by_handle(&self, handles: &[Digest], now: i64) -> Result<Vec<SessionRecord>> {
        self.up()?.sessions_by_handle(handles, now).await
    }
    async fn session(&self, id: &str) -> Result<Option<SessionRecord>> {
        self.up()?.session(id).await
    }
    async fn touch_session(&self, id: &str, now: i64) -> Result<()> {
        self.up()?.touch_session(id, now).await
    }
    async fn sessions_of(&self, sub: &str, page: Paging<'_>, now: i64) -> Result<Vec<SessionRecord>> {
        self.up()?.sessions_of(sub, page, now).await
    }
    async fn end_session(&self, id: &str, now: i64, events: Vec<Event>) -> Result<bool> {
        self.up()?.end_session(id, now, events).await
    }
    async fn clients_of_session(&self, id: &str) -> Result<Vec<String>> {
        self.up()?.clients_of_session(id).await
    }
    async fn consent(&self, key: ConsentKey<'_>, now: i64) -> Result<Option<ConsentRecord>> {
        self.up()?.consent(key, now).await
    }
    async fn consents_of(&self, sub: &str, page: Paging<'_>, now: i64) -> Result<Vec<ConsentRecord>> {
        self.up()?.consents_of(sub, page, now).await
    }
    async fn delete_consent(&self, id: &str, now: i64, events: Vec<Event>) -> Result<bool> {
        self.up()?.delete_consent(id, now, events).await
    }
    async fn authorization(&self, id: &str) -> Result<Option<AuthorizationRecord>> {
        self.up()?.authorization(id).await
    }
    async fn authorizations_of(
        &self,
        sub: &str,
        page: Paging<'_>,
        now: i64,
    ) -> Result<Vec<AuthorizationRecord>> {
        self.up()?.authorizations_of(sub, page, now).await
    }
    async fn revoke_authorization(&self, id: &str, now: i64, events: Vec<Event>) -> Result<bool> {
        self.up()?.revoke_authorization(id, now, events).await
    }
    async fn revoke_all(&self, of: Whose, now: i64, events: Vec<Event>) -> Result<()> {
        self.up()?.revoke_all(of, now, events).await
    }
    async fn revocation_number(&self) -> Result<i64> {
        let found = self.up()?.revocation_number().await;
        self.handed_over(found).await
    }
    async fn grant(&self, grant: NewGrant) -> Result<Granted> {
        self.up()?.grant(grant).await
    }
    async fn code(&self, digest: &Digest) -> Result<Option<(CodeRecord, AuthorizationRecord)>> {
        self.up()?.code(digest).await
    }
    async fn redeem_code(&self, digest: &Digest, now: i64, issued: Issued) -> Result<Redemption> {
        self.up()?.redeem_code(digest, now, issued).await
    }
    async fn insert_token(&self, token: TokenRecord) -> Result<()> {
        self.up()?.insert_token(token).await
    }
    async fn token(&self, digest: &Digest) -> Result<Option<TokenState>> {
        let found = self.up()?.token(digest).await;
        self.handed_over(found).await
    }
    async fn use_token(&self, digest: &Digest, now: i64) -> Result<bool> {
        if let Some(meeting) = self.meeting.get() {
            meeting.wait().await;
        }
        self.up()?.use_token(digest, now).await
    }
    async fn revoke_token(&self, digest: &Digest, now: i64, events: Vec<Event>) -> Result<bool> {
        self.up()?.revoke_token(digest, now, events).await
    }
    async fn jwt_state(&self, jti: &str, home: &JwtHome) -> Result<JwtState> {
        self.up()?.jwt_state(jti, home).await
    }
    async fn revoke_jti(&self, jti: &str, now: i64, expires_at: i64, events: Vec<Event>) -> Result<()> {
        self.up()?.revoke_jti(jti, now, expires_at, events).await
    }
    async fn family(&self, id: &str) -> Result<Option<(FamilyRecord, AuthorizationRecord)>> {
        self.up()?.family(id).await
    }
    async fn rotate(&self, rotate: Rotate, issued: Issued) -> Result<Rotation> {
        self.up()?.rotate(rotate, issued).await
    }
    async fn keys(&self) -> Result<Vec<KeyRecord>> {
        self.up()?.keys().await
    }
    async fn change_keys(
        &self,
        generation: i64,
        changes: Vec<KeyRecord>,
        events: Vec<Event>,
    ) -> Result<bool> {
        self.up()?.change_keys(generation, changes, events).await
    }
    async fn key_generation(&self) -> Result<i64> {
        self.up()?.key_generation().await
    }
    async fn subject(&self, sub: &str) -> Result<Option<SubjectRecord>> {
        self.up()?.subject(sub).await
    }
    async fn set_subject_disabled(
        &self,
        sub: &str,
        disabled: bool,
        now: i64,
        events: Vec<Event>,
    ) -> Result<()> {
        self.up()?.set_subject_disabled(sub, disabled, now, events).await
    }
    async fn end_sessions_of(&self, sub: &str, by: &str, now: i64, events: Vec<Event>) -> Result<u64> {
        self.up()?.end_sessions_of(sub, by, now, events).await
    }
    async fn consume_once(&self, kind: &str, id: &str, expires_at: i64) -> Result<bool> {
        self.up()?.consume_once(kind, id, expires_at).await
    }
    async fn remember_reply(&self, reply: ReplyRecord, now: i64) -> Result<Option<ReplyRecord>> {
        self.up()?.remember_reply(reply, now).await
    }
    async fn publish(&self, events: Vec<Event>) -> Result<()> {
        self.up()?.publish(events).await
    }
    async fn purge(&self, now: i64, limit: u32) -> Result<u64> {
        let purged = self.up()?.purge(now, limit).await;
        if let Some((worker, now)) = self.successor.get() {
            assert!(self.inner.lead(worker, *now).await?, "it takes over");
        }
        purged
    }
    async fn ping(&self) -> Result<()> {
        self.up()?.ping().await
    }
}

#[async_trait]
impl Watched for Flaky {
    fn measure(&self, meter: StoreMeter) {
        self.inner.measure(meter);
    }
    fn load(&self) -> Load {
        self.inner.load()
    }
    fn changes(&self) -> &Changes {
        self.inner.changes()
    }
    async fn catch_up(&self, now: i64) -> Result<()> {
        self.up()?.catch_up(now).await
    }
    async fn hear(&self) -> Result<()> {
        self.up()?.hear().await
    }
}
