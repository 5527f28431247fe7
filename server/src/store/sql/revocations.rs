//! Revocation of everything of a user, of a client, or of somebody who acts.

use super::{
    authorizations, clients, generations, lineage, misc, sessions,
    store::SqlStore,
    tx::{Engine, Fallible, Fault, Row, Tx, at_most_one, every, first, values},
};
use crate::store::{Event, Fact, OfClient, REMEMBERED, Result, StoreError, Whose};

/// Nobody is disabled by that: what is granted from now on counts.
pub(super) async fn revoke(tx: &mut dyn Tx, of: &Whose, now: i64, events: &[Event]) -> Fallible<()> {
    misc::publish(tx, events).await?;
    match of {
        Whose::Subject(sub) => {
            sessions::end_all_of(tx, sub, misc::EndedBy::account(now)).await?;
            authorizations::revoke_of_subject(tx, sub, now).await
        }
        Whose::Client(client_id) => {
            clients::hold(tx, client_id).await?;
            revoke_client(tx, client_id, now).await
        }
        Whose::Actor(actor) => {
            clients::hold(tx, actor).await?;
            authorizations::revoke_of_actor(tx, actor, now).await?;
            lineage::revoke_derived(tx, &lineage::client(actor), now).await.map(drop)
        }
        // The rest comes in batches, so that no transaction is endless.
        Whose::Everybody => {
            generations::begin_era(tx, &generations::era(events)?).await?;
            revoke_unstored(tx, EVERYBODY, now).await
        }
    }
}

/// In the place of a client: every client.
const EVERYBODY: &str = "";

/// How many rows of one kind are ended in one transaction.
const AT_ONCE: u32 = 500;

/// What everybody has, by its kind.
#[derive(Clone, Copy)]
enum Batch {
    Sessions,
    Authorizations,
    Tokens,
}

/// Sessions first: who had one is asked again before anything new is granted.
const BATCHES: [Batch; 3] = [Batch::Sessions, Batch::Authorizations, Batch::Tokens];

impl<E: Engine> SqlStore<E> {
    /// Ends what everybody has, some of it at a time.
    ///
    /// What was issued meanwhile under something that was yet to be ended is of no earlier era: so another one begins at
    /// the end.
    pub(super) async fn revoke_batches(&self, now: i64, events: &[Event]) -> Result<()> {
        for batch in BATCHES {
            let some =
                || self.write((batch, now), |tx, (batch, now)| Box::pin(revoke_batch(tx, *batch, *now)));
            while some().await? {}
        }
        let era = generations::era(events).map(|id| format!("{id}.")).map_err(StoreError::from)?;
        self.write(era, |tx, era| Box::pin(generations::begin_era(tx, era))).await
    }
}

/// Ends some of what there is of a kind; false if there was no more.
async fn revoke_batch(tx: &mut dyn Tx, batch: Batch, now: i64) -> Fallible<bool> {
    match batch {
        Batch::Sessions => sessions::end_some(tx, AT_ONCE, now).await,
        Batch::Authorizations => some(
            tx,
            "UPDATE authorizations SET revoked_at = $2 WHERE tenant = $1 AND revoked_at IS NULL AND id IN \
                 (SELECT id FROM authorizations WHERE tenant = $1 AND revoked_at IS NULL LIMIT $3)",
            ("SELECT id FROM authorizations WHERE tenant = $1 AND revoked_at IS NULL LIMIT 1", now),
        )
        .await,
        Batch::Tokens => {
            some(
                tx,
                "UPDATE tokens SET revoked_at = $2 \
                 WHERE tenant = $1 AND authorization_id IS NULL AND revoked_at IS NULL AND digest IN \
                 (SELECT digest FROM tokens WHERE tenant = $1 AND authorization_id IS NULL \
                 AND revoked_at IS NULL LIMIT $3)",
                (
                    "SELECT client_id FROM tokens \
                     WHERE tenant = $1 AND authorization_id IS NULL AND revoked_at IS NULL LIMIT 1",
                    now,
                ),
            )
            .await
        }
    }
}

/// Somebody else may have ended all of these at the same moment: whether there are others is a question of its own.
async fn some(tx: &mut dyn Tx, end: &'static str, (others, now): (&'static str, i64)) -> Fallible<bool> {
    let ended = tx.execute(end, values![now, AT_ONCE]).await?;
    Ok(ended > 0 || !tx.query(others, &[]).await?.is_empty())
}

/// Revokes every authorization of a client, those in which it takes part, and the tokens that it got for itself.
pub(super) async fn revoke_client(tx: &mut dyn Tx, client_id: &str, now: i64) -> Fallible<()> {
    revoke_unstored(tx, client_id, now).await?;
    authorizations::revoke_of_client(tx, client_id, now).await?;
    // Tokens and families under an authorization are dead with it.
    let rows = tx
        .query(
            "UPDATE tokens SET revoked_at = $3 WHERE tenant = $1 AND client_id = $2 \
             AND authorization_id IS NULL AND revoked_at IS NULL RETURNING digest",
            values![client_id, now],
        )
        .await?;
    let revoked = every(rows, Row::digest)?;
    if !revoked.is_empty() {
        tx.changed(&revoked.iter().map(Fact::token).collect::<Vec<_>>());
    }
    Ok(())
}

/// Revokes the tokens of a client of which nothing is stored. Numbers of revocations are an order of what was issued
/// before and after; seconds are none.
async fn revoke_unstored(tx: &mut dyn Tx, client_id: &str, now: i64) -> Fallible<()> {
    let rows = tx
        .query(
            "INSERT INTO revocation_numbers (tenant, number) VALUES ($1, 1) \
             ON CONFLICT (tenant) DO UPDATE SET number = revocation_numbers.number + 1 RETURNING number",
            &[],
        )
        .await?;
    let number = at_most_one(rows, Row::int)?.ok_or_else(|| Fault::corrupt("a revocation has no number"))?;
    tx.execute(
        "INSERT INTO revoked_clients (tenant, client_id, number, expires_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (tenant, client_id) DO UPDATE SET number = excluded.number, expires_at = excluded.expires_at",
        values![client_id, number, now.saturating_add(REMEMBERED)],
    )
    .await?;
    Ok(())
}

/// The number of the newest revocation; 0 before there is any.
pub(super) async fn newest(tx: &mut dyn Tx) -> Fallible<i64> {
    let rows = tx.query("SELECT number FROM revocation_numbers WHERE tenant = $1", &[]).await?;
    Ok(at_most_one(rows, Row::int)?.unwrap_or(0))
}

/// Keeps everything of a client from being revoked before this step is through; false if that happened since a token of
/// this number was issued to it.
pub(super) async fn hold(tx: &mut dyn Tx, of: &OfClient, until: i64) -> Fallible<bool> {
    let rows = tx
        .query(
            "INSERT INTO revoked_clients (tenant, client_id, number, expires_at) VALUES ($1, $2, 0, $3) \
             ON CONFLICT (tenant, client_id) DO UPDATE SET number = revoked_clients.number RETURNING number",
            values![&of.client_id, until],
        )
        .await?;
    let mut row = first(rows).ok_or_else(|| Fault::corrupt("a held client has no row"))?;
    if row.int()? > of.number {
        return Ok(false);
    }
    let rows = tx
        .query("SELECT number FROM revoked_clients WHERE tenant = $1 AND client_id = $2", values![EVERYBODY])
        .await?;
    Ok(at_most_one(rows, Row::int)?.is_none_or(|number| number <= of.number))
}
