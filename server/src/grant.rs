//! The grants of the token endpoint: one file each, behind one dispatcher.

mod authorization_code;
mod ciba;
mod client_credentials;
mod decide;
mod device_code;
mod establish;
mod jwt_bearer;
mod less;
mod narrow;
mod password;
mod redeem;
mod refresh_token;
mod saml2_bearer;
mod token_exchange;
mod wanted;

use placet_oauth::{
    error::{ErrorCode, OAuthError},
    grant_type::GrantType,
    token_request::{TokenRequest, TokenResponse},
};
use placet_sdk::decision::{HookType, RequestFacts};

use crate::{client::AuthenticatedClient, outcome::Outcome, policy::Policies, server::Server};

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
    client.meet_profiles()?;
    match request {
        TokenRequest::AuthorizationCode { code, redirect_uri, code_verifier, asked } => {
            let presented = authorization_code::Presented { code, redirect_uri, code_verifier };
            authorization_code::exchange(server, client, (&presented, &asked), asking).await
        }
        TokenRequest::RefreshToken { refresh_token, asked } => {
            refresh_token::exchange(server, client, (&refresh_token, &asked), asking).await
        }
        TokenRequest::ClientCredentials { asked } => {
            client_credentials::exchange(server, client, &asked, asking).await
        }
        TokenRequest::Password { username, password, otp, asked } => {
            let presented = password::Presented { username, password, otp };
            password::exchange(server, client, (presented, asked), asking).await
        }
        TokenRequest::JwtBearer { assertion, asked } => {
            jwt_bearer::exchange(server, client, (&assertion, asked), asking).await
        }
        TokenRequest::Saml2Bearer { assertion, asked } => {
            saml2_bearer::exchange(server, client, (&assertion, asked), asking).await
        }
        TokenRequest::Ciba { auth_req_id, asked } => {
            ciba::exchange(server, client, (&auth_req_id, &asked), asking).await
        }
        TokenRequest::TokenExchange(request) => {
            token_exchange::exchange(server, client, request, asking).await
        }
        TokenRequest::DeviceCode { device_code, asked } => {
            device_code::exchange(server, client, (&device_code, &asked), asking).await
        }
    }
}

/// Whether a grant type is on: some exist only while a policy decides about them.
pub fn is_on(policies: &Policies, grant: GrantType) -> bool {
    match grant {
        GrantType::Password => policies.has(HookType::GrantPassword),
        GrantType::Saml2Bearer => {
            policies.has(HookType::AssertionSaml2) && policies.has(HookType::GrantSaml2Bearer)
        }
        GrantType::TokenExchange => policies.has(HookType::GrantTokenExchange),
        _ => true,
    }
}

/// Refuses a grant type that is switched off, whatever else the request holds.
pub fn check_on(server: &Server, name: &str) -> Result<(), OAuthError> {
    match GrantType::parse(name) {
        Some(grant) if !is_on(server.policies(), grant) => {
            let text = format!("the grant type `{name}` is switched off: no policy decides about it");
            Err(OAuthError::new(ErrorCode::UnsupportedGrantType, text))
        }
        _ => Ok(()),
    }
}

pub use authorization_code::{CODE, CodeBinding};
pub(crate) use ciba::push;
