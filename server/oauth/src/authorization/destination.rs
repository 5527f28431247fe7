//! Where the answer may go, settled before anything else: an error before this point must not redirect
//! (RFC 6749 section 4.1.2.1).

use url::form_urlencoded;

use super::Destination;
use crate::{
    error::OAuthError, params::unambiguous, redirect_uri, response_mode::ResponseMode,
    response_type::ResponseType,
};

/// Finds the destination in the raw query or form of an authorization request, even if other parameters are broken.
///
/// `redirect_uri` must be given once and match a URI of `registered`. It may be absent if there is just one to choose
/// from and the request is not an OpenID Connect request (OpenID Connect Core section 3.1.2.1 requires it).
///
/// Fails with `invalid_request`, to be shown to the user and not to be sent anywhere.
pub fn resolve_destination(raw: &[u8], registered: &[String]) -> Result<Destination, OAuthError> {
    let given = present(raw, "redirect_uri");
    let redirect_uri = if given {
        let uri = unambiguous(raw, "redirect_uri").ok_or_else(|| {
            OAuthError::invalid_request("`redirect_uri` must be given once and be properly encoded")
        })?;
        if !registered.iter().any(|known| redirect_uri::matches(known, &uri)) {
            return Err(OAuthError::invalid_request("redirect_uri is not registered for this client"));
        }
        uri
    } else {
        match registered {
            _ if asks_for_openid(raw) => {
                return Err(OAuthError::invalid_request("`redirect_uri` is required with the scope openid"));
            }
            [only] => only.clone(),
            _ => return Err(OAuthError::invalid_request("`redirect_uri` is required")),
        }
    };
    Ok(Destination {
        redirect_uri,
        redirect_uri_given: given,
        response_mode: response_mode(raw),
        state: unambiguous(raw, "state").filter(|state| !state.is_empty()),
    })
}

/// Whether the parameter occurs with a value; one without counts as omitted (RFC 6749 section 3.1).
fn present(raw: &[u8], wanted: &str) -> bool {
    form_urlencoded::parse(raw).any(|(name, value)| name == wanted && !value.is_empty())
}

/// Looks at every `scope`, so that repeating the parameter does not relax the rule for OpenID Connect.
fn asks_for_openid(raw: &[u8]) -> bool {
    form_urlencoded::parse(raw)
        .any(|(name, value)| name == "scope" && value.split_ascii_whitespace().any(|scope| scope == "openid"))
}

/// The mode that was asked for if it makes sense, else the usual one, so that errors arrive where the client looks.
fn response_mode(raw: &[u8]) -> ResponseMode {
    let response_type = unambiguous(raw, "response_type").and_then(|name| ResponseType::parse(&name).ok());
    let usual = response_type.map_or(ResponseMode::Query, ResponseMode::default_for);
    match unambiguous(raw, "response_mode").and_then(|name| ResponseMode::requested(&name, response_type)) {
        Some(mode) if response_type.is_none_or(|response_type| mode.allowed_for(response_type)) => mode,
        Some(mode) if mode.is_jwt() => usual.as_jwt(),
        _ => usual,
    }
}
