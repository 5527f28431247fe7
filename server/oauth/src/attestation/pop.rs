//! The proof of possession of the client instance key.

use serde_json::Value;

use super::{AttestationError, check_algorithm, time};
use crate::jwt::{self, Compact, JwtError, same_type};

/// A proof is accepted so many seconds before and after the second in which it was made.
pub const WINDOW: i64 = 60;
/// The longest `jti` and `challenge`, in bytes: what is to be remembered of a proof is bounded.
const MAX_ID: usize = 255;

/// A proof whose signature nobody has looked at yet.
#[derive(Clone, Debug)]
pub struct Pop<'a> {
    /// The JWT: what is signed, and by which algorithm.
    pub jwt: Compact<'a>,
    /// Its id.
    pub jti: String,
    /// When it was made.
    pub issued_at: i64,
    /// The challenge that it answers.
    pub challenge: Option<String>,
}

impl<'a> Pop<'a> {
    /// Reads the value of the header.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with a proof wherever it is sent: its type, its header, its claims.
    pub fn parse(text: &'a str) -> Result<Self, AttestationError> {
        let jwt = jwt::parse(text)?;
        if !same_type(Some("oauth-client-attestation-pop+jwt"), jwt.header.typ.as_deref()) {
            return Err(JwtError::WrongType.into());
        }
        let text = |name: &'static str| match jwt.claims.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if !text.is_empty() && text.len() <= MAX_ID => Ok(Some(text.clone())),
            Some(_) => Err(AttestationError::Claim(name)),
        };
        let jti = text("jti")?.ok_or(AttestationError::Claim("jti"))?;
        let challenge = text("challenge")?;
        let issued_at = time(&jwt.claims, "iat")?.ok_or(AttestationError::Claim("iat"))?;
        for name in ["exp", "nbf"] {
            time(&jwt.claims, name)?;
        }
        if !jwt.claims.contains_key("aud") {
            return Err(AttestationError::Claim("aud"));
        }
        Ok(Self { jwt, jti, issued_at, challenge })
    }

    /// Checks whether it was made for the server with this issuer identifier, now, and by an accepted algorithm. Its
    /// signature and its challenge are left to look at.
    ///
    /// # Errors
    ///
    /// What of that does not hold.
    pub fn check(&self, issuer: &str, now: i64, algorithms: &[&str]) -> Result<(), AttestationError> {
        check_algorithm(&self.jwt, algorithms)?;
        let meant = match self.jwt.claims.get("aud") {
            Some(Value::String(only)) => only == issuer,
            Some(Value::Array(list)) => list.len() == 1 && list[0] == issuer,
            _ => false,
        };
        if !meant {
            return Err(AttestationError::Audience);
        }
        let over = time(&self.jwt.claims, "exp")?.is_some_and(|end| end <= now);
        let early = time(&self.jwt.claims, "nbf")?.is_some_and(|begin| begin > now.saturating_add(WINDOW));
        if over || early || self.issued_at.abs_diff(now) > WINDOW.unsigned_abs() {
            return Err(AttestationError::Time);
        }
        Ok(())
    }
}
