//! The grant types the server knows.

use serde::{Deserialize, Serialize};

/// A `grant_type` as in client metadata (RFC 7591 section 2). Discovery and dispatch both walk
/// [`GrantType::ALL`], so that they cannot disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// A code from the authorization endpoint (RFC 6749 section 4.1).
    AuthorizationCode,
    /// A refresh token (RFC 6749 section 6).
    RefreshToken,
    /// The client on its own behalf (RFC 6749 section 4.4).
    ClientCredentials,
    /// Tokens straight from the authorization endpoint (OpenID Connect Core section 3.2).
    Implicit,
}

impl GrantType {
    /// Every grant type.
    pub const ALL: [Self; 4] =
        [Self::AuthorizationCode, Self::RefreshToken, Self::ClientCredentials, Self::Implicit];

    /// The grant type as it is written in requests and metadata.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
            Self::Implicit => "implicit",
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
        assert_eq!(GrantType::parse("password"), None);
    }

    #[test]
    fn only_implicit_stays_away_from_the_token_endpoint() {
        let away: Vec<_> = GrantType::ALL.into_iter().filter(|known| !known.at_token_endpoint()).collect();
        assert_eq!(away, [GrantType::Implicit]);
    }
}
