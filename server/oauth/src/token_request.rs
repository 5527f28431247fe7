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
const MAX_SAML: usize = 96 * 1024;

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
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(form: &str) -> Result<TokenRequest, OAuthError> {
        TokenRequest::parse(&Params::parse(form.as_bytes()).unwrap())
    }

    fn refusal(form: &str) -> (ErrorCode, String) {
        let error = parse(form).unwrap_err();
        (error.code, error.description)
    }

    #[test]
    fn a_code_comes_with_its_redirect_uri_and_verifier() {
        let request =
            parse("grant_type=authorization_code&code=c&redirect_uri=https://a&code_verifier=v").unwrap();
        assert_eq!(
            request,
            TokenRequest::AuthorizationCode {
                code: Secret::new("c"),
                redirect_uri: Some("https://a".to_owned()),
                code_verifier: Some(Secret::new("v")),
                asked: Asked::default(),
            }
        );
        assert_eq!(request.grant_type(), GrantType::AuthorizationCode);
    }

    #[test]
    fn a_refresh_token_may_come_with_a_scope() {
        let refresh_token = Secret::new("r");
        let with = |scope| TokenRequest::RefreshToken {
            refresh_token: refresh_token.clone(),
            asked: Asked { scope, ..Asked::default() },
        };
        assert_eq!(parse("grant_type=refresh_token&refresh_token=r"), Ok(with(None)));
        let scope = Some(Scope::from_values(["a", "b"]));
        assert_eq!(parse("grant_type=refresh_token&refresh_token=r&scope=a+b"), Ok(with(scope)));
    }

    #[test]
    fn a_client_may_name_several_resources() {
        let form = "grant_type=client_credentials&resource=https://a.example/&resource=urn:b&resource=urn:b";
        let resources = vec!["https://a.example/".to_owned(), "urn:b".to_owned()];
        let asked = Asked { resources, ..Asked::default() };
        assert_eq!(parse(form), Ok(TokenRequest::ClientCredentials { asked }));
        let many = (0..=32).fold(String::new(), |form, i| form + "&resource=urn:a:" + &i.to_string());
        assert_eq!(refusal(&format!("grant_type=client_credentials{many}")).0, ErrorCode::InvalidTarget);
    }

    #[test]
    fn every_grant_type_reads_resources_and_details() {
        let more = "&resource=urn:b&authorization_details=%5B%7B%22type%22%3A%22pay%22%7D%5D&scope=a";
        let wrong = "&authorization_details=%7B%7D";
        for grant_type in GrantType::ALL.into_iter().filter(|grant| grant.at_token_endpoint()) {
            let form = format!(
                "grant_type={}&code=c&refresh_token=r&username=u&password=p&assertion=a&device_code=d&subject_token=s\
                 &subject_token_type={}",
                grant_type.as_str(),
                TokenType::AccessToken.as_str()
            );
            assert_eq!(refusal(&format!("{form}{wrong}")).0, ErrorCode::InvalidAuthorizationDetails);
            let asked = match parse(&format!("{form}{more}")).unwrap() {
                TokenRequest::AuthorizationCode { asked, .. } | TokenRequest::DeviceCode { asked, .. } => {
                    assert_eq!(asked.scope, None, "a code has the scope that was granted");
                    asked
                }
                TokenRequest::RefreshToken { asked, .. }
                | TokenRequest::ClientCredentials { asked }
                | TokenRequest::Password { asked, .. }
                | TokenRequest::JwtBearer { asked, .. }
                | TokenRequest::Saml2Bearer { asked, .. } => asked,
                TokenRequest::TokenExchange(exchange) => exchange.asked,
            };
            assert_eq!(asked.resources, ["urn:b"]);
            assert_eq!(json!(asked.details), json!([{ "type": "pay" }]));
        }
    }

    #[test]
    fn a_resource_is_an_absolute_uri_without_a_fragment() {
        for resource in
            ["api", "/api", "https://a.example/%23x%23", "https:a.example", "https://a%20b/", "urn:"]
        {
            let form = format!("grant_type=client_credentials&resource={resource}");
            assert_eq!(refusal(&form).0, ErrorCode::InvalidTarget, "{resource}");
        }
    }

    #[test]
    fn the_grant_type_is_required_and_has_to_be_known() {
        assert_eq!(
            refusal("code=c"),
            (ErrorCode::InvalidRequest, "missing parameter `grant_type`".to_owned())
        );
        for name in ["implicit", "Password", "Refresh_Token"] {
            let expected = (ErrorCode::UnsupportedGrantType, format!("unsupported `grant_type` `{name}`"));
            assert_eq!(refusal(&format!("grant_type={name}&code=c")), expected);
        }
        for grant_type in GrantType::ALL {
            let form = format!(
                "grant_type={}&code=c&refresh_token=r&username=u&password=p&assertion=a&device_code=d\
                 &subject_token=s&subject_token_type={}",
                grant_type.as_str(),
                TokenType::AccessToken.as_str()
            );
            assert_eq!(parse(&form).is_ok(), grant_type.at_token_endpoint());
        }
    }

    #[test]
    fn a_token_is_required_and_has_a_longest_length() {
        for (grant_type, name) in [("authorization_code", "code"), ("refresh_token", "refresh_token")] {
            let form = |token: &str| format!("grant_type={grant_type}&{name}={token}");
            assert_eq!(refusal(&form("")).1, format!("missing parameter `{name}`"));
            assert!(parse(&form(&"x".repeat(4096))).is_ok());
            assert_eq!(refusal(&form(&"x".repeat(4097))).1, format!("parameter `{name}` is too long"));
        }
    }

    #[test]
    fn a_malformed_scope_is_refused() {
        assert_eq!(refusal("grant_type=client_credentials&scope=%22").0, ErrorCode::InvalidScope);
    }

    #[test]
    fn debug_shows_no_tokens() {
        let request = parse("grant_type=authorization_code&code=hunter2&code_verifier=hunter3").unwrap();
        assert!(!format!("{request:?}").contains("hunter"));
    }

    #[test]
    fn the_response_leaves_out_what_there_is_not() {
        let mut response = TokenResponse {
            access_token: Secret::new("a"),
            issued_token_type: None,
            token_type: Scheme::Bearer,
            expires_in: 300,
            refresh_token: None,
            id_token: None,
            scope: Scope::empty(),
            details: None,
            extra: Map::new(),
        };
        assert_eq!(
            response.to_json(),
            json!({"access_token": "a", "token_type": "Bearer", "expires_in": 300})
        );
        response.refresh_token = Some(Secret::new("r"));
        response.id_token = Some(Secret::new("i"));
        response.scope = Scope::from_values(["openid", "email"]);
        response.details = Some(Vec::new());
        let expected = json!({
            "access_token": "a", "token_type": "Bearer", "expires_in": 300,
            "refresh_token": "r", "id_token": "i", "scope": "openid email", "authorization_details": [],
        });
        assert_eq!(response.to_json(), expected);
    }

    #[test]
    fn a_token_exchange_says_what_it_issued_and_how_that_is_used() {
        let mut response = TokenResponse {
            access_token: Secret::new("a"),
            issued_token_type: Some(TokenType::Jwt),
            token_type: Scheme::Bearer,
            expires_in: 300,
            refresh_token: None,
            id_token: None,
            scope: Scope::empty(),
            details: None,
            extra: Map::new(),
        };
        assert_eq!(response.to_json()["token_type"], "Bearer");
        assert_eq!(response.to_json()["issued_token_type"], "urn:ietf:params:oauth:token-type:jwt");
        response.token_type = Scheme::Dpop;
        assert_eq!(response.to_json()["token_type"], "DPoP");
        response.issued_token_type = Some(TokenType::IdToken);
        assert_eq!(response.to_json()["token_type"], "N_A");
    }
}
