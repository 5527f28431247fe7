//! Signed authentication requests (CIBA Core section 7.1.1).

use placet_oauth::{
    ciba::SignedRules,
    error::OAuthError,
    jwt,
    params::Params,
    request_object::{MAX_REQUEST_OBJECT, parameters},
};
use sha2::{Digest as _, Sha256};

use crate::{
    client::{Client, signed_by},
    jwks,
    outcome::Outcome,
    seal::hex,
    server::Server,
    store::Once,
};

/// Kind of the ids of requests that were used.
const USED: &str = "authentication_request";
/// How long a request may be good for, in seconds: so long it is remembered. FAPI-CIBA section 5.2.2-6 and -7.
const MAX_LIFETIME: i64 = 3600;
/// A request is remembered for longer than any clock accepts it, in seconds.
const SLACK: i64 = 60;
/// What may stand beside a signed request: the authentication of the client.
const BESIDE: [&str; 5] =
    ["request", "client_id", "client_secret", "client_assertion", "client_assertion_type"];

/// The request in a JWT.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) params: Params,
    pub(super) once: Once,
}

/// Opens the signed request in `request`; none if the client does not sign. A client signs either all its requests or
/// none: what it registered decides.
///
/// # Errors
///
/// `invalid_request`.
pub(super) async fn open(server: &Server, client: &Client, params: &Params) -> Outcome<Option<Arrived>> {
    let registered = client.metadata.backchannel_authentication_request_signing_alg.as_deref();
    let (text, alg) = match (params.get("request").filter(|text| !text.is_empty()), registered) {
        (None, None) => return Ok(None),
        (Some(text), Some(alg)) => (text, alg),
        (None, Some(_)) => return Err(refused("`request` is required: the client signs its requests").into()),
        (Some(_), None) => {
            let text = "`request`: the client is registered without \
                        `backchannel_authentication_request_signing_alg`, so that it cannot sign requests";
            return Err(refused(text).into());
        }
    };
    // Section 7.1.1: parameters of the request must not be present outside of the JWT.
    if let Some((name, _)) = params.iter().find(|(name, _)| !BESIDE.contains(name)) {
        return Err(refused(&format!("`{name}` must be in the signed request, and not beside it")).into());
    }
    let unsound = |error: &jwt::JwtError| {
        refused(&error.to_string().replace("the token", "the signed authentication request"))
    };
    let parsed = jwt::parse_within(text, MAX_REQUEST_OBJECT).map_err(|error| unsound(&error))?;
    let rules = SignedRules { issuer: server.issuer(), client_id: &client.id, max_lifetime: MAX_LIFETIME };
    // What can be refused without a key is refused first: it is cheaper, and nothing is fetched for it.
    let identified = rules.check(&parsed, server.now())?;
    let used = &parsed.header.alg;
    if used != alg || !jwks::is_supported(used) || !client.may_sign_with(used) {
        let text = "the request is signed with another algorithm than the client is registered for";
        return Err(refused(text).into());
    }
    match signed_by(server, client, &parsed).await {
        Ok(true) => {}
        Ok(false) => return Err(refused("the signature of the request does not hold").into()),
        Err(reason) => {
            return Err(refused(&format!("the keys of the client cannot be used: {reason}")).into());
        }
    }
    let pairs = parameters(&parsed.claims).map_err(|error| refused(&error.description))?;
    let id = hex(&Sha256::digest(serde_json::json!([client.id, identified.jti]).to_string()));
    let once = Once { kind: USED, id, expires_at: identified.expires_at.saturating_add(SLACK) };
    Ok(Some(Arrived { params: Params::from_pairs(pairs)?, once }))
}

/// The error of a request that was used before.
pub(crate) fn used() -> OAuthError {
    refused("the signed authentication request was used before; every request needs a new `jti`")
}

fn refused(text: &str) -> OAuthError {
    OAuthError::invalid_request(text)
}
