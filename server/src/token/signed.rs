//! JWTs of this server that come back.

use placet_oauth::{
    client::{HMAC_ALGS, JwtResponse},
    error::OAuthError,
    jwt::{self, Compact, VerifyProfile},
};
use placet_sdk::grant::Object;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::{
    client::mac,
    encryption,
    outcome::{Failure, Fault, Outcome},
    secured,
    server::Server,
};

/// The claims of a JWT that this server signed for the use that `profile` describes; none for any other text.
pub async fn verify(
    server: &Server,
    compact: &str,
    profile: &VerifyProfile<'_>,
) -> Result<Option<Object>, Fault> {
    let Ok(parsed) = jwt::parse(compact) else { return Ok(None) };
    let Some(kid) = parsed.header.kid.as_deref() else { return Ok(None) };
    let Some(key) = server.keys().verifier(kid).await? else { return Ok(None) };
    let genuine = key.verify(&parsed.header.alg, parsed.message.as_bytes(), parsed.signature)
        && profile.check(&parsed.header, &parsed.claims, server.now()).is_ok();
    Ok(genuine.then_some(parsed.claims))
}

/// The claims of an ID token that comes back as a hint, which may be about to expire or over; none for any other text.
pub async fn read_hint(server: &Server, text: &str) -> Outcome<Option<Map<String, Value>>> {
    let Some(text) = opened(server, text)? else { return Ok(None) };
    let profile = VerifyProfile::id_token_hint(server.issuer());
    let Ok(parsed) = jwt::parse(&text) else { return Ok(None) };
    let claims = if HMAC_ALGS.contains(&parsed.header.alg.as_str()) {
        of_secret(server, &parsed, &profile).await?
    } else {
        verify(server, &text, &profile).await?
    };
    Ok(claims.filter(is_about_somebody))
}

/// The claims of an ID token that comes back as proof of what it says, by the rules of `profile`; none for any other
/// text. One that is signed with a client secret is no proof: whoever presents it could have made it.
pub async fn read_id_token(
    server: &Server,
    text: &str,
    profile: &VerifyProfile<'_>,
) -> Outcome<Option<Map<String, Value>>> {
    let Some(text) = opened(server, text)? else { return Ok(None) };
    Ok(verify(server, &text, profile).await?.filter(is_about_somebody))
}

/// What is about nobody is a JWT for another purpose (OpenID Connect Core section 2).
fn is_about_somebody(claims: &Map<String, Value>) -> bool {
    claims.get("sub").is_some_and(Value::is_string)
}

/// The text itself, or what was encrypted to this server (OpenID Connect Core section 3.1.2.1). What is encrypted to a
/// client this server cannot read.
fn opened(server: &Server, text: &str) -> Outcome<Option<Zeroizing<String>>> {
    if !encryption::is_encrypted(text) {
        return Ok(Some(Zeroizing::new(text.to_owned())));
    }
    let accepted = (&encryption::DECRYPTED[..], &encryption::CONTENT[..]);
    match encryption::decrypt_jwt(server, text, accepted, |reason| OAuthError::invalid_request(reason)) {
        Ok(inner) => Ok(Some(inner)),
        Err(Failure::Refused(_)) => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// The claims of an ID token that is signed with the secret of the client it is for, by the one algorithm that this
/// client registered (OpenID Connect Core section 10.1).
async fn of_secret(
    server: &Server,
    parsed: &Compact<'_>,
    profile: &VerifyProfile<'_>,
) -> Outcome<Option<Map<String, Value>>> {
    let text = |name: &str| parsed.claims.get(name).and_then(Value::as_str);
    let Some(id) = text("azp").or_else(|| text("aud")) else { return Ok(None) };
    let Some(client) = server.client(id).await? else { return Ok(None) };
    if secured::signing_alg(&client, JwtResponse::IdToken) != Some(parsed.header.alg.as_str()) {
        return Ok(None);
    }
    let Some(secret) = client.known_secret(server.root())? else { return Ok(None) };
    let genuine = mac::verifies(&secret, parsed)
        && is_for(&parsed.claims, &client.id)
        && profile.check(&parsed.header, &parsed.claims, server.now()).is_ok();
    Ok(genuine.then(|| parsed.claims.clone()))
}

/// Whether `aud` of these claims names this client.
pub fn is_for(claims: &Map<String, Value>, client_id: &str) -> bool {
    match claims.get("aud") {
        Some(Value::String(one)) => one == client_id,
        Some(Value::Array(all)) => all.iter().any(|a| a == client_id),
        _ => false,
    }
}
