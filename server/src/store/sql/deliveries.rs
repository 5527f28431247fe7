//! Deliveries.

use async_trait::async_trait;

use super::{
    SqlStore, misc, owned,
    tx::{Engine, Fallible, Row, Tx, at_most_one, every, values},
};
use crate::store::{
    Backlog, Claim, Deliveries, DeliveryFilter, DeliveryRecord, Event, Hold, Kept, Paging, Result, Settled,
    Subscriber,
};

macro_rules! columns {
    () => {
        "id, kind, destination, payload, attempts, created_at, next_at, expires_at, dead_at, reason"
    };
}

/// One delivery of each destination in turn: the destinations are walked along the index, so that the many deliveries of
/// one cost the others nothing. `$2` now, `$3` the end of the lease, `$4` how many, `$5` how many of one destination.
const CLAIM: &str = concat!(
    "WITH RECURSIVE places (destination) AS (\
     SELECT MIN(destination) FROM deliveries WHERE tenant = $1 AND dead_at IS NULL \
     UNION ALL \
     SELECT (SELECT MIN(d.destination) FROM deliveries d \
     WHERE d.tenant = $1 AND d.dead_at IS NULL AND d.destination > p.destination) \
     FROM places p WHERE p.destination IS NOT NULL), \
     heads (id, next_at) AS (\
     SELECT d.id, d.next_at FROM places p JOIN deliveries d ON d.tenant = $1 AND d.id = (\
     SELECT h.id FROM deliveries h WHERE h.tenant = $1 AND h.dead_at IS NULL \
     AND h.destination = p.destination AND h.next_at <= $2 ORDER BY h.next_at, h.id LIMIT 1) \
     WHERE (SELECT COUNT(*) FROM deliveries l WHERE l.tenant = $1 AND l.destination = p.destination \
     AND l.leased = 1 AND l.next_at > $2) < $5 \
     AND NOT EXISTS (SELECT 1 FROM held_destinations x WHERE x.tenant = $1 AND x.destination = p.destination)) \
     UPDATE deliveries SET attempts = attempts + 1, leased = 1, next_at = $3 \
     WHERE tenant = $1 AND dead_at IS NULL AND next_at <= $2 \
     AND id IN (SELECT id FROM heads ORDER BY next_at, id LIMIT $4) RETURNING ",
    columns!()
);

fn read(row: &mut Row) -> Fallible<DeliveryRecord> {
    Ok(DeliveryRecord {
        id: row.text()?,
        kind: row.text()?,
        destination: row.text()?,
        payload: row.bytes()?,
        attempts: row.int()?,
        created_at: row.int()?,
        next_at: row.int()?,
        expires_at: row.int()?,
        dead_at: row.optional_int()?,
        reason: row.optional_text()?,
    })
}

/// Writes deliveries, as part of a step.
pub(super) async fn insert(tx: &mut dyn Tx, deliveries: &[DeliveryRecord]) -> Fallible<()> {
    for delivery in deliveries {
        tx.execute(
            concat!(
                "INSERT INTO deliveries (tenant, leased, ",
                columns!(),
                ") VALUES ($1, 0, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (tenant, id) DO NOTHING"
            ),
            values![
                &delivery.id,
                &delivery.kind,
                &delivery.destination,
                &delivery.payload,
                delivery.attempts,
                delivery.created_at,
                delivery.next_at,
                delivery.expires_at,
                delivery.dead_at,
                delivery.reason.as_ref(),
            ],
        )
        .await?;
    }
    Ok(())
}

async fn enqueue(tx: &mut dyn Tx, deliveries: &[DeliveryRecord], events: &[Event]) -> Fallible<()> {
    insert(tx, deliveries).await?;
    misc::publish(tx, events).await
}

async fn claim(tx: &mut dyn Tx, claim: &Claim) -> Fallible<Vec<DeliveryRecord>> {
    let rows = tx.query(CLAIM, values![claim.now, claim.until, claim.most, claim.per_destination]).await?;
    every(rows, read)
}

async fn settle(
    tx: &mut dyn Tx,
    (id, attempt): (&str, i64),
    settled: &Settled,
    events: &[Event],
) -> Fallible<bool> {
    let done = match settled {
        Settled::Done => {
            tx.execute(
                "DELETE FROM deliveries WHERE tenant = $1 AND id = $2 AND attempts = $3 AND leased = 1",
                values![id, attempt],
            )
            .await?
        }
        Settled::Later { next_at, reason } => {
            tx.execute(
                "UPDATE deliveries SET leased = 0, next_at = $4, reason = $5 \
                 WHERE tenant = $1 AND id = $2 AND attempts = $3 AND leased = 1",
                values![id, attempt, *next_at, reason],
            )
            .await?
        }
        Settled::Dead { at, reason } => {
            tx.execute(
                "UPDATE deliveries SET leased = 0, dead_at = $4, reason = $5 \
                 WHERE tenant = $1 AND id = $2 AND attempts = $3 AND leased = 1",
                values![id, attempt, *at, reason],
            )
            .await?
        }
    };
    misc::publish_if(tx, done > 0, events).await
}

