//! What is asked of the token endpoint, and what it answers.

mod asked;
mod exchange;

use serde_json::{Map, Value};

use crate::{
    bearer::Scheme,
    error::{ErrorCode, OAuthError},
    grant_type::GrantType,
    id::Secret,
    params::Params,
    scope::Scope,
};

pub use asked::{Asked, check_resource, parse_resources};
pub use exchange::{ExchangeRequest, TokenType, TypedToken};

/// The longest code or refresh token, in bytes. Nothing the server issues comes near it.
const MAX_TOKEN: usize = 4096;
/// The longest user name, password or second factor, in bytes.
const MAX_NAME: usize = 1024;
/// The longest JWT, in bytes.
const MAX_JWT: usize = 16 * 1024;
/// The longest SAML assertion in base64url, in bytes.
const MAX_SAML: usize = 192 * 1024;

/// A token request, one variant for each grant type. Who asks is the matter of [`crate::credentials`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenRequest {
    /// A code for tokens (RFC 6749 section 4.1.3).
    AuthorizationCode {
        /// The code.
        code: Secret,
        /// The redirect URI of the authorization request, byte for byte.
        redirect_uri: Option<String>,
        /// What the challenge of the authorization request was made of (RFC 7636 section 4.5).
        code_verifier: Option<Secret>,
        /// What the access token shall be good for, if that is less than what was granted. A scope cannot be named.
        asked: Asked,
    },
    /// A refresh token for fresh tokens (RFC 6749 section 6).
    RefreshToken {
        /// The refresh token.
        refresh_token: Secret,
        /// What the access token shall be good for, if that is less than what was granted.
        asked: Asked,
    },
    /// A token for the client itself (RFC 6749 section 4.4.2).
    ClientCredentials {
        /// What the token shall be good for.
        asked: Asked,
    },
    /// A user's name and password for tokens (RFC 6749 section 4.3.2).
    Password {
        /// The user name.
        username: String,
        /// The password.
        password: Secret,
        /// A second factor; no specification names this parameter.
        otp: Option<Secret>,
        /// What the token shall be good for.
        asked: Asked,
    },
    /// A JWT for a token (RFC 7523 section 2.1).
    JwtBearer {
        /// The JWT.
        assertion: Secret,
        /// What the token shall be good for.
        asked: Asked,
    },
    /// A SAML assertion for a token (RFC 7522 section 2.1).
    Saml2Bearer {
        /// The assertion in base64url.
        assertion: Secret,
        /// What the token shall be good for.
        asked: Asked,
    },
    /// A token for another one (RFC 8693 section 2.1).
    TokenExchange(ExchangeRequest),
    /// A device asks whether its user has answered (RFC 8628 section 3.4).
    DeviceCode {
        /// The device code.
        device_code: Secret,
        /// What the access token shall be good for, if that is less than what was granted. A scope cannot be named.
        asked: Asked,
    },
    /// What became of an authentication request (CIBA Core section 10.1).
    Ciba {
        /// The request.
        auth_req_id: Secret,
        /// What the access token shall be good for, if that is less than what was granted. A scope cannot be named.
        asked: Asked,
    },
}

impl TokenRequest {
    /// Reads a token request.
    ///
    /// # Errors
    ///
    /// `invalid_request` for a missing or overlong parameter, `unsupported_grant_type` for a grant type that
    /// the token endpoint does not serve, `invalid_scope` and `invalid_target` for those parameters.
    pub fn parse(params: &Params) -> Result<Self, OAuthError> {
        let name = params.require("grant_type")?;
        match GrantType::parse(name) {
            Some(GrantType::AuthorizationCode) => Ok(Self::AuthorizationCode {
                code: token(params, "code")?,
                redirect_uri: params.get("redirect_uri").map(str::to_owned),
                code_verifier: params.get("code_verifier").map(Secret::new),
                asked: Asked { scope: None, ..Asked::parse(params)? },
            }),
            Some(GrantType::RefreshToken) => Ok(Self::RefreshToken {
                refresh_token: token(params, "refresh_token")?,
                asked: Asked::parse(params)?,
            }),
            Some(GrantType::ClientCredentials) => {
                Ok(Self::ClientCredentials { asked: Asked::parse(params)? })
            }
            Some(GrantType::Password) => Ok(Self::Password {
                username: bounded(params, "username", MAX_NAME)?.expose().to_owned(),
                password: bounded(params, "password", MAX_NAME)?,
                otp: params.contains("otp").then(|| bounded(params, "otp", MAX_NAME)).transpose()?,
                asked: Asked::parse(params)?,
            }),
            Some(GrantType::JwtBearer) => Ok(Self::JwtBearer {
                assertion: bounded(params, "assertion", MAX_JWT)?,
                asked: Asked::parse(params)?,
            }),
            Some(GrantType::Saml2Bearer) => Ok(Self::Saml2Bearer {
                assertion: bounded(params, "assertion", MAX_SAML)?,
                asked: Asked::parse(params)?,
            }),
            Some(GrantType::TokenExchange) => ExchangeRequest::parse(params).map(Self::TokenExchange),
            Some(GrantType::DeviceCode) => Ok(Self::DeviceCode {
                device_code: token(params, "device_code")?,
                asked: Asked { scope: None, ..Asked::parse(params)? },
            }),
            Some(GrantType::Ciba) => Ok(Self::Ciba {
                auth_req_id: token(params, "auth_req_id")?,
                asked: Asked { scope: None, ..Asked::parse(params)? },
            }),
            Some(GrantType::Implicit) | None => Err(OAuthError::new(
                ErrorCode::UnsupportedGrantType,
                format!("unsupported `grant_type` `{name}`"),
            )),
        }
    }

