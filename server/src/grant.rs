//! The grants of the token endpoint: one file each, behind one dispatcher.

mod authorization_code;
mod client_credentials;
mod decide;
mod narrow;
mod refresh_token;

use placet_oauth::{
    error::OAuthError,
    token_request::{TokenRequest, TokenResponse},
};
use placet_sdk::decision::RequestFacts;

use crate::{client::AuthenticatedClient, outcome::Outcome, server::Server};

/// Exchanges a grant for tokens. Nothing is consumed unless tokens are issued.
pub async fn exchange(
    server: &Server,
    client: &AuthenticatedClient,
    request: TokenRequest,
    asking: &RequestFacts,
) -> Outcome<TokenResponse> {
    let grant = request.grant_type();
    if !client.may_use(grant) {
        return Err(OAuthError::unauthorized_client(format!(
            "client is not registered for the grant type `{}`",
            grant.as_str()
        ))
        .into());
    }
    match request {
        TokenRequest::AuthorizationCode { code, redirect_uri, code_verifier } => {
            let presented = authorization_code::Presented { code, redirect_uri, code_verifier };
            authorization_code::exchange(server, client, &presented, asking).await
        }
        TokenRequest::RefreshToken { refresh_token, scope } => {
            refresh_token::exchange(server, client, &refresh_token, scope, asking).await
        }
        TokenRequest::ClientCredentials { scope, resources } => {
            client_credentials::exchange(server, client, scope, &resources, asking).await
        }
    }
}

pub use authorization_code::{CODE, CodeBinding};