async fn find(tx: &mut dyn Tx, id: &str) -> Fallible<Option<DeliveryRecord>> {
    let rows = tx
        .query(concat!("SELECT ", columns!(), " FROM deliveries WHERE tenant = $1 AND id = $2"), values![id])
        .await?;
    at_most_one(rows, read)
}

async fn list(
    tx: &mut dyn Tx,
    filter: &DeliveryFilter,
    page: &(String, u32),
) -> Fallible<Vec<DeliveryRecord>> {
    macro_rules! those {
        ($when:literal) => {
            concat!(
                "SELECT ",
                columns!(),
                " FROM deliveries WHERE tenant = $1 AND id > $2 AND ($3 = '' OR kind = $3) \
                 AND ($4 = '' OR destination = $4) AND ",
                $when,
                " ORDER BY id LIMIT $5"
            )
        };
    }
    let sql = if filter.dead { those!("dead_at IS NOT NULL") } else { those!("dead_at IS NULL") };
    every(tx.query(sql, values![&page.0, &filter.kind, &filter.destination, page.1]).await?, read)
}

async fn redeliver(
    tx: &mut dyn Tx,
    id: &str,
    (now, expires_at): (i64, i64),
    events: &[Event],
) -> Fallible<bool> {
    let due = tx
        .execute(
            "UPDATE deliveries SET leased = 0, dead_at = NULL, next_at = $3, expires_at = $4 \
             WHERE tenant = $1 AND id = $2 AND (leased = 0 OR next_at <= $3)",
            values![id, now, expires_at],
        )
        .await?;
    misc::publish_if(tx, due > 0, events).await
}

async fn redeliver_to(
    tx: &mut dyn Tx,
    destination: &str,
    ((now, expires_at), limit): ((i64, i64), u32),
    events: &[Event],
) -> Fallible<u64> {
    let due = tx
        .execute(
            "UPDATE deliveries SET leased = 0, dead_at = NULL, next_at = $3, expires_at = $4 \
             WHERE tenant = $1 AND dead_at IS NOT NULL AND id IN (SELECT id FROM deliveries \
             WHERE tenant = $1 AND destination = $2 AND dead_at IS NOT NULL ORDER BY id LIMIT $5)",
            values![destination, now, expires_at, limit],
        )
        .await?;
    misc::publish_if(tx, due > 0, events).await?;
    Ok(due)
}

async fn hold(tx: &mut dyn Tx, hold: &Hold, events: &[Event]) -> Fallible<bool> {
    let inserted = tx
        .execute(
            "INSERT INTO held_destinations (tenant, destination, held_at, reason) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (tenant, destination) DO NOTHING",
            values![&hold.destination, hold.held_at, &hold.reason],
        )
        .await?;
    misc::publish_if(tx, inserted > 0, events).await
}

async fn release(tx: &mut dyn Tx, destination: &str, events: &[Event]) -> Fallible<bool> {
    let released = tx
        .execute("DELETE FROM held_destinations WHERE tenant = $1 AND destination = $2", values![destination])
        .await?;
    misc::publish_if(tx, released > 0, events).await
}

async fn held(tx: &mut dyn Tx) -> Fallible<Vec<Hold>> {
    let rows = tx
        .query(
            "SELECT destination, held_at, reason FROM held_destinations WHERE tenant = $1 ORDER BY destination",
            &[],
        )
        .await?;
    every(rows, |row| Ok(Hold { destination: row.text()?, held_at: row.int()?, reason: row.text()? }))
}

async fn backlog(tx: &mut dyn Tx, destination: &str, most: u32) -> Fallible<Backlog> {
    macro_rules! those {
        ($when:literal) => {
            concat!(
                "SELECT COUNT(*), MIN(created_at) FROM (SELECT created_at FROM deliveries \
                 WHERE tenant = $1 AND destination = $2 AND ",
                $when,
                " LIMIT $3) AS counted"
            )
        };
    }
    let count = |row: &mut Row| Ok((row.int()?, row.optional_int()?));
    let waiting = tx.query(those!("dead_at IS NULL"), values![destination, most]).await?;
    let dead = tx.query(those!("dead_at IS NOT NULL"), values![destination, most]).await?;
    let (pending, oldest) = at_most_one(waiting, count)?.unwrap_or_default();
    Ok(Backlog { pending, oldest, dead: at_most_one(dead, count)?.unwrap_or_default().0 })
}

