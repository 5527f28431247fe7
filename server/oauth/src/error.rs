//! The error codes of the specifications, and a refusal that carries one.

use std::fmt;

/// The longest `error_description`, in bytes.
const MAX_DESCRIPTION: usize = 512;

/// An error code as registered with IANA ("OAuth Extensions Error" and the registration errors of RFC 7591).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// Malformed, incomplete or repeated parameters (RFC 6749 section 5.2).
    InvalidRequest,
    /// Client authentication failed (RFC 6749 section 5.2).
    InvalidClient,
    /// The code, refresh token or verifier is wrong, spent, or another client's (RFC 6749 section 5.2).
    InvalidGrant,
    /// The client may not use this grant or response type (RFC 6749 sections 4.1.2.1 and 5.2).
    UnauthorizedClient,
    /// The server does not know the grant type (RFC 6749 section 5.2).
    UnsupportedGrantType,
    /// The server does not know the response type (RFC 6749 section 4.1.2.1).
    UnsupportedResponseType,
    /// The scope is unknown, malformed or exceeds what was granted (RFC 6749 section 5.2).
    InvalidScope,
    /// The user or the server said no (RFC 6749 section 4.1.2.1).
    AccessDenied,
    /// Something broke that the client cannot mend (RFC 6749 section 4.1.2.1).
    ServerError,
    /// The server is overloaded or under maintenance (RFC 6749 section 4.1.2.1).
    TemporarilyUnavailable,
    /// The user would have to be shown something (OpenID Connect Core section 3.1.2.6).
    InteractionRequired,
    /// The user would have to sign in (OpenID Connect Core section 3.1.2.6).
    LoginRequired,
    /// The user would have to choose an account (OpenID Connect Core section 3.1.2.6).
    AccountSelectionRequired,
    /// The user would have to consent (OpenID Connect Core section 3.1.2.6).
    ConsentRequired,
    /// The authentication asked for cannot be had (OpenID Connect Unmet Authentication Requirements).
    UnmetAuthenticationRequirements,
    /// The `request` parameter is not supported (OpenID Connect Core section 3.1.2.6).
    RequestNotSupported,
    /// The `request_uri` parameter is not supported (OpenID Connect Core section 3.1.2.6).
    RequestUriNotSupported,
    /// The `registration` parameter is not supported (OpenID Connect Core section 3.1.2.6).
    RegistrationNotSupported,
    /// The request object is not valid (RFC 9101 section 6).
    InvalidRequestObject,
    /// The `request_uri` is wrong or leads to an invalid object (RFC 9101 section 6).
    InvalidRequestUri,
    /// The access token is expired, revoked or malformed (RFC 6750 section 3.1).
    InvalidToken,
    /// The access token does not carry the scope needed (RFC 6750 section 3.1).
    InsufficientScope,
    /// The resource asked for is unknown or malformed (RFC 8707 section 2).
    InvalidTarget,
    /// The `authorization_details` are unknown or malformed (RFC 9396 section 5).
    InvalidAuthorizationDetails,
    /// A redirect URI cannot be registered (RFC 7591 section 3.2.2).
    InvalidRedirectUri,
    /// The metadata of a client cannot be registered (RFC 7591 section 3.2.2).
    InvalidClientMetadata,
    /// The software statement is not valid (RFC 7591 section 3.2.2).
    InvalidSoftwareStatement,
    /// The software statement is not approved for this server (RFC 7591 section 3.2.2).
    UnapprovedSoftwareStatement,
    /// The DPoP proof is missing or not valid (RFC 9449 section 5).
    InvalidDpopProof,
    /// The DPoP proof has to hold a nonce of the server (RFC 9449 section 8).
    UseDpopNonce,
    /// The client attestation or its proof is not valid (Attestation-Based Client Authentication, "Errors").
    InvalidClientAttestation,
    /// The proof beside a client attestation has to answer a challenge of the server (the same).
    UseAttestationChallenge,
    /// The client attestation is too old (the same).
    UseFreshAttestation,
    /// The server cannot revoke tokens of this type (RFC 7009 section 2.2.1).
    UnsupportedTokenType,
    /// The user has not answered yet (RFC 8628 section 3.5, CIBA Core section 11).
    AuthorizationPending,
    /// The same, and the client asks too often (RFC 8628 section 3.5, CIBA Core section 11).
    SlowDown,
    /// The user did not answer in time (RFC 8628 section 3.5, CIBA Core section 11).
    ExpiredToken,
    /// The time of the hint is over (CIBA Core section 13).
    ExpiredLoginHintToken,
    /// Nobody is known by the hint (CIBA Core section 13).
    UnknownUserId,
    /// The user has a code, and the request has none (CIBA Core section 13).
    MissingUserCode,
    /// The code is not that of the user (CIBA Core section 13).
    InvalidUserCode,
    /// The binding message cannot be shown (CIBA Core section 13).
    InvalidBindingMessage,
}

