//! How the callers of the private listener are known: by the digest of what they show, a bearer or a certificate.

use subtle::ConstantTimeEq as _;

use super::request::Request;
use crate::{
    outcome::{Fault, Outcome},
    seal::hex,
    server::Server,
};

/// Whoever has registered this digest. All are compared, so that the time tells nothing of which is near.
pub(super) fn holder<'a, T>(
    all: &'a [T],
    registered: impl Fn(&T) -> &[String],
    digest: &[u8; 32],
) -> Option<&'a T> {
    let digest = hex(digest);
    all.iter().fold(None, |found, one| {
        let own = registered(one).iter().fold(false, |own, other| {
            own | bool::from(other.to_ascii_lowercase().as_bytes().ct_eq(digest.as_bytes()))
        });
        if own { Some(one) } else { found }
    })
}

/// The digest of the certificate that the caller has shown, if its time is right. Who also sends a bearer is judged by
/// that alone: credentials that contradict each other are not weighed.
pub(super) fn certificate(server: &Server, request: &Request) -> Outcome<Option<[u8; 32]>> {
    let Some(shown) = &request.certificate else { return Ok(None) };
    if request.headers.contains_key(http::header::AUTHORIZATION) {
        return Ok(None);
    }
    let timely =
        shown.is_timely(server.now()).map_err(|error| Fault::new("certificate of a caller", error))?;
    Ok(timely.then(|| shown.digest()))
}
