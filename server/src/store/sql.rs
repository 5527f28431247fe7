//! The steps of the store as portable SQL, each written once for both engines.

mod authorizations;
mod clients;
mod codes;
mod consents;
mod deliveries;
mod families;
mod generations;
mod grants;
mod housekeeping;
mod interactions;
mod keys;
mod lineage;
mod misc;
mod noting;
mod participants;
mod polled;
mod purge;
mod pushed;
mod redemption;
mod revocations;
mod sessions;
mod store;
mod subjects;
mod tokens;
mod told;
mod tx;
mod watched;

use async_trait::async_trait;

pub(crate) use store::SqlStore;
#[cfg(test)]
pub(crate) use tx::Work;
pub(crate) use tx::{
    ATTEMPTS, Engine, Fallible, Fault, Row, Statement, Step, Tx, Value, check_storable, in_turn,
};

use super::{
    AuthorizationRecord, Begun, ClientRecord, CodeRecord, Completed, Completion, ConsentKey, ConsentRecord,
    Digest, Event, FamilyRecord, Granted, InteractionRecord, Issued, JwtHome, JwtState, KeyRecord, NewGrant,
    Once, Paging, Polled, PolledRecord, PushedRecord, Redemption, Replacement, ReplyRecord, Result, Rotate,
    Rotation, SessionRecord, SpentRequest, Store, SubjectRecord, TokenRecord, TokenState, Waiting, Whose,
};

#[async_trait]
impl<E: Engine> Store for SqlStore<E> {
    async fn insert_client(&self, client: ClientRecord, events: Vec<Event>) -> Result<bool> {
        self.write((client, events), |tx, (client, events)| Box::pin(clients::insert(tx, client, events)))
            .await
    }

    async fn client(&self, client_id: &str) -> Result<Option<ClientRecord>> {
        self.read(client_id.to_owned(), |tx, id| Box::pin(clients::find(tx, id))).await
    }

    async fn update_client(&self, client: ClientRecord, events: Vec<Event>) -> Result<bool> {
        self.write((client, events), |tx, (client, events)| Box::pin(clients::update(tx, client, events)))
            .await
    }

    async fn delete_client(&self, client_id: &str, now: i64, events: Vec<Event>) -> Result<bool> {
        self.write((client_id.to_owned(), now, events), |tx, (id, now, events)| {
            Box::pin(clients::delete(tx, id, *now, events))
        })
        .await
    }

    async fn clients(&self, after: &str, limit: u32) -> Result<Vec<ClientRecord>> {
        self.read((after.to_owned(), limit), |tx, (after, limit)| Box::pin(clients::list(tx, after, *limit)))
            .await
    }

    async fn open_interaction(&self, interaction: InteractionRecord) -> Result<()> {
        self.write(interaction, |tx, interaction| Box::pin(interactions::open(tx, interaction))).await
    }

    async fn begin_interaction(&self, begun: Begun) -> Result<bool> {
        self.write(begun, |tx, begun| Box::pin(interactions::begin(tx, begun))).await
    }

    async fn interactions_of(
        &self,
        waiting: Waiting,
        page: Paging<'_>,
        now: i64,
    ) -> Result<Vec<InteractionRecord>> {
        self.read((waiting, owned(page), now), |tx, (waiting, page, now)| {
            Box::pin(interactions::list_of(tx, waiting, page, *now))
        })
        .await
    }

    async fn interaction(&self, id: &str, now: i64) -> Result<Option<InteractionRecord>> {
        self.read((id.to_owned(), now), |tx, (id, now)| Box::pin(interactions::find(tx, id, *now))).await
    }

    async fn advance_interaction(&self, interaction: InteractionRecord) -> Result<bool> {
        self.write(interaction, |tx, interaction| Box::pin(interactions::advance(tx, interaction))).await
    }

    async fn delete_interaction(&self, id: &str) -> Result<()> {
        self.write(id.to_owned(), |tx, id| Box::pin(interactions::delete(tx, id))).await
    }