impl ErrorCode {
    /// Every code.
    pub const ALL: [Self; 42] = [
        Self::InvalidRequest,
        Self::InvalidClient,
        Self::InvalidGrant,
        Self::UnauthorizedClient,
        Self::UnsupportedGrantType,
        Self::UnsupportedResponseType,
        Self::InvalidScope,
        Self::AccessDenied,
        Self::ServerError,
        Self::TemporarilyUnavailable,
        Self::InteractionRequired,
        Self::LoginRequired,
        Self::AccountSelectionRequired,
        Self::ConsentRequired,
        Self::UnmetAuthenticationRequirements,
        Self::RequestNotSupported,
        Self::RequestUriNotSupported,
        Self::RegistrationNotSupported,
        Self::InvalidRequestObject,
        Self::InvalidRequestUri,
        Self::InvalidToken,
        Self::InsufficientScope,
        Self::InvalidTarget,
        Self::InvalidAuthorizationDetails,
        Self::InvalidRedirectUri,
        Self::InvalidClientMetadata,
        Self::InvalidSoftwareStatement,
        Self::UnapprovedSoftwareStatement,
        Self::InvalidDpopProof,
        Self::UseDpopNonce,
        Self::InvalidClientAttestation,
        Self::UseAttestationChallenge,
        Self::UseFreshAttestation,
        Self::UnsupportedTokenType,
        Self::AuthorizationPending,
        Self::SlowDown,
        Self::ExpiredToken,
        Self::ExpiredLoginHintToken,
        Self::UnknownUserId,
        Self::MissingUserCode,
        Self::InvalidUserCode,
        Self::InvalidBindingMessage,
    ];

