//! Derivation: what was derived from something that ends, ends with it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{
    generations::{self, Ended, ended_columns},
    tx::{Fallible, Tx, Value, values},
};
use crate::store::{Digest, Fact};

/// Revokes the authorizations that a query finds, and all that were derived from them, in one statement. Its first
/// parameter after the tenant is the instant.
macro_rules! revoke_with_derived {
    ($query:expr) => {
        concat!(
            "WITH RECURSIVE dead (id) AS (",
            $query,
            " UNION SELECT l.child FROM lineage l JOIN dead d ON l.parent = d.id WHERE l.tenant = $1) \
             UPDATE authorizations SET revoked_at = $2 \
             WHERE tenant = $1 AND revoked_at IS NULL AND id IN (SELECT id FROM dead)",
            ended_columns!()
        )
    };
}
pub(super) use revoke_with_derived;

/// Runs a statement of [`revoke_with_derived`] until it finds nothing more, and twice at least. It may have waited for a
/// derivation from one of these authorizations, or for something that took the place of one, which held its row, and then
/// not have seen what came of that; the next run does, and nothing can come of what has been revoked.
pub(super) async fn revoke(tx: &mut dyn Tx, sql: &'static str, params: &[Value]) -> Fallible<()> {
    let ended = end(tx, sql, params).await?;
    generations::mark_each(tx, &ended).await
}

/// The same, and leaves it to the caller to mark what this gives.
pub(super) async fn end(tx: &mut dyn Tx, sql: &'static str, params: &[Value]) -> Fallible<Vec<Ended>> {
    let (mut ended, mut first) = (Vec::new(), true);
    loop {
        let rows = tx.query(sql, params).await?;
        if rows.is_empty() && !first {
            return Ok(ended);
        }
        first = false;
        let revoked = generations::ended(rows)?;
        tx.changed(&revoked.iter().map(|one| Fact::authorization(&one.id)).collect::<Vec<_>>());
        ended.extend(revoked);
    }
}

/// Revokes what was derived from a token or an authorization or in which a client takes part, given its name in the
/// lineage, and what took the place of an authorization. Tells whether any of it was live.
pub(super) async fn revoke_derived(tx: &mut dyn Tx, parent: &str, now: i64) -> Fallible<bool> {
    let ended = end(
        tx,
        revoke_with_derived!("SELECT child FROM lineage WHERE tenant = $1 AND parent = $3"),
        values![now, parent],
    )
    .await?;
    generations::mark_each(tx, &ended).await?;
    Ok(ended.iter().any(|one| one.expires_at > now))
}

/// A JWT access token as a parent.
pub(super) fn signed_token(jti: &str) -> String {
    format!("jti:{jti}")
}

/// An opaque access token as a parent.
pub(super) fn opaque_token(digest: &Digest) -> String {
    format!("token:{}", URL_SAFE_NO_PAD.encode(digest.0))
}

/// A client as a parent.
pub(super) fn client(client_id: &str) -> String {
    format!("client:{client_id}")
}

/// Notes that an authorization is derived from something.
pub(super) async fn insert(tx: &mut dyn Tx, parent: &str, child: &str, expires_at: i64) -> Fallible<()> {
    tx.execute(
        "INSERT INTO lineage (tenant, parent, child, expires_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (tenant, child, parent) DO NOTHING",
        values![parent, child, expires_at],
    )
    .await?;
    Ok(())
}

/// Notes that a subject takes part in an authorization.
pub(super) async fn insert_actor(
    tx: &mut dyn Tx,
    sub: &str,
    authorization_id: &str,
    expires_at: i64,
) -> Fallible<()> {
    tx.execute(
        "INSERT INTO authorization_actors (tenant, authorization_id, sub, expires_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (tenant, authorization_id, sub) DO NOTHING",
        values![authorization_id, sub, expires_at],
    )
    .await?;
    Ok(())
}

/// Lets an authorization, which takes the place of another one, die with everything that the other one dies with.
pub(super) async fn take_over(tx: &mut dyn Tx, old: &str, new: &str) -> Fallible<()> {
    tx.execute(
        "INSERT INTO lineage (tenant, parent, child, expires_at) \
         SELECT tenant, parent, $3, expires_at FROM lineage WHERE tenant = $1 AND child = $2",
        values![old, new],
    )
    .await?;
    tx.execute(
        "INSERT INTO authorization_actors (tenant, authorization_id, sub, expires_at) \
         SELECT tenant, $3, sub, expires_at FROM authorization_actors WHERE tenant = $1 AND authorization_id = $2",
        values![old, new],
    )
    .await?;
    Ok(())
}
