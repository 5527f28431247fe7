//! Reading an authentication request (CIBA Core section 7.1).

use serde_json::{Map, Value};

use crate::{
    authorization::{AuthorizationRequest, RequestPolicy, parse_without_browser},
    claims::strict_json_bytes,
    error::{ErrorCode, OAuthError},
    id::Secret,
    params::Params,
};

/// The longest binding message, in characters: people compare it on two small screens.
pub const MAX_BINDING_MESSAGE: usize = 128;
/// The longest `login_hint`, in bytes.
const MAX_HINT: usize = 2048;
/// The longest hint that is a JWT, in bytes.
const MAX_TOKEN: usize = 16 * 1024;
/// The longest user code, in bytes.
const MAX_USER_CODE: usize = 256;
/// The longest notification token (section 7.1).
const MAX_NOTIFICATION_TOKEN: usize = 1024;
/// The shortest one: 128 bits are demanded, and fewer characters than these of a bearer token cannot hold them.
const MIN_NOTIFICATION_TOKEN: usize = 20;
/// The most bytes of JSON in a context.
const MAX_CONTEXT: usize = 8 * 1024;

/// What is read here besides the request itself, and how the client authenticates: nobody else's business.
const OWN: [&str; 10] = [
    "client_secret",
    "client_assertion",
    "client_assertion_type",
    "client_notification_token",
    "login_hint_token",
    "id_token_hint",
    "binding_message",
    "user_code",
    "requested_expiry",
    "request_context",
];

/// Whom the client means; a request names exactly one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hint {
    /// A name, an address, whatever the server can make sense of.
    LoginHint(String),
    /// A JWT about the user.
    LoginHintToken(Secret),
    /// An ID token from before, unverified.
    IdTokenHint(Secret),
}

impl Hint {
    /// The name of its parameter.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::LoginHint(_) => "login_hint",
            Self::LoginHintToken(_) => "login_hint_token",
            Self::IdTokenHint(_) => "id_token_hint",
        }
    }
}

/// An authentication request that is well-formed and within what its client registered.
#[derive(Clone, Debug)]
pub struct AuthenticationRequest {
    /// What is asked of the user.
    pub request: AuthorizationRequest,
    /// Whom.
    pub hint: Hint,
    /// Shown on both devices, so that the user can tell that they belong together.
    pub binding_message: Option<String>,
    /// A secret that only the user knows.
    pub user_code: Option<Secret>,
    /// How long the client wants the request to live, in seconds.
    pub requested_expiry: Option<u32>,
    /// What the server shows when it calls the client back.
    pub client_notification_token: Option<Secret>,
    /// Why the client asks, for policies and the login app (FAPI-CIBA section 5.4).
    pub request_context: Option<Map<String, Value>>,
}

/// Reads an authentication request. Whether the hint is worth anything is not looked at.
///
/// Fails with the codes of CIBA Core section 13, RFC 8707 and RFC 9396.
pub fn parse_request(
    params: &Params,
    client_id: &str,
    policy: &RequestPolicy<'_>,
) -> Result<AuthenticationRequest, OAuthError> {
    let mut request = parse_without_browser(params, (client_id, policy))?;
    if !request.is_openid() {
        return Err(OAuthError::invalid_scope("`scope` must contain `openid`"));
    }
    request.extra.retain(|name, _| !OWN.contains(&name.as_str()));
    let hint = parse_hint(params)?;
    let binding_message = value(params, "binding_message").map(str::to_owned);
    binding_message.as_deref().map(check_binding_message).transpose()?;
    Ok(AuthenticationRequest {
        request,
        hint,
        binding_message,
        user_code: bounded(params, "user_code", MAX_USER_CODE)?,
        requested_expiry: parse_expiry(params)?,
        client_notification_token: parse_notification_token(params)?,
        request_context: parse_context(params)?,
    })
}

/// A parameter without a value counts as omitted (RFC 6749 section 3.1).
fn value<'a>(params: &'a Params, name: &str) -> Option<&'a str> {
    params.get(name).filter(|value| !value.is_empty())
}

fn bounded(params: &Params, name: &str, longest: usize) -> Result<Option<Secret>, OAuthError> {
    match value(params, name) {
        Some(text) if text.len() > longest => {
            Err(OAuthError::invalid_request(format!("`{name}` is longer than {longest} bytes")))
        }
        text => Ok(text.map(Secret::new)),
    }
}

