//! Encrypted tokens (RFC 7516): what clients are sent so that they alone can read it, and what they send so that this
//! server alone can.
//!
//! Where encryption was agreed on and a client has no key for it, nothing is sent at all.

use placet_jose::{
    Accepts, Algorithm, DecryptError, Encryption, EncryptionKey, EncryptionKeySet, Members, RandomFailed,
    Recipient, secret_key,
};
use placet_oauth::error::{ErrorCode, OAuthError};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::{
    client::Client,
    jwks::KeySetError,
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
    let lacking = || unusable(client, &format!("its key set has no key for `{}`", method.alg));
    match (&client.metadata.jwks, &client.metadata.jwks_uri) {
        (Some(Value::Object(set)), _) => {
            let set = EncryptionKeySet::parse(set).map_err(|error| unusable(client, &error.to_string()))?;
            Ok(seal(set.select(method.alg, method.enc, None).ok_or_else(lacking)?)?)
        }
        (_, Some(uri)) => {
            let fetched = server.key_sets().to_encrypt(uri, (method.alg, method.enc)).await;
            let set = fetched.map_err(|error: KeySetError| unusable(client, &error.to_string()))?;
            Ok(seal(set.encryption().select(method.alg, method.enc, None).ok_or_else(lacking)?)?)
        }
        _ => Err(unusable(client, "it has registered no keys").into()),
    }
}

/// It is nobody's fault but the client's; but no code of the token endpoint says so, and trying again later is right.
fn unusable(client: &Client, reason: &str) -> OAuthError {
    tracing::warn!(client = %client.id, reason, "nothing can be encrypted to a client");
    let description = format!("the answer cannot be encrypted to the client: {reason}");
    OAuthError::new(ErrorCode::TemporarilyUnavailable, description)
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