    /// The code as it is written in a response.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::AccessDenied => "access_denied",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::InteractionRequired => "interaction_required",
            Self::LoginRequired => "login_required",
            Self::AccountSelectionRequired => "account_selection_required",
            Self::ConsentRequired => "consent_required",
            Self::UnmetAuthenticationRequirements => "unmet_authentication_requirements",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::RegistrationNotSupported => "registration_not_supported",
            Self::InvalidRequestObject => "invalid_request_object",
            Self::InvalidRequestUri => "invalid_request_uri",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::InvalidTarget => "invalid_target",
            Self::InvalidAuthorizationDetails => "invalid_authorization_details",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidClientMetadata => "invalid_client_metadata",
            Self::InvalidSoftwareStatement => "invalid_software_statement",
            Self::UnapprovedSoftwareStatement => "unapproved_software_statement",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::UseDpopNonce => "use_dpop_nonce",
            Self::InvalidClientAttestation => "invalid_client_attestation",
            Self::UseAttestationChallenge => "use_attestation_challenge",
            Self::UseFreshAttestation => "use_fresh_attestation",
            Self::UnsupportedTokenType => "unsupported_token_type",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::ExpiredToken => "expired_token",
            Self::ExpiredLoginHintToken => "expired_login_hint_token",
            Self::UnknownUserId => "unknown_user_id",
            Self::MissingUserCode => "missing_user_code",
            Self::InvalidUserCode => "invalid_user_code",
            Self::InvalidBindingMessage => "invalid_binding_message",
        }
    }

    /// The code with this name, if there is one.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == name)
    }

    /// The HTTP status of a direct answer that carries this code (RFC 6749 section 5.2, RFC 6750 section
    /// 3.1). An error that travels by redirect has the status of the redirect instead.
    pub fn status(self) -> u16 {
        match self {
            Self::InvalidClient | Self::InvalidToken => 401,
            Self::InsufficientScope => 403,
            Self::ServerError => 500,
            Self::TemporarilyUnavailable => 503,
            _ => 400,
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A refusal: the code for the program at the other end, the description for its developer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {description}")]
pub struct OAuthError {
    /// What kind of refusal it is.
    pub code: ErrorCode,
    /// Why, in the character set of `error_description` (RFC 6749 section 5.2), at most 512 bytes.
    pub description: String,
    /// What a policy added: another code, a page, members.
    pub extension: Option<Box<ErrorExtension>>,
}

/// What a policy of the operator adds to a refusal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorExtension {
    /// A code that no specification knows, in place of [`OAuthError::code`]; the status stays.
    pub code: Option<String>,
    /// `error_uri`: a page about the error.
    pub uri: Option<String>,
    /// Further members of the answer: `acr_values`, `max_age` (RFC 9470 section 3).
    pub members: Vec<(String, serde_json::Value)>,
}

impl OAuthError {
    /// A refusal. Whatever `error_description` cannot hold becomes `?`, because the description may quote
    /// what the client sent.
    pub fn new(code: ErrorCode, description: impl Into<String>) -> Self {
        let description = description.into().chars().take(MAX_DESCRIPTION).map(permitted).collect();
        Self { code, description, extension: None }
    }

    /// The code as the answer shows it.
    pub fn shown_code(&self) -> &str {
        self.extension.as_ref().and_then(|e| e.code.as_deref()).unwrap_or(self.code.as_str())
    }

    /// The refusal with what a policy adds.
    #[must_use]
    pub fn with_extension(mut self, extension: ErrorExtension) -> Self {
        self.extension = (extension != ErrorExtension::default()).then(|| Box::new(extension));
        self
    }

    /// `invalid_request`.
    pub fn invalid_request(description: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidRequest, description)
    }

    /// `invalid_grant`.
    pub fn invalid_grant(description: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidGrant, description)
    }

    /// `invalid_client`.
    pub fn invalid_client(description: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidClient, description)
    }

    /// `invalid_scope`.
    pub fn invalid_scope(description: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidScope, description)
    }

    /// `unauthorized_client`.
    pub fn unauthorized_client(description: impl Into<String>) -> Self {
        Self::new(ErrorCode::UnauthorizedClient, description)
    }

    /// `invalid_token`.
    pub fn invalid_token(description: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidToken, description)
    }

    /// `invalid_dpop_proof`.
    pub fn invalid_dpop_proof(description: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidDpopProof, description)
    }

    /// `invalid_client_metadata`.
    pub fn invalid_client_metadata(description: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidClientMetadata, description)
    }

    /// `invalid_redirect_uri`.
    pub fn invalid_redirect_uri(description: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidRedirectUri, description)
    }
}

/// `character`, or `?` where a description cannot hold it. The result is always one byte, so that counting
/// characters counts bytes.
pub(crate) fn permitted(character: char) -> char {
    match character {
        ' '..='!' | '#'..='[' | ']'..='~' => character,
        _ => '?',
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_code_is_found_by_its_name() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::parse(code.as_str()), Some(code));
        }
        assert_eq!(ErrorCode::parse("Invalid_Request"), None);
        assert_eq!(ErrorCode::parse(""), None);
    }

    #[test]
    fn no_two_codes_share_a_name() {
        let names: std::collections::BTreeSet<_> = ErrorCode::ALL.map(ErrorCode::as_str).into();
        assert_eq!(names.len(), ErrorCode::ALL.len());
    }

    #[test]
    fn only_some_codes_are_not_a_bad_request() {
        let others: Vec<_> = ErrorCode::ALL
            .into_iter()
            .filter(|code| code.status() != 400)
            .map(|code| (code.as_str(), code.status()))
            .collect();
        let expected = [
            ("invalid_client", 401),
            ("server_error", 500),
            ("temporarily_unavailable", 503),
            ("invalid_token", 401),
            ("insufficient_scope", 403),
        ];
        assert_eq!(others, expected);
    }

    #[test]
    fn a_description_cannot_end_a_quoted_string_or_a_header() {
        let error = OAuthError::invalid_request("a\"b\\c\r\nd é `x`");
        assert_eq!(error.description, "a?b?c??d ? `x`");
        assert_eq!(error.to_string(), "invalid_request: a?b?c??d ? `x`");
    }

    proptest! {
        #[test]
        fn a_description_always_fits(text in any::<String>(), times in 1..200usize) {
            let description = OAuthError::invalid_scope(text.repeat(times)).description;
            prop_assert!(description.len() <= 512);
            prop_assert!(description.bytes().all(|b| matches!(b, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e)));
        }
    }
}
