//! Access tokens at a protected resource: by whoever has them (RFC 6750), or with a proof (RFC 9449 section 7).

use std::fmt::Write;

use crate::{
    error::{OAuthError, permitted},
    id::Secret,
    params::{Params, mentions},
};

/// The name of the parameter that carries a token.
const PARAMETER: &str = "access_token";

/// How an access token is presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// By whoever has it.
    Bearer,
    /// Together with a DPoP proof.
    Dpop,
}

impl Scheme {
    /// Every scheme.
    const ALL: [Self; 2] = [Self::Bearer, Self::Dpop];

    /// Its registered name, which is the `token_type` of such tokens too.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
            Self::Dpop => "DPoP",
        }
    }
}

/// A token and how it was presented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presented {
    /// The scheme.
    pub scheme: Scheme,
    /// The token.
    pub token: Secret,
}

/// The bearer token of a request; see [`presented`]. What is presented by another scheme is none.
pub fn token(
    authorization: Option<&str>,
    query: &str,
    form: Option<&Params>,
) -> Result<Option<Secret>, OAuthError> {
    let presented = presented(authorization, query, form)?;
    Ok(presented.filter(|presented| presented.scheme == Scheme::Bearer).map(|presented| presented.token))
}

/// The access token of a request, from the value of the `Authorization` header (RFC 6750 section 2.1, RFC 9449 section
/// 7.1) or from the form in the body (RFC 6750 section 2.2); `None` if there is none. `query` is the raw query, without
/// `?`.
///
/// # Errors
///
/// `invalid_request` for a token in the query, where it would end up in logs (RFC 9700 section 4.3.2), for
/// more than one token, and for a scheme without a token; `invalid_token` for a token that holds
/// characters no token has.
pub fn presented(
    authorization: Option<&str>,
    query: &str,
    form: Option<&Params>,
) -> Result<Option<Presented>, OAuthError> {
    if mentions(query.as_bytes(), PARAMETER) {
        return Err(OAuthError::invalid_request(
            "an `access_token` in the query is not accepted; send it in the authorization header",
        ));
    }
    let in_header = authorization.and_then(split);
    let in_form = form.and_then(|form| form.get(PARAMETER)).map(|token| (Scheme::Bearer, token));
    let (scheme, token) = match (in_header, in_form) {
        (Some(_), Some(_)) => {
            return Err(OAuthError::invalid_request("the request holds more than one access token"));
        }
        (Some((_, "")), None) => {
            return Err(OAuthError::invalid_request("the authorization header holds no access token"));
        }
        (Some(presented), None) | (None, Some(presented)) => presented,
        (None, None) => return Ok(None),
    };
    if is_b64token(token) {
        Ok(Some(Presented { scheme, token: Secret::new(token) }))
    } else {
        Err(OAuthError::invalid_token("the access token is malformed"))
    }
}

/// The scheme and what follows it; `None` for another scheme, which is no attempt to send a token.
fn split(authorization: &str) -> Option<(Scheme, &str)> {
    let (name, token) = authorization.split_once(' ').unwrap_or((authorization, ""));
    let scheme = Scheme::ALL.into_iter().find(|scheme| name.eq_ignore_ascii_case(scheme.as_str()))?;
    Some((scheme, token.trim_matches(' ')))
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
    let mut header = begin(Scheme::Bearer, realm, error);
    if let Some(scope) = scope {
        header.push_str(", scope=");
        quote(scope, &mut header);
    }
    header
}

/// The same for tokens that are bound to a key (RFC 9449 section 7.1); `algorithms` are those that may sign a proof.
pub fn dpop_challenge(realm: &str, error: Option<&OAuthError>, algorithms: &[&str]) -> String {
    let mut header = begin(Scheme::Dpop, realm, error);
    header.push_str(", algs=");
    quote(&algorithms.join(" "), &mut header);
    header
}

fn begin(scheme: Scheme, realm: &str, error: Option<&OAuthError>) -> String {
    let mut header = format!("{} realm=", scheme.as_str());
    quote(realm, &mut header);
    if let Some(error) = error {
        let _ = write!(header, ", error=\"{}\"", error.code);
        if !error.description.is_empty() {
            header.push_str(", error_description=");
            quote(&error.description, &mut header);
        }
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
    fn a_token_with_a_proof_comes_by_its_own_scheme() {
        let expected = Presented { scheme: Scheme::Dpop, token: Secret::new("abc") };
        assert_eq!(presented(Some("DPoP abc"), "", None), Ok(Some(expected.clone())));
        assert_eq!(presented(Some("dpop abc"), "", None), Ok(Some(expected)));
        assert_eq!(token(Some("DPoP abc"), "", None), Ok(None));
        let error = presented(Some("DPoP abc"), "", Some(&form("access_token=abc"))).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidRequest);
        assert_eq!(presented(Some("DPoP"), "", None).unwrap_err().code, ErrorCode::InvalidRequest);
        assert_eq!(presented(Some("DPoP a b"), "", None).unwrap_err().code, ErrorCode::InvalidToken);
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

    #[test]
    fn a_challenge_for_a_proof_names_the_algorithms() {
        assert_eq!(
            dpop_challenge("placet", None, &["ES256", "EdDSA"]),
            r#"DPoP realm="placet", algs="ES256 EdDSA""#
        );
        let error = OAuthError::invalid_dpop_proof("x");
        assert_eq!(
            dpop_challenge("placet", Some(&error), &["ES256"]),
            r#"DPoP realm="placet", error="invalid_dpop_proof", error_description="x", algs="ES256""#
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
