//! What is asked of a token exchange (RFC 8693 section 2.1).

use super::{Asked, MAX_JWT, bounded};
use crate::{error::OAuthError, id::Secret, params::Params};

/// The longest `audience`, in bytes, and how many there may be.
const MAX_AUDIENCE: usize = 255;
const MAX_AUDIENCES: usize = 16;

/// A type of tokens (RFC 8693 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenType {
    /// An access token of this server.
    AccessToken,
    /// A refresh token of this server.
    RefreshToken,
    /// An ID token of this server.
    IdToken,
    /// A JWT.
    Jwt,
    /// A SAML 1.1 assertion.
    Saml1,
    /// A SAML 2.0 assertion.
    Saml2,
    /// What the applications of one vendor on one device share (OpenID Connect Native SSO for Mobile Apps 1.0).
    DeviceSecret,
}

/// What drafts of Native SSO called a device secret; libraries still do.
const DEVICE_SECRET_BEFORE: &str = "urn:x-oath:params:oauth:token-type:device-secret";

impl TokenType {
    /// Every type there is.
    pub const ALL: [Self; 7] = [
        Self::AccessToken,
        Self::RefreshToken,
        Self::IdToken,
        Self::Jwt,
        Self::Saml1,
        Self::Saml2,
        Self::DeviceSecret,
    ];

    /// The identifier as it is written in requests and responses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccessToken => "urn:ietf:params:oauth:token-type:access_token",
            Self::RefreshToken => "urn:ietf:params:oauth:token-type:refresh_token",
            Self::IdToken => "urn:ietf:params:oauth:token-type:id_token",
            Self::Jwt => "urn:ietf:params:oauth:token-type:jwt",
            Self::Saml1 => "urn:ietf:params:oauth:token-type:saml1",
            Self::Saml2 => "urn:ietf:params:oauth:token-type:saml2",
            Self::DeviceSecret => "urn:openid:params:token-type:device-secret",
        }
    }

    /// The type with this identifier, if there is one.
    pub fn parse(name: &str) -> Option<Self> {
        let name = if name == DEVICE_SECRET_BEFORE { Self::DeviceSecret.as_str() } else { name };
        Self::ALL.into_iter().find(|known| known.as_str() == name)
    }

    /// Whether what is issued as this is an access token: nothing else is used like one (section 2.2.1).
    pub const fn is_access_token(self) -> bool {
        matches!(self, Self::AccessToken | Self::Jwt)
    }
}

/// A token that is presented, and what it is said to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypedToken {
    /// The token.
    pub token: Secret,
    /// Its type.
    pub token_type: TokenType,
}

/// A token exchange request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExchangeRequest {
    /// On whose behalf.
    pub subject: TypedToken,
    /// Who acts.
    pub actor: Option<TypedToken>,
    /// What is wanted; none leaves it to the server.
    pub requested: Option<TokenType>,
    /// What the token shall be good for.
    pub asked: Asked,
    /// Where the token shall be used, by name.
    pub audience: Vec<String>,
}

impl ExchangeRequest {
    pub(super) fn parse(params: &Params) -> Result<Self, OAuthError> {
        let subject = typed(params, "subject_token", "subject_token_type")?;
        let actor = if params.contains("actor_token") {
            Some(typed(params, "actor_token", "actor_token_type")?)
        } else if params.contains("actor_token_type") {
            return Err(OAuthError::invalid_request("`actor_token_type` without an `actor_token`"));
        } else {
            None
        };
        let requested = params.get("requested_token_type").map(|name| known("requested_token_type", name));
        Ok(Self {
            subject,
            actor,
            requested: requested.transpose()?,
            asked: Asked::parse(params)?,
            audience: audience(params)?,
        })
    }
}

fn typed(params: &Params, token: &str, token_type: &str) -> Result<TypedToken, OAuthError> {
    Ok(TypedToken {
        token: bounded(params, token, MAX_JWT)?,
        token_type: known(token_type, params.require(token_type)?)?,
    })
}

