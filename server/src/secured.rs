//! Answers to clients as JWTs, signed and encrypted as each client registered it.

use placet_oauth::{
    client::{HMAC_ALGS, JwtResponse},
    id::Secret,
};
use serde::Serialize;

use crate::{
    client::{Client, mac},
    encryption::{self, Method},
    outcome::{Fault, Outcome},
    server::Server,
};

/// The algorithm that signs such answers to a client; none if they are not signed.
pub fn signing_alg(client: &Client, response: JwtResponse) -> Option<&str> {
    client.metadata.algs_of(response).signed
}

/// Whether such answers to a client are JWTs.
pub fn is_jwt(client: &Client, response: JwtResponse) -> bool {
    let algs = client.metadata.algs_of(response);
    algs.signed.is_some() || algs.alg.is_some()
}

/// These claims as a JWT of type `typ` for a client: signed, then encrypted (RFC 7519 section 11.2), as it registered
/// for such answers.
///
/// # Errors
///
/// What [`encryption::encrypt_for`] refuses.
pub async fn jwt(
    server: &Server,
    client: &Client,
    response: JwtResponse,
    (typ, claims): (&str, &impl Serialize),
) -> Outcome<Secret> {
    let algs = client.metadata.algs_of(response);
    let (cty, payload) = match algs.signed {
        Some(alg) => (Some("JWT"), sign(server, client, alg, (typ, claims)).await?),
        None => (None, serde_json::to_string(claims).map_err(|e| Fault::new("answer", e))?),
    };
    match Method::registered(algs.alg, algs.enc)? {
        Some(method) => {
            // Keys may have to be fetched: on the heap, so that answers in clear do not carry the state of that along.
            let sealed = encryption::encrypt_for(server, client, method, cty, payload.as_bytes());
            Box::pin(sealed).await.map(Secret::new)
        }
        None if algs.signed.is_some() => Ok(Secret::new(payload)),
        None => Err(Fault::new("answer", "a JWT that is neither signed nor encrypted").into()),
    }
}

async fn sign(
    server: &Server,
    client: &Client,
    alg: &str,
    (typ, claims): (&str, &impl Serialize),
) -> Result<String, Fault> {
    if HMAC_ALGS.contains(&alg) {
        let secret = client.known_secret(server.root())?;
        let secret =
            secret.ok_or_else(|| Fault::new("client secret", "it is not known, so it signs nothing"))?;
        return mac::sign(&secret, alg, (typ, claims));
    }
    server.keys().signer(alg).await?.sign(typ, claims)
}
