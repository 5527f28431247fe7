//! Events, things used once, remembered replies.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

use super::{
    deliveries,
    tx::{Fallible, Fault, Row, Tx, at_most_one, values},
};
use crate::store::{Event, ReplyRecord, SessionRecord};

/// Writes events into the outbox, and what their subscribers are sent. One that is there already is not written again.
pub(super) async fn publish(tx: &mut dyn Tx, events: &[Event]) -> Fallible<()> {
    for event in events {
        let rows = tx
            .query(
                "INSERT INTO outbox (tenant, id, event_type, subject, at, data) VALUES ($1, $2, $3, $4, $5, $6) \
                 ON CONFLICT (tenant, id) DO NOTHING RETURNING seq",
                values![&event.id, event.event_type, &event.subject, event.at, &event.data],
            )
            .await?;
        let Some(sequence) = at_most_one(rows, Row::int)? else { continue };
        let told = tx.subscribers().iter().filter(|who| who.wants(event.event_type) && who.has_room());
        let told: Result<Vec<_>, _> = told.map(|who| who.delivery(event, sequence)).collect();
        deliveries::insert(tx, &told.map_err(Fault::corrupt)?).await?;
    }
    Ok(())
}

/// Writes events if what they tell did happen, and hands that on.
pub(super) async fn publish_if(tx: &mut dyn Tx, happened: bool, events: &[Event]) -> Fallible<bool> {
    if happened {
        publish(tx, events).await?;
    }
    Ok(happened)
}

/// Tells of sessions that ended, and who began that. A session ends once, so its event has an id that follows from it.
pub(super) async fn publish_ended(tx: &mut dyn Tx, ended: &[SessionRecord], by: EndedBy<'_>) -> Fallible<()> {
    let told: Vec<_> = ended.iter().map(|session| by.event(session)).collect();
    publish(tx, &told).await
}

/// Who or what ended sessions.
#[derive(Clone, Copy)]
pub(super) struct EndedBy<'a> {
    /// `rp`, `op`, `ui`, `account`, `limit`.
    pub(super) initiator: &'a str,
    /// How far a logout reached.
    pub(super) extent: Option<&'a str>,
    pub(super) at: i64,
}

impl EndedBy<'_> {
    /// What happened to the account of the user.
    pub(super) fn account(at: i64) -> Self {
        Self { initiator: "account", extent: None, at }
    }

    fn event(self, session: &SessionRecord) -> Event {
        let Self { initiator, extent, at } = self;
        let digest = Sha256::new_with_prefix("session.ended").chain_update([0]).chain_update(&session.id);
        let mut data = serde_json::json!({ "sub": session.sub, "initiator": initiator });
        if let Some(extent) = extent {
            data["extent"] = extent.into();
        }
        Event {
            id: format!("evt_{}", URL_SAFE_NO_PAD.encode(&digest.finalize()[..16])),
            event_type: "session.ended",
            subject: session.id.clone(),
            at,
            data: data.to_string(),
        }
    }
}

/// Something came back that should not have.
pub(super) struct Reuse<'a> {
    pub(super) artefact: &'static str,
    /// What came back.
    pub(super) unique: &'a [u8],
    pub(super) authorization_id: &'a str,
    pub(super) client_id: &'a str,
    pub(super) at: i64,
}

impl Reuse<'_> {
    /// One event for each thing that came back, however often it does: its id is derived from the thing, through
    /// a hash, since the digest of a secret is nobody else's business.
    pub(super) fn event(&self) -> Event {
        let digest =
            Sha256::new_with_prefix(self.artefact).chain_update([0]).chain_update(self.unique).finalize();
        Event {
            id: format!("evt_{}", URL_SAFE_NO_PAD.encode(&digest[..16])),
            event_type: "token.reuse_detected",
            subject: self.authorization_id.to_owned(),
            at: self.at,
            data: serde_json::json!({ "artefact": self.artefact, "client_id": self.client_id }).to_string(),
        }
    }
}

/// True for exactly one caller. Ids are as long as strangers like, so a digest of them is kept.
pub(super) async fn consume_once(tx: &mut dyn Tx, kind: &str, id: &str, expires_at: i64) -> Fallible<bool> {
    let digest = Sha256::digest(id).to_vec();
    let consumed = tx
        .execute(
            "INSERT INTO used_once (tenant, kind, digest, expires_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (tenant, kind, digest) DO NOTHING",
            values![kind, &digest, expires_at],
        )
        .await?;
    Ok(consumed > 0)
}

fn read_reply(row: &mut Row) -> Fallible<ReplyRecord> {
    Ok(ReplyRecord {
        key: row.digest()?,
        request: row.digest()?,
        sealed: row.bytes()?,
        expires_at: row.int()?,
    })
}

pub(super) async fn remember_reply(
    tx: &mut dyn Tx,
    reply: &ReplyRecord,
    now: i64,
) -> Fallible<Option<ReplyRecord>> {
    let stored = tx
        .execute(
            "INSERT INTO replies (tenant, caller, request, sealed, expires_at) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (tenant, caller) DO UPDATE SET request = excluded.request, sealed = excluded.sealed, \
             expires_at = excluded.expires_at WHERE replies.expires_at <= $6",
            values![&reply.key, &reply.request, &reply.sealed, reply.expires_at, now],
        )
        .await?;
    if stored > 0 {
        return Ok(None);
    }
    let rows = tx
        .query(
            "SELECT caller, request, sealed, expires_at FROM replies WHERE tenant = $1 AND caller = $2",
            values![&reply.key],
        )
        .await?;
    // Purged since: the next attempt stores this one.
    at_most_one(rows, read_reply)?.map(Some).ok_or(Fault::Collision)
}

/// The number of the newest change of what may be kept in memory; 0 before there is any.
pub(super) async fn changes(tx: &mut dyn Tx) -> Fallible<i64> {
    let rows = tx.query("SELECT number FROM changes WHERE tenant = $1", &[]).await?;
    Ok(at_most_one(rows, Row::int)?.unwrap_or(0))
}

/// Asks the database for something.
pub(super) async fn ping(tx: &mut dyn Tx) -> Fallible<()> {
    tx.query("SELECT 1 WHERE $1 <> ''", &[]).await?;
    Ok(())
}
