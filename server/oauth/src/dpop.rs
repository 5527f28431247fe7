//! DPoP proofs (RFC 9449): everything that can be said without a look at the signature.
//!
//! A proof is a JWT that brings its own public key. It says: whoever sends this request holds the private half. So it is
//! good for one method at one URL, for a minute, and once.

use serde_json::{Map, Value};

use crate::{
    confirmation::Thumbprint,
    id::Secret,
    jwt::{Compact, JwtError, parse_with_key, same_type},
};

mod key;
mod target;

pub use key::{KeyError, thumbprint};
pub use target::normal_target;

/// How far the clocks of client and server may differ, in seconds: a proof is accepted so long before and after the
/// second in which it was made.
pub const TOLERANCE: i64 = 60;
/// The longest proof, in bytes: an RSA key of 8192 bits and its signature fit.
const MAX_PROOF: usize = 8 * 1024;
/// The longest `jti` and `nonce`, in bytes: what is to be remembered of a proof is bounded.
const MAX_ID: usize = 255;

/// Why a proof is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// It is no JWT that can be a proof.
    #[error("{}", .0.to_string().replace("the token", "the DPoP proof"))]
    Jwt(#[from] JwtError),
    /// It is longer than any proof has to be.
    #[error("the DPoP proof is longer than {MAX_PROOF} bytes")]
    TooLong,
    /// It is signed by an algorithm that is not accepted.
    #[error("the DPoP proof is signed with `{0}`, which is not accepted here")]
    Algorithm(String),
    /// Its key cannot be used.
    #[error("the key of the DPoP proof {0}")]
    Key(#[from] KeyError),
    /// A claim is missing, has the wrong type or is too long.
    #[error("the claim `{0}` of the DPoP proof is missing or malformed")]
    Claim(&'static str),
    /// It was made for another method.
    #[error("the DPoP proof was made for another method (`htm`)")]
    Method,
    /// It was made for another URL.
    #[error("the DPoP proof was made for another URL (`htu`)")]
    Target,
    /// It is too old, or from a time that has not come.
    #[error(
        "the DPoP proof was made too long ago or in the future (`iat`): send a fresh one, by a clock that is right"
    )]
    Time,
    /// It was made for another access token, or for none.
    #[error("the DPoP proof was made for another access token (`ath`)")]
    AccessToken,
}

/// What a proof has to fit.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The method of the request.
    pub method: &'a str,
    /// The URLs of the endpoint; one of them must be meant.
    pub targets: &'a [String],
    /// The signature algorithms that are accepted.
    pub algorithms: &'a [&'a str],
    /// Now, in seconds since 1970.
    pub now: i64,
    /// The access token that the request presents, at a protected resource.
    pub access_token: Option<&'a Secret>,
}

/// A proof whose signature nobody has looked at yet.
#[derive(Clone, Debug)]
pub struct Proof<'a> {
    /// The JWT: what is signed, and by which algorithm.
    pub jwt: Compact<'a>,
    /// The public key that it brings.
    pub key: Map<String, Value>,
    /// The thumbprint of that key (RFC 7638).
    pub jkt: Thumbprint,
    /// Its id.
    pub jti: String,
    /// When it was made.
    pub issued_at: i64,
    /// The nonce that it holds.
    pub nonce: Option<String>,
    /// The URL that it was made for, in its normal form.
    pub target: String,
}

impl<'a> Proof<'a> {
    /// Reads the value of the header `DPoP` (RFC 9449 section 4.3).
    ///
    /// # Errors
    ///
    /// Everything that is wrong with a proof wherever it is sent: its type, its header, its key, its claims.
    pub fn parse(text: &'a str) -> Result<Self, ProofError> {
        if text.len() > MAX_PROOF {
            return Err(ProofError::TooLong);
        }
        let (jwt, key) = parse_with_key(text)?;
        if !same_type(Some("dpop+jwt"), jwt.header.typ.as_deref()) {
            return Err(JwtError::WrongType.into());
        }
        let jkt = thumbprint(&key)?;
        let claims = &jwt.claims;
        let jti = text_claim(claims, "jti")?.ok_or(ProofError::Claim("jti"))?;
        let issued_at = claims.get("iat").and_then(Value::as_i64).ok_or(ProofError::Claim("iat"))?;
        let nonce = text_claim(claims, "nonce")?;
        let target = claims.get("htu").and_then(Value::as_str).and_then(normal_target);
        let target = target.ok_or(ProofError::Claim("htu"))?;
        if !claims.get("htm").is_some_and(Value::is_string) {
            return Err(ProofError::Claim("htm"));
        }
        if claims.get("ath").is_some_and(|ath| !ath.is_string()) {
            return Err(ProofError::Claim("ath"));
        }
        Ok(Self { jwt, key, jkt, jti, issued_at, nonce, target })
    }

    /// Checks whether the proof was made for this request. Its signature and its nonce are left to look at.
    pub fn check(&self, expected: &Expected<'_>) -> Result<(), ProofError> {
        let alg = match self.jwt.header.alg.as_str() {
            // The name of RFC 9864 for the same algorithm.
            "Ed25519" => "EdDSA",
            name => name,
        };
        if !expected.algorithms.contains(&alg) {
            return Err(ProofError::Algorithm(self.jwt.header.alg.chars().take(32).collect()));
        }
        let claim = |name: &str| self.jwt.claims.get(name).and_then(Value::as_str);
        // Methods are case-sensitive (RFC 9110 section 9.1).
        if claim("htm") != Some(expected.method) {
            return Err(ProofError::Method);
        }
        if !expected.targets.iter().filter_map(|url| normal_target(url)).any(|url| url == self.target) {
            return Err(ProofError::Target);
        }
        if self.issued_at.abs_diff(expected.now) > TOLERANCE.unsigned_abs() {
            return Err(ProofError::Time);
        }
        match expected.access_token {
            Some(token) if claim("ath") != Some(access_token_hash(token).as_str()) => {
                Err(ProofError::AccessToken)
            }
            _ => Ok(()),
        }
    }
}

/// The claim `ath` for an access token (RFC 9449 section 4.2).
pub fn access_token_hash(token: &Secret) -> String {
    Thumbprint::of(token.expose().as_bytes()).to_string()
}

/// A claim that has to be a short text, if it is there.
fn text_claim(claims: &Map<String, Value>, name: &'static str) -> Result<Option<String>, ProofError> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() && text.len() <= MAX_ID => Ok(Some(text.clone())),
        Some(_) => Err(ProofError::Claim(name)),
    }
}

#[cfg(test)]
mod tests;
