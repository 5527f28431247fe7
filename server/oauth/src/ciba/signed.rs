//! Signed authentication requests (CIBA Core section 7.1.1). Signatures are checked elsewhere: here is everything that
//! can be said without a key.

use serde_json::Value;

use crate::{
    error::OAuthError,
    jwt::{Compact, JwtError, audience_is, instant, same_type},
    request_object::REQUEST_OBJECT_TYPE,
};

/// Clocks may differ by so many seconds.
const SKEW: i64 = 10;

/// What a signed authentication request must say.
#[derive(Clone, Copy, Debug)]
pub struct SignedRules<'a> {
    /// The server that it must be for.
    pub issuer: &'a str,
    /// The client that it must be from.
    pub client_id: &'a str,
    /// How long it may be good for after its `nbf`, and how long ago that may be, in seconds: what was used has to be
    /// remembered for so long.
    pub max_lifetime: i64,
}

/// The claims that are remembered of a request, so that it is good once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identified {
    /// Its `jti`.
    pub jti: String,
    /// Its `exp`.
    pub expires_at: i64,
}

impl SignedRules<'_> {
    /// Checks what the request says about itself; `now` in seconds since 1970. Unlike a request object of RFC 9101 it
    /// must say everything: who, for whom, from when until when, and which one it is.
    ///
    /// # Errors
    ///
    /// `invalid_request`, the only code that section 13 has for it.
    pub fn check(&self, jwt: &Compact<'_>, now: i64) -> Result<Identified, OAuthError> {
        let (typ, claims) = (jwt.header.typ.as_deref(), &jwt.claims);
        if ![Some("JWT"), Some(REQUEST_OBJECT_TYPE), None].into_iter().any(|known| same_type(known, typ)) {
            return Err(unsound(&JwtError::WrongType));
        }
        match claims.get("iss") {
            None => return Err(unsound(&JwtError::MissingClaim("iss"))),
            Some(issuer) if issuer.as_str() != Some(self.client_id) => {
                return Err(unsound(&JwtError::WrongIssuer));
            }
            Some(_) => {}
        }
        audience_is(claims, &[self.issuer]).map_err(|error| unsound(&error))?;
        let at = |name: &'static str| match instant(claims, name) {
            Ok(Some(at)) => Ok(at),
            Ok(None) => Err(unsound(&JwtError::MissingClaim(name))),
            Err(error) => Err(unsound(&error)),
        };
        let (expires_at, issued, starts) = (at("exp")?, at("iat")?, at("nbf")?);
        if expires_at.saturating_add(SKEW) <= now {
            return Err(unsound(&JwtError::Expired));
        }
        let future = now.saturating_add(SKEW);
        if issued > future || starts > future {
            return Err(unsound(&JwtError::NotYetValid));
        }
        let most = self.max_lifetime;
        if starts < now.saturating_sub(most.saturating_add(SKEW)) {
            return Err(refused(&format!("has an `nbf` that is more than {most} seconds ago")));
        }
        if expires_at > starts.saturating_add(most) {
            return Err(refused(&format!("is good for more than {most} seconds")));
        }
        // A request object for the authorization endpoint is no request without a browser (RFC 8725 section 3.12).
        if let Some(name) =
            ["response_type", "redirect_uri"].into_iter().find(|name| claims.contains_key(*name))
        {
            return Err(refused(&format!("is for the authorization endpoint: it has a `{name}`")));
        }
        match claims.get("jti") {
            None => Err(unsound(&JwtError::MissingClaim("jti"))),
            Some(Value::String(jti)) if !jti.is_empty() => Ok(Identified { jti: jti.clone(), expires_at }),
            Some(_) => Err(refused("has a `jti` that says nothing")),
        }
    }
}

fn unsound(error: &JwtError) -> OAuthError {
    OAuthError::invalid_request(error.to_string().replace("the token", "the signed authentication request"))
}

fn refused(reason: &str) -> OAuthError {
    OAuthError::invalid_request(format!("the signed authentication request {reason}"))
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use serde_json::json;

    use super::*;
    use crate::jwt;

    const NOW: i64 = 1_000_000;

    fn check(change: impl FnOnce(&mut Value, &mut Value)) -> Result<Identified, String> {
        let mut header = json!({ "alg": "ES256" });
        let mut claims = json!({
            "iss": "c1", "aud": "https://as.example", "iat": NOW, "nbf": NOW, "exp": NOW + 300, "jti": "j1",
            "scope": "openid", "login_hint": "alice",
        });
        change(&mut header, &mut claims);
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let compact = format!("{}.{}.{}", part(&header), part(&claims), URL_SAFE_NO_PAD.encode("signature"));
        let rules = SignedRules { issuer: "https://as.example", client_id: "c1", max_lifetime: 3600 };
        rules.check(&jwt::parse(&compact).unwrap(), NOW).map_err(|error| {
            assert_eq!(error.code.as_str(), "invalid_request");
            error.description
        })
    }

    #[test]
    fn a_sound_request_is_known_by_its_id() {
        let identified = check(|_, _| ()).unwrap();
        assert_eq!(identified, Identified { jti: "j1".to_owned(), expires_at: NOW + 300 });
        check(|header, _| header["typ"] = json!("JWT")).unwrap();
        check(|header, _| header["typ"] = json!("oauth-authz-req+jwt")).unwrap();
        check(|_, claims| claims["aud"] = json!(["https://else.example", "https://as.example"])).unwrap();
    }

    #[test]
    fn every_claim_about_itself_is_required() {
        for name in ["iss", "aud", "exp", "iat", "nbf", "jti"] {
            let text = check(|_, claims| {
                claims.as_object_mut().unwrap().remove(name);
            })
            .unwrap_err();
            assert!(text.contains(name), "{name}: {text}");
        }
    }

    #[test]
    fn what_is_wrong_with_it_is_refused() {
        let wrong: [(&str, Value); 14] = [
            ("iss", json!("c2")),
            ("iss", json!(1)),
            ("aud", json!("https://as.example/bc-authorize")),
            ("aud", json!(1)),
            ("exp", json!(NOW - 10)),
            ("exp", json!("1")),
            ("exp", json!(NOW + 3601)),
            ("iat", json!(NOW + 11)),
            ("nbf", json!(NOW + 11)),
            ("nbf", json!(NOW - 3611)),
            ("jti", json!("")),
            ("jti", json!(1)),
            ("response_type", json!("code")),
            ("redirect_uri", json!("https://c.example/cb")),
        ];
        for (name, value) in wrong {
            assert!(check(|_, claims| claims[name] = value.clone()).is_err(), "{name} {value}");
        }
        assert!(check(|header, _| header["typ"] = json!("at+jwt")).is_err());
    }
}
