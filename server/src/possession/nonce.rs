//! Nonces for DPoP proofs (RFC 9449 sections 8 and 9), which are the challenges for attested clients too: they show that a
//! proof was not made in advance.
//!
//! Nothing is stored of them. A nonce is a period of time and a tag under a key that all replicas share, and it is good in
//! its own period and in the next one. Replicas whose clocks differ a little may know the next period already.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq as _;

use crate::server::Server;

const KIND: &str = "dpop nonce";

/// The nonce of this moment.
pub(super) fn fresh(server: &Server) -> String {
    of(server, period(server))
}

/// Whether a proof holds a nonce that is still good.
pub(super) fn is_good(server: &Server, nonce: Option<&str>) -> bool {
    let Some(nonce) = nonce else { return false };
    let now = period(server);
    [now - 1, now, now + 1]
        .into_iter()
        .fold(false, |good, period| good | bool::from(of(server, period).as_bytes().ct_eq(nonce.as_bytes())))
}

fn period(server: &Server) -> i64 {
    server.now().div_euclid(i64::from(server.config().dpop.nonce_lifetime.max(1)))
}

fn of(server: &Server, period: i64) -> String {
    let tag = server.root().dpop().mac(KIND, &[&period.to_be_bytes()]);
    URL_SAFE_NO_PAD.encode(&tag[..24])
}
