//! Proof key for code exchange (RFC 7636), with S256 as the only method (RFC 9700 section 2.1.1).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::error::OAuthError;

/// The length of a SHA-256 in base64url without padding, in characters.
const CHALLENGE_LENGTH: usize = 43;

/// How a challenge follows from its verifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChallengeMethod {
    /// The challenge is the SHA-256 of the verifier (RFC 7636 section 4.2).
    S256,
}

impl ChallengeMethod {
    /// Every method.
    pub const ALL: [Self; 1] = [Self::S256];

    /// The method as it is written in requests and in discovery.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::S256 => "S256",
        }
    }
}

/// A `code_challenge` made with S256.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Challenge(String);

impl Challenge {
    /// Reads `code_challenge` and `code_challenge_method` of an authorization request; `None` if it has
    /// neither.
    ///
    /// # Errors
    ///
    /// `invalid_request` for a method other than `S256`, for no method (which would mean `plain`, RFC 7636
    /// section 4.3), for a method without a challenge, and for a challenge that is not 43 base64url
    /// characters.
    pub fn parse(challenge: Option<&str>, method: Option<&str>) -> Result<Option<Self>, OAuthError> {
        let Some(challenge) = challenge else {
            return match method {
                None => Ok(None),
                Some(_) => Err(OAuthError::invalid_request(
                    "`code_challenge_method` is present without `code_challenge`",
                )),
            };
        };
        match method {
            Some("S256") => {}
            None => {
                return Err(OAuthError::invalid_request(
                    "`code_challenge_method` is missing, which means `plain`; send `S256`",
                ));
            }
            Some("plain") => {
                return Err(OAuthError::invalid_request(
                    "`code_challenge_method` `plain` is not supported; send `S256`",
                ));
            }
            Some(other) => {
                return Err(OAuthError::invalid_request(format!(
                    "unknown `code_challenge_method` `{other}`; send `S256`"
                )));
            }
        }
        Self::try_from(challenge.to_owned()).map(Some).map_err(OAuthError::invalid_request)
    }

    /// Checks the `code_verifier` of a token request (RFC 7636 section 4.6), in constant time.
    ///
    /// # Errors
    ///
    /// `invalid_grant` if the verifier is not 43 to 128 unreserved characters, or not the one of this
    /// challenge.
    pub fn verify(&self, verifier: &str) -> Result<(), OAuthError> {
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if !(43..=128).contains(&verifier.len()) || !verifier.bytes().all(unreserved) {
            return Err(OAuthError::invalid_grant("`code_verifier` is not 43 to 128 unreserved characters"));
        }
        let expected = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        if bool::from(expected.as_bytes().ct_eq(self.0.as_bytes())) {
            Ok(())
        } else {
            Err(OAuthError::invalid_grant("`code_verifier` does not match the `code_challenge`"))
        }
    }

    /// The challenge as it was sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Challenge {
    type Error = &'static str;

    fn try_from(challenge: String) -> Result<Self, Self::Error> {
        let base64url = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if challenge.len() == CHALLENGE_LENGTH && challenge.bytes().all(base64url) {
            Ok(Self(challenge))
        } else {
            Err("`code_challenge` is not 43 base64url characters")
        }
    }
}

impl From<Challenge> for String {
    fn from(challenge: Challenge) -> Self {
        challenge.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::ErrorCode;

    /// RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn challenge(text: &str) -> Challenge {
        Challenge::parse(Some(text), Some("S256")).unwrap().unwrap()
    }

    fn refusal(challenge: Option<&str>, method: Option<&str>) -> String {
        let error = Challenge::parse(challenge, method).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidRequest);
        error.description
    }

    #[test]
    fn the_example_of_the_rfc_is_accepted() {
        assert_eq!(challenge(CHALLENGE).verify(VERIFIER), Ok(()));
        assert_eq!(challenge(CHALLENGE).as_str(), CHALLENGE);
    }

    #[test]
    fn a_request_may_come_without_a_challenge() {
        assert_eq!(Challenge::parse(None, None), Ok(None));
    }

    #[test]
    fn plain_is_refused_whether_named_or_implied() {
        assert!(refusal(Some(CHALLENGE), Some("plain")).contains("send `S256`"));
        assert!(refusal(Some(CHALLENGE), None).contains("means `plain`"));
        assert!(refusal(Some(CHALLENGE), Some("s256")).contains("unknown `code_challenge_method` `s256`"));
    }

    #[test]
    fn a_method_without_a_challenge_is_refused() {
        assert!(refusal(None, Some("S256")).contains("without `code_challenge`"));
    }

    #[test]
    fn a_challenge_has_the_form_of_a_digest() {
        for text in [&CHALLENGE[1..], &format!("{CHALLENGE}A"), &format!("{}=", &CHALLENGE[1..])] {
            assert!(refusal(Some(text), Some("S256")).contains("43 base64url"), "{text}");
        }
        assert!(refusal(Some(&CHALLENGE.replace('-', "+")), Some("S256")).contains("43 base64url"));
    }

    #[test]
    fn the_challenge_does_not_verify_itself() {
        assert_eq!(challenge(CHALLENGE).verify(CHALLENGE).unwrap_err().code, ErrorCode::InvalidGrant);
    }

    #[test]
    fn a_verifier_of_the_wrong_form_is_refused() {
        for verifier in ["", &"a".repeat(42), &"a".repeat(129), &"+".repeat(43), &"ü".repeat(43)] {
            let error = challenge(CHALLENGE).verify(verifier).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidGrant);
            assert!(error.description.contains("43 to 128"), "{verifier}");
        }
    }

    #[test]
    fn json_holds_the_plain_text_and_is_checked() {
        let json = format!("{CHALLENGE:?}");
        assert_eq!(serde_json::to_string(&challenge(CHALLENGE)).unwrap(), json);
        assert_eq!(serde_json::from_str::<Challenge>(&json).unwrap(), challenge(CHALLENGE));
        assert!(serde_json::from_str::<Challenge>(r#""short""#).is_err());
        for method in ChallengeMethod::ALL {
            assert_eq!(serde_json::to_value(method).unwrap(), method.as_str());
        }
    }

    proptest! {
        #[test]
        fn a_challenge_accepts_its_verifier_and_no_other(
            verifier in "[A-Za-z0-9._~-]{43,128}",
            other in "[A-Za-z0-9._~-]{43,128}",
        ) {
            let challenge = challenge(&URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())));
            prop_assert!(challenge.verify(&verifier).is_ok());
            prop_assert_eq!(challenge.verify(&other).is_ok(), verifier == other);
        }
    }
}
