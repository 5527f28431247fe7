//! Authorization codes.

use super::{
    authorizations::{self, authorization_columns, standing},
    redemption::{self, Redeemable, redeemable},
    tx::{Fallible, Row, Tx, at_most_one, values},
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

/// Every code is one of the same kind.
const CODES: Redeemable = redeemable!("codes", "codes.authorization_id", "'code'");

pub(super) async fn redeem(
    tx: &mut dyn Tx,
    digest: &Digest,
    now: i64,
    issued: &Issued,
) -> Fallible<Redemption> {
    redemption::redeem(tx, &CODES, (digest, now), issued).await
}
