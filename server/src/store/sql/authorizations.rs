//! Authorizations. What was issued under one is dead once it is revoked, whatever the row of a token says.

use super::{
    families,
    generations::{self, Ended, ended_columns},
    lineage::{self, revoke_with_derived},
    misc, tokens,
    tx::{Fallible, Row, Statement, Tx, at_most_one, every, values},
};
use crate::store::{AuthorizationRecord, Event, Fact, Issued, Narrowed, REMEMBERED, Revoked};

/// The columns of an authorization `a`.
macro_rules! authorization_columns {
    () => {
        "a.id, a.client_id, a.sub, a.session_id, a.consent_id, a.offline, a.doc, a.created_at, a.expires_at, \
         a.revoked_at, a.self_contained"
    };
}
pub(super) use authorization_columns;

/// That the authorization in a column stands at the instant in a parameter: it is live, and its subject is not
/// disabled.
macro_rules! standing {
    ($id:literal, $now:literal) => {
        concat!(
            "EXISTS (SELECT 1 FROM authorizations a WHERE a.tenant = $1 AND a.id = ",
            $id,
            " AND a.revoked_at IS NULL AND a.expires_at > ",
            $now,
            " AND NOT EXISTS (SELECT 1 FROM subjects s WHERE s.tenant = $1 AND s.sub = a.sub \
             AND s.disabled_at IS NOT NULL))"
        )
    };
}
pub(super) use standing;

pub(super) fn read(row: &mut Row) -> Fallible<AuthorizationRecord> {
    Ok(AuthorizationRecord {
        id: row.text()?,
        client_id: row.text()?,
        sub: row.text()?,
        session_id: row.optional_text()?,
        consent_id: row.optional_text()?,
        offline: row.flag()?,
        doc: row.text()?,
        created_at: row.int()?,
        expires_at: row.int()?,
        revoked_at: row.optional_int()?,
        self_contained: row.flag()?,
    })
}

/// The authorization of a row that was joined with it, unless there is none.
pub(super) fn read_joined(row: &mut Row) -> Fallible<Option<AuthorizationRecord>> {
    if row.is_null() { Ok(None) } else { read(row).map(Some) }
}

