//! Encrypted tokens (RFC 7516): what clients and resources are sent so that they alone can read it, and what they send so
//! that this server alone can.
//!
//! Where encryption was agreed on and the other side has no key for it, nothing is sent at all.

use placet_jose::{
    Accepts, Algorithm, DecryptError, Encryption, EncryptionKey, EncryptionKeySet, Members, RandomFailed,
    Recipient, secret_key,
};
use placet_oauth::error::{ErrorCode, OAuthError};
use placet_sdk::grant::Object;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::{
    client::Client,
    config::ResourceEncryption,
    outcome::{Failure, Fault, Outcome},
    server::Server,
};

/// The algorithms of what this server decrypts: those of its published keys.
pub const DECRYPTED: [Algorithm; 6] = [
    Algorithm::RsaOaep,
    Algorithm::RsaOaep256,
    Algorithm::EcdhEs,
    Algorithm::EcdhEsA128kw,
    Algorithm::EcdhEsA192kw,
    Algorithm::EcdhEsA256kw,
];
/// The algorithms of what this server encrypts, also those whose key is a client secret (OpenID Connect Core section
/// 10.2).
pub const ENCRYPTED: [Algorithm; 13] = Algorithm::ALL;
/// How content is encrypted, in both directions.
pub const CONTENT: [Encryption; 6] = Encryption::ALL;
/// The encryption of content where a client names none (OpenID Connect Registration section 2, RFC 9101 section 9.1).
pub const DEFAULT_CONTENT: Encryption = Encryption::A128cbcHs256;

/// The longest token that is decrypted, in bytes: the longest JWT that is read, in base64url, with room for a header.
const MAX_BYTES: usize = 24 * 1024;

/// How something is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Method {
    /// How the key travels.
    pub alg: Algorithm,
    /// How the content is encrypted.
    pub enc: Encryption,
}

impl Method {
    /// What a client registered for one kind of answer; none if it wants it in clear.
    ///
    /// # Errors
    ///
    /// A fault for names that registration refuses.
    pub fn registered(alg: Option<&str>, enc: Option<&str>) -> Result<Option<Self>, Fault> {
        let unknown = |name: &str| Fault::new("client metadata", format!("`{name}` is no encryption"));
        let Some(alg) = alg else { return Ok(None) };
        let enc = enc.map_or(Ok(DEFAULT_CONTENT), |enc| enc.parse().map_err(|_| unknown(enc)))?;
        Ok(Some(Self { alg: alg.parse().map_err(|_| unknown(alg))?, enc }))
    }
}

/// Encrypts `payload` so that `client` alone can read it; `cty` is `JWT` if it is a signed token (RFC 7519 section 5.2).
///
/// # Errors
///
/// `temporarily_unavailable` if the client has no key for it or its keys cannot be had. Nothing is sent in clear
/// instead. The client may mend that and ask again: whoever calls this has used up nothing yet.
pub async fn encrypt_for(
    server: &Server,
    client: &Client,
    method: Method,
    cty: Option<&str>,
    payload: &[u8],
) -> Outcome<String> {
    let seal = |key: &EncryptionKey| encrypt(server, (key, method), cty, payload);
    if method.alg.is_symmetric() {
        let secret = client.known_secret(server.root())?;
        let key = secret.and_then(|secret| secret_key(secret.expose(), method.alg, method.enc));
        let key = key
            .ok_or_else(|| Fault::new("client secret", "it is not known, so nothing is encrypted with it"))?;
        return Ok(seal(&EncryptionKey::shared(None, key))?);
    }
    let keys = match (&client.metadata.jwks, &client.metadata.jwks_uri) {
        (Some(Value::Object(set)), _) => PublicKeys::Set(set),
        (_, Some(uri)) => PublicKeys::At(uri),
        _ => return Err(unusable(client, "it has registered no keys").into()),
    };
    let sealed = with_keys(server, (keys, method), seal).await;
    Ok(sealed.map_err(|reason| unusable(client, &reason))??)
}

