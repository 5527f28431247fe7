//! Sessions.

use super::{
    authorizations,
    misc::{self, EndedBy},
    participants, subjects,
    tx::{Fallible, Row, Tx, Value, at_most_one, every, values},
};
use crate::store::{Digest, Event, SessionRecord};

macro_rules! columns {
    () => {
        "id, handle, sub, doc, created_at, authenticated_at, last_used_at, idle_seconds, expires_at, ended_at"
    };
}

/// Live at the instant in the named parameter; written so that no sum can overflow.
macro_rules! live {
    ($now:literal) => {
        concat!("ended_at IS NULL AND expires_at > ", $now, " AND idle_seconds > ", $now, " - last_used_at")
    };
}

/// How many handles one statement looks up; a browser rarely brings more than one.
const HANDLES: usize = 4;

fn read(row: &mut Row) -> Fallible<SessionRecord> {
    Ok(SessionRecord {
        id: row.text()?,
        handle: row.digest()?,
        sub: row.text()?,
        doc: row.text()?,
        created_at: row.int()?,
        authenticated_at: row.int()?,
        last_used_at: row.int()?,
        idle_seconds: row.int()?,
        expires_at: row.int()?,
        ended_at: row.optional_int()?,
    })
}

pub(super) async fn insert(tx: &mut dyn Tx, session: &SessionRecord) -> Fallible<()> {
    tx.execute(
        concat!(
            "INSERT INTO sessions (tenant, ",
            columns!(),
            ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
        ),
        values![
            &session.id,
            &session.handle,
            &session.sub,
            &session.doc,
            session.created_at,
            session.authenticated_at,
            session.last_used_at,
            session.idle_seconds,
            session.expires_at,
            session.ended_at,
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn by_handle(tx: &mut dyn Tx, handles: &[Digest], now: i64) -> Fallible<Vec<SessionRecord>> {
    let mut found = Vec::new();
    for chunk in handles.chunks(HANDLES) {
        // The last one fills up the chunk, so that one statement serves every number of handles.
        let mut params: Vec<_> = (0..HANDLES).map(|i| Value::from(&chunk[i.min(chunk.len() - 1)])).collect();
        params.push(now.into());
        let rows = tx
            .query(
                concat!(
                    "SELECT ",
                    columns!(),
                    " FROM sessions WHERE tenant = $1 AND handle IN ($2, $3, $4, $5) AND ",
                    live!("$6")
                ),
                &params,
            )
            .await?;
        found.extend(every(rows, read)?);
    }
    Ok(found)
}

pub(super) async fn find(tx: &mut dyn Tx, id: &str) -> Fallible<Option<SessionRecord>> {
    let rows = tx
        .query(concat!("SELECT ", columns!(), " FROM sessions WHERE tenant = $1 AND id = $2"), values![id])
        .await?;
    at_most_one(rows, read)
}

pub(super) async fn list_of(
    tx: &mut dyn Tx,
    sub: &str,
    page: &(String, u32),
    now: i64,
) -> Fallible<Vec<SessionRecord>> {
    let rows = tx
        .query(
            concat!(
                "SELECT ",
                columns!(),
                " FROM sessions WHERE tenant = $1 AND sub = $2 AND id > $3 AND ",
                live!("$4"),
                " ORDER BY id LIMIT $5"
            ),
            values![sub, &page.0, now, page.1],
        )
        .await?;
    every(rows, read)
}

/// Gives a live session a new handle, document, authentication and limits; false if it is over.
pub(super) async fn renew(tx: &mut dyn Tx, session: &SessionRecord, now: i64) -> Fallible<bool> {
    let renewed = tx
        .execute(
            concat!(
                "UPDATE sessions SET handle = $4, doc = $5, authenticated_at = $6, last_used_at = $7, \
                 idle_seconds = $8, expires_at = $9 WHERE tenant = $1 AND id = $2 AND sub = $3 AND ",
                live!("$10")
            ),
            values![
                &session.id,
                &session.sub,
                &session.handle,
                &session.doc,
                session.authenticated_at,
                session.last_used_at,
                session.idle_seconds,
                session.expires_at,
                now,
            ],
        )
        .await?;
    Ok(renewed > 0)
}

/// Notes that a live session was used at `used_at`, and keeps others from ending it before this step is
/// through; false if it is over.
pub(super) async fn hold(tx: &mut dyn Tx, id: &str, used_at: i64, now: i64) -> Fallible<bool> {
    let held = tx
        .execute(
            concat!(
                "UPDATE sessions SET last_used_at = CASE WHEN last_used_at < $3 THEN $3 ELSE last_used_at END \
                 WHERE tenant = $1 AND id = $2 AND ",
                live!("$4")
            ),
            values![id, used_at, now],
        )
        .await?;
    Ok(held > 0)
}

/// Ends a session, revokes its authorizations without offline access, and has its clients told; none if it was not live.
/// One that is over by time alone is ended all the same, for the sake of its authorizations and its clients.
pub(super) async fn end(tx: &mut dyn Tx, id: &str, now: i64) -> Fallible<Option<SessionRecord>> {
    let rows = tx
        .query(
            concat!(
                "UPDATE sessions SET ended_at = $3 WHERE tenant = $1 AND id = $2 AND ended_at IS NULL RETURNING ",
                columns!()
            ),
            values![id, now],
        )
        .await?;
    let Some(ended) = at_most_one(rows, read)? else { return Ok(None) };
    authorizations::revoke_of_session(tx, id, now).await?;
    participants::tell(tx, &ended, now).await?;
    Ok(Some(ended).filter(|ended| was_live(ended, now)))
}

pub(super) async fn end_and_publish(tx: &mut dyn Tx, id: &str, now: i64, events: &[Event]) -> Fallible<bool> {
    let was_live = end(tx, id, now).await?.is_some();
    misc::publish_if(tx, was_live, events).await
}

/// Ends the sessions of a subject that were used least recently, as [`end`] does, beyond so many live ones, and tells of each.
pub(super) async fn keep_to(tx: &mut dyn Tx, newest: &SessionRecord, most: u32, now: i64) -> Fallible<()> {
    // The newest is there already, and stays.
    let rows = tx
        .query(
            concat!(
                "SELECT id FROM sessions WHERE tenant = $1 AND sub = $2 AND id <> $3 AND ",
                live!("$4"),
                " ORDER BY last_used_at DESC, created_at DESC, id LIMIT 1000 OFFSET $5"
            ),
            values![&newest.sub, &newest.id, now, most.saturating_sub(1)],
        )
        .await?;
    let mut ended = Vec::new();
    for id in every(rows, Row::text)? {
        ended.extend(end(tx, &id, now).await?);
    }
    misc::publish_ended(tx, &ended, EndedBy { initiator: "limit", extent: None, at: now }).await
}

/// Ends these sessions, as [`end`] does, and tells of each.
pub(super) async fn end_each(tx: &mut dyn Tx, ids: &[String], by: EndedBy<'_>) -> Fallible<()> {
    let mut ids: Vec<_> = ids.iter().collect();
    ids.sort_unstable();
    let mut ended = Vec::new();
    for id in ids {
        ended.extend(end(tx, id, by.at).await?);
    }
    misc::publish_ended(tx, &ended, by).await
}

/// One client is signed out of a session: its authorizations there without offline access end, and it is told.
pub(super) async fn leave(tx: &mut dyn Tx, id: &str, client_id: &str, now: i64) -> Fallible<()> {
    authorizations::revoke_of_client_in_session(tx, id, client_id, now).await?;
    match find(tx, id).await? {
        Some(session) if session.ended_at.is_none() => {
            participants::leave(tx, &session, client_id, now).await
        }
        _ => Ok(()),
    }
}

/// Ends all sessions of a subject, as [`end`] does, and tells of each that was live; gives their number.
pub(super) async fn end_all_of(tx: &mut dyn Tx, sub: &str, by: EndedBy<'_>) -> Fallible<u64> {
    let now = by.at;
    subjects::hold(tx, sub, now).await?;
    let rows = tx
        .query(
            concat!(
                "UPDATE sessions SET ended_at = $3 WHERE tenant = $1 AND sub = $2 AND ended_at IS NULL RETURNING ",
                columns!()
            ),
            values![sub, now],
        )
        .await?;
    authorizations::revoke_of_sessions_of(tx, sub, now).await?;
    let ended = every(rows, read)?;
    for session in &ended {
        participants::tell(tx, session, now).await?;
    }
    let live: Vec<_> = ended.into_iter().filter(|session| was_live(session, now)).collect();
    misc::publish_ended(tx, &live, by).await?;
    Ok(u64::try_from(live.len()).unwrap_or(u64::MAX))
}

/// Ends some sessions, whosever they are, as [`end_all_of`] does; false if there are no more.
pub(super) async fn end_some(tx: &mut dyn Tx, limit: u32, now: i64) -> Fallible<bool> {
    let rows = tx
        .query("SELECT id FROM sessions WHERE tenant = $1 AND ended_at IS NULL LIMIT $2", values![limit])
        .await?;
    let found = every(rows, Row::text)?;
    end_each(tx, &found, EndedBy::account(now)).await?;
    Ok(!found.is_empty())
}

pub(super) async fn end_all_and_publish(
    tx: &mut dyn Tx,
    sub: &str,
    by: EndedBy<'_>,
    events: &[Event],
) -> Fallible<u64> {
    misc::publish(tx, events).await?;
    end_all_of(tx, sub, by).await
}

fn was_live(ended: &SessionRecord, now: i64) -> bool {
    SessionRecord { ended_at: None, ..ended.clone() }.is_live(now)
}
