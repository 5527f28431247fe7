//! Request objects: authorization requests as JWTs (RFC 9101, OpenID Connect Core section 6). Signatures are checked
//! elsewhere: here is everything that can be said without a key.

use serde_json::{Map, Value};

use crate::{
    error::{ErrorCode, OAuthError},
    jwt::{self, Compact, JwtError, audience_is, instant, same_type},
};

/// The type of request objects (RFC 9101 section 10.8).
pub const REQUEST_OBJECT_TYPE: &str = "oauth-authz-req+jwt";
/// At most this many bytes in a request object.
pub const MAX_REQUEST_OBJECT: usize = 64 * 1024;

/// The media types that a request object may be served as: registered ones (RFC 9101 section 9.4, RFC 7519 section
/// 10.3.1, RFC 7515 section 9.2.1).
pub const MEDIA_TYPES: [&str; 3] = ["application/oauth-authz-req+jwt", "application/jwt", "application/jose"];

/// Clocks may differ by so many seconds.
const SKEW: i64 = 10;

/// Claims about the JWT itself, and no parameters of the request.
const ABOUT_ITSELF: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];

/// A request object that was taken apart, and is not verified.
#[derive(Debug)]
pub enum RequestObject<'a> {
    /// Somebody signed it.
    Signed(Compact<'a>),
    /// Nobody did (`alg` is `none`).
    Unsigned {
        /// What kind of JWT it is.
        typ: Option<String>,
        /// Its claims.
        claims: Map<String, Value>,
    },
}

impl<'a> RequestObject<'a> {
    /// Takes a request object apart.
    ///
    /// Fails with `invalid_request_object` for what is no JWT, for more than 64 KiB, and for header members that would
    /// let the sender choose the key.
    pub fn parse(compact: &'a str) -> Result<Self, OAuthError> {
        match jwt::parse_within(compact, MAX_REQUEST_OBJECT) {
            Ok(signed) => Ok(Self::Signed(signed)),
            Err(JwtError::UnsupportedHeader("none")) => {
                let (typ, claims) =
                    jwt::parse_unsigned(compact, MAX_REQUEST_OBJECT).map_err(|error| unsound(&error))?;
                Ok(Self::Unsigned { typ, claims })
            }
            Err(error) => Err(unsound(&error)),
        }
    }

    /// Its claims.
    pub fn claims(&self) -> &Map<String, Value> {
        match self {
            Self::Signed(signed) => &signed.claims,
            Self::Unsigned { claims, .. } => claims,
        }
    }
}

/// What a request object must say.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// The server that it must be for.
    pub issuer: &'a str,
    /// The client that it must be from.
    pub client_id: &'a str,
    /// Whether its header must say that it is a request object.
    pub explicit_type: bool,
    /// Whether it must say when it ends.
    pub expires: bool,
    /// How long it may be good for, in seconds; it must then say from when on, and that must not be longer ago.
    pub max_lifetime: Option<i64>,
}

