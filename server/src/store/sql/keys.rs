//! Signing keys.

use super::{
    misc,
    tx::{Fallible, Row, Tx, every, first, values},
};
use crate::store::{Event, KeyRecord};

macro_rules! columns {
    () => {
        "kid, alg, state, sealed, public_jwk, created_at, changed_at, expires_at"
    };
}

fn read(row: &mut Row) -> Fallible<KeyRecord> {
    Ok(KeyRecord {
        kid: row.text()?,
        alg: row.text()?,
        state: row.text()?,
        sealed: row.bytes()?,
        public_jwk: row.text()?,
        created_at: row.int()?,
        changed_at: row.int()?,
        expires_at: row.optional_int()?,
    })
}

pub(super) async fn list(tx: &mut dyn Tx) -> Fallible<Vec<KeyRecord>> {
    let rows = tx
        .query(
            concat!(
                "SELECT ",
                columns!(),
                " FROM signing_keys WHERE tenant = $1 AND state <> 'removed' ORDER BY created_at, kid"
            ),
            &[],
        )
        .await?;
    every(rows, read)
}

pub(super) async fn generation(tx: &mut dyn Tx) -> Fallible<i64> {
    let rows = tx.query("SELECT generation FROM key_sets WHERE tenant = $1", &[]).await?;
    first(rows).map_or(Ok(0), |mut row| row.int())
}

/// Changes keys if the generation of their set is still `expected`.
pub(super) async fn change(
    tx: &mut dyn Tx,
    expected: i64,
    changes: &[KeyRecord],
    events: &[Event],
) -> Fallible<bool> {
    tx.execute(
        "INSERT INTO key_sets (tenant, generation) VALUES ($1, 0) ON CONFLICT (tenant) DO NOTHING",
        &[],
    )
    .await?;
    let raised = tx
        .execute(
            "UPDATE key_sets SET generation = generation + 1 WHERE tenant = $1 AND generation = $2",
            values![expected],
        )
        .await?;
    if raised == 0 {
        return Ok(false);
    }
    for key in changes {
        tx.execute(
            concat!(
                "INSERT INTO signing_keys (tenant, ",
                columns!(),
                ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
                 ON CONFLICT (tenant, kid) DO UPDATE SET state = excluded.state, sealed = excluded.sealed, \
                 changed_at = excluded.changed_at, expires_at = excluded.expires_at"
            ),
            values![
                &key.kid,
                &key.alg,
                &key.state,
                &key.sealed,
                &key.public_jwk,
                key.created_at,
                key.changed_at,
                key.expires_at,
            ],
        )
        .await?;
    }
    misc::publish_if(tx, true, events).await
}
