//! Client authentication by a JWT (RFC 7523 section 3, OpenID Connect Core section 9).

use placet_oauth::{
    client::AuthMethod,
    error::{ErrorCode, OAuthError},
    id::Secret,
    jwt::{self, Compact, JwtError, VerifyProfile},
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{Client, keys::signed_by, mac};
use crate::{
    config::AssertionAudience,
    jwks,
    outcome::{Failure, Outcome},
    seal::hex,
    server::Server,
};

/// Clocks may differ by so many seconds.
const SKEW: i64 = 10;
/// How long such a JWT may be good for, in seconds: what is to be remembered of it is bounded.
const MAX_LIFETIME: i64 = 600;
/// The kind of the ids that were used.
const USED: &str = "client_assertion";
/// The types of such JWTs; the last is of the revision of RFC 7523.
const TYPES: [Option<&str>; 3] = [None, Some("JWT"), Some("client-authentication+jwt")];

/// Proves that `client` signed `assertion` for this server and this time, and uses it up.
///
/// # Errors
///
/// `invalid_client` for everything that is wrong with it, also for keys of the client that cannot be fetched.
pub(super) async fn prove(
    server: &Server,
    client: &Client,
    (assertion, endpoint): (&Secret, &str),
) -> Outcome<()> {
    let compact = assertion.expose();
    let parsed = jwt::parse(compact).map_err(|error| refused(&error))?;
    // What can be refused without a key is refused first: it is cheaper, and nothing is fetched for it.
    let expires_at = check(server, client, &parsed, endpoint)?;
    if !signed(server, client, &parsed).await? {
        return Err(invalid("its signature does not hold"));
    }
    let jti = parsed.claims.get("jti").and_then(Value::as_str).unwrap_or_default();
    let id = hex(&Sha256::digest(serde_json::json!([client.id, jti]).to_string()));
    // Longer than it is accepted by any clock.
    if !server.store().consume_once(USED, &id, expires_at + 2 * SKEW).await? {
        return Err(invalid("it was used before; every request needs a new one"));
    }
    Ok(())
}

/// Everything that can be said without a key; gives when the JWT ends.
fn check(server: &Server, client: &Client, parsed: &Compact<'_>, endpoint: &str) -> Outcome<i64> {
    let (header, claims, now) = (&parsed.header, &parsed.claims, server.now());
    let strict = client.settings.assertion_audience == AssertionAudience::Issuer;
    if strict && claims.get("aud").is_some_and(|aud| !aud.is_string()) {
        return Err(invalid("`aud` has to be the issuer identifier of this server, as a string"));
    }
    let urls = [server.config().urls_of("/token"), server.config().urls_of(endpoint)].concat();
    let mut audiences = vec![server.issuer()];
    if !strict {
        audiences.extend(urls.iter().map(String::as_str));
    }
    let profile = VerifyProfile {
        typ: &TYPES,
        issuer: &client.id,
        audiences: Some(&audiences),
        accept_expired: false,
        leeway: SKEW,
    };
    profile.check(header, claims, now).map_err(|error| refused(&error))?;
    if claims.get("sub").and_then(Value::as_str) != Some(client.id.as_str()) {
        return Err(invalid("`sub` is not the client"));
    }
    if claims.get("jti").and_then(Value::as_str).is_none_or(str::is_empty) {
        return Err(invalid("it lacks the claim `jti`"));
    }
    let instant = |name: &str| claims.get(name).and_then(Value::as_i64);
    let expires_at = instant("exp").unwrap_or(0);
    if expires_at > now + MAX_LIFETIME + SKEW
        || instant("iat").is_some_and(|issued| issued < now - MAX_LIFETIME - SKEW)
    {
        return Err(invalid("it may be good for 600 seconds at most"));
    }
    Ok(expires_at)
}

async fn signed(server: &Server, client: &Client, parsed: &Compact<'_>) -> Outcome<bool> {
    let alg = &parsed.header.alg;
    let metadata = &client.metadata;
    if metadata.token_endpoint_auth_signing_alg.as_ref().is_some_and(|registered| registered != alg) {
        return Err(invalid("it is signed with another algorithm than the client is registered for"));
    }
    if client.auth_method() == AuthMethod::ClientSecretJwt {
        let secret = client.known_secret(server.root())?;
        return Ok(secret.is_some_and(|secret| mac::verifies(&secret, parsed)));
    }
    if !jwks::is_supported(alg) || !client.may_sign_with(alg) {
        return Err(invalid("its algorithm is not supported"));
    }
    let verified = signed_by(server, client, parsed).await;
    verified.map_err(|reason| invalid(&format!("the keys of the client cannot be used: {reason}")))
}

fn refused(error: &JwtError) -> Failure {
    invalid(&error.to_string().replace("the token", "it"))
}

fn invalid(reason: &str) -> Failure {
    let description = format!("client authentication failed; `client_assertion`: {reason}");
    OAuthError::new(ErrorCode::InvalidClient, description).into()
}