/// Gives up what has waited for a held destination until its end: nobody attempts it.
pub(super) async fn give_up_held(tx: &mut dyn Tx, now: i64, limit: u32) -> Fallible<u64> {
    tx.execute(
        "UPDATE deliveries SET leased = 0, dead_at = $2, reason = 'its destination was held for too long' \
         WHERE tenant = $1 AND dead_at IS NULL AND id IN (SELECT d.id FROM held_destinations h \
         JOIN deliveries d ON d.tenant = $1 AND d.destination = h.destination \
         WHERE h.tenant = $1 AND d.dead_at IS NULL AND d.expires_at <= $2 \
         AND (d.leased = 0 OR d.next_at <= $2) LIMIT $3)",
        values![now, limit],
    )
    .await
}

async fn delete(tx: &mut dyn Tx, id: &str, events: &[Event]) -> Fallible<bool> {
    let gone = tx.execute("DELETE FROM deliveries WHERE tenant = $1 AND id = $2", values![id]).await?;
    misc::publish_if(tx, gone > 0, events).await
}

#[async_trait]
impl<E: Engine> Deliveries for SqlStore<E> {
    fn subscribe(&self, subscribers: Vec<Subscriber>) {
        self.subscribers.store(subscribers.into());
    }

    fn keep(&self, kept: Kept) {
        self.kept.store(kept.into());
    }

    async fn enqueue(&self, deliveries: Vec<DeliveryRecord>, events: Vec<Event>) -> Result<()> {
        self.write((deliveries, events), |tx, (deliveries, events)| Box::pin(enqueue(tx, deliveries, events)))
            .await
    }

    async fn claim_deliveries(&self, wanted: Claim) -> Result<Vec<DeliveryRecord>> {
        self.write(wanted, |tx, wanted| Box::pin(claim(tx, wanted))).await
    }

    async fn settle_delivery(
        &self,
        id: &str,
        attempt: i64,
        settled: Settled,
        events: Vec<Event>,
    ) -> Result<bool> {
        self.write((id.to_owned(), attempt, settled, events), |tx, (id, attempt, settled, events)| {
            Box::pin(settle(tx, (id, *attempt), settled, events))
        })
        .await
    }

    async fn delivery(&self, id: &str) -> Result<Option<DeliveryRecord>> {
        self.read(id.to_owned(), |tx, id| Box::pin(find(tx, id))).await
    }

    async fn deliveries(&self, filter: &DeliveryFilter, page: Paging<'_>) -> Result<Vec<DeliveryRecord>> {
        self.read((filter.clone(), owned(page)), |tx, (filter, page)| Box::pin(list(tx, filter, page))).await
    }

    async fn redeliver(&self, id: &str, due: (i64, i64), events: Vec<Event>) -> Result<bool> {
        self.write((id.to_owned(), due, events), |tx, (id, due, events)| {
            Box::pin(redeliver(tx, id, *due, events))
        })
        .await
    }

    async fn drop_delivery(&self, id: &str, events: Vec<Event>) -> Result<bool> {
        self.write((id.to_owned(), events), |tx, (id, events)| Box::pin(delete(tx, id, events))).await
    }

    async fn redeliver_to(
        &self,
        destination: &str,
        due: (i64, i64),
        limit: u32,
        events: Vec<Event>,
    ) -> Result<u64> {
        self.write((destination.to_owned(), (due, limit), events), |tx, (destination, due, events)| {
            Box::pin(redeliver_to(tx, destination, *due, events))
        })
        .await
    }

    async fn hold_destination(&self, wanted: Hold, events: Vec<Event>) -> Result<bool> {
        self.write((wanted, events), |tx, (wanted, events)| Box::pin(hold(tx, wanted, events))).await
    }

    async fn release_destination(&self, destination: &str, events: Vec<Event>) -> Result<bool> {
        self.write((destination.to_owned(), events), |tx, (destination, events)| {
            Box::pin(release(tx, destination, events))
        })
        .await
    }

    async fn held_destinations(&self) -> Result<Vec<Hold>> {
        self.read((), |tx, ()| Box::pin(held(tx))).await
    }

    async fn backlog(&self, destination: &str, most: u32) -> Result<Backlog> {
        self.read((destination.to_owned(), most), |tx, (destination, most)| {
            Box::pin(backlog(tx, destination, *most))
        })
        .await
    }
}
