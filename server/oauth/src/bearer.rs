//! Bearer tokens at a protected resource (RFC 6750).

use std::fmt::Write;

use crate::{
    error::{OAuthError, permitted},
    id::Secret,
    params::{Params, mentions},
};

/// The name of the parameter that carries a token.
const PARAMETER: &str = "access_token";

/// The access token of a request, from the value of the `Authorization` header (RFC 6750 section 2.1) or from
/// the form in the body (section 2.2); `None` if there is none. `query` is the raw query, without `?`.
///
/// # Errors
///
/// `invalid_request` for a token in the query, where it would end up in logs (RFC 9700 section 4.3.2), for
/// more than one token, and for the scheme `Bearer` without a token; `invalid_token` for a token that holds
/// characters no token has.
pub fn token(
    authorization: Option<&str>,
    query: &str,
    form: Option<&Params>,
) -> Result<Option<Secret>, OAuthError> {
    if mentions(query.as_bytes(), PARAMETER) {
        return Err(OAuthError::invalid_request(
            "an `access_token` in the query is not accepted; send it in the authorization header",
        ));
    }
    let in_header = authorization.and_then(bearer);
    let in_form = form.and_then(|form| form.get(PARAMETER));
    let token = match (in_header, in_form) {
        (Some(_), Some(_)) => {
            return Err(OAuthError::invalid_request("the request holds more than one access token"));
        }
        (Some(""), None) => {
            return Err(OAuthError::invalid_request("the authorization header holds no access token"));
        }
        (Some(token), None) | (None, Some(token)) => token,
        (None, None) => return Ok(None),
    };
    if is_b64token(token) {
        Ok(Some(Secret::new(token)))
    } else {
        Err(OAuthError::invalid_token("the access token is malformed"))
    }
}

/// What follows the scheme `Bearer`; `None` for another scheme, which is no attempt to send a token.
fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ').unwrap_or((authorization, ""));
    scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim_matches(' '))
}

/// `b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`
fn is_b64token(token: &str) -> bool {
    let body = token.trim_end_matches('=');
    !body.is_empty() && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte))
}

/// The value of `WWW-Authenticate` (RFC 6750 section 3). A request that presented no token is answered
/// without an `error` (section 3.1); `scope` says what would have been enough. Whatever could end a quoted
/// string or the header becomes `?`.
pub fn challenge(realm: &str, error: Option<&OAuthError>, scope: Option<&str>) -> String {
    let mut header = String::from("Bearer realm=");
    quote(realm, &mut header);
    if let Some(error) = error {
        let _ = write!(header, ", error=\"{}\"", error.code);
        if !error.description.is_empty() {
            header.push_str(", error_description=");
            quote(&error.description, &mut header);
        }
    }
    if let Some(scope) = scope {
        header.push_str(", scope=");
        quote(scope, &mut header);
    }
    header
}

fn quote(text: &str, into: &mut String) {
    into.push('"');
    into.extend(text.chars().map(permitted));
    into.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::ErrorCode;

    fn form(text: &str) -> Params {
        Params::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_token_comes_in_the_header_or_in_the_form() {
        let expected = Ok(Some(Secret::new("aZ0-._~+/==")));
        assert_eq!(token(Some("Bearer aZ0-._~+/=="), "", None), expected);
        assert_eq!(token(Some("bearer  aZ0-._~+/=="), "a=b", Some(&form("x=y"))), expected);
        assert_eq!(token(None, "", Some(&form("access_token=aZ0-._~%2B/=="))), expected);
    }

    #[test]
    fn a_request_may_come_without_a_token() {
        assert_eq!(token(None, "", None), Ok(None));
        assert_eq!(token(Some("Basic YTpi"), "access_tokens=1", Some(&form("a=b"))), Ok(None));
        assert_eq!(token(Some("Bearerx"), "", None), Ok(None));
    }

    #[test]
    fn a_token_in_the_query_is_refused() {
        for query in ["access_token=x", "a=%zz&access%5Ftoken=x", "access_token"] {
            let error = token(Some("Bearer x"), query, None).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidRequest);
            assert!(error.description.contains("query is not accepted"), "{query}");
        }
    }

    #[test]
    fn two_tokens_are_refused_even_if_they_are_the_same() {
        for authorization in ["Bearer x", "Bearer"] {
            let error = token(Some(authorization), "", Some(&form("access_token=x"))).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidRequest);
        }
    }

    #[test]
    fn a_scheme_without_a_token_is_malformed() {
        for authorization in ["Bearer", "Bearer "] {
            assert_eq!(token(Some(authorization), "", None).unwrap_err().code, ErrorCode::InvalidRequest);
        }
    }

    #[test]
    fn a_token_holds_only_the_characters_of_the_grammar() {
        for text in ["a b", "a,b", "=", "a=b", "a\"b", "ä", "a%20"] {
            let error = token(Some(&format!("Bearer {text}")), "", None).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidToken, "{text}");
        }
    }

    #[test]
    fn a_challenge_says_what_was_wrong_and_what_would_do() {
        assert_eq!(challenge("placet", None, None), r#"Bearer realm="placet""#);
        let expired = OAuthError::invalid_token("the access token has expired");
        assert_eq!(
            challenge("placet", Some(&expired), None),
            r#"Bearer realm="placet", error="invalid_token", error_description="the access token has expired""#
        );
        let lacking = OAuthError::new(ErrorCode::InsufficientScope, "");
        assert_eq!(
            challenge("placet", Some(&lacking), Some("openid email")),
            r#"Bearer realm="placet", error="insufficient_scope", scope="openid email""#
        );
    }

    proptest! {
        #[test]
        fn nothing_escapes_from_a_challenge(
            realm in any::<String>(),
            description in any::<String>(),
            scope in any::<String>(),
        ) {
            let error = OAuthError { code: ErrorCode::InvalidToken, description: format!("x{description}"), extension: None };
            let header = challenge(&realm, Some(&error), Some(&scope));
            prop_assert!(header.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'\\'));
            prop_assert_eq!(header.matches('"').count(), 8);
        }
    }
}
