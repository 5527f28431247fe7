//! Response types: what the authorization endpoint hands out.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::error::{ErrorCode, OAuthError};

/// A `response_type` as the set of what it asks for (OAuth 2.0 Multiple Response Type Encoding Practices).
/// Every value that [`ResponseType::parse`] yields is one of [`ResponseType::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ResponseType {
    /// An authorization code.
    pub code: bool,
    /// An ID token.
    pub id_token: bool,
    /// An access token.
    pub token: bool,
}

const fn set(code: bool, id_token: bool, token: bool) -> ResponseType {
    ResponseType { code, id_token, token }
}

impl ResponseType {
    /// Every response type the server knows. `token` alone is not among them (RFC 9700 section 2.1.2).
    pub const ALL: [Self; 6] = [
        set(true, false, false),
        set(false, true, false),
        set(false, true, true),
        set(true, true, false),
        set(true, false, true),
        set(true, true, true),
    ];

    /// Reads the words of a `response_type`, in any order (RFC 6749 section 3.1.1).
    ///
    /// # Errors
    ///
    /// `unsupported_response_type` for an unknown or repeated word, for `none`, and for `token` alone.
    pub fn parse(text: &str) -> Result<Self, OAuthError> {
        let refused = || {
            OAuthError::new(
                ErrorCode::UnsupportedResponseType,
                format!("unsupported `response_type` `{text}`"),
            )
        };
        let mut parsed = set(false, false, false);
        for word in text.split(' ') {
            let part = match word {
                "code" => &mut parsed.code,
                "id_token" => &mut parsed.id_token,
                "token" => &mut parsed.token,
                _ => return Err(refused()),
            };
            if std::mem::replace(part, true) {
                return Err(refused());
            }
        }
        if Self::ALL.contains(&parsed) { Ok(parsed) } else { Err(refused()) }
    }

    /// The response type with its words in the order discovery lists them.
    pub fn as_str(self) -> &'static str {
        match (self.code, self.id_token, self.token) {
            (true, false, false) => "code",
            (false, true, false) => "id_token",
            (false, true, true) => "id_token token",
            (true, true, false) => "code id_token",
            (true, false, true) => "code token",
            (true, true, true) => "code id_token token",
            (false, false, true) => "token",
            (false, false, false) => "none",
        }
    }

    /// Whether a token comes straight from the authorization endpoint, through the browser.
    pub fn is_front_channel(self) -> bool {
        self.id_token || self.token
    }

    /// Whether the client has to be registered for the `implicit` grant (OpenID Connect Registration section
    /// 2).
    pub fn needs_implicit_grant(self) -> bool {
        self.is_front_channel()
    }
}

impl fmt::Display for ResponseType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ResponseType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ResponseType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(|error| D::Error::custom(error.description))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_json_and_parsing_agree() {
        for response_type in ResponseType::ALL {
            assert_eq!(ResponseType::parse(response_type.as_str()), Ok(response_type));
            let json = serde_json::to_value(response_type).unwrap();
            assert_eq!(json, response_type.as_str());
            assert_eq!(serde_json::from_value::<ResponseType>(json).unwrap(), response_type);
        }
    }

    #[test]
    fn the_order_of_the_words_has_no_meaning() {
        for text in ["token id_token code", "id_token code token", "code token id_token"] {
            assert_eq!(ResponseType::parse(text).unwrap().as_str(), "code id_token token");
        }
    }

    #[test]
    fn other_response_types_are_refused() {
        for text in
            ["", "none", "token", "code none", "code code", "Code", "code  token", "code ", "id_token\ttoken"]
        {
            let error = ResponseType::parse(text).unwrap_err();
            assert_eq!(error.code, ErrorCode::UnsupportedResponseType, "{text:?}");
        }
        assert!(serde_json::from_str::<ResponseType>(r#""token""#).is_err());
    }

    #[test]
    fn only_code_stays_out_of_the_browser() {
        for response_type in ResponseType::ALL {
            assert_eq!(response_type.is_front_channel(), response_type.as_str() != "code");
            assert_eq!(response_type.needs_implicit_grant(), response_type.is_front_channel());
        }
    }
}