/// Where the public keys of a recipient are.
#[derive(Clone, Copy)]
enum PublicKeys<'a> {
    One(&'a Object),
    Set(&'a Object),
    At(&'a str),
}

/// Does something with the key to encrypt with; else the reason why there is none.
async fn with_keys<T>(
    server: &Server,
    (keys, Method { alg, enc }): (PublicKeys<'_>, Method),
    then: impl FnOnce(&EncryptionKey) -> T,
) -> Result<T, String> {
    let among = |set: &EncryptionKeySet| match set.select(alg, enc, None) {
        Some(key) => Ok(then(key)),
        None => Err(format!("its key set has no key for `{alg}`")),
    };
    let parsed = |set: &Object| EncryptionKeySet::parse(set).map_err(|error| error.to_string());
    match keys {
        PublicKeys::One(jwk) => among(&parsed(&Object::from_iter([("keys".to_owned(), json!([jwk]))]))?),
        PublicKeys::Set(set) => among(&parsed(set)?),
        PublicKeys::At(uri) => {
            let set = server.key_sets().to_encrypt(uri, (alg, enc)).await;
            among(set.map_err(|error| error.to_string())?.encryption())
        }
    }
}

/// It is nobody's fault but the client's; but no code of the token endpoint says so, and trying again later is right.
fn unusable(client: &Client, reason: &str) -> OAuthError {
    tracing::warn!(client = %client.id, reason, "nothing can be encrypted to a client");
    let description = format!("the answer cannot be encrypted to the client: {reason}");
    OAuthError::new(ErrorCode::TemporarilyUnavailable, description)
}

/// Encrypts a signed JWT so that the server of a resource alone can read it (RFC 7519 section 11.2).
///
/// # Errors
///
/// `temporarily_unavailable` if the keys of the resource cannot be had. Nothing is sent in clear instead, and nothing was
/// used up. Why, is for the operator: the log says it.
pub async fn encrypt_for_resource(
    server: &Server,
    (uri, settings): (&str, &ResourceEncryption),
    jwt: &str,
) -> Outcome<String> {
    let broken = |reason: String| Fault::new("[[resource]] encryption", format!("`{uri}`: {reason}"));
    let method = Method::registered(Some(&settings.alg), Some(&settings.enc))?;
    let method = method.ok_or_else(|| broken("no algorithm is set".to_owned()))?;
    let keys = match settings {
        ResourceEncryption { jwk: Some(jwk), .. } => PublicKeys::One(jwk),
        ResourceEncryption { jwks: Some(set), .. } => PublicKeys::Set(set),
        ResourceEncryption { jwks_uri: Some(uri), .. } => PublicKeys::At(uri),
        _ => return Err(broken("no keys are set".to_owned()).into()),
    };
    let seal = |key: &EncryptionKey| encrypt(server, (key, method), Some("JWT"), jwt.as_bytes());
    match with_keys(server, (keys, method), seal).await {
        Ok(sealed) => Ok(sealed?),
        Err(reason) => {
            tracing::error!(resource = uri, reason, "nothing can be encrypted to a resource");
            let text =
                format!("nothing can be encrypted to `{uri}` right now, and nothing for it is sent in clear");
            Err(OAuthError::new(ErrorCode::TemporarilyUnavailable, text).into())
        }
    }
}

/// Encrypts `payload` with a key that fits.
pub fn encrypt(
    server: &Server,
    (key, method): (&EncryptionKey, Method),
    cty: Option<&str>,
    payload: &[u8],
) -> Result<String, Fault> {
    let failed = |error: placet_jose::EncryptError| Fault::new("encryption", error);
    let recipient = Recipient::new(key, method.alg, method.enc).map_err(failed)?;
    let members = Members { cty, ..Members::default() };
    placet_jose::encrypt(&recipient, &members, payload, &mut random(server)).map_err(failed)
}

/// Whether a token is encrypted: in compact form it has five parts (RFC 7516 section 9).
pub fn is_encrypted(compact: &str) -> bool {
    compact.bytes().filter(|byte| *byte == b'.').count() == 4
}

/// Opens a JWT that somebody encrypted to this server: with a published key, or with one that was published until
/// recently. `alg` and `enc` must be among `accepted`. The JWT inside says who sent it, if it is signed; the encryption
/// says nothing about that.
///
/// # Errors
///
/// What `refuse` makes of a reason. All that can be wrong with a token is one reason.
pub fn decrypt_jwt(
    server: &Server,
    compact: &str,
    (algorithms, encryptions): (&[Algorithm], &[Encryption]),
    refuse: impl Fn(&str) -> OAuthError,
) -> Outcome<Zeroizing<String>> {
    let keys = server.keys().current();
    let accepts = Accepts { keys: keys.decrypting(), algorithms, encryptions, max_bytes: MAX_BYTES };
    let mut opened =
        placet_jose::decrypt(compact, &accepts, &mut random(server)).map_err(|error| match error {
            DecryptError::Random(error) => Fault::new("random source", error).into(),
            other => Failure::from(refuse(&other.to_string())),
        })?;
    // A nested JWT says so (RFC 7519 section 5.2); not all senders do.
    let nested = opened.header.get("cty").is_none_or(|cty| cty.as_str().is_some_and(is_jwt));
    let plain = std::mem::take(&mut *opened.plaintext);
    match String::from_utf8(plain) {
        Ok(text) if nested => Ok(Zeroizing::new(text)),
        _ => Err(refuse("the encrypted token does not hold a JWT").into()),
    }
}

fn is_jwt(media_type: &str) -> bool {
    media_type.eq_ignore_ascii_case("JWT") || media_type.eq_ignore_ascii_case("application/jwt")
}

fn random(server: &Server) -> impl FnMut(&mut [u8]) -> Result<(), RandomFailed> {
    |bytes| server.random().fill(bytes).map_err(|_| RandomFailed)
}
