//! What revocations leave behind for tokens that carry everything themselves.
//!
//! A revocation writes a mark without a number, and waits for no other revocation. Numbers are given afterwards, by whoever
//! wants to read: in one order, and only to what is committed. So whoever has read all marks up to a number has missed none.

use std::sync::atomic::Ordering;

use async_trait::async_trait;

use super::{
    store::SqlStore,
    tx::{Engine, Fallible, Fault, Row, Tx, at_most_one, every, values},
};
use crate::store::{Event, Generations, Known, Learned, NUMBERED_AT_ONCE, Result, Revoked};

/// An authorization that was just revoked.
pub(super) struct Ended {
    pub(super) id: String,
    pub(super) sub: String,
    pub(super) client_id: String,
    pub(super) self_contained: bool,
    pub(super) expires_at: i64,
}

/// What the statements give that revoke authorizations.
macro_rules! ended_columns {
    () => {
        " RETURNING id, sub, client_id, expires_at, self_contained"
    };
}
pub(super) use ended_columns;

/// The authorizations that a statement revoked.
pub(super) fn ended(rows: Vec<Row>) -> Fallible<Vec<Ended>> {
    every(rows, |row| {
        Ok(Ended {
            id: row.text()?,
            sub: row.text()?,
            client_id: row.text()?,
            expires_at: row.int()?,
            self_contained: row.flag()?,
        })
    })
}

/// Marks each of these authorizations whose tokens carry everything themselves.
pub(super) async fn mark_each(tx: &mut dyn Tx, ended: &[Ended]) -> Fallible<()> {
    let marks = ended
        .iter()
        .filter(|one| one.self_contained)
        .map(|one| (Revoked::authorization(&one.id), one.expires_at));
    raise(tx, marks.collect()).await
}

/// The same with one mark for all that `covers` tells of, and one for each of the others.
pub(super) async fn mark_all(
    tx: &mut dyn Tx,
    ended: Vec<Ended>,
    (mark, until): (Revoked, i64),
    covers: impl Fn(&Ended) -> bool,
) -> Fallible<()> {
    let (covered, others): (Vec<_>, Vec<_>) =
        ended.into_iter().filter(|one| one.self_contained).partition(covers);
    mark_each(tx, &others).await?;
    if covered.is_empty() { Ok(()) } else { raise(tx, vec![(mark, until)]).await }
}

/// Writes marks that nobody may overlook from now on.
pub(super) async fn raise(tx: &mut dyn Tx, mut marks: Vec<(Revoked, i64)>) -> Fallible<()> {
    if marks.is_empty() {
        return Ok(());
    }
    tx.raised();
    tx.execute(
        "INSERT INTO generations (tenant, era, number) VALUES ($1, '', 0) ON CONFLICT (tenant) DO NOTHING",
        &[],
    )
    .await?;
    // In one order, so that two revocations do not wait for each other.
    marks.sort();
    for (Revoked(name), until) in marks {
        tx.execute(
            "INSERT INTO generation_marks (tenant, name, number, expires_at) VALUES ($1, $2, NULL, $3) \
             ON CONFLICT (tenant, name) DO UPDATE SET number = NULL, expires_at = CASE \
             WHEN generation_marks.expires_at > excluded.expires_at THEN generation_marks.expires_at \
             ELSE excluded.expires_at END",
            values![&name, until],
        )
        .await?;
    }
    Ok(())
}

/// Begins an era: no token of an earlier one counts.
pub(super) async fn begin_era(tx: &mut dyn Tx, era: &str) -> Fallible<()> {
    tx.raised();
    tx.execute(
        "INSERT INTO generations (tenant, era, number) VALUES ($1, $2, 0) \
         ON CONFLICT (tenant) DO UPDATE SET era = excluded.era",
        values![era],
    )
    .await?;
    Ok(())
}

/// Gives a number to marks that have none; tells how many there were.
async fn number(tx: &mut dyn Tx) -> Fallible<u64> {
    // The row of the tenant orders those who number.
    let rows = tx
        .query("UPDATE generations SET number = number + 1 WHERE tenant = $1 RETURNING number", &[])
        .await?;
    let Some(number) = at_most_one(rows, Row::int)? else { return Ok(0) };
    tx.execute(
        "UPDATE generation_marks SET number = $2 WHERE tenant = $1 AND number IS NULL AND name IN \
         (SELECT name FROM generation_marks WHERE tenant = $1 AND number IS NULL LIMIT $3)",
        values![number, NUMBERED_AT_ONCE],
    )
    .await
}

/// The marks with a number beyond `since`, lowest first; one read.
async fn learn(tx: &mut dyn Tx, since: i64, limit: u32) -> Fallible<Learned> {
    let rows = tx
        .query(
            "SELECT g.era, g.number, (SELECT COUNT(*) FROM (SELECT 1 AS one FROM generation_marks p \
             WHERE p.tenant = $1 AND p.number IS NULL LIMIT 1) pending), m.name, m.number \
             FROM generations g LEFT JOIN generation_marks m ON m.tenant = $1 AND m.number > $2 \
             WHERE g.tenant = $1 ORDER BY m.number LIMIT $3",
            values![since, limit],
        )
        .await?;
    let mut learned = Learned::default();
    for mut row in rows {
        learned.newest = Known { era: row.text()?, number: row.int()? };
        learned.pending = row.flag()?;
        if let Some(name) = row.optional_text()? {
            learned.marks.push((Revoked(name), row.int()?));
        }
    }
    Ok(learned)
}

/// Which of these have a mark that a token of this number did not know of; one read.
async fn raised_since(
    tx: &mut dyn Tx,
    [one, two, three, four]: &[Revoked; 4],
    number: i64,
) -> Fallible<Vec<Revoked>> {
    let rows = tx
        .query(
            "SELECT name FROM generation_marks WHERE tenant = $1 AND name IN ($2, $3, $4, $5) \
             AND (number IS NULL OR number > $6)",
            values![&one.0, &two.0, &three.0, &four.0, number],
        )
        .await?;
    every(rows, |row| row.text().map(Revoked))
}

/// The event that tells of a revocation names the era that it begins.
pub(super) fn era(events: &[Event]) -> Fallible<String> {
    let event = events.first().ok_or_else(|| Fault::corrupt("a revocation without an event"))?;
    Ok(event.id.clone())
}

#[async_trait]
impl<E: Engine> Generations for SqlStore<E> {
    async fn learn_generations(&self, since: i64, limit: u32) -> Result<Learned> {
        self.read((since, limit), |tx, (since, limit)| Box::pin(learn(tx, *since, *limit))).await
    }

    async fn number_generations(&self) -> Result<u64> {
        self.write((), |tx, ()| Box::pin(number(tx))).await
    }

    async fn raised_since(&self, names: &[Revoked; 4], number: i64) -> Result<Vec<Revoked>> {
        self.read((names.clone(), number), |tx, (names, number)| Box::pin(raised_since(tx, names, *number)))
            .await
    }

    fn generations_raised(&self) -> u64 {
        self.raised.load(Ordering::Acquire)
    }
}