impl Rules<'_> {
    /// Checks what the object says about itself; `now` in seconds since 1970. One that nobody signed proves nothing, so
    /// it need not say who issued it, for whom and until when (OpenID Connect Core section 6.1).
    ///
    /// Fails with `invalid_request_object`.
    pub fn check(&self, object: &RequestObject<'_>, now: i64) -> Result<(), OAuthError> {
        let (typ, claims, signed) = match object {
            RequestObject::Signed(jwt) => (jwt.header.typ.as_deref(), &jwt.claims, true),
            RequestObject::Unsigned { typ, claims } => (typ.as_deref(), claims, false),
        };
        let named = same_type(Some(REQUEST_OBJECT_TYPE), typ);
        if !named && (self.explicit_type || !(typ.is_none() || same_type(Some("JWT"), typ))) {
            return Err(unsound(&JwtError::WrongType));
        }
        match claims.get("iss") {
            None if signed => return Err(unsound(&JwtError::MissingClaim("iss"))),
            Some(issuer) if issuer.as_str() != Some(self.client_id) => {
                return Err(unsound(&JwtError::WrongIssuer));
            }
            _ => {}
        }
        if signed || claims.contains_key("aud") {
            audience_is(claims, &[self.issuer]).map_err(|error| unsound(&error))?;
        }
        self.check_times(claims, signed, now)?;
        // RFC 9101 section 6.3: it must be the client that sends it. This also tells it from other JWTs of the client.
        match claims.get("client_id") {
            None => Err(unsound(&JwtError::MissingClaim("client_id"))),
            Some(id) if id.as_str() != Some(self.client_id) => {
                Err(invalid("has a `client_id` other than that of the request"))
            }
            Some(_) => Ok(()),
        }
    }

    fn check_times(&self, claims: &Map<String, Value>, signed: bool, now: i64) -> Result<(), OAuthError> {
        let at = |name| instant(claims, name).map_err(|error| unsound(&error));
        let (expires, starts) = (at("exp")?, at("nbf")?);
        if signed && expires.is_none() && (self.expires || self.max_lifetime.is_some()) {
            return Err(unsound(&JwtError::MissingClaim("exp")));
        }
        if expires.is_some_and(|expires| expires.saturating_add(SKEW) <= now) {
            return Err(unsound(&JwtError::Expired));
        }
        let future = now.saturating_add(SKEW);
        if [starts, at("iat")?].into_iter().flatten().any(|start| start > future) {
            return Err(unsound(&JwtError::NotYetValid));
        }
        let Some(most) = self.max_lifetime.filter(|_| signed) else { return Ok(()) };
        let starts = starts.ok_or_else(|| unsound(&JwtError::MissingClaim("nbf")))?;
        if starts < now.saturating_sub(most.saturating_add(SKEW)) {
            return Err(invalid(&format!("has an `nbf` that is more than {most} seconds ago")));
        }
        if expires.is_some_and(|expires| expires > starts.saturating_add(most)) {
            return Err(invalid(&format!("is good for more than {most} seconds")));
        }
        Ok(())
    }
}

/// The parameters of the request that the claims are, in the form in which they are sent otherwise: numbers and `true`
/// as text, objects and arrays as JSON, several resources as several parameters (RFC 9101 section 4).
///
/// Fails with `invalid_request_object` for a request within the request, and for `null`.
pub fn parameters(claims: &Map<String, Value>) -> Result<Vec<(String, String)>, OAuthError> {
    let mut all = Vec::new();
    for (name, value) in claims {
        if ABOUT_ITSELF.contains(&name.as_str()) {
            continue;
        }
        // RFC 9101 section 4.
        if ["request", "request_uri"].contains(&name.as_str()) {
            return Err(invalid(&format!("must not hold `{name}`")));
        }
        match value {
            Value::String(text) => all.push((name.clone(), text.clone())),
            Value::Null => return Err(invalid("holds a parameter that is null")),
            Value::Array(list) if ["resource", "audience"].contains(&name.as_str()) => {
                for item in list {
                    let text = item.as_str().ok_or_else(|| {
                        invalid(&format!("holds a `{name}` that is neither a string nor an array of strings"))
                    })?;
                    all.push((name.clone(), text.to_owned()));
                }
            }
            other => all.push((name.clone(), other.to_string())),
        }
    }
    Ok(all)
}

fn unsound(error: &JwtError) -> OAuthError {
    let text = error.to_string();
    let rest = text.strip_prefix("the token ");
    match rest {
        Some(rest) => invalid(rest),
        None => {
            OAuthError::new(ErrorCode::InvalidRequestObject, text.replace("the token", "the request object"))
        }
    }
}

/// `invalid_request_object`: the request object does not do because of `reason`.
pub fn invalid(reason: &str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidRequestObject, format!("the request object {reason}"))
}

#[cfg(test)]
mod tests;
