//! Requests that clients ask after until somebody decided.

use super::{
    authorizations::{self, authorization_columns, standing},
    lineage, misc,
    redemption::{self, Redeemable, redeemable},
    tx::{Fallible, Row, Tx, at_most_one, values},
};
use crate::store::{
    AuthorizationRecord, Decision, Digest, Event, Issued, Polled, PolledRecord, Redemption, Replacement,
};

macro_rules! columns {
    () => {
        "p.digest, p.kind, p.user_code, p.client_id, p.sealed, p.poll_interval, p.poll_after, p.claimed_by, \
         p.decided_at, p.authorization_id, p.refusal, p.created_at, p.expires_at, p.redeemed_at"
    };
}

/// That nobody decided about a request, and that somebody still can at the instant in a parameter.
macro_rules! open {
    ($now:literal) => {
        concat!("decided_at IS NULL AND expires_at > ", $now)
    };
}

fn read(row: &mut Row) -> Fallible<PolledRecord> {
    Ok(PolledRecord {
        digest: row.digest()?,
        kind: row.text()?,
        user_code: row.optional_digest()?,
        client_id: row.text()?,
        sealed: row.bytes()?,
        poll_interval: row.int()?,
        poll_after: row.int()?,
        claimed_by: row.optional_text()?,
        decided_at: row.optional_int()?,
        authorization_id: row.optional_text()?,
        refusal: row.optional_text()?,
        created_at: row.int()?,
        expires_at: row.int()?,
        redeemed_at: row.optional_int()?,
    })
}

fn read_with_authorization(row: &mut Row) -> Fallible<(PolledRecord, Option<AuthorizationRecord>)> {
    Ok((read(row)?, authorizations::read_joined(row)?))
}

pub(super) async fn insert(tx: &mut dyn Tx, request: &PolledRecord) -> Fallible<bool> {
    let inserted = tx
        .execute(
            "INSERT INTO polled_requests (tenant, digest, kind, user_code, client_id, sealed, poll_interval, \
             poll_after, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
             ON CONFLICT DO NOTHING",
            values![
                &request.digest,
                &request.kind,
                request.user_code.as_ref(),
                &request.client_id,
                &request.sealed,
                request.poll_interval,
                request.poll_after,
                request.created_at,
                request.expires_at,
            ],
        )
        .await?;
    Ok(inserted > 0)
}

pub(super) async fn find(
    tx: &mut dyn Tx,
    digest: &Digest,
) -> Fallible<Option<(PolledRecord, Option<AuthorizationRecord>)>> {
    let rows = tx
        .query(
            concat!(
                "SELECT ",
                columns!(),
                ", ",
                authorization_columns!(),
                " FROM polled_requests p LEFT JOIN authorizations a \
                 ON a.tenant = p.tenant AND a.id = p.authorization_id \
                 WHERE p.tenant = $1 AND p.digest = $2"
            ),
            values![digest],
        )
        .await?;
    at_most_one(rows, read_with_authorization)
}

pub(super) async fn find_by_user_code(
    tx: &mut dyn Tx,
    user_code: &Digest,
    now: i64,
) -> Fallible<Option<PolledRecord>> {
    let rows = tx
        .query(
            concat!(
                "SELECT ",
                columns!(),
                " FROM polled_requests p WHERE p.tenant = $1 AND p.user_code = $2 AND ",
                open!("$3")
            ),
            values![user_code, now],
        )
        .await?;
    at_most_one(rows, read)
}

/// The conditional update decides alone: of many browsers at once one finds the request unclaimed.
pub(super) async fn claim(tx: &mut dyn Tx, digest: &Digest, by: &str, now: i64) -> Fallible<bool> {
    let claimed = tx
        .execute(
            concat!(
                "UPDATE polled_requests SET claimed_by = $3 \
                 WHERE tenant = $1 AND digest = $2 AND (claimed_by IS NULL OR claimed_by = $3) AND ",
                open!("$4")
            ),
            values![digest, by, now],
        )
        .await?;
    Ok(claimed > 0)
}

