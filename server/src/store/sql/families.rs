//! Refresh token families.

use super::{
    authorizations::{self, authorization_columns, standing},
    generations, misc,
    tx::{Fallible, Row, Statement, Tx, at_most_one, first, values},
};
use crate::store::{
    AuthorizationRecord, Begins, Child, Digest, FamilyRecord, Issued, Revoked, Rotate, Rotation,
};

/// That a family can be used at the instant in a parameter; written so that no sum can overflow.
macro_rules! usable {
    ($now:literal) => {
        concat!(
            "expires_at > ",
            $now,
            " AND (idle_seconds IS NULL OR idle_seconds > ",
            $now,
            " - last_used_at) AND ",
            standing!("families.authorization_id", $now)
        )
    };
}

/// That a family ends no later than in the parameters, and no later than before.
macro_rules! shortened {
    ($expires_at:literal, $idle:literal) => {
        concat!(
            "expires_at = CASE WHEN expires_at > ",
            $expires_at,
            " THEN ",
            $expires_at,
            " ELSE expires_at END, idle_seconds = CASE WHEN idle_seconds IS NULL OR idle_seconds > ",
            $idle,
            " THEN ",
            $idle,
            " ELSE idle_seconds END"
        )
    };
}

fn read(row: &mut Row) -> Fallible<(FamilyRecord, AuthorizationRecord)> {
    let family = FamilyRecord {
        id: row.text()?,
        authorization_id: row.text()?,
        client_id: row.text()?,
        generation: row.int()?,
        current: row.digest()?,
        parent: row.optional_digest()?,
        salt: row.bytes()?,
        key_id: row.text()?,
        rotated_at: row.int()?,
        used: row.flag()?,
        last_used_at: row.int()?,
        idle_seconds: row.optional_int()?,
        created_at: row.int()?,
        expires_at: row.int()?,
        bound: row.optional_text()?,
    };
    Ok((family, authorizations::read(row)?))
}

/// The statement that begins a family.
macro_rules! insertion {
    () => {
        "INSERT INTO families (tenant, id, authorization_id, client_id, generation, current_digest, \
         parent_digest, salt, key_id, rotated_at, used, last_used_at, idle_seconds, created_at, expires_at, \
         bound) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"
    };
}

/// The statement that begins a family.
pub(super) fn insertion(family: &FamilyRecord) -> Statement {
    Statement {
        sql: insertion!(),
        params: values![
            &family.id,
            &family.authorization_id,
            &family.client_id,
            family.generation,
            &family.current,
            family.parent.as_ref(),
            &family.salt,
            &family.key_id,
            family.rotated_at,
            family.used,
            family.last_used_at,
            family.idle_seconds,
            family.created_at,
            family.expires_at,
            family.bound.as_deref(),
        ]
        .to_vec(),
    }
}

/// Stores a family of which nothing was stored so far. Its first token began it; whoever comes with a later one comes to a
/// family that is stored, or is over.
pub(super) async fn begin(tx: &mut dyn Tx, begins: &Begins) -> Fallible<()> {
    let Begins { family, kept } = begins;
    if family.generation > 1 {
        return Ok(());
    }
    // Its authorization remembers that it began: where a policy lets it end sooner than its first token says, its row is
    // deleted before that token is over.
    let begun = tx
        .execute(
            "UPDATE authorizations SET begun = 1 WHERE tenant = $1 AND id = $2 AND begun = 0",
            values![&family.authorization_id],
        )
        .await?;
    tx.changed(&[]);
    if begun == 0 {
        return Ok(());
    }
    let params = insertion(family).params;
    let inserted = tx.execute(concat!(insertion!(), " ON CONFLICT (tenant, id) DO NOTHING"), &params).await?;
    if inserted > 0 && *kept {
        generations::raise(tx, vec![(Revoked::family(&family.id), family.expires_at)]).await?;
    }
    Ok(())
}

pub(super) async fn find(tx: &mut dyn Tx, id: &str) -> Fallible<Option<(FamilyRecord, AuthorizationRecord)>> {
    let rows = tx
        .query(
            concat!(
                "SELECT f.id, f.authorization_id, f.client_id, f.generation, f.current_digest, \
                 f.parent_digest, f.salt, f.key_id, f.rotated_at, f.used, f.last_used_at, f.idle_seconds, \
                 f.created_at, f.expires_at, f.bound, ",
                authorization_columns!(),
                " FROM families f JOIN authorizations a ON a.tenant = f.tenant AND a.id = f.authorization_id \
                 WHERE f.tenant = $1 AND f.id = $2"
            ),
            values![id],
        )
        .await?;
    at_most_one(rows, read)
}

