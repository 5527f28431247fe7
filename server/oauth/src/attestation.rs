//! Client attestations and the proofs that come with them (OAuth 2.0 Attestation-Based Client Authentication, a draft):
//! everything that can be said without a look at a signature.
//!
//! An attester that the operator trusts says of one installation of a client which key it holds: the *client instance
//! key*. Every request shows that attestation again, and proves the key anew.

use serde_json::{Map, Value};

use crate::{
    confirmation::Thumbprint,
    dpop::{KeyError, thumbprint},
    error::{ErrorCode, OAuthError},
    jwt::{self, Compact, JwtError, instant, same_type},
};

mod pop;

pub use pop::{Pop, WINDOW};

/// The header with the attestation.
pub const ATTESTATION: &str = "OAuth-Client-Attestation";
/// The header with the proof of possession of the client instance key.
pub const POP: &str = "OAuth-Client-Attestation-PoP";
/// The header with the challenge for the next proof.
pub const CHALLENGE: &str = "OAuth-Client-Attestation-Challenge";
/// How far the clocks of attester and server may differ, in seconds.
const SKEW: i64 = 10;

/// Why an attestation or its proof is not accepted. Reads on after the name of the header.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttestationError {
    /// It is no JWT that can be one.
    #[error("{}", .0.to_string().replace("the token", "it"))]
    Jwt(#[from] JwtError),
    /// It is signed by an algorithm that is not accepted.
    #[error("it is signed with `{0}`, which is not accepted here")]
    Algorithm(String),
    /// A claim is missing, has the wrong type or is too long.
    #[error("the claim `{0}` is missing or malformed")]
    Claim(&'static str),
    /// It is about another client.
    #[error("`sub` is not the client of the request")]
    Client,
    /// The key of the instance cannot be used.
    #[error("the key in `cnf` {0}")]
    Key(#[from] KeyError),
    /// It is too old: the attester can be asked for another one.
    #[error("it is over, or was issued too long ago (`exp`, `iat`): ask the attester for a fresh one")]
    Stale,
    /// The proof is for somebody else, or for more than this server.
    #[error("`aud` has to be the issuer identifier of this server, and nothing else")]
    Audience,
    /// The proof is too old, or from a time that has not come.
    #[error("it was made too long ago or in the future (`iat`): send a fresh one, by a clock that is right")]
    Time,
}

impl AttestationError {
    /// The refusal of what a header holds. `use_fresh_attestation` is for attestations that are too old alone; everything
    /// else is `invalid_client_attestation`.
    pub fn refusal(&self, header: &str) -> OAuthError {
        let code = match self {
            Self::Stale => ErrorCode::UseFreshAttestation,
            _ => ErrorCode::InvalidClientAttestation,
        };
        OAuthError::new(code, format!("header `{header}`: {self}"))
    }
}

/// An attestation whose signature nobody has looked at yet.
#[derive(Clone, Debug)]
pub struct Attestation<'a> {
    /// The JWT: what is signed, and by which algorithm.
    pub jwt: Compact<'a>,
    /// Which client it is about.
    pub client_id: String,
    /// Who says that it issued it. The draft does not know the claim, attesters may all the same.
    pub issuer: Option<String>,
    /// The client instance key.
    pub key: Map<String, Value>,
    /// The thumbprint of that key (RFC 7638).
    pub jkt: Thumbprint,
    expires_at: i64,
    issued_at: Option<i64>,
}

impl<'a> Attestation<'a> {
    /// Reads the value of the header.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with an attestation wherever it is sent: its type, its header, its key, its claims.
    pub fn parse(text: &'a str) -> Result<Self, AttestationError> {
        let jwt = jwt::parse(text)?;
        if !same_type(Some("oauth-client-attestation+jwt"), jwt.header.typ.as_deref()) {
            return Err(JwtError::WrongType.into());
        }
        let claims = &jwt.claims;
        let client_id = claims.get("sub").and_then(Value::as_str).filter(|sub| !sub.is_empty());
        let client_id = client_id.ok_or(AttestationError::Claim("sub"))?.to_owned();
        let issuer = match claims.get("iss") {
            None => None,
            Some(Value::String(issuer)) => Some(issuer.clone()),
            Some(_) => return Err(AttestationError::Claim("iss")),
        };
        let key = confirmed_key(claims).ok_or(AttestationError::Claim("cnf"))?.clone();
        let jkt = thumbprint(&key)?;
        let expires_at = time(claims, "exp")?.ok_or(AttestationError::Claim("exp"))?;
        let issued_at = time(claims, "iat")?;
        time(claims, "nbf")?;
        Ok(Self { jwt, client_id, issuer, key, jkt, expires_at, issued_at })
    }

    /// Checks whether it is about this client, and its time is now. Its signature is left to look at.
    ///
    /// # Errors
    ///
    /// [`AttestationError::Client`], [`AttestationError::Stale`], or one whose time has not come.
    pub fn check(&self, client_id: &str, now: i64) -> Result<(), AttestationError> {
        if self.client_id != client_id {
            return Err(AttestationError::Client);
        }
        let begins = self.issued_at.max(time(&self.jwt.claims, "nbf")?);
        if begins.is_some_and(|begins| begins > now.saturating_add(SKEW)) {
            return Err(JwtError::NotYetValid.into());
        }
        if self.expires_at.saturating_add(SKEW) <= now {
            return Err(AttestationError::Stale);
        }
        Ok(())
    }

    /// Checks whether it was issued at most so many seconds ago. One that does not say when is not known to be.
    ///
    /// # Errors
    ///
    /// [`AttestationError::Stale`].
    pub fn check_age(&self, most: i64, now: i64) -> Result<(), AttestationError> {
        let fresh = self.issued_at.is_some_and(|issued| issued >= now.saturating_sub(most + SKEW));
        if fresh { Ok(()) } else { Err(AttestationError::Stale) }
    }
}

/// Who an attestation says the client is, for requests that do not say it otherwise. Nothing of it is verified here.
pub fn named_client(text: &str) -> Option<String> {
    Attestation::parse(text).ok().map(|attestation| attestation.client_id)
}

/// Refuses an algorithm that is not accepted; the list has the names that are published.
pub(crate) fn check_algorithm(jwt: &Compact<'_>, accepted: &[&str]) -> Result<(), AttestationError> {
    let name = match jwt.header.alg.as_str() {
        // The name of RFC 9864 for the same algorithm.
        "Ed25519" => "EdDSA",
        name => name,
    };
    if accepted.contains(&name) {
        return Ok(());
    }
    Err(AttestationError::Algorithm(jwt.header.alg.chars().take(32).collect()))
}

/// The key in `cnf`: as it is, and the only one (RFC 7800 section 3.1).
fn confirmed_key(claims: &Map<String, Value>) -> Option<&Map<String, Value>> {
    let cnf = claims.get("cnf")?.as_object()?;
    let alone = ["jwe", "jku"].iter().all(|other| !cnf.contains_key(*other));
    cnf.get("jwk").and_then(Value::as_object).filter(|_| alone)
}

fn time(claims: &Map<String, Value>, name: &'static str) -> Result<Option<i64>, AttestationError> {
    instant(claims, name).map_err(|_| AttestationError::Claim(name))
}

#[cfg(test)]
mod tests;
