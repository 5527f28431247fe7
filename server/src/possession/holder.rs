//! Whether whoever presents an access token is who it was issued to (RFC 9449 section 7, RFC 8705 section 3).

use placet_oauth::{bearer::Scheme, confirmation::Confirmation, error::OAuthError};
use serde_json::{Map, Value};

use super::{Examined, Possession};
use crate::{outcome::Outcome, server::Server};

/// Lets nobody use a token who does not hold what it is bound to, and gives what was proved. `claims` are those of a token
/// that counts.
///
/// # Errors
///
/// `invalid_token` for a bound token without what it is bound to, and for the wrong scheme: a bound token is none that
/// whoever has it may use (RFC 9449 section 7.2). `invalid_dpop_proof` for a proof that does not hold.
pub async fn check_holder(
    server: &Server,
    claims: &Map<String, Value>,
    (scheme, examined): (Scheme, Examined<'_>),
) -> Outcome<Possession> {
    let refused = |text: &str| Err(OAuthError::invalid_token(text).into());
    let asked = match Confirmation::of_claims(claims) {
        Ok(asked) => asked.unwrap_or_default(),
        Err(error) => return refused(&error.to_string()),
    };
    match (scheme, &asked.jkt) {
        (Scheme::Bearer, Some(_)) => {
            return refused(
                "the access token is bound to a key: present it by the scheme DPoP, with a proof",
            );
        }
        (Scheme::Dpop, None) => {
            return refused("the access token is not bound to a key: present it by the scheme Bearer");
        }
        _ => {}
    }
    // The key is compared before the proof is remembered: whoever has no token leaves nothing behind.
    let certificate = Possession::of_connection(examined.certificate).confirmation();
    let claimed = Confirmation { jkt: examined.claimed().cloned(), ..certificate };
    if !asked.is_met_by(&claimed) {
        return refused("the access token is bound to another key or certificate");
    }
    examined.prove(server).await
}