pub(super) async fn claim_and_publish(
    tx: &mut dyn Tx,
    (digest, by): (&Digest, &str),
    now: i64,
    events: &[Event],
) -> Fallible<bool> {
    let claimed = claim(tx, digest, by, now).await?;
    misc::publish_if(tx, claimed, events).await
}

/// Each update looks at what it changes, so that of two questions at once one is too soon.
pub(super) async fn poll(tx: &mut dyn Tx, digest: &Digest, now: i64) -> Fallible<Polled> {
    let in_time = tx
        .execute(
            concat!(
                "UPDATE polled_requests SET poll_after = poll_interval + $3 \
                 WHERE tenant = $1 AND digest = $2 AND poll_after <= $3 AND ",
                open!("$3")
            ),
            values![digest, now],
        )
        .await?;
    if in_time > 0 {
        return Ok(Polled::Pending);
    }
    let too_fast = tx
        .execute(
            concat!(
                "UPDATE polled_requests SET poll_interval = poll_interval + 5, \
                 poll_after = poll_interval + 5 + $3 WHERE tenant = $1 AND digest = $2 AND ",
                open!("$3")
            ),
            values![digest, now],
        )
        .await?;
    Ok(if too_fast > 0 { Polled::TooFast } else { Polled::Over })
}

/// Decides, for the browser that claimed the request; false if it is decided, over, or claimed by another one.
pub(super) async fn decide(
    tx: &mut dyn Tx,
    decision: &Decision,
    authorization_id: Option<&String>,
    now: i64,
) -> Fallible<bool> {
    let decided = tx
        .execute(
            concat!(
                "UPDATE polled_requests SET decided_at = $5, authorization_id = $3, refusal = $4 \
                 WHERE tenant = $1 AND digest = $2 AND COALESCE(claimed_by, '') = $6 AND ",
                open!("$5")
            ),
            values![
                &decision.digest,
                authorization_id.filter(|_| decision.refusal.is_none()),
                decision.refusal.as_ref(),
                now,
                decision.by.as_deref().unwrap_or_default(),
            ],
        )
        .await?;
    Ok(decided > 0)
}

/// The old authorization is revoked in the same step, so that of what was issued only the last counts.
pub(super) async fn replace(tx: &mut dyn Tx, replacement: &Replacement) -> Fallible<bool> {
    let Replacement { digest, old, new, issued, now } = replacement;
    let replaced = tx
        .execute(
            concat!(
                "UPDATE polled_requests SET authorization_id = $4 \
                 WHERE tenant = $1 AND digest = $2 AND authorization_id = $5 AND redeemed_at IS NULL \
                 AND expires_at > $3 AND ",
                standing!("polled_requests.authorization_id", "$3")
            ),
            values![digest, *now, &new.id, old],
        )
        .await?;
    if replaced == 0 {
        return Ok(false);
    }
    authorizations::insert(tx, new).await?;
    lineage::take_over(tx, old, &new.id).await?;
    if !authorizations::revoke_alone(tx, old, *now).await? {
        // Somebody else ended it in the meantime: nothing may take its place.
        tx.give_up();
        return Ok(false);
    }
    lineage::revoke_derived(tx, old, *now).await?;
    // From now on whoever ends the old one ends this one: somebody may have read the old id, and be about to.
    lineage::insert(tx, old, &new.id, new.expires_at).await?;
    authorizations::record(tx, issued).await?;
    Ok(true)
}

const POLLED: Redeemable = redeemable!("polled_requests", "polled_requests.authorization_id", "kind");

pub(super) async fn redeem(
    tx: &mut dyn Tx,
    digest: &Digest,
    now: i64,
    issued: &Issued,
) -> Fallible<Redemption> {
    redemption::redeem(tx, &POLLED, (digest, now), issued).await
}
