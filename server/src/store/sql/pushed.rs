//! Pushed authorization requests.

use super::{
    misc,
    tx::{Fallible, Row, Tx, at_most_one, values},
};
use crate::store::{Once, PushedRecord, SpentRequest};

/// Kind of the ids of spent requests.
const SPENT: &str = "pushed_request";

fn read(row: &mut Row) -> Fallible<PushedRecord> {
    Ok(PushedRecord {
        digest: row.digest()?,
        client_id: row.text()?,
        sealed: row.bytes()?,
        created_at: row.int()?,
        expires_at: row.int()?,
    })
}

pub(super) async fn insert(
    tx: &mut dyn Tx,
    request: &PushedRecord,
    consume: Option<&Once>,
) -> Fallible<bool> {
    if let Some(once) = consume
        && !misc::consume_once(tx, once.kind, &once.id, once.expires_at).await?
    {
        return Ok(false);
    }
    tx.execute(
        "INSERT INTO pushed_requests (tenant, digest, client_id, sealed, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
        values![
            &request.digest,
            &request.client_id,
            &request.sealed,
            request.created_at,
            request.expires_at,
        ],
    )
    .await?;
    Ok(true)
}

pub(super) async fn find(
    tx: &mut dyn Tx,
    digest: &crate::store::Digest,
    now: i64,
) -> Fallible<Option<PushedRecord>> {
    let rows = tx
        .query(
            "SELECT digest, client_id, sealed, created_at, expires_at FROM pushed_requests \
             WHERE tenant = $1 AND digest = $2 AND expires_at > $3",
            values![digest, now],
        )
        .await?;
    at_most_one(rows, read)
}

/// The row may be gone while interactions are open that it led to: so what was spent is remembered for itself, and longer.
pub(super) async fn spend(tx: &mut dyn Tx, spent: &SpentRequest) -> Fallible<bool> {
    let id = crate::seal::hex(&spent.digest.0);
    if !misc::consume_once(tx, SPENT, &id, spent.remembered_until).await? {
        return Ok(false);
    }
    tx.execute("DELETE FROM pushed_requests WHERE tenant = $1 AND digest = $2", values![&spent.digest])
        .await?;
    Ok(true)
}