    async fn complete_interaction(&self, completion: Completion) -> Result<Completed> {
        self.write(completion, |tx, completion| Box::pin(interactions::complete(tx, completion))).await
    }

    async fn push_request(&self, request: PushedRecord, consume: Option<Once>) -> Result<bool> {
        self.write((request, consume), |tx, (request, consume)| {
            Box::pin(pushed::insert(tx, request, consume.as_ref()))
        })
        .await
    }

    async fn pushed_request(&self, digest: &Digest, now: i64) -> Result<Option<PushedRecord>> {
        self.read((*digest, now), |tx, (digest, now)| Box::pin(pushed::find(tx, digest, *now))).await
    }

    async fn spend_request(&self, spent: SpentRequest) -> Result<bool> {
        self.write(spent, |tx, spent| Box::pin(pushed::spend(tx, spent))).await
    }

    async fn open_polled(&self, request: PolledRecord) -> Result<bool> {
        self.write(request, |tx, request| Box::pin(polled::insert(tx, request))).await
    }

    async fn polled(&self, digest: &Digest) -> Result<Option<(PolledRecord, Option<AuthorizationRecord>)>> {
        self.read(*digest, |tx, digest| Box::pin(polled::find(tx, digest))).await
    }

    async fn polled_by_user_code(&self, user_code: &Digest, now: i64) -> Result<Option<PolledRecord>> {
        self.read((*user_code, now), |tx, (user_code, now)| {
            Box::pin(polled::find_by_user_code(tx, user_code, *now))
        })
        .await
    }

    async fn claim_polled(&self, digest: &Digest, by: &str, now: i64, events: Vec<Event>) -> Result<bool> {
        self.write((*digest, by.to_owned(), now, events), |tx, (digest, by, now, events)| {
            Box::pin(polled::claim_and_publish(tx, (digest, by), *now, events))
        })
        .await
    }

    async fn poll(&self, digest: &Digest, now: i64) -> Result<Polled> {
        self.write((*digest, now), |tx, (digest, now)| Box::pin(polled::poll(tx, digest, *now))).await
    }

    async fn redeem_polled(&self, digest: &Digest, now: i64, issued: Issued) -> Result<Redemption> {
        self.write((*digest, now, issued), |tx, (digest, now, issued)| {
            Box::pin(polled::redeem(tx, digest, *now, issued))
        })
        .await
    }

    async fn replace_polled(&self, replacement: Replacement) -> Result<bool> {
        self.write(replacement, |tx, replacement| Box::pin(polled::replace(tx, replacement))).await
    }

    async fn sessions_by_handle(&self, handles: &[Digest], now: i64) -> Result<Vec<SessionRecord>> {
        self.read((handles.to_vec(), now), |tx, (handles, now)| {
            Box::pin(sessions::by_handle(tx, handles, *now))
        })
        .await
    }

    async fn session(&self, id: &str) -> Result<Option<SessionRecord>> {
        self.read(id.to_owned(), |tx, id| Box::pin(sessions::find(tx, id))).await
    }

    async fn touch_session(&self, id: &str, now: i64) -> Result<()> {
        self.write((id.to_owned(), now), |tx, (id, now)| {
            Box::pin(async move { sessions::hold(tx, id, *now, *now).await.map(|_| ()) })
        })
        .await
    }

    async fn sessions_of(&self, sub: &str, page: Paging<'_>, now: i64) -> Result<Vec<SessionRecord>> {
        self.read((sub.to_owned(), owned(page), now), |tx, (sub, page, now)| {
            Box::pin(sessions::list_of(tx, sub, page, *now))
        })
        .await
    }

    async fn end_session(&self, id: &str, now: i64, events: Vec<Event>) -> Result<bool> {
        self.write((id.to_owned(), now, events), |tx, (id, now, events)| {
            Box::pin(sessions::end_and_publish(tx, id, *now, events))
        })
        .await
    }

    async fn clients_of_session(&self, id: &str) -> Result<Vec<String>> {
        self.read(id.to_owned(), |tx, id| Box::pin(participants::of(tx, id))).await
    }

