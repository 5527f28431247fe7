//! The clients that sessions are used with, and telling them of the end.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

use super::{
    deliveries,
    tx::{Fallible, Fault, Row, Tx, every, values},
};
use crate::store::{DeliveryRecord, EndedSession, SessionRecord};

/// For how many seconds a client is tried that cannot be told of the end of a session.
const TOLD_FOR: i64 = 24 * 60 * 60;

/// Notes that a client was signed in to by a session.
pub(super) async fn join(tx: &mut dyn Tx, session_id: &str, client_id: &str) -> Fallible<()> {
    tx.execute(
        "INSERT INTO session_clients (tenant, session_id, client_id, expires_at) \
         SELECT tenant, id, $3, expires_at FROM sessions WHERE tenant = $1 AND id = $2 \
         ON CONFLICT (tenant, session_id, client_id) DO NOTHING",
        values![session_id, client_id],
    )
    .await?;
    Ok(())
}

/// The clients that a session was used with.
pub(super) async fn of(tx: &mut dyn Tx, session_id: &str) -> Fallible<Vec<String>> {
    let rows = tx
        .query(
            "SELECT client_id FROM session_clients WHERE tenant = $1 AND session_id = $2 ORDER BY client_id",
            values![session_id],
        )
        .await?;
    every(rows, Row::text)
}

/// Writes what tells the clients of a session that it ended.
pub(super) async fn tell(tx: &mut dyn Tx, session: &SessionRecord, now: i64) -> Fallible<()> {
    let told = of(tx, &session.id).await?;
    let notices: Vec<_> =
        told.iter().map(|client_id| notice(session, client_id, now)).collect::<Fallible<_>>()?;
    deliveries::insert(tx, &notices).await
}

/// A client takes no part in a session any more, and is told.
pub(super) async fn leave(
    tx: &mut dyn Tx,
    session: &SessionRecord,
    client_id: &str,
    now: i64,
) -> Fallible<()> {
    let left = tx
        .execute(
            "DELETE FROM session_clients WHERE tenant = $1 AND session_id = $2 AND client_id = $3",
            values![&session.id, client_id],
        )
        .await?;
    if left == 0 {
        return Ok(());
    }
    deliveries::insert(tx, &[notice(session, client_id, now)?]).await
}

/// The same end is told once: the id of the delivery is derived from it.
fn notice(session: &SessionRecord, client_id: &str, now: i64) -> Fallible<DeliveryRecord> {
    let digest = Sha256::new_with_prefix(EndedSession::KIND)
        .chain_update(session.id.as_bytes())
        .chain_update([0])
        .chain_update(client_id.as_bytes())
        .chain_update(now.to_be_bytes())
        .finalize();
    let id = format!("dlv_{}", URL_SAFE_NO_PAD.encode(&digest[..16]));
    let ended = EndedSession { session_id: session.id.clone(), sub: session.sub.clone() };
    let payload = serde_json::to_vec(&ended).map_err(Fault::unavailable)?;
    Ok(DeliveryRecord::new(id, (EndedSession::KIND, client_id), payload, (now, now + TOLD_FOR)))
}
