//! Grants outside an interaction: everything they depend on is held while they are stored, so that it cannot end
//! unnoticed in between.

use std::collections::BTreeSet;

use super::{
    authorizations, clients, families, lineage, misc, participants, revocations, sessions, subjects, tokens,
    tx::{Fallible, Tx},
};
use crate::store::{AuthorizationRecord, Granted, NewGrant, Parent, Parties};

/// Rows are locked in one order: subjects by name, session, clients by id, refresh tokens, access tokens,
/// authorizations by id, ids that are used up.
pub(super) async fn store(tx: &mut dyn Tx, grant: &NewGrant) -> Fallible<Granted> {
    let outcome = try_store(tx, grant).await?;
    if outcome != Granted::Stored {
        tx.give_up();
    }
    Ok(outcome)
}

async fn try_store(tx: &mut dyn Tx, grant: &NewGrant) -> Fallible<Granted> {
    let authorization = &grant.authorization;
    let now = authorization.created_at;
    let own = std::iter::once(&authorization.sub);
    for sub in own.chain(&grant.parties.subjects).collect::<BTreeSet<_>>() {
        if subjects::hold(tx, sub, now).await? {
            return Ok(Granted::SubjectDisabled);
        }
    }
    if grant.in_session
        && let Some(session_id) = &authorization.session_id
        && !sessions::hold(tx, session_id, 0, now).await?
    {
        return Ok(Granted::SessionOver);
    }
    if !hold_clients(tx, &grant.parties).await? {
        return Ok(Granted::ParentOver);
    }
    let mut parents: Vec<_> = grant.derived_from.iter().collect();
    parents.sort_by_key(|parent| order(parent));
    for parent in parents {
        if !hold_parent(tx, parent, now).await? {
            return Ok(Granted::ParentOver);
        }
    }
    for once in &grant.consume {
        if !misc::consume_once(tx, once.kind, &once.id, once.expires_at).await? {
            return Ok(Granted::AlreadyUsed);
        }
    }
    authorizations::insert(tx, authorization).await?;
    if grant.in_session
        && let Some(home) = &authorization.session_id
    {
        participants::join(tx, home, &authorization.client_id).await?;
    }
    for parent in &grant.derived_from {
        if let Some(parent) = name(parent) {
            lineage::insert(tx, &parent, &authorization.id, authorization.expires_at).await?;
        }
    }
    insert_parties(tx, &grant.parties, authorization).await?;
    authorizations::record(tx, &grant.issued).await?;
    Ok(Granted::Stored)
}

fn order(parent: &Parent) -> (u8, &str) {
    match parent {
        Parent::RefreshToken { family_id, .. } => (0, family_id),
        Parent::OpaqueToken(_) => (1, ""),
        Parent::SignedToken { jti, .. } => (2, jti),
        Parent::Authorization(id) => (3, id),
    }
}

/// Keeps what something is derived from from ending before this step is through; false if it is over.
async fn hold_parent(tx: &mut dyn Tx, parent: &Parent, now: i64) -> Fallible<bool> {
    match parent {
        Parent::Authorization(id) => authorizations::hold(tx, id, now).await,
        Parent::SignedToken { jti, expires_at, of_client } => {
            if now >= *expires_at || !tokens::hold_jti(tx, jti, *expires_at).await? {
                return Ok(false);
            }
            match of_client {
                Some(of) => revocations::hold(tx, of, *expires_at).await,
                None => Ok(true),
            }
        }
        Parent::OpaqueToken(digest) => tokens::hold(tx, digest, now).await,
        Parent::RefreshToken { family_id, presented, begins } => {
            if let Some(begins) = begins {
                families::begin(tx, begins).await?;
            }
            families::hold(tx, family_id, presented, now).await
        }
    }
}

fn name(parent: &Parent) -> Option<String> {
    match parent {
        Parent::Authorization(id) => Some(id.clone()),
        Parent::SignedToken { jti, .. } => Some(lineage::signed_token(jti)),
        Parent::OpaqueToken(digest) => Some(lineage::opaque_token(digest)),
        Parent::RefreshToken { .. } => None,
    }
}

/// Keeps clients that take part from being deleted before this step is through; false if one is gone.
pub(super) async fn hold_clients(tx: &mut dyn Tx, parties: &Parties) -> Fallible<bool> {
    for client_id in parties.clients.iter().collect::<BTreeSet<_>>() {
        if !clients::hold(tx, client_id).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Notes who takes part in an authorization.
pub(super) async fn insert_parties(
    tx: &mut dyn Tx,
    parties: &Parties,
    authorization: &AuthorizationRecord,
) -> Fallible<()> {
    let AuthorizationRecord { id, expires_at, .. } = authorization;
    for sub in &parties.subjects {
        lineage::insert_actor(tx, sub, id, *expires_at).await?;
    }
    for client_id in parties.clients.iter().chain(&parties.configured) {
        lineage::insert(tx, &lineage::client(client_id), id, *expires_at).await?;
    }
    Ok(())
}