    /// The grant type that was asked for.
    pub fn grant_type(&self) -> GrantType {
        match self {
            Self::AuthorizationCode { .. } => GrantType::AuthorizationCode,
            Self::RefreshToken { .. } => GrantType::RefreshToken,
            Self::ClientCredentials { .. } => GrantType::ClientCredentials,
            Self::Password { .. } => GrantType::Password,
            Self::JwtBearer { .. } => GrantType::JwtBearer,
            Self::Saml2Bearer { .. } => GrantType::Saml2Bearer,
            Self::TokenExchange(_) => GrantType::TokenExchange,
            Self::DeviceCode { .. } => GrantType::DeviceCode,
            Self::Ciba { .. } => GrantType::Ciba,
        }
    }
}

fn token(params: &Params, name: &str) -> Result<Secret, OAuthError> {
    bounded(params, name, MAX_TOKEN)
}

fn bounded(params: &Params, name: &str, longest: usize) -> Result<Secret, OAuthError> {
    let value = params.require(name)?;
    if value.len() > longest {
        return Err(OAuthError::invalid_request(format!("parameter `{name}` is too long")));
    }
    Ok(Secret::new(value))
}

/// What the token endpoint hands out (RFC 6749 section 5.1, OpenID Connect Core section 3.1.3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenResponse {
    /// The access token; for a token exchange, whatever token was issued (RFC 8693 section 2.2.1).
    pub access_token: Secret,
    /// What kind of token that is; only a token exchange says so.
    pub issued_token_type: Option<TokenType>,
    /// How that token is presented; what is no access token is presented to nobody.
    pub token_type: Scheme,
    /// How long it lives, in seconds.
    pub expires_in: u64,
    /// A refresh token, if the client gets one.
    pub refresh_token: Option<Secret>,
    /// An ID token, if `openid` was granted.
    pub id_token: Option<Secret>,
    /// What other applications of the device sign their users in with, beside the ID token (OpenID Connect Native SSO for
    /// Mobile Apps 1.0 section 3.4).
    pub device_secret: Option<Secret>,
    /// What the access token permits.
    pub scope: Scope,
    /// What the access token permits beyond the scope (RFC 9396 section 7); none if no such details were granted or
    /// asked for.
    pub details: Option<Vec<Map<String, Value>>>,
    /// Members that a policy added; none that a standard knows.
    pub extra: Map<String, Value>,
}

impl TokenResponse {
    /// The body of the response. This is where the secrets leave the server.
    pub fn to_json(&self) -> Value {
        let mut body = self.extra.clone();
        body.insert("access_token".to_owned(), self.access_token.expose().into());
        let usable = self.issued_token_type.is_none_or(TokenType::is_access_token);
        let token_type = if usable { self.token_type.as_str() } else { "N_A" };
        body.insert("token_type".to_owned(), token_type.into());
        if let Some(issued) = self.issued_token_type {
            body.insert("issued_token_type".to_owned(), issued.as_str().into());
        }
        body.insert("expires_in".to_owned(), self.expires_in.into());
        if let Some(refresh_token) = &self.refresh_token {
            body.insert("refresh_token".to_owned(), refresh_token.expose().into());
        }
        if let Some(id_token) = &self.id_token {
            body.insert("id_token".to_owned(), id_token.expose().into());
        }
        if let Some(device_secret) = &self.device_secret {
            body.insert("device_secret".to_owned(), device_secret.expose().into());
        }
        if !self.scope.is_empty() {
            body.insert("scope".to_owned(), self.scope.to_string().into());
        }
        if let Some(details) = &self.details {
            body.insert("authorization_details".to_owned(), details.clone().into());
        }
        Value::Object(body)
    }
}

#[cfg(test)]
mod tests;
