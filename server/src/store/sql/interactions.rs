//! Interactions, and the one transaction in which everything takes effect that a person answered.

use std::collections::BTreeMap;

use super::{
    authorizations, codes, consents, deliveries, grants,
    misc::{self, EndedBy},
    participants, polled, pushed, sessions, subjects, tokens,
    tx::{Fallible, Row, Tx, at_most_one, every, values},
};
use crate::store::{
    AuthorizationRecord, Begun, Completed, Completion, EndSessions, InteractionRecord, SessionChange, Waiting,
};

macro_rules! columns {
    () => {
        "id, kind, ui, sub, sealed, revision, created_at, expires_at"
    };
}

fn read(row: &mut Row) -> Fallible<InteractionRecord> {
    Ok(InteractionRecord {
        id: row.text()?,
        kind: row.text()?,
        ui: row.text()?,
        sub: row.optional_text()?,
        sealed: row.bytes()?,
        revision: row.int()?,
        created_at: row.int()?,
        expires_at: row.int()?,
    })
}

pub(super) async fn open(tx: &mut dyn Tx, interaction: &InteractionRecord) -> Fallible<()> {
    tx.execute(
        concat!(
            "INSERT INTO interactions (tenant, ",
            columns!(),
            ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        ),
        values![
            &interaction.id,
            &interaction.kind,
            &interaction.ui,
            interaction.sub.as_ref(),
            &interaction.sealed,
            interaction.revision,
            interaction.created_at,
            interaction.expires_at,
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn find(tx: &mut dyn Tx, id: &str, now: i64) -> Fallible<Option<InteractionRecord>> {
    let rows = tx
        .query(
            concat!(
                "SELECT ",
                columns!(),
                " FROM interactions WHERE tenant = $1 AND id = $2 AND expires_at > $3"
            ),
            values![id, now],
        )
        .await?;
    at_most_one(rows, read)
}

/// The interactions of a kind and a login app that wait for a user, in order of their ids.
pub(super) async fn list_of(
    tx: &mut dyn Tx,
    waiting: &Waiting,
    page: &(String, u32),
    now: i64,
) -> Fallible<Vec<InteractionRecord>> {
    let rows = tx
        .query(
            concat!(
                "SELECT ",
                columns!(),
                " FROM interactions WHERE tenant = $1 AND sub = $2 AND kind = $3 AND ui = $4 AND id > $5 \
                 AND expires_at > $6 ORDER BY id LIMIT $7"
            ),
            values![&waiting.sub, waiting.kind, &waiting.ui, &page.0, now, page.1],
        )
        .await?;
    every(rows, read)
}

/// Opens an interaction that the server itself begins, with what its client asks after; false if what it came in was
/// used before.
pub(super) async fn begin(tx: &mut dyn Tx, begun: &Begun) -> Fallible<bool> {
    if let Some(once) = &begun.consume
        && !misc::consume_once(tx, once.kind, &once.id, once.expires_at).await?
    {
        return Ok(false);
    }
    open(tx, &begun.interaction).await?;
    polled::insert(tx, &begun.request).await?;
    misc::publish(tx, &begun.events).await?;
    Ok(true)
}

pub(super) async fn advance(tx: &mut dyn Tx, interaction: &InteractionRecord) -> Fallible<bool> {
    let advanced = tx
        .execute(
            "UPDATE interactions SET kind = $3, ui = $4, sealed = $5, expires_at = $6, sub = $8, \
             revision = revision + 1 WHERE tenant = $1 AND id = $2 AND revision = $7",
            values![
                &interaction.id,
                &interaction.kind,
                &interaction.ui,
                &interaction.sealed,
                interaction.expires_at,
                interaction.revision,
                interaction.sub.as_ref(),
            ],
        )
        .await?;
    Ok(advanced > 0)
}

pub(super) async fn delete(tx: &mut dyn Tx, id: &str) -> Fallible<()> {
    tx.execute("DELETE FROM interactions WHERE tenant = $1 AND id = $2", values![id]).await?;
    Ok(())
}

/// Rows are locked in one order by every completion: interaction, pushed request, polled request, subjects by name, sessions, clients,
/// consent, authorization. So two completions wait for each other and never in a circle.
pub(super) async fn complete(tx: &mut dyn Tx, completion: &Completion) -> Fallible<Completed> {
    if !advance(tx, &completion.interaction).await? {
        return Ok(Completed::Conflict);
    }
    if let Some(spent) = &completion.pushed
        && !pushed::spend(tx, spent).await?
    {
        tx.give_up();
        return Ok(Completed::RequestSpent);
    }
    let now = completion.now;
    if let Some(decision) = &completion.decided {
        let granted = completion.authorization.as_ref().map(|authorization| &authorization.id);
        if !polled::decide(tx, decision, granted, now).await? {
            tx.give_up();
            return Ok(Completed::RequestSpent);
        }
    }
    for (sub, must_be_enabled) in subjects_of(completion) {
        let disabled = subjects::hold(tx, sub, now).await?;
        if disabled && must_be_enabled {
            tx.give_up();
            return Ok(Completed::SubjectDisabled);
        }
    }
    // What ends does so before anything begins, so that it never hits what this very step creates.
    if let Some(end) = &completion.end {
        end_sessions(tx, end, (&completion.initiator, now)).await?;
    }
    if !sessions_stand(tx, completion).await? {
        tx.give_up();
        return Ok(Completed::SessionOver);
    }
    if !grants::hold_clients(tx, &completion.parties).await? {
        tx.give_up();
        return Ok(Completed::SubjectDisabled);
    }
    let consent_id = match &completion.remember {
        Some(remembering) => Some(consents::remember(tx, &remembering.consent, now).await?),
        None => None,
    };
    if let Some(authorization) = &completion.authorization {
        let consent_id = consent_id.or_else(|| authorization.consent_id.clone());
        authorizations::insert(tx, &AuthorizationRecord { consent_id, ..authorization.clone() }).await?;
        if let Some(home) = &authorization.session_id {
            participants::join(tx, home, &authorization.client_id).await?;
        }
        grants::insert_parties(tx, &completion.parties, authorization).await?;
    }
    if let Some(code) = &completion.code {
        codes::insert(tx, code).await?;
    }
    if let Some(token) = &completion.token {
        tokens::insert(tx, token).await?;
    }
    deliveries::insert(tx, &completion.deliveries).await?;
    misc::publish(tx, &completion.events).await?;
    Ok(Completed::Done)
}

/// Whom a completion concerns, in order, and whether it is for those who are not disabled only. A disabled
/// subject can still be logged out.
fn subjects_of(completion: &Completion) -> BTreeMap<&str, bool> {
    let mut subjects = BTreeMap::new();
    if let Some(EndSessions::Subject(sub)) = &completion.end {
        subjects.insert(sub.as_str(), false);
    }
    if let Some(
        SessionChange::Create(session) | SessionChange::Renew(session) | SessionChange::Touch(session),
    ) = &completion.session
    {
        subjects.insert(&session.sub, true);
    }
    if let Some(remembering) = &completion.remember {
        subjects.insert(&remembering.consent.sub, true);
    }
    if let Some(authorization) = &completion.authorization {
        subjects.insert(&authorization.sub, true);
    }
    subjects.extend(completion.parties.subjects.iter().map(|sub| (sub.as_str(), true)));
    subjects
}

async fn end_sessions(tx: &mut dyn Tx, end: &EndSessions, (initiator, now): (&str, i64)) -> Fallible<()> {
    let by = |extent| EndedBy { initiator, extent: Some(extent), at: now };
    match end {
        EndSessions::Client { session_id, client_id } => {
            sessions::leave(tx, session_id, client_id, now).await
        }
        EndSessions::Sessions(ids) => sessions::end_each(tx, ids, by("session")).await,
        EndSessions::Subject(sub) => sessions::end_all_of(tx, sub, by("subject")).await.map(|_| ()),
    }
}

/// Changes the session, and makes sure that the one the authorization belongs to is live: were it ended
/// meanwhile, the authorization would outlive it.
async fn sessions_stand(tx: &mut dyn Tx, completion: &Completion) -> Fallible<bool> {
    let now = completion.now;
    let changed = match &completion.session {
        None => None,
        Some(SessionChange::Create(session)) => {
            sessions::insert(tx, session).await?;
            if let Some(most) = completion.sessions_at_most {
                sessions::keep_to(tx, session, most, now).await?;
            }
            Some(&session.id)
        }
        Some(SessionChange::Renew(session)) => {
            if !sessions::renew(tx, session, now).await? {
                return Ok(false);
            }
            Some(&session.id)
        }
        Some(SessionChange::Touch(session)) => {
            if !sessions::hold(tx, &session.id, session.last_used_at, now).await? {
                return Ok(false);
            }
            Some(&session.id)
        }
    };
    let home = completion.authorization.as_ref().and_then(|authorization| authorization.session_id.as_ref());
    match home {
        Some(home) if changed != Some(home) => sessions::hold(tx, home, 0, now).await,
        _ => Ok(true),
    }
}
