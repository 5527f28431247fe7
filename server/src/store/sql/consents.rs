//! Remembered consents.

use std::collections::BTreeSet;

use super::{
    authorizations, misc,
    tx::{Fallible, Fault, Row, Tx, at_most_one, every, values},
};
use crate::store::{ConsentRecord, Event};

/// So many authorization details are remembered for one user, client and resource: nobody could list them without end.
const MAX_DETAILS: usize = 64;

macro_rules! columns {
    () => {
        "id, sub, client_id, resource, scope, claims, details, granted_at, expires_at"
    };
}

fn read(row: &mut Row) -> Fallible<ConsentRecord> {
    Ok(ConsentRecord {
        id: row.text()?,
        sub: row.text()?,
        client_id: row.text()?,
        resource: row.text()?,
        scope: row.texts()?,
        claims: row.texts()?,
        details: row.texts()?,
        granted_at: row.int()?,
        expires_at: row.optional_int()?,
    })
}

pub(super) async fn find(
    tx: &mut dyn Tx,
    (sub, client_id, resource): (&str, &str, &str),
) -> Fallible<Option<ConsentRecord>> {
    let rows = tx
        .query(
            concat!(
                "SELECT ",
                columns!(),
                " FROM consents WHERE tenant = $1 AND sub = $2 AND client_id = $3 AND resource = $4"
            ),
            values![sub, client_id, resource],
        )
        .await?;
    at_most_one(rows, read)
}

pub(super) async fn list_of(
    tx: &mut dyn Tx,
    sub: &str,
    page: &(String, u32),
    now: i64,
) -> Fallible<Vec<ConsentRecord>> {
    let rows = tx
        .query(
            concat!(
                "SELECT ",
                columns!(),
                " FROM consents WHERE tenant = $1 AND sub = $2 AND id > $3 \
                 AND (expires_at IS NULL OR expires_at > $4) ORDER BY id LIMIT $5"
            ),
            values![sub, &page.0, now, page.1],
        )
        .await?;
    every(rows, read)
}

pub(super) fn is_live(consent: &ConsentRecord, now: i64) -> bool {
    consent.expires_at.is_none_or(|expires_at| now < expires_at)
}

/// Widens what is remembered by `added`; gives the id under which it is remembered. Steps that remember for one
/// subject run one after the other, since each holds the subject.
pub(super) async fn remember(tx: &mut dyn Tx, added: &ConsentRecord, now: i64) -> Fallible<String> {
    let key = (added.sub.as_str(), added.client_id.as_str(), added.resource.as_str());
    match find(tx, key).await? {
        None => insert(tx, added).await,
        // What has expired is not remembered, but its id is that of authorizations which still live.
        Some(old) if !is_live(&old, now) => update(tx, &ConsentRecord { id: old.id, ..added.clone() }).await,
        Some(old) => {
            let merged = ConsentRecord {
                id: old.id,
                scope: union(&old.scope, &added.scope),
                claims: union(&old.claims, &added.claims),
                details: newest(&added.details, &old.details),
                expires_at: old.expires_at.zip(added.expires_at).map(|(a, b)| a.max(b)),
                ..added.clone()
            };
            update(tx, &merged).await
        }
    }
}

fn union(old: &[String], added: &[String]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    old.iter().chain(added).filter(|value| seen.insert(*value)).cloned().collect()
}

/// New details come first; the oldest of many are forgotten, and the user is asked again.
fn newest(added: &[String], old: &[String]) -> Vec<String> {
    let mut newest = union(added, old);
    newest.truncate(MAX_DETAILS);
    newest
}

async fn insert(tx: &mut dyn Tx, consent: &ConsentRecord) -> Fallible<String> {
    let inserted = tx
        .execute(
            concat!(
                "INSERT INTO consents (tenant, ",
                columns!(),
                ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
                 ON CONFLICT (tenant, sub, client_id, resource) DO NOTHING"
            ),
            values![
                &consent.id,
                &consent.sub,
                &consent.client_id,
                &consent.resource,
                &consent.scope,
                &consent.claims,
                &consent.details,
                consent.granted_at,
                consent.expires_at,
            ],
        )
        .await?;
    if inserted > 0 { Ok(consent.id.clone()) } else { Err(Fault::Collision) }
}

async fn update(tx: &mut dyn Tx, consent: &ConsentRecord) -> Fallible<String> {
    let updated = tx
        .execute(
            "UPDATE consents SET scope = $3, claims = $4, details = $5, granted_at = $6, expires_at = $7 \
             WHERE tenant = $1 AND id = $2",
            values![
                &consent.id,
                &consent.scope,
                &consent.claims,
                &consent.details,
                consent.granted_at,
                consent.expires_at
            ],
        )
        .await?;
    // Deleted since it was read: the next attempt remembers it anew.
    if updated > 0 { Ok(consent.id.clone()) } else { Err(Fault::Collision) }
}

pub(super) async fn delete(tx: &mut dyn Tx, id: &str, now: i64, events: &[Event]) -> Fallible<bool> {
    let deleted = tx.execute("DELETE FROM consents WHERE tenant = $1 AND id = $2", values![id]).await?;
    if deleted > 0 {
        authorizations::revoke_of_consent(tx, id, now).await?;
    }
    misc::publish_if(tx, deleted > 0, events).await
}