    async fn consent(&self, key: ConsentKey<'_>, now: i64) -> Result<Option<ConsentRecord>> {
        let key = [key.sub, key.client_id, key.resource].map(ToOwned::to_owned);
        let found: Option<ConsentRecord> = self
            .read(key, |tx, [sub, client_id, resource]| {
                Box::pin(consents::find(tx, (sub, client_id, resource)))
            })
            .await?;
        Ok(found.filter(|consent| consents::is_live(consent, now)))
    }

    async fn consents_of(&self, sub: &str, page: Paging<'_>, now: i64) -> Result<Vec<ConsentRecord>> {
        self.read((sub.to_owned(), owned(page), now), |tx, (sub, page, now)| {
            Box::pin(consents::list_of(tx, sub, page, *now))
        })
        .await
    }

    async fn delete_consent(&self, id: &str, now: i64, events: Vec<Event>) -> Result<bool> {
        self.write((id.to_owned(), now, events), |tx, (id, now, events)| {
            Box::pin(consents::delete(tx, id, *now, events))
        })
        .await
    }

    async fn authorization(&self, id: &str) -> Result<Option<AuthorizationRecord>> {
        self.read(id.to_owned(), |tx, id| Box::pin(authorizations::find(tx, id))).await
    }

    async fn authorizations_of(
        &self,
        sub: &str,
        page: Paging<'_>,
        now: i64,
    ) -> Result<Vec<AuthorizationRecord>> {
        self.read((sub.to_owned(), owned(page), now), |tx, (sub, page, now)| {
            Box::pin(authorizations::list_of(tx, sub, page, *now))
        })
        .await
    }

    async fn revoke_authorization(&self, id: &str, now: i64, events: Vec<Event>) -> Result<bool> {
        self.write((id.to_owned(), now, events), |tx, (id, now, events)| {
            Box::pin(authorizations::revoke(tx, id, *now, events))
        })
        .await
    }

    async fn revoke_all(&self, of: Whose, now: i64, events: Vec<Event>) -> Result<()> {
        let everybody = of == Whose::Everybody;
        self.write((of, now, events.clone()), |tx, (of, now, events)| {
            Box::pin(revocations::revoke(tx, of, *now, events))
        })
        .await?;
        if everybody { self.revoke_batches(now, &events).await } else { Ok(()) }
    }

    async fn revocation_number(&self) -> Result<i64> {
        self.read((), |tx, ()| Box::pin(revocations::newest(tx))).await
    }

    async fn grant(&self, grant: NewGrant) -> Result<Granted> {
        self.write(grant, |tx, grant| Box::pin(grants::store(tx, grant))).await
    }

    async fn code(&self, digest: &Digest) -> Result<Option<(CodeRecord, AuthorizationRecord)>> {
        self.read(*digest, |tx, digest| Box::pin(codes::find(tx, digest))).await
    }

    async fn redeem_code(&self, digest: &Digest, now: i64, issued: Issued) -> Result<Redemption> {
        self.write((*digest, now, issued), |tx, (digest, now, issued)| {
            Box::pin(codes::redeem(tx, digest, *now, issued))
        })
        .await
    }

    async fn insert_token(&self, token: TokenRecord) -> Result<()> {
        self.write(token, |tx, token| Box::pin(tokens::insert(tx, token))).await
    }

    async fn token(&self, digest: &Digest) -> Result<Option<TokenState>> {
        self.read(*digest, |tx, digest| Box::pin(tokens::find(tx, digest))).await
    }

    async fn use_token(&self, digest: &Digest, now: i64) -> Result<bool> {
        self.write((*digest, now), |tx, (digest, now)| Box::pin(tokens::use_up(tx, digest, *now))).await
    }

    async fn revoke_token(&self, digest: &Digest, now: i64, events: Vec<Event>) -> Result<bool> {
        self.write((*digest, now, events), |tx, (digest, now, events)| {
            Box::pin(tokens::revoke(tx, digest, *now, events))
        })
        .await
    }

    async fn jwt_state(&self, jti: &str, home: &JwtHome) -> Result<JwtState> {
        self.read((jti.to_owned(), home.clone()), |tx, (jti, home)| {
            Box::pin(tokens::jwt_state(tx, jti, home))
        })
        .await
    }

