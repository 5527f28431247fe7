//! Which worker looks after the store, and the latest time that one has stood at.

use async_trait::async_trait;

use super::{
    SqlStore,
    tx::{Engine, Fallible, Row, Tx, at_most_one, values},
};
use crate::store::{Housekeeping, Result};

/// So many seconds a worker may be silent before another one takes over.
const LEASE: i64 = 60;

/// A lease that ends so much later than one can was taken by a clock that was wrong: it is nobody's.
const WRONG: i64 = 3_600;

#[async_trait]
impl<E: Engine> Housekeeping for SqlStore<E> {
    async fn lead(&self, worker: &str, now: i64) -> Result<bool> {
        self.write((worker.to_owned(), now), |tx, (worker, now)| Box::pin(lead(tx, worker, *now))).await
    }

    async fn latest_time(&self) -> Result<i64> {
        self.read((), |tx, ()| Box::pin(latest_time(tx))).await
    }

    async fn forget_time(&self) -> Result<()> {
        self.write((), |tx, ()| Box::pin(forget_time(tx))).await
    }
}

/// The time of whoever is refused is not kept: it may be wrong, and the one who leads keeps theirs.
async fn lead(tx: &mut dyn Tx, worker: &str, now: i64) -> Fallible<bool> {
    let ends_at = now.saturating_add(LEASE);
    let taken = tx
        .execute(
            "INSERT INTO housekeeping (tenant, worker, ends_at, seen_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (tenant) DO UPDATE SET worker = excluded.worker, ends_at = excluded.ends_at, \
             seen_at = CASE WHEN housekeeping.seen_at > excluded.seen_at THEN housekeeping.seen_at \
             ELSE excluded.seen_at END \
             WHERE housekeeping.worker = $2 OR housekeeping.ends_at <= $4 OR housekeeping.ends_at > $5",
            values![worker, ends_at, now, ends_at.saturating_add(WRONG)],
        )
        .await?;
    Ok(taken > 0)
}

async fn latest_time(tx: &mut dyn Tx) -> Fallible<i64> {
    let rows = tx.query("SELECT seen_at FROM housekeeping WHERE tenant = $1", &[]).await?;
    Ok(at_most_one(rows, Row::int)?.unwrap_or(0))
}

async fn forget_time(tx: &mut dyn Tx) -> Fallible<()> {
    tx.execute("DELETE FROM housekeeping WHERE tenant = $1", &[]).await?;
    Ok(())
}
