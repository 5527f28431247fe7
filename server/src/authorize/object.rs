//! The request object of a client (RFC 9101, OpenID Connect Core section 6), by value or by reference.

use placet_oauth::{
    client::HMAC_ALGS,
    error::{ErrorCode, OAuthError},
    params::encode_form,
    request_object::{MEDIA_TYPES, REQUEST_OBJECT_TYPE, RequestObject, Rules, invalid, parameters},
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::arrival::{Arrival, Arrived};
use crate::{
    client::{Client, mac, signed_by},
    encryption, jwks,
    outcome::Outcome,
    seal::hex,
    server::Server,
    store::Once,
};

/// What is asked for at a `request_uri`.
const ACCEPT: &str = "application/oauth-authz-req+jwt, application/jwt;q=0.9, application/jose;q=0.8";
/// Kind of the ids of objects that were used.
const USED: &str = "request_object";
/// An object that is used once is remembered for longer than any clock accepts it, in seconds.
const SLACK: i64 = 60;

/// Whether a request of this client must be a signed object (RFC 9101 section 10.5).
pub(super) fn is_required(server: &Server, client: &Client) -> bool {
    server.config().request_objects.required || client.metadata.require_signed_request_object == Some(true)
}

/// The request in an object: the parameters in it and no other ones (RFC 9101 section 6.3). `beside` is the
/// `response_type` that came beside it.
///
/// # Errors
///
/// `invalid_request_object`.
pub(super) async fn open(
    server: &Server,
    client: &Client,
    text: &str,
    beside: Option<&str>,
) -> Outcome<Arrived> {
    let decrypted = encryption::is_encrypted(text).then(|| decrypt(server, text)).transpose()?;
    let object = RequestObject::parse(decrypted.as_ref().map_or(text, |inner| inner.as_str()))?;
    let settings = &server.config().request_objects;
    let rules = Rules {
        issuer: server.issuer(),
        client_id: &client.id,
        explicit_type: settings.explicit_type,
        expires: settings.expires,
        max_lifetime: settings
            .max_lifetime
            .map(i64::from)
            .into_iter()
            .chain(client.profiles.iter().filter_map(|profile| profile.request_object_lifetime()))
            .min(),
    };
    // What can be refused without a key is refused first: it is cheaper, and nothing is fetched for it.
    rules.check(&object, server.now())?;
    verify(server, client, &object).await?;
    let pairs = parameters(object.claims())?;
    let inside = pairs.iter().find(|(name, _)| name == "response_type").map(|(_, value)| value.as_str());
    // OpenID Connect Core section 6.1; the scope beside the object only has to say that this is OpenID Connect.
    if let (Some(inside), Some(beside)) = (inside, beside)
        && inside != beside
    {
        return Err(invalid("has another `response_type` than the request that holds it").into());
    }
    let form = encode_form(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))).into_bytes();
    let arrival = Arrival { signed: matches!(object, RequestObject::Signed(_)), ..Arrival::default() };
    Ok(Arrived { form, arrival, once: once(server, client, &object) })
}

/// The JWT in an encrypted object (RFC 9101 section 6.1). Clients may use what they did not register (OpenID Connect
/// Registration section 2): that anybody can encrypt to this server proves nothing anyway.
fn decrypt(server: &Server, text: &str) -> Outcome<Zeroizing<String>> {
    let accepted = (&encryption::DECRYPTED[..], &encryption::CONTENT[..]);
    let refuse = |why: &str| invalid(&format!("cannot be decrypted: {why}"));
    encryption::decrypt_jwt(server, text, accepted, refuse)
}

/// Proves that the client made the object, unless nobody wants that proved: without a signature it counts as much as a query.
async fn verify(server: &Server, client: &Client, object: &RequestObject<'_>) -> Outcome<()> {
    let registered = client.metadata.request_object_signing_alg.as_deref();
    let jwt = match object {
        RequestObject::Signed(jwt) => jwt,
        RequestObject::Unsigned { .. } => {
            let accepted = server.config().request_objects.unsigned
                && client.may_sign_with("none")
                && !is_required(server, client);
            // Who registered no algorithm may use any that is announced, and so none (OpenID Connect Registration section 2).
            return match registered {
                None | Some("none") if accepted => Ok(()),
                _ => Err(invalid("is not signed").into()),
            };
        }
    };
    let alg = &jwt.header.alg;
    if registered.is_some_and(|registered| registered != alg) {
        return Err(invalid("is signed with another algorithm than the client is registered for").into());
    }
    // Under a public key that is taken for a secret anybody could be the client: one that signs with its secret has
    // registered that, and signs with nothing else.
    let by_secret = HMAC_ALGS.contains(&alg.as_str());
    let known = if by_secret { registered.is_some() } else { jwks::is_supported(alg) };
    if !known || !client.may_sign_with(alg) {
        return Err(invalid("is signed with an algorithm that is not supported").into());
    }
    let signed = if by_secret {
        let secret = client.known_secret(server.root())?;
        Ok(secret.is_some_and(|secret| mac::verifies(&secret, jwt)))
    } else {
        signed_by(server, client, jwt).await
    };
    match signed {
        Ok(true) => Ok(()),
        Ok(false) => Err(invalid("has a signature that does not hold").into()),
        Err(reason) => {
            Err(invalid(&format!("cannot be verified: the keys of the client cannot be used: {reason}"))
                .into())
        }
    }
}

/// What is used up by the object, if such objects are good once.
fn once(server: &Server, client: &Client, object: &RequestObject<'_>) -> Option<Once> {
    let claims = object.claims();
    let jti = claims.get("jti").filter(|_| server.config().request_objects.single_use)?;
    let expires = claims.get("exp").and_then(Value::as_i64)?;
    let id = hex(&Sha256::digest(serde_json::json!([client.id, jti]).to_string()));
    Some(Once { kind: USED, id, expires_at: expires.saturating_add(SLACK) })
}

/// The error of an object that was used before.
pub(super) fn used() -> OAuthError {
    invalid("was used before; every request needs a new one")
}

/// The object at a `request_uri` (RFC 9101 section 5.2).
///
/// # Errors
///
/// `request_uri_not_supported` unless the operator wants it, `invalid_request_uri`.
pub(super) async fn fetch(server: &Server, client: &Client, uri: &str) -> Outcome<String> {
    let refused = |text: &str| OAuthError::new(ErrorCode::InvalidRequestUri, format!("`request_uri` {text}"));
    let registered = client.metadata.request_uris.as_deref().unwrap_or_default();
    // A fragment tells one state of the document from the next, so that what was kept of it is dropped (OpenID Connect Core
    // section 6.2). Nothing is kept here, and clients register fragments before there is an object to make a hash of.
    let location = uri.split_once('#').map_or(uri, |(location, _)| location);
    // What anybody can make this server ask is what a client registered, and nothing else (section 10.4).
    if !registered.iter().any(|known| known.split('#').next() == Some(location)) {
        return Err(refused("is not registered for this client").into());
    }
    let found =
        server.outbound().fetch(location, ACCEPT).await.map_err(|error| refused(&error.to_string()))?;
    if !MEDIA_TYPES.iter().any(|known| found.media_type.eq_ignore_ascii_case(known)) {
        return Err(
            refused(&format!("must be answered with the type `application/{REQUEST_OBJECT_TYPE}`")).into()
        );
    }
    let text = String::from_utf8(found.body).map_err(|_| refused("leads to something that is not a JWT"))?;
    Ok(text.trim().to_owned())
}
