//! What is known of subjects.

use super::{
    authorizations,
    misc::{self, EndedBy},
    sessions,
    tx::{Fallible, Row, Tx, at_most_one, first, values},
};
use crate::store::{Event, SubjectRecord};

fn read(row: &mut Row) -> Fallible<SubjectRecord> {
    Ok(SubjectRecord { sub: row.text()?, disabled_at: row.optional_int()?, generation: row.int()? })
}

pub(super) async fn find(tx: &mut dyn Tx, sub: &str) -> Fallible<Option<SubjectRecord>> {
    let rows = tx
        .query(
            "SELECT sub, disabled_at, generation FROM subjects \
             WHERE tenant = $1 AND sub = $2 AND generation > 0",
            values![sub],
        )
        .await?;
    at_most_one(rows, read)
}

/// Makes other steps that hold or disable this subject wait until this one is through; tells whether it is
/// disabled. Otherwise a grant that was checked before a disabling and stored after it would escape it.
pub(super) async fn hold(tx: &mut dyn Tx, sub: &str, now: i64) -> Fallible<bool> {
    let rows = tx
        .query(
            "INSERT INTO subjects (tenant, sub, disabled_at, generation, held_at) VALUES ($1, $2, NULL, 0, $3) \
             ON CONFLICT (tenant, sub) DO UPDATE SET held_at = excluded.held_at RETURNING disabled_at",
            values![sub, now],
        )
        .await?;
    Ok(first(rows).is_some_and(|row| !row.is_null()))
}

pub(super) async fn set_disabled(
    tx: &mut dyn Tx,
    (sub, disabled): (&str, bool),
    now: i64,
    events: &[Event],
) -> Fallible<()> {
    tx.execute(
        "INSERT INTO subjects (tenant, sub, disabled_at, generation, held_at) VALUES ($1, $2, $3, 1, $4) \
         ON CONFLICT (tenant, sub) DO UPDATE SET disabled_at = excluded.disabled_at, \
         generation = subjects.generation + 1, held_at = excluded.held_at",
        values![sub, disabled.then_some(now), now],
    )
    .await?;
    if disabled {
        sessions::end_all_of(tx, sub, EndedBy::account(now)).await?;
        authorizations::revoke_of_subject(tx, sub, now).await?;
    }
    misc::publish(tx, events).await
}
