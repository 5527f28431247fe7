//! Applications of one vendor on one device that share a sign-in (OpenID Connect Native SSO for Mobile Apps 1.0).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::{
    error::{ErrorCode, OAuthError},
    id::Secret,
    token_request::{ExchangeRequest, TokenType},
};

/// The scope value that asks for a device secret (section 3.1).
pub const DEVICE_SSO: &str = "device_sso";
/// The claim that binds an ID token to a device secret (section 3.4).
pub const DS_HASH: &str = "ds_hash";

/// What the claim `ds_hash` says of a device secret. Whoever reads it learns nothing: the secret is random and long.
pub fn ds_hash(secret: &Secret) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(secret.expose()))
}

/// Whether a device secret is the one of a `ds_hash`.
pub fn is_bound(secret: &Secret, hash: &str) -> bool {
    ds_hash(secret).as_bytes().ct_eq(hash.as_bytes()).into()
}

/// Whether somebody presents a device secret, so that the profile of section 4.2 counts.
pub fn is_native_sso(request: &ExchangeRequest) -> bool {
    request.actor.as_ref().is_some_and(|actor| actor.token_type == TokenType::DeviceSecret)
}

/// Checks the form of a request with a device secret (section 4.2): an ID token is exchanged for tokens of this very
/// issuer.
///
/// # Errors
///
/// `invalid_request`, and `invalid_target` for another audience.
pub fn check(request: &ExchangeRequest, issuer: &str) -> Result<(), OAuthError> {
    let refused = |text: &str| Err(OAuthError::invalid_request(text));
    if request.subject.token_type != TokenType::IdToken {
        return refused("with a device secret, the `subject_token` has to be an ID token");
    }
    if request.requested.is_some_and(|wanted| wanted != TokenType::AccessToken) {
        return refused("with a device secret, an access token is what can be requested; others come along");
    }
    match &request.audience[..] {
        [audience] if audience == issuer => Ok(()),
        [] => refused("missing `audience`: with a device secret it is the issuer"),
        _ => Err(OAuthError::new(
            ErrorCode::InvalidTarget,
            "with a device secret, `audience` has to be the issuer",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token_request::{Asked, TypedToken};

    const ISSUER: &str = "https://as.example";

    fn typed(token_type: TokenType) -> TypedToken {
        TypedToken { token: Secret::new("t"), token_type }
    }

    fn request() -> ExchangeRequest {
        ExchangeRequest {
            subject: typed(TokenType::IdToken),
            actor: Some(typed(TokenType::DeviceSecret)),
            requested: None,
            asked: Asked::default(),
            audience: vec![ISSUER.to_owned()],
        }
    }

    #[test]
    fn the_hash_is_that_of_the_whole_secret() {
        let secret = Secret::new("secret");
        assert_eq!(ds_hash(&secret), "K7gNU3sdo-OL0wNhqoVWhr3g6s1xYv72ol_pe_Unols");
        assert!(is_bound(&secret, &ds_hash(&secret)));
        for other in ["", "K7gNU3sdo-OL0wNhqoVWhr3g6s1xYv72ol_pe_Unol", "secret"] {
            assert!(!is_bound(&secret, other), "{other}");
        }
    }

    #[test]
    fn an_id_token_is_exchanged_for_tokens_of_the_issuer() {
        assert!(is_native_sso(&request()) && check(&request(), ISSUER).is_ok());
        let asked = ExchangeRequest { requested: Some(TokenType::AccessToken), ..request() };
        assert!(check(&asked, ISSUER).is_ok());
        for actor in [None, Some(typed(TokenType::AccessToken))] {
            assert!(!is_native_sso(&ExchangeRequest { actor, ..request() }));
        }
        for wrong in [
            ExchangeRequest { subject: typed(TokenType::AccessToken), ..request() },
            ExchangeRequest { subject: typed(TokenType::DeviceSecret), ..request() },
            ExchangeRequest { requested: Some(TokenType::RefreshToken), ..request() },
            ExchangeRequest { requested: Some(TokenType::DeviceSecret), ..request() },
            ExchangeRequest { audience: Vec::new(), ..request() },
        ] {
            let refused = check(&wrong, ISSUER).expect_err("it is wrong");
            assert_eq!(refused.code, ErrorCode::InvalidRequest, "{wrong:?}");
        }
        let others = [vec!["https://other.example".to_owned()], vec![ISSUER.to_owned(), "api".to_owned()]];
        for audience in others {
            let refused = check(&ExchangeRequest { audience, ..request() }, ISSUER).expect_err("it is wrong");
            assert_eq!(refused.code, ErrorCode::InvalidTarget);
        }
    }
}