    async fn revoke_jti(&self, jti: &str, now: i64, expires_at: i64, events: Vec<Event>) -> Result<()> {
        self.write((jti.to_owned(), now, expires_at, events), |tx, (jti, now, expires_at, events)| {
            Box::pin(tokens::revoke_jti(tx, jti, (*now, *expires_at), events))
        })
        .await
    }

    async fn family(&self, id: &str) -> Result<Option<(FamilyRecord, AuthorizationRecord)>> {
        self.read(id.to_owned(), |tx, id| Box::pin(families::find(tx, id))).await
    }

    async fn rotate(&self, rotate: Rotate, issued: Issued) -> Result<Rotation> {
        self.write((rotate, issued), |tx, (rotate, issued)| Box::pin(families::rotate(tx, rotate, issued)))
            .await
    }

    async fn keys(&self) -> Result<Vec<KeyRecord>> {
        self.read((), |tx, ()| Box::pin(keys::list(tx))).await
    }

    async fn change_keys(
        &self,
        generation: i64,
        changes: Vec<KeyRecord>,
        events: Vec<Event>,
    ) -> Result<bool> {
        self.write((generation, changes, events), |tx, (generation, changes, events)| {
            Box::pin(keys::change(tx, *generation, changes, events))
        })
        .await
    }

    async fn key_generation(&self) -> Result<i64> {
        self.read((), |tx, ()| Box::pin(keys::generation(tx))).await
    }

    async fn subject(&self, sub: &str) -> Result<Option<SubjectRecord>> {
        self.read(sub.to_owned(), |tx, sub| Box::pin(subjects::find(tx, sub))).await
    }

    async fn set_subject_disabled(
        &self,
        sub: &str,
        disabled: bool,
        now: i64,
        events: Vec<Event>,
    ) -> Result<()> {
        self.write((sub.to_owned(), disabled, now, events), |tx, (sub, disabled, now, events)| {
            Box::pin(subjects::set_disabled(tx, (sub, *disabled), *now, events))
        })
        .await
    }

    async fn end_sessions_of(&self, sub: &str, by: &str, now: i64, events: Vec<Event>) -> Result<u64> {
        self.write((sub.to_owned(), by.to_owned(), now, events), |tx, (sub, by, now, events)| {
            let by = misc::EndedBy { initiator: by, extent: None, at: *now };
            Box::pin(sessions::end_all_and_publish(tx, sub, by, events))
        })
        .await
    }

    async fn consume_once(&self, kind: &str, id: &str, expires_at: i64) -> Result<bool> {
        self.write((kind.to_owned(), id.to_owned(), expires_at), |tx, (kind, id, expires_at)| {
            Box::pin(misc::consume_once(tx, kind, id, *expires_at))
        })
        .await
    }

    async fn remember_reply(&self, reply: ReplyRecord, now: i64) -> Result<Option<ReplyRecord>> {
        self.write((reply, now), |tx, (reply, now)| Box::pin(misc::remember_reply(tx, reply, *now))).await
    }

    async fn publish(&self, events: Vec<Event>) -> Result<()> {
        self.write(events, |tx, events| Box::pin(misc::publish(tx, events))).await
    }

    async fn purge(&self, now: i64, limit: u32) -> Result<u64> {
        let mut purged = self
            .write((now, limit), |tx, (now, limit)| Box::pin(deliveries::give_up_held(tx, *now, *limit)))
            .await?;
        // Each kind in a transaction of its own, so that none holds locks for long.
        for dead in purge::kinds(**self.kept.load()) {
            purged += self
                .write((dead, now, limit), |tx, (dead, now, limit)| {
                    Box::pin(purge::purge(tx, *dead, *now, *limit))
                })
                .await?;
        }
        Ok(purged)
    }

    async fn ping(&self) -> Result<()> {
        self.is_there().await
    }
}

fn owned(page: Paging<'_>) -> (String, u32) {
    (page.after.to_owned(), page.limit)
}