fn known(parameter: &str, name: &str) -> Result<TokenType, OAuthError> {
    TokenType::parse(name)
        .ok_or_else(|| OAuthError::invalid_request(format!("`{parameter}` is no type of tokens known here")))
}

/// Each once, in order.
fn audience(params: &Params) -> Result<Vec<String>, OAuthError> {
    let mut audience: Vec<String> = Vec::new();
    for name in params.get_all("audience") {
        if name.len() > MAX_AUDIENCE {
            return Err(OAuthError::invalid_request("parameter `audience` is too long"));
        }
        if !name.is_empty() && !audience.iter().any(|seen| seen == name) {
            audience.push(name.to_owned());
        }
    }
    if audience.len() > MAX_AUDIENCES {
        return Err(OAuthError::invalid_request(format!("more than {MAX_AUDIENCES} audiences")));
    }
    Ok(audience)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{error::ErrorCode, scope::Scope};

    const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";

    fn parse(form: &str) -> Result<ExchangeRequest, OAuthError> {
        ExchangeRequest::parse(&Params::parse(form.as_bytes()).unwrap())
    }

    #[test]
    fn types_and_their_names_agree() {
        for known in TokenType::ALL {
            assert_eq!(TokenType::parse(known.as_str()), Some(known));
        }
        assert_eq!(TokenType::parse("access_token"), None);
        assert_eq!(TokenType::parse(DEVICE_SECRET_BEFORE), Some(TokenType::DeviceSecret));
    }

    #[test]
    fn every_part_of_a_request_is_read() {
        let form = format!(
            "subject_token=s&subject_token_type={ACCESS}&actor_token=a\
             &actor_token_type=urn:ietf:params:oauth:token-type:jwt\
             &requested_token_type=urn:ietf:params:oauth:token-type:id_token&scope=x+y\
             &resource=https://a.example&audience=one&audience=two&audience=one"
        );
        let typed = |token: &str, token_type| TypedToken { token: Secret::new(token), token_type };
        let expected = ExchangeRequest {
            subject: typed("s", TokenType::AccessToken),
            actor: Some(typed("a", TokenType::Jwt)),
            requested: Some(TokenType::IdToken),
            asked: Asked {
                scope: Some(Scope::from_values(["x", "y"])),
                resources: vec!["https://a.example".to_owned()],
                details: None,
            },
            audience: vec!["one".to_owned(), "two".to_owned()],
        };
        assert_eq!(parse(&form), Ok(expected));
    }

    #[test]
    fn what_is_missing_unknown_or_too_long_is_refused() {
        let long = "x".repeat(MAX_JWT + 1);
        let many = (0..=MAX_AUDIENCES).fold(String::new(), |form, i| form + "&audience=" + &i.to_string());
        for form in [
            String::new(),
            format!("subject_token_type={ACCESS}"),
            "subject_token=s".to_owned(),
            "subject_token=s&subject_token_type=access_token".to_owned(),
            format!("subject_token={long}&subject_token_type={ACCESS}"),
            format!("subject_token=s&subject_token_type={ACCESS}&actor_token=a"),
            format!("subject_token=s&subject_token_type={ACCESS}&actor_token_type={ACCESS}"),
            format!("subject_token=s&subject_token_type={ACCESS}&requested_token_type=x"),
            format!("subject_token=s&subject_token_type={ACCESS}&audience={}", "x".repeat(256)),
            format!("subject_token=s&subject_token_type={ACCESS}{many}"),
        ] {
            assert_eq!(parse(&form).unwrap_err().code, ErrorCode::InvalidRequest, "{form:.80}");
        }
    }

    #[test]
    fn debug_shows_no_tokens() {
        let form = format!("subject_token=hunter2&subject_token_type={ACCESS}");
        assert!(!format!("{:?}", parse(&form).unwrap()).contains("hunter2"));
    }
}
