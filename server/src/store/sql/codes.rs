//! Authorization codes.

use super::{
    authorizations::{self, authorization_columns, standing},
    misc,
    tx::{Fallible, Row, Tx, at_most_one, first, values},
};
use crate::store::{AuthorizationRecord, CodeRecord, Digest, Issued, Redemption};

fn read(row: &mut Row) -> Fallible<(CodeRecord, AuthorizationRecord)> {
    let code = CodeRecord {
        digest: row.digest()?,
        authorization_id: row.text()?,
        client_id: row.text()?,
        doc: row.text()?,
        created_at: row.int()?,
        expires_at: row.int()?,
        redeemed_at: row.optional_int()?,
    };
    Ok((code, authorizations::read(row)?))
}

pub(super) async fn insert(tx: &mut dyn Tx, code: &CodeRecord) -> Fallible<()> {
    tx.execute(
        "INSERT INTO codes (tenant, digest, authorization_id, client_id, doc, created_at, expires_at, redeemed_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        values![
            &code.digest,
            &code.authorization_id,
            &code.client_id,
            &code.doc,
            code.created_at,
            code.expires_at,
            code.redeemed_at,
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn find(
    tx: &mut dyn Tx,
    digest: &Digest,
) -> Fallible<Option<(CodeRecord, AuthorizationRecord)>> {
    let rows = tx
        .query(
            concat!(
                "SELECT c.digest, c.authorization_id, c.client_id, c.doc, c.created_at, c.expires_at, \
                 c.redeemed_at, ",
                authorization_columns!(),
                " FROM codes c JOIN authorizations a ON a.tenant = c.tenant AND a.id = c.authorization_id \
                 WHERE c.tenant = $1 AND c.digest = $2"
            ),
            values![digest],
        )
        .await?;
    at_most_one(rows, read)
}

/// The conditional update decides alone: of many at once one finds the code unredeemed, the others wait for it
/// and then see what it wrote.
pub(super) async fn redeem(
    tx: &mut dyn Tx,
    digest: &Digest,
    now: i64,
    issued: &Issued,
) -> Fallible<Redemption> {
    let redeemed = tx
        .execute(
            concat!(
                "UPDATE codes SET redeemed_at = $3 \
                 WHERE tenant = $1 AND digest = $2 AND redeemed_at IS NULL AND expires_at > $3 AND ",
                standing!("codes.authorization_id", "$3")
            ),
            values![digest, now],
        )
        .await?;
    if redeemed > 0 {
        authorizations::record(tx, issued).await?;
        return Ok(Redemption::First);
    }
    let rows = tx
        .query(
            "SELECT redeemed_at, authorization_id, client_id FROM codes WHERE tenant = $1 AND digest = $2",
            values![digest],
        )
        .await?;
    let Some(mut row) = first(rows) else { return Ok(Redemption::Dead) };
    if row.optional_int()?.is_none() {
        return Ok(Redemption::Dead);
    }
    let reuse = misc::Reuse {
        artefact: "code",
        unique: &digest.0,
        authorization_id: &row.text()?,
        client_id: &row.text()?,
        at: now,
    };
    authorizations::revoke_replayed(tx, reuse.authorization_id, now).await?;
    misc::publish(tx, &[reuse.event()]).await?;
    Ok(Redemption::Replayed)
}
