//! Deletion of what is dead, a bounded number of rows at a time.

use super::tx::{Fallible, Tx, values};
use crate::store::Kept;

/// Rows of one kind that can go.
#[derive(Clone, Copy)]
pub(super) struct Dead {
    sql: &'static str,
    /// For how many seconds they are kept beyond their end.
    kept: i64,
}

// Their keys are looked up by the index of their end, and deleted by their keys. The end is asked for again, since somebody
// may have put it off meanwhile; the plus keeps engines from going through everything that is over for each batch.
macro_rules! dead {
    ($table:literal, $key:literal, $at:literal, $kept:expr) => {
        dead!($table, $key, "", $at, $kept)
    };
    ($table:literal, $key:literal, $only:literal, $at:literal, $kept:expr) => {
        Dead {
            sql: concat!(
                "DELETE FROM ",
                $table,
                " WHERE tenant = $1 AND (",
                $key,
                ") IN (SELECT ",
                $key,
                " FROM ",
                $table,
                " WHERE tenant = $1 AND ",
                $only,
                $at,
                " <= $2 LIMIT $3) AND ",
                $only,
                "+",
                $at,
                " <= $2"
            ),
            kept: $kept,
        }
    };
}

const DAY: i64 = 24 * 60 * 60;

/// Every kind. A redeemed code is kept beyond its end, so that a late replay of it is still one, and a
/// polled request so that its client is told that it has expired. Revoked
/// authorizations stay until the end of everything issued under them.
const KINDS: [Dead; 20] = [
    dead!("interactions", "id", "expires_at", 0),
    dead!("pushed_requests", "digest", "expires_at", 0),
    dead!("polled_requests", "digest", "expires_at", 600),
    dead!("sessions", "id", "expires_at", DAY),
    dead!("sessions", "id", "ended_at", DAY),
    dead!("session_clients", "session_id, client_id", "expires_at", DAY),
    dead!("consents", "id", "expires_at", 0),
    dead!("codes", "digest", "expires_at", 600),
    dead!("tokens", "digest", "expires_at", 0),
    dead!("families", "id", "expires_at", 0),
    dead!("authorizations", "id", "expires_at", 0),
    dead!("lineage", "child, parent", "expires_at", 0),
    dead!("authorization_actors", "authorization_id, sub", "expires_at", 0),
    dead!("revoked_jtis", "jti", "expires_at", 0),
    dead!("revoked_clients", "client_id", "expires_at", 0),
    dead!("generation_marks", "name", "expires_at", 0),
    dead!("used_once", "kind, digest", "expires_at", 0),
    dead!("replies", "caller", "expires_at", 0),
    dead!("signing_keys", "kid", "state = 'removed' AND ", "changed_at", 30 * DAY),
    dead!("subjects", "sub", "generation = 0 AND ", "held_at", DAY),
];

/// Events, and what could not be delivered: kept for as long as the operator wants.
const EVENTS: Dead = dead!("outbox", "id", "at", 0);
const UNDELIVERED: Dead = dead!("deliveries", "id", "dead_at", 0);

/// Everything that can go, events as long as they are to be kept.
pub(super) fn kinds(kept: Kept) -> impl Iterator<Item = Dead> {
    let events = [Dead { kept: kept.events, ..EVENTS }, Dead { kept: kept.undelivered, ..UNDELIVERED }];
    KINDS.into_iter().chain(events)
}

pub(super) async fn purge(tx: &mut dyn Tx, dead: Dead, now: i64, limit: u32) -> Fallible<u64> {
    let purged = tx.execute(dead.sql, values![now.saturating_sub(dead.kept), limit]).await?;
    // What is deleted was over.
    tx.changed(&[]);
    Ok(purged)
}
