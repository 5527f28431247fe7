//! The grant types the server knows.

use serde::{Deserialize, Serialize};

/// A `grant_type` as in client metadata (RFC 7591 section 2). Discovery and dispatch both walk
/// [`GrantType::ALL`], so that they cannot disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum GrantType {
    /// A code from the authorization endpoint (RFC 6749 section 4.1).
    #[serde(rename = "authorization_code")]
    AuthorizationCode,
    /// A refresh token (RFC 6749 section 6).
    #[serde(rename = "refresh_token")]
    RefreshToken,
    /// The client on its own behalf (RFC 6749 section 4.4).
    #[serde(rename = "client_credentials")]
    ClientCredentials,
    /// Tokens straight from the authorization endpoint (OpenID Connect Core section 3.2).
    #[serde(rename = "implicit")]
    Implicit,
    /// The name and password of a user (RFC 6749 section 4.3).
    #[serde(rename = "password")]
    Password,
    /// A JWT of the client or of a trusted issuer (RFC 7523 section 2.1).
    #[serde(rename = "urn:ietf:params:oauth:grant-type:jwt-bearer")]
    JwtBearer,
    /// A SAML assertion of a trusted issuer (RFC 7522 section 2.1).
    #[serde(rename = "urn:ietf:params:oauth:grant-type:saml2-bearer")]
    Saml2Bearer,
    /// A token for another one (RFC 8693).
    #[serde(rename = "urn:ietf:params:oauth:grant-type:token-exchange")]
    TokenExchange,
    /// A device whose user answers elsewhere (RFC 8628).
    #[serde(rename = "urn:ietf:params:oauth:grant-type:device_code")]
    DeviceCode,
    /// An authentication on another device of the user (CIBA Core section 10.1).
    #[serde(rename = "urn:openid:params:grant-type:ciba")]
    Ciba,
}

impl GrantType {
    /// Every grant type.
    pub const ALL: [Self; 10] = [
        Self::AuthorizationCode,
        Self::RefreshToken,
        Self::ClientCredentials,
        Self::Implicit,
        Self::Password,
        Self::JwtBearer,
        Self::Saml2Bearer,
        Self::TokenExchange,
        Self::DeviceCode,
        Self::Ciba,
    ];

    /// The grant type as it is written in requests and metadata.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
            Self::Implicit => "implicit",
            Self::Password => "password",
            Self::JwtBearer => "urn:ietf:params:oauth:grant-type:jwt-bearer",
            Self::Saml2Bearer => "urn:ietf:params:oauth:grant-type:saml2-bearer",
            Self::TokenExchange => "urn:ietf:params:oauth:grant-type:token-exchange",
            Self::DeviceCode => "urn:ietf:params:oauth:grant-type:device_code",
            Self::Ciba => "urn:openid:params:grant-type:ciba",
        }
    }

    /// The grant type with this name, if there is one.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grant_type| grant_type.as_str() == name)
    }

    /// Whether a token request can have this grant type; `implicit` never reaches the token endpoint.
    pub fn at_token_endpoint(self) -> bool {
        !matches!(self, Self::Implicit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_json_and_parsing_agree() {
        for grant_type in GrantType::ALL {
            assert_eq!(GrantType::parse(grant_type.as_str()), Some(grant_type));
            assert_eq!(serde_json::to_value(grant_type).unwrap(), grant_type.as_str());
            assert_eq!(serde_json::from_value::<GrantType>(grant_type.as_str().into()).unwrap(), grant_type);
        }
        assert_eq!(GrantType::parse("Password"), None);
    }

    #[test]
    fn only_implicit_stays_away_from_the_token_endpoint() {
        let away: Vec<_> = GrantType::ALL.into_iter().filter(|known| !known.at_token_endpoint()).collect();
        assert_eq!(away, [GrantType::Implicit]);
    }
}
