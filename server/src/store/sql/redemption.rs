//! Redemption of what is good once: codes, and requests that clients ask after.

use super::{
    authorizations, misc,
    tx::{Fallible, Statement, Tx, first, values},
};
use crate::store::{Digest, Issued, Redemption};

/// The statements for one table of such things.
pub(super) struct Redeemable {
    pub(super) redeem: &'static str,
    pub(super) look: &'static str,
}

/// The statements for a table with the columns `digest`, `authorization_id`, `client_id`, `expires_at` and `redeemed_at`,
/// given what tells the kind of a row.
macro_rules! redeemable {
    ($table:literal, $authorization_id:literal, $kind:literal) => {
        Redeemable {
            redeem: concat!(
                "UPDATE ",
                $table,
                " SET redeemed_at = $3 \
                 WHERE tenant = $1 AND digest = $2 AND redeemed_at IS NULL AND expires_at > $3 AND ",
                standing!($authorization_id, "$3")
            ),
            look: concat!(
                "SELECT redeemed_at, authorization_id, client_id, ",
                $kind,
                " FROM ",
                $table,
                " WHERE tenant = $1 AND digest = $2"
            ),
        }
    };
}
pub(super) use redeemable;

/// The conditional update decides alone: of many at once one finds the thing unredeemed, the others wait for it and then
/// see what it wrote.
///
/// A code that comes back is an alarm. A client that was told to expect tokens asks at the same time as it asks anyway, and
/// proves who it is each time (CIBA Core section 10.2): there it is none.
pub(super) async fn redeem(
    tx: &mut dyn Tx,
    what: &Redeemable,
    (digest, now): (&Digest, i64),
    issued: &Issued,
) -> Fallible<Redemption> {
    let uses = Statement { sql: what.redeem, params: values![digest, now].to_vec() };
    // A revocation leaves a mark where the row says that tokens carry everything themselves. It is through, and then nothing is
    // issued; or it comes after this step, and sees what is written here.
    let held = match issued.narrowed.as_ref().filter(|narrowed| narrowed.self_contained == Some(true)) {
        Some(narrowed) => authorizations::hold(tx, &narrowed.authorization_id, now).await?,
        None => true,
    };
    if held && authorizations::record_if(tx, &uses, issued).await? {
        return Ok(Redemption::First);
    }
    let rows = tx.query(what.look, values![digest]).await?;
    let Some(mut row) = first(rows) else { return Ok(Redemption::Dead) };
    if row.optional_int()?.is_none() {
        return Ok(Redemption::Dead);
    }
    let (authorization_id, client_id, kind) = (row.text()?, row.text()?, row.text()?);
    let artefact = match kind.as_str() {
        "code" => "code",
        "device" => "device_code",
        _ => return Ok(Redemption::Replayed),
    };
    let reuse = misc::Reuse {
        artefact,
        unique: &digest.0,
        authorization_id: &authorization_id,
        client_id: &client_id,
        at: now,
    };
    authorizations::revoke_replayed(tx, reuse.authorization_id, now).await?;
    misc::publish(tx, &[reuse.event()]).await?;
    Ok(Redemption::Replayed)
}
