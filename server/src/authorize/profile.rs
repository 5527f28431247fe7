//! What security profiles demand of an authorization request, besides what they made of its client.

use placet_oauth::{authorization::AuthorizationRequest, error::OAuthError};

use crate::client::Client;

/// Refuses a request that falls short of a profile of its client.
///
/// # Errors
///
/// `unauthorized_client` where it is the client that falls short, `invalid_request` otherwise.
pub(super) fn check(client: &Client, request: &AuthorizationRequest, pushed: bool) -> Result<(), OAuthError> {
    client.check_profiles()?;
    for profile in &client.profiles {
        let refuse =
            |text: &str| Err(OAuthError::invalid_request(format!("profile `{}`: {text}", profile.as_str())));
        if profile.redirect_uri_named() && !request.redirect_uri_given {
            return refuse("`redirect_uri` is required");
        }
        if pushed && profile.pkce_when_pushed() && request.challenge.is_none() {
            return refuse("`code_challenge` is required");
        }
        if profile.request_tied_to_its_client() {
            if request.scope.is_empty() {
                return refuse("`scope` is required");
            }
            if request.is_openid() && request.nonce.is_none() {
                return refuse("`nonce` is required, since the scope has `openid`");
            }
            if !request.is_openid() && request.state.is_none() {
                return refuse("`state` is required, since the scope is without `openid`");
            }
        }
        let signed = request.response_type.id_token || request.response_mode.is_jwt();
        if !profile.plain_code() && !signed {
            return refuse(
                "the response has to be signed: ask for a `response_mode` with jwt, or for `code id_token`",
            );
        }
    }
    Ok(())
}
