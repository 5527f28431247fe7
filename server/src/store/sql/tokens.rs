//! Access tokens: opaque ones, and what there is to know of those that are JWTs.

use super::{
    authorizations::{self, authorization_columns, standing},
    lineage, misc,
    tx::{Fallible, Row, Statement, Tx, at_most_one, first, values},
};
use crate::store::{Digest, Event, Fact, JwtHome, JwtState, TokenRecord, TokenState};

fn read(row: &mut Row) -> Fallible<TokenState> {
    let token = TokenRecord {
        digest: row.digest()?,
        authorization_id: row.optional_text()?,
        client_id: row.text()?,
        doc: row.text()?,
        single_use: row.flag()?,
        created_at: row.int()?,
        expires_at: row.int()?,
        used_at: row.optional_int()?,
        revoked_at: row.optional_int()?,
    };
    Ok(TokenState { token, authorization: authorizations::read_joined(row)? })
}

pub(super) async fn insert(tx: &mut dyn Tx, token: &TokenRecord) -> Fallible<()> {
    let insertion = insertion(token);
    tx.execute(insertion.sql, &insertion.params).await?;
    Ok(())
}

/// The statement that keeps a token.
pub(super) fn insertion(token: &TokenRecord) -> Statement {
    Statement {
        sql: "INSERT INTO tokens (tenant, digest, authorization_id, client_id, doc, single_use, created_at, \
              expires_at, used_at, revoked_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        params: values![
            &token.digest,
            token.authorization_id.as_ref(),
            &token.client_id,
            &token.doc,
            token.single_use,
            token.created_at,
            token.expires_at,
            token.used_at,
            token.revoked_at,
        ]
        .to_vec(),
    }
}

/// A token whose authorization is no longer stored is not found either: it could not be told from one that
/// never had any.
pub(super) async fn find(tx: &mut dyn Tx, digest: &Digest) -> Fallible<Option<TokenState>> {
    let rows = tx
        .query(
            concat!(
                "SELECT t.digest, t.authorization_id, t.client_id, t.doc, t.single_use, t.created_at, \
                 t.expires_at, t.used_at, t.revoked_at, ",
                authorization_columns!(),
                " FROM tokens t LEFT JOIN authorizations a ON a.tenant = t.tenant AND a.id = t.authorization_id \
                 WHERE t.tenant = $1 AND t.digest = $2 AND (t.authorization_id IS NULL OR a.id IS NOT NULL)"
            ),
            values![digest],
        )
        .await?;
    at_most_one(rows, read)
}

/// True for exactly one caller.
pub(super) async fn use_up(tx: &mut dyn Tx, digest: &Digest, now: i64) -> Fallible<bool> {
    let used = tx
        .execute(
            concat!(
                "UPDATE tokens SET used_at = $3 WHERE tenant = $1 AND digest = $2 AND single_use = 1 \
                 AND used_at IS NULL AND revoked_at IS NULL AND expires_at > $3 \
                 AND (authorization_id IS NULL OR ",
                standing!("tokens.authorization_id", "$3"),
                ")"
            ),
            values![digest, now],
        )
        .await?;
    // What can be used once only is never kept in memory.
    tx.changed(&[]);
    Ok(used > 0)
}

pub(super) async fn revoke(tx: &mut dyn Tx, digest: &Digest, now: i64, events: &[Event]) -> Fallible<bool> {
    let revoked = tx
        .execute(
            "UPDATE tokens SET revoked_at = $3 \
             WHERE tenant = $1 AND digest = $2 AND revoked_at IS NULL AND expires_at > $3",
            values![digest, now],
        )
        .await?;
    if revoked > 0 {
        tx.changed(&[Fact::token(digest)]);
        lineage::revoke_derived(tx, &lineage::opaque_token(digest), now).await?;
    }
    misc::publish_if(tx, revoked > 0, events).await
}

/// Keeps an active token from being revoked before this step is through, and uses it up if it can be used once only;
/// false if it is over. Its authorization is a matter of its own.
pub(super) async fn hold(tx: &mut dyn Tx, digest: &Digest, now: i64) -> Fallible<bool> {
    let held = tx
        .execute(
            "UPDATE tokens SET used_at = CASE WHEN single_use = 1 THEN $3 ELSE used_at END \
             WHERE tenant = $1 AND digest = $2 AND used_at IS NULL AND revoked_at IS NULL AND expires_at > $3",
            values![digest, now],
        )
        .await?;
    tx.changed(&[]);
    Ok(held > 0)
}

pub(super) async fn jwt_state(tx: &mut dyn Tx, jti: &str, home: &JwtHome) -> Fallible<JwtState> {
    let (authorization_id, client_id, number) = match home {
        // What has an authorization dies with that one.
        JwtHome::Authorization(id) => (Some(id), None, i64::MAX),
        JwtHome::Client(of) => (None, Some(&of.client_id), of.number),
    };
    let rows = tx
        .query(
            concat!(
                "SELECT (SELECT COUNT(*) FROM revoked_jtis r WHERE r.tenant = $1 AND r.jti = $2), \
                 (SELECT COUNT(*) FROM revoked_clients c WHERE c.tenant = $1 AND c.client_id IN ($4, '') \
                 AND c.number > $5), ",
                authorization_columns!(),
                " FROM (SELECT 1 AS one) this LEFT JOIN authorizations a ON a.tenant = $1 AND a.id = $3"
            ),
            values![jti, authorization_id, client_id, number],
        )
        .await?;
    let Some(mut row) = first(rows) else { return Ok(JwtState::default()) };
    let (alone, with_client) = (row.flag()?, row.flag()?);
    Ok(JwtState { revoked: alone || with_client, authorization: authorizations::read_joined(&mut row)? })
}

pub(super) async fn revoke_jti(
    tx: &mut dyn Tx,
    jti: &str,
    (now, expires_at): (i64, i64),
    events: &[Event],
) -> Fallible<()> {
    if insert_jti(tx, jti, expires_at).await? {
        lineage::revoke_derived(tx, &lineage::signed_token(jti), now).await?;
        misc::publish(tx, events).await?;
    }
    Ok(())
}

/// Keeps a JWT from being revoked before this step is through; false if it has been. Since nothing is stored of it,
/// this step revokes it itself and takes that back: whoever revokes it in earnest waits for the same row.
pub(super) async fn hold_jti(tx: &mut dyn Tx, jti: &str, expires_at: i64) -> Fallible<bool> {
    let held = insert_jti(tx, jti, expires_at).await?;
    if held {
        tx.execute("DELETE FROM revoked_jtis WHERE tenant = $1 AND jti = $2", values![jti]).await?;
    }
    Ok(held)
}

async fn insert_jti(tx: &mut dyn Tx, jti: &str, expires_at: i64) -> Fallible<bool> {
    let inserted = tx
        .execute(
            "INSERT INTO revoked_jtis (tenant, jti, expires_at) VALUES ($1, $2, $3) \
             ON CONFLICT (tenant, jti) DO NOTHING",
            values![jti, expires_at],
        )
        .await?;
    Ok(inserted > 0)
}
