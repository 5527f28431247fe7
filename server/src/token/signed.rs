//! JWTs of this server that come back.

use placet_oauth::{
    error::OAuthError,
    jwt::{self, VerifyProfile},
};
use serde_json::{Map, Value};

use crate::{
    encryption,
    outcome::{Failure, Outcome},
    server::Server,
};

/// The claims of a JWT that this server signed for the use that `profile` describes; none for any other text.
pub fn verify(server: &Server, compact: &str, profile: &VerifyProfile<'_>) -> Option<Map<String, Value>> {
    let parsed = jwt::parse(compact).ok()?;
    let keys = server.keys().current();
    let key = keys.verifier(parsed.header.kid.as_deref()?)?;
    if !key.verify(&parsed.header.alg, parsed.message.as_bytes(), parsed.signature) {
        return None;
    }
    profile.check(&parsed.header, &parsed.claims, server.now()).ok()?;
    Some(parsed.claims)
}

/// The claims of an ID token of this server that comes back, by the rules of `profile`; none for any other text. It may
/// have been encrypted to this server (OpenID Connect Core section 3.1.2.1); one that is still encrypted to its client
/// is nothing that this server can read.
pub async fn read_id_token(
    server: &Server,
    text: &str,
    profile: &VerifyProfile<'_>,
) -> Outcome<Option<Map<String, Value>>> {
    if !encryption::is_encrypted(text) {
        return Ok(read_signed(server, text, profile));
    }
    let accepted = (&encryption::DECRYPTED[..], &encryption::CONTENT[..]);
    match encryption::decrypt_jwt(server, text, accepted, |why| OAuthError::invalid_request(why)) {
        Ok(inner) => Ok(read_signed(server, &inner, profile)),
        Err(Failure::Refused(_)) => Ok(None),
        Err(failure) => Err(failure),
    }
}

fn read_signed(server: &Server, text: &str, profile: &VerifyProfile<'_>) -> Option<Map<String, Value>> {
    let claims = verify(server, text, profile)?;
    // What is about nobody is a JWT for another purpose (section 2).
    claims.get("sub").is_some_and(Value::is_string).then_some(claims)
}

/// Whether `aud` of these claims names this client.
pub fn is_for(claims: &Map<String, Value>, client_id: &str) -> bool {
    match claims.get("aud") {
        Some(Value::String(one)) => one == client_id,
        Some(Value::Array(all)) => all.iter().any(|a| a == client_id),
        _ => false,
    }
}