pub(super) async fn insert(tx: &mut dyn Tx, authorization: &AuthorizationRecord) -> Fallible<()> {
    tx.execute(
        "INSERT INTO authorizations (tenant, id, client_id, sub, session_id, consent_id, offline, doc, \
         created_at, expires_at, revoked_at, self_contained) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        values![
            &authorization.id,
            &authorization.client_id,
            &authorization.sub,
            authorization.session_id.as_ref(),
            authorization.consent_id.as_ref(),
            authorization.offline,
            &authorization.doc,
            authorization.created_at,
            authorization.expires_at,
            authorization.revoked_at,
            authorization.self_contained,
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn find(tx: &mut dyn Tx, id: &str) -> Fallible<Option<AuthorizationRecord>> {
    let rows = tx
        .query(
            concat!(
                "SELECT ",
                authorization_columns!(),
                " FROM authorizations a WHERE a.tenant = $1 AND a.id = $2"
            ),
            values![id],
        )
        .await?;
    at_most_one(rows, read)
}

pub(super) async fn list_of(
    tx: &mut dyn Tx,
    sub: &str,
    page: &(String, u32),
    now: i64,
) -> Fallible<Vec<AuthorizationRecord>> {
    let rows = tx
        .query(
            concat!(
                "SELECT ",
                authorization_columns!(),
                " FROM authorizations a WHERE a.tenant = $1 AND a.sub = $2 AND a.id > $3 \
                 AND a.revoked_at IS NULL AND a.expires_at > $4 ORDER BY a.id LIMIT $5"
            ),
            values![sub, &page.0, now, page.1],
        )
        .await?;
    every(rows, read)
}

/// Keeps a live authorization from being revoked before this step is through; false if it is over.
pub(super) async fn hold(tx: &mut dyn Tx, id: &str, now: i64) -> Fallible<bool> {
    let held = tx
        .execute(
            "UPDATE authorizations SET revoked_at = NULL \
             WHERE tenant = $1 AND id = $2 AND revoked_at IS NULL AND expires_at > $3",
            values![id, now],
        )
        .await?;
    tx.changed(&[]);
    Ok(held > 0)
}

/// Revokes an authorization, and what took its place if something did: whoever ends it by this id need not know that.
pub(super) async fn revoke(tx: &mut dyn Tx, id: &str, now: i64, events: &[Event]) -> Fallible<bool> {
    let itself = revoke_alone(tx, id, now).await?;
    let derived = lineage::revoke_derived(tx, id, now).await?;
    misc::publish_if(tx, itself || derived, events).await
}

/// Revokes a live authorization, and nothing else; false if it is over.
pub(super) async fn revoke_alone(tx: &mut dyn Tx, id: &str, now: i64) -> Fallible<bool> {
    let rows = tx
        .query(
            concat!(
                "UPDATE authorizations SET revoked_at = $3 \
                 WHERE tenant = $1 AND id = $2 AND revoked_at IS NULL AND expires_at > $3",
                ended_columns!()
            ),
            values![id, now],
        )
        .await?;
    if rows.is_empty() {
        return Ok(false);
    }
    tx.changed(&[Fact::authorization(id)]);
    generations::mark_each(tx, &generations::ended(rows)?).await?;
    Ok(true)
}

/// Revokes the authorizations of a session that have no offline access.
pub(super) async fn revoke_of_session(tx: &mut dyn Tx, session_id: &str, now: i64) -> Fallible<()> {
    lineage::revoke(
        tx,
        revoke_with_derived!(
            "SELECT id FROM authorizations WHERE tenant = $1 AND session_id = $3 AND offline = 0"
        ),
        values![now, session_id],
    )
    .await
}

/// Revokes the authorizations of one client in a session that have no offline access.
pub(super) async fn revoke_of_client_in_session(
    tx: &mut dyn Tx,
    session_id: &str,
    client_id: &str,
    now: i64,
) -> Fallible<()> {
    lineage::revoke(
        tx,
        revoke_with_derived!(
            "SELECT id FROM authorizations \
             WHERE tenant = $1 AND session_id = $3 AND client_id = $4 AND offline = 0"
        ),
        values![now, session_id, client_id],
    )
    .await
}

/// Revokes the authorizations of all sessions of a subject that have no offline access.
pub(super) async fn revoke_of_sessions_of(tx: &mut dyn Tx, sub: &str, now: i64) -> Fallible<()> {
    lineage::revoke(
        tx,
        revoke_with_derived!(
            "SELECT id FROM authorizations \
             WHERE tenant = $1 AND sub = $3 AND session_id IS NOT NULL AND offline = 0"
        ),
        values![now, sub],
    )
    .await
}

/// Revokes every authorization of a subject, and those in which it takes part.
pub(super) async fn revoke_of_subject(tx: &mut dyn Tx, sub: &str, now: i64) -> Fallible<()> {
    let ended = lineage::end(
        tx,
        revoke_with_derived!("SELECT id FROM authorizations WHERE tenant = $1 AND sub = $3"),
        values![now, sub],
    )
    .await?;
    let mark = (Revoked::subject(sub), now.saturating_add(REMEMBERED));
    generations::mark_all(tx, ended, mark, |one: &Ended| one.sub == sub).await?;
    revoke_of_actor(tx, sub, now).await
}

/// Revokes every authorization in which a subject takes part.
pub(super) async fn revoke_of_actor(tx: &mut dyn Tx, sub: &str, now: i64) -> Fallible<()> {
    lineage::revoke(
        tx,
        revoke_with_derived!(
            "SELECT authorization_id FROM authorization_actors WHERE tenant = $1 AND sub = $3"
        ),
        values![now, sub],
    )
    .await
}

/// Revokes every authorization of a client, and those in which it takes part.
pub(super) async fn revoke_of_client(tx: &mut dyn Tx, client_id: &str, now: i64) -> Fallible<()> {
    let ended = lineage::end(
        tx,
        revoke_with_derived!("SELECT id FROM authorizations WHERE tenant = $1 AND client_id = $3"),
        values![now, client_id],
    )
    .await?;
    let mark = (Revoked::client(client_id), now.saturating_add(REMEMBERED));
    generations::mark_all(tx, ended, mark, |one: &Ended| one.client_id == client_id).await?;
    lineage::revoke_derived(tx, &lineage::client(client_id), now).await.map(drop)
}

/// Revokes every authorization that was granted under a consent.
pub(super) async fn revoke_of_consent(tx: &mut dyn Tx, consent_id: &str, now: i64) -> Fallible<()> {
    lineage::revoke(
        tx,
        revoke_with_derived!("SELECT id FROM authorizations WHERE tenant = $1 AND consent_id = $3"),
        values![now, consent_id],
    )
    .await
}

/// Revokes an authorization because something issued under it came back that should not have.
pub(super) async fn revoke_replayed(tx: &mut dyn Tx, id: &str, now: i64) -> Fallible<()> {
    lineage::revoke(
        tx,
        revoke_with_derived!("SELECT id FROM authorizations WHERE tenant = $1 AND id = $3"),
        values![now, id],
    )
    .await
}

fn narrowing(narrowed: &Narrowed) -> Statement {
    Statement {
        sql: "UPDATE authorizations SET doc = $3, offline = $4, self_contained = COALESCE($5, self_contained) \
              WHERE tenant = $1 AND id = $2",
        params: values![&narrowed.authorization_id, &narrowed.doc, narrowed.offline, narrowed.self_contained]
            .to_vec(),
    }
}

/// The statements that record what was issued, but for its events.
fn recording(issued: &Issued) -> Vec<Statement> {
    let token = issued.token.as_ref().map(tokens::insertion);
    let family = issued.family.as_ref().map(families::insertion);
    let narrowed = issued.narrowed.as_ref().map(narrowing);
    token.into_iter().chain(family).chain(narrowed).collect()
}

/// Records what was issued.
pub(super) async fn record(tx: &mut dyn Tx, issued: &Issued) -> Fallible<()> {
    for statement in recording(issued) {
        tx.execute(statement.sql, &statement.params).await?;
    }
    tell_narrowed(tx, issued);
    misc::publish(tx, &issued.events).await
}

/// Says of an authorization that became less that it changed.
fn tell_narrowed(tx: &mut dyn Tx, issued: &Issued) {
    if let Some(narrowed) = &issued.narrowed {
        tx.changed(&[Fact::authorization(&narrowed.authorization_id)]);
    }
}

/// Runs what uses an artefact up, and records what was issued for it if that touched a row; tells whether it did.
pub(super) async fn record_if(tx: &mut dyn Tx, uses: &Statement, issued: &Issued) -> Fallible<bool> {
    if issued.events.is_empty() {
        let done = tx.decide(uses, &recording(issued)).await?;
        if done {
            tell_narrowed(tx, issued);
        }
        return Ok(done);
    }
    let done = tx.execute(uses.sql, &uses.params).await? > 0;
    if done {
        record(tx, issued).await?;
    }
    Ok(done)
}
