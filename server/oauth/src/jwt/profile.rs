//! What the header and the claims of a JWT must say to be taken for one kind of token (RFC 8725 section 3.11).

use serde_json::{Map, Value};

use super::{Header, JwtError};

/// How far the clocks of several servers may differ, in seconds.
const LEEWAY: i64 = 60;

/// The rules for one kind of JWT.
#[derive(Clone, Copy, Debug)]
pub struct VerifyProfile<'a> {
    /// The values of `typ` that are accepted; `None` is no `typ`.
    pub typ: &'a [Option<&'a str>],
    /// Who must have issued it.
    pub issuer: &'a str,
    /// Whom it must be meant for, one of these; `None` is anybody.
    pub audiences: Option<&'a [&'a str]>,
    /// Whether its time may be over.
    pub accept_expired: bool,
    /// How far the clocks may differ, in seconds.
    pub leeway: i64,
}

impl<'a> VerifyProfile<'a> {
    /// An access token (RFC 9068 section 4).
    pub const fn access_token(issuer: &'a str) -> Self {
        Self { typ: &[Some("at+jwt")], issuer, audiences: None, accept_expired: false, leeway: LEEWAY }
    }

    /// An ID token that a client sends back as a hint: its time may be over (OpenID Connect Core section 3.1.2.1,
    /// RP-Initiated Logout section 2).
    pub const fn id_token_hint(issuer: &'a str) -> Self {
        Self { typ: &[Some("JWT"), None], issuer, audiences: None, accept_expired: true, leeway: LEEWAY }
    }

    /// Checks type, issuer, audience and times; `now` in seconds since 1970.
    ///
    /// The claims `iss` and `exp` are required; `iat` and `nbf` must not be in the future if they are there.
    pub fn check(&self, header: &Header, claims: &Map<String, Value>, now: i64) -> Result<(), JwtError> {
        if !self.typ.iter().any(|accepted| same_type(*accepted, header.typ.as_deref())) {
            return Err(JwtError::WrongType);
        }
        match claims.get("iss") {
            None => return Err(JwtError::MissingClaim("iss")),
            Some(issuer) if issuer.as_str() != Some(self.issuer) => return Err(JwtError::WrongIssuer),
            Some(_) => {}
        }
        if let Some(audiences) = self.audiences {
            audience_is(claims, audiences)?;
        }
        self.check_times(claims, now)
    }

    fn check_times(&self, claims: &Map<String, Value>, now: i64) -> Result<(), JwtError> {
        let expires = instant(claims, "exp")?.ok_or(JwtError::MissingClaim("exp"))?;
        if !self.accept_expired && expires.saturating_add(self.leeway) <= now {
            return Err(JwtError::Expired);
        }
        for name in ["iat", "nbf"] {
            if instant(claims, name)?.is_some_and(|start| start > now.saturating_add(self.leeway)) {
                return Err(JwtError::NotYetValid);
            }
        }
        Ok(())
    }
}

/// RFC 7515 section 4.1.9: media types, compared without regard to case, `application/` may be left out.
pub(crate) fn same_type(accepted: Option<&str>, found: Option<&str>) -> bool {
    match (accepted, found) {
        (None, None) => true,
        (Some(accepted), Some(found)) => short(accepted).eq_ignore_ascii_case(short(found)),
        _ => false,
    }
}

fn short(media_type: &str) -> &str {
    const PREFIX: &str = "application/";
    match media_type.split_at_checked(PREFIX.len()) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case(PREFIX) && !rest.contains('/') => rest,
        _ => media_type,
    }
}

/// Whether a JWT is meant for one of `audiences`.
pub(crate) fn audience_is(claims: &Map<String, Value>, audiences: &[&str]) -> Result<(), JwtError> {
    let meant = match claims.get("aud") {
        None => return Err(JwtError::MissingClaim("aud")),
        Some(Value::String(only)) => audiences.contains(&only.as_str()),
        Some(Value::Array(list)) => {
            list.iter().any(|item| item.as_str().is_some_and(|item| audiences.contains(&item)))
        }
        Some(_) => return Err(JwtError::Malformed),
    };
    if meant { Ok(()) } else { Err(JwtError::WrongAudience) }
}

/// A claim that is an instant, in whole seconds: this server writes no other ones and takes none.
pub(crate) fn instant(claims: &Map<String, Value>, name: &str) -> Result<Option<i64>, JwtError> {
    match claims.get(name) {
        None => Ok(None),
        Some(value) => value.as_i64().map(Some).ok_or(JwtError::Malformed),
    }
}