/// Keeps a family from moving on before this step is through, and notes that its current token is in use, which ends
/// the grace of its parent; false if this is not the current token of a family that can be used.
pub(super) async fn hold(tx: &mut dyn Tx, family_id: &str, presented: &Digest, now: i64) -> Fallible<bool> {
    let held = tx
        .execute(
            concat!(
                "UPDATE families SET used = 1 \
                 WHERE tenant = $1 AND id = $2 AND current_digest = $3 AND ",
                usable!("$4")
            ),
            values![family_id, presented, now],
        )
        .await?;
    Ok(held > 0)
}

/// One conditional update decides: of many with the same current token one moves the family on, and the others
/// then find themselves with the parent.
pub(super) async fn rotate(tx: &mut dyn Tx, rotate: &Rotate, issued: &Issued) -> Fallible<Rotation> {
    if let Some(begins) = &rotate.begins {
        begin(tx, begins).await?;
    }
    let (first, rotation) = match &rotate.child {
        Some(child) => (move_on(rotate, child), Rotation::Rotated),
        None => (stay(rotate), Rotation::Kept),
    };
    if authorizations::record_if(tx, &first, issued).await? {
        return Ok(rotation);
    }
    if let Some(rotation) = repeat(tx, rotate).await? {
        authorizations::record(tx, issued).await?;
        return Ok(rotation);
    }
    let refused = refuse(tx, rotate).await?;
    if refused == Rotation::Dead {
        // Nothing begins with a token that is over.
        tx.give_up();
    }
    Ok(refused)
}

fn move_on(rotate: &Rotate, child: &Child) -> Statement {
    Statement {
        sql: concat!(
            "UPDATE families SET generation = generation + 1, parent_digest = current_digest, \
             current_digest = $5, salt = $6, key_id = $7, rotated_at = $4, used = 0, last_used_at = $4, ",
            shortened!("$8", "$9"),
            " WHERE tenant = $1 AND id = $2 AND current_digest = $3 AND ",
            usable!("$4")
        ),
        params: values![
            &rotate.family_id,
            &rotate.presented,
            rotate.now,
            &child.digest,
            &child.salt,
            &child.key_id,
            rotate.expires_at,
            rotate.idle_seconds,
        ]
        .to_vec(),
    }
}

fn stay(rotate: &Rotate) -> Statement {
    Statement {
        sql: concat!(
            "UPDATE families SET used = 1, last_used_at = $4, ",
            shortened!("$5", "$6"),
            " WHERE tenant = $1 AND id = $2 AND current_digest = $3 AND ",
            usable!("$4")
        ),
        params: values![
            &rotate.family_id,
            &rotate.presented,
            rotate.now,
            rotate.expires_at,
            rotate.idle_seconds,
        ]
        .to_vec(),
    }
}

async fn repeat(tx: &mut dyn Tx, rotate: &Rotate) -> Fallible<Option<Rotation>> {
    if rotate.grace <= 0 {
        return Ok(None);
    }
    let rows = tx
        .query(
            concat!(
                "UPDATE families SET last_used_at = $4, ",
                shortened!("$6", "$7"),
                " WHERE tenant = $1 AND id = $2 AND parent_digest = $3 AND used = 0 AND rotated_at >= $5 AND ",
                usable!("$4"),
                " RETURNING salt, key_id, generation"
            ),
            values![
                &rotate.family_id,
                &rotate.presented,
                rotate.now,
                rotate.now.saturating_sub(rotate.grace),
                rotate.expires_at,
                rotate.idle_seconds,
            ],
        )
        .await?;
    let Some(mut row) = first(rows) else { return Ok(None) };
    Ok(Some(Rotation::Repeated { salt: row.bytes()?, key_id: row.text()?, generation: row.int()? }))
}

/// Neither the current token nor its parent in grace: a replay, unless the family is over anyway.
async fn refuse(tx: &mut dyn Tx, rotate: &Rotate) -> Fallible<Rotation> {
    let rows = tx
        .query(
            concat!(
                "SELECT authorization_id, client_id FROM families WHERE tenant = $1 AND id = $2 AND ",
                usable!("$3")
            ),
            values![&rotate.family_id, rotate.now],
        )
        .await?;
    let Some(mut row) = first(rows) else { return Ok(Rotation::Dead) };
    let unique = [rotate.family_id.as_bytes(), &rotate.presented.0].concat();
    let reuse = misc::Reuse {
        artefact: "refresh_token",
        unique: &unique,
        authorization_id: &row.text()?,
        client_id: &row.text()?,
        at: rotate.now,
    };
    authorizations::revoke_replayed(tx, reuse.authorization_id, rotate.now).await?;
    misc::publish(tx, &[reuse.event()]).await?;
    Ok(Rotation::Replayed)
}