/// Section 7.1: it is required that the client provides one and only one.
fn parse_hint(params: &Params) -> Result<Hint, OAuthError> {
    let name = bounded(params, "login_hint", MAX_HINT)?;
    let token = bounded(params, "login_hint_token", MAX_TOKEN)?;
    let id_token = bounded(params, "id_token_hint", MAX_TOKEN)?;
    match (name, token, id_token) {
        (Some(name), None, None) => Ok(Hint::LoginHint(name.expose().to_owned())),
        (None, Some(token), None) => Ok(Hint::LoginHintToken(token)),
        (None, None, Some(id_token)) => Ok(Hint::IdTokenHint(id_token)),
        (None, None, None) => Err(OAuthError::invalid_request(
            "one of `login_hint`, `login_hint_token` and `id_token_hint` is required",
        )),
        _ => Err(OAuthError::invalid_request(
            "`login_hint`, `login_hint_token` and `id_token_hint` exclude each other",
        )),
    }
}

/// What people compare on two devices must look the same on both, and fit: one short line, without characters that
/// are not seen or that turn the others around.
///
/// # Errors
///
/// `invalid_binding_message`.
pub fn check_binding_message(text: &str) -> Result<(), OAuthError> {
    let refuse = |reason: &str| {
        OAuthError::new(ErrorCode::InvalidBindingMessage, format!("`binding_message` {reason}"))
    };
    if text.chars().count() > MAX_BINDING_MESSAGE {
        return Err(refuse(&format!("is longer than {MAX_BINDING_MESSAGE} characters")));
    }
    if text.chars().any(is_deceptive) {
        return Err(refuse("holds characters that cannot be seen"));
    }
    if text.trim().is_empty() {
        return Err(refuse("says nothing"));
    }
    Ok(())
}

/// Control and format characters: line breaks, what has no width, what changes the direction of writing.
fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

fn parse_expiry(params: &Params) -> Result<Option<u32>, OAuthError> {
    let Some(text) = value(params, "requested_expiry") else { return Ok(None) };
    // `u32::from_str` alone would take a plus sign.
    let seconds = if text.bytes().all(|b| b.is_ascii_digit()) { text.parse().ok() } else { None };
    seconds
        .filter(|seconds| *seconds > 0)
        .map(Some)
        .ok_or_else(|| OAuthError::invalid_request("`requested_expiry` must be a positive number of seconds"))
}

/// A bearer token (RFC 6750 section 2.1) with at least 128 bits (section 7.1).
fn parse_notification_token(params: &Params) -> Result<Option<Secret>, OAuthError> {
    let name = "client_notification_token";
    let Some(token) = bounded(params, name, MAX_NOTIFICATION_TOKEN)? else { return Ok(None) };
    let body = token.expose().trim_end_matches('=');
    let sound = body.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b));
    if !sound || body.is_empty() {
        return Err(OAuthError::invalid_request(format!("`{name}` must have the syntax of a bearer token")));
    }
    if body.len() < MIN_NOTIFICATION_TOKEN {
        return Err(OAuthError::invalid_request(format!("`{name}` is too short for 128 bits of entropy")));
    }
    Ok(Some(token))
}

