//! Clients.

use super::{
    misc, revocations,
    tx::{Fallible, Row, Tx, at_most_one, every, values},
};
use crate::store::{ClientRecord, Event, Fact};

macro_rules! columns {
    () => {
        "client_id, doc, secret_digest, registration_digest, created_at, generation"
    };
}

fn read(row: &mut Row) -> Fallible<ClientRecord> {
    Ok(ClientRecord {
        client_id: row.text()?,
        doc: row.text()?,
        secret_digest: row.optional_digest()?,
        registration_digest: row.optional_digest()?,
        created_at: row.int()?,
        generation: row.int()?,
    })
}

pub(super) async fn insert(tx: &mut dyn Tx, client: &ClientRecord, events: &[Event]) -> Fallible<bool> {
    let added = tx
        .execute(
            concat!(
                "INSERT INTO clients (tenant, ",
                columns!(),
                ") VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (tenant, client_id) DO NOTHING"
            ),
            values![
                &client.client_id,
                &client.doc,
                client.secret_digest.as_ref(),
                client.registration_digest.as_ref(),
                client.created_at,
                client.generation,
            ],
        )
        .await?;
    misc::publish_if(tx, added > 0, events).await
}

pub(super) async fn find(tx: &mut dyn Tx, client_id: &str) -> Fallible<Option<ClientRecord>> {
    let rows = tx
        .query(
            concat!("SELECT ", columns!(), " FROM clients WHERE tenant = $1 AND client_id = $2"),
            values![client_id],
        )
        .await?;
    at_most_one(rows, read)
}

pub(super) async fn update(tx: &mut dyn Tx, client: &ClientRecord, events: &[Event]) -> Fallible<bool> {
    let updated = tx
        .execute(
            "UPDATE clients SET doc = $3, secret_digest = $4, registration_digest = $5, \
             generation = generation + 1 WHERE tenant = $1 AND client_id = $2 AND generation = $6",
            values![
                &client.client_id,
                &client.doc,
                client.secret_digest.as_ref(),
                client.registration_digest.as_ref(),
                client.generation,
            ],
        )
        .await?;
    if updated > 0 {
        tx.changed(&[Fact::client(&client.client_id)]);
    }
    misc::publish_if(tx, updated > 0, events).await
}

/// Keeps a client from being deleted before this step is through; false if it is gone.
pub(super) async fn hold(tx: &mut dyn Tx, client_id: &str) -> Fallible<bool> {
    let held = tx
        .execute(
            "UPDATE clients SET generation = generation WHERE tenant = $1 AND client_id = $2",
            values![client_id],
        )
        .await?;
    tx.changed(&[]);
    Ok(held > 0)
}

pub(super) async fn delete(tx: &mut dyn Tx, client_id: &str, now: i64, events: &[Event]) -> Fallible<bool> {
    let deleted =
        tx.execute("DELETE FROM clients WHERE tenant = $1 AND client_id = $2", values![client_id]).await?;
    if deleted == 0 {
        return Ok(false);
    }
    tx.changed(&[Fact::client(client_id)]);
    tx.execute("DELETE FROM consents WHERE tenant = $1 AND client_id = $2", values![client_id]).await?;
    // Another client may get the same id one day.
    revocations::revoke_client(tx, client_id, now).await?;
    misc::publish_if(tx, true, events).await
}

pub(super) async fn list(tx: &mut dyn Tx, after: &str, limit: u32) -> Fallible<Vec<ClientRecord>> {
    let rows = tx
        .query(
            concat!(
                "SELECT ",
                columns!(),
                " FROM clients WHERE tenant = $1 AND client_id > $2 ORDER BY client_id LIMIT $3"
            ),
            values![after, limit],
        )
        .await?;
    every(rows, read)
}