fn parse_context(params: &Params) -> Result<Option<Map<String, Value>>, OAuthError> {
    let Some(text) = value(params, "request_context") else { return Ok(None) };
    let refused = || OAuthError::invalid_request("`request_context` must be a JSON object of at most 8 KiB");
    if text.len() > MAX_CONTEXT {
        return Err(refused());
    }
    match strict_json_bytes(text.as_bytes()) {
        Ok(Value::Object(members)) => Ok(Some(members)),
        _ => Err(refused()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::ClientMetadata;

    fn parse(form: &str) -> Result<AuthenticationRequest, OAuthError> {
        let metadata = ClientMetadata::default();
        let known = ["openid", "email"].map(str::to_owned);
        let policy = RequestPolicy {
            metadata: &metadata,
            public_client: false,
            require_pkce: false,
            known_scopes: &known,
        };
        parse_request(&Params::parse(form.as_bytes()).unwrap(), "c1", &policy)
    }

    fn refusal(form: &str) -> (&'static str, String) {
        let error = parse(form).unwrap_err();
        (error.code.as_str(), error.description)
    }

    #[test]
    fn a_request_names_its_scope_and_one_user() {
        let asked = parse("scope=openid+email&login_hint=alice&acr_values=a+b&requested_expiry=120").unwrap();
        assert_eq!(asked.hint, Hint::LoginHint("alice".to_owned()));
        assert_eq!(asked.request.acr_values, ["a", "b"]);
        assert_eq!(asked.requested_expiry, Some(120));
        assert_eq!(asked.request.redirect_uri, "");
        assert_eq!(refusal("scope=email&login_hint=alice").0, "invalid_scope");
        assert_eq!(refusal("login_hint=alice").0, "invalid_scope");
    }

    #[test]
    fn no_user_and_two_users_are_refused() {
        assert_eq!(refusal("scope=openid").0, "invalid_request");
        assert_eq!(refusal("scope=openid&login_hint=").0, "invalid_request");
        for two in ["login_hint=a&login_hint_token=b", "login_hint=a&id_token_hint=b"] {
            let (code, text) = refusal(&format!("scope=openid&{two}"));
            assert_eq!(code, "invalid_request");
            assert!(text.contains("exclude"), "{text}");
        }
    }

    #[test]
    fn a_binding_message_is_one_short_line_that_can_be_seen() {
        for good in ["W4SCT", "Überweisung 49,90 € an Bücher GmbH", &"x".repeat(128)] {
            check_binding_message(good).unwrap();
        }
        for bad in ["", "  ", "a\nb", "a\u{202E}b", "a\u{200B}b", "\u{7}", &"x".repeat(129)] {
            assert_eq!(
                check_binding_message(bad).unwrap_err().code,
                ErrorCode::InvalidBindingMessage,
                "{bad:?}"
            );
        }
    }

    #[test]
    fn an_expiry_is_a_positive_number() {
        for bad in ["0", "-1", "%2B5", "1.5", "soon", "99999999999"] {
            let form = format!("scope=openid&login_hint=a&requested_expiry={bad}");
            assert_eq!(refusal(&form).0, "invalid_request", "{bad}");
        }
    }

    #[test]
    fn a_notification_token_is_a_bearer_token_that_cannot_be_guessed() {
        let form = |token: &str| format!("scope=openid&login_hint=a&client_notification_token={token}");
        let good = "8d67dc78-7faa-4d41-aabd-67707b374255";
        assert_eq!(parse(&form(good)).unwrap().client_notification_token, Some(Secret::new(good)));
        for bad in ["short", "with%20a+space+in+the+middle+of+it", &"a".repeat(1025), "===================="]
        {
            assert_eq!(refusal(&form(bad)).0, "invalid_request", "{bad}");
        }
    }

    #[test]
    fn what_is_longer_than_anybody_needs_is_refused() {
        for (name, longest) in
            [("login_hint", MAX_HINT), ("login_hint_token", MAX_TOKEN), ("id_token_hint", MAX_TOKEN)]
        {
            let form = |length: usize| format!("scope=openid&{name}={}", "a".repeat(length));
            parse(&form(longest)).unwrap();
            assert_eq!(refusal(&form(longest + 1)).0, "invalid_request", "{name}");
        }
        let code = |length: usize| format!("scope=openid&login_hint=a&user_code={}", "1".repeat(length));
        parse(&code(MAX_USER_CODE)).unwrap();
        assert_eq!(refusal(&code(MAX_USER_CODE + 1)).0, "invalid_request");
        let context = |length: usize| {
            let text = "a".repeat(length - r#"{"a":""}"#.len());
            format!("scope=openid&login_hint=a&request_context=%7B%22a%22%3A%22{text}%22%7D")
        };
        parse(&context(MAX_CONTEXT)).unwrap();
        assert_eq!(refusal(&context(MAX_CONTEXT + 1)).0, "invalid_request");
    }

    #[test]
    fn secrets_of_the_request_are_not_among_what_is_passed_on() {
        let own = OWN.map(|name| match name {
            "requested_expiry" => format!("{name}=60"),
            "request_context" => format!("{name}=%7B%7D"),
            "client_notification_token" => format!("{name}={}", "a".repeat(MIN_NOTIFICATION_TOKEN)),
            "login_hint_token" | "id_token_hint" => format!("{name}="),
            _ => format!("{name}=x"),
        });
        let asked = parse(&format!("scope=openid&login_hint=a&theme=dark&{}", own.join("&"))).unwrap();
        assert_eq!(asked.request.extra.keys().collect::<Vec<_>>(), ["theme"]);
    }

    #[test]
    fn a_context_is_an_object() {
        let asked =
            parse("scope=openid&login_hint=a&request_context=%7B%22ip%22%3A%22192.0.2.1%22%7D").unwrap();
        assert_eq!(asked.request_context.unwrap()["ip"], "192.0.2.1");
        assert_eq!(refusal("scope=openid&login_hint=a&request_context=%5B%5D").0, "invalid_request");
    }
}
