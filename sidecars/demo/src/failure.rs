//! Why something did not work, in a form that a developer can act on.

use std::{error::Error, fmt::Display};

use http::StatusCode;
use openidconnect::{
    ClaimsVerificationError, ConfigurationError, DiscoveryError, ErrorResponseType, RequestTokenError,
    StandardErrorResponse, UserInfoError,
};
use serde::Deserialize;

use crate::provider::HttpError;

/// What stood in the way.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// The provider does not answer.
    Down(String),
    /// The provider answered, but not with what the specification asks for.
    Unusable(String),
    /// The provider answered with an error of the protocol.
    Answered { error: String, description: Option<String> },
    /// What came back does not hold; the first field names the check.
    Rejected(&'static str, String),
}

impl Failure {
    /// The `error` of the protocol, or the name of the check that failed here.
    pub(crate) fn code(&self) -> &str {
        match self {
            Self::Down(_) => "server_unreachable",
            Self::Unusable(_) => "server_answer_unusable",
            Self::Answered { error, .. } => error,
            Self::Rejected(check, _) => check,
        }
    }

    pub(crate) fn description(&self) -> Option<&str> {
        match self {
            Self::Answered { description, .. } => description.as_deref(),
            Self::Down(reason) | Self::Unusable(reason) | Self::Rejected(_, reason) => Some(reason),
        }
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Down(_) | Self::Unusable(_) => StatusCode::BAD_GATEWAY,
            Self::Answered { .. } | Self::Rejected(..) => StatusCode::BAD_REQUEST,
        }
    }

    /// What the provider lacks for what was asked.
    pub(crate) fn lacks(endpoint: &str) -> Self {
        Self::Unusable(format!("the provider's metadata has no `{endpoint}`"))
    }

    /// A body in the form of RFC 6749, section 5.2, or what can be said without it.
    pub(crate) fn answered(status: StatusCode, body: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Body {
            error: String,
            error_description: Option<String>,
        }
        match serde_json::from_slice::<Body>(body) {
            Ok(body) => Self::Answered { error: body.error, description: body.error_description },
            Err(_) => Self::Unusable(format!("the provider answered {status}")),
        }
    }
}

/// The error and its causes in one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

impl From<HttpError> for Failure {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::Unreachable(_) => Self::Down(chain(&error)),
            _ => Self::Unusable(chain(&error)),
        }
    }
}

impl From<DiscoveryError<HttpError>> for Failure {
    fn from(error: DiscoveryError<HttpError>) -> Self {
        match error {
            DiscoveryError::Request(error) => error.into(),
            // A gateway in front of a provider that is down.
            DiscoveryError::Response(status, _, _) if status.is_server_error() => {
                Self::Down(format!("discovery was answered {status}"))
            }
            error => Self::Unusable(format!("discovery failed: {}", chain(&error))),
        }
    }
}

impl From<ConfigurationError> for Failure {
    fn from(error: ConfigurationError) -> Self {
        Self::Unusable(chain(&error))
    }
}

impl<T> From<RequestTokenError<HttpError, StandardErrorResponse<T>>> for Failure
where
    T: ErrorResponseType + Display + 'static,
{
    fn from(error: RequestTokenError<HttpError, StandardErrorResponse<T>>) -> Self {
        match error {
            RequestTokenError::ServerResponse(answer) => Self::Answered {
                error: answer.error().to_string(),
                description: answer.error_description().cloned(),
            },
            RequestTokenError::Request(error) => error.into(),
            error => Self::Unusable(chain(&error)),
        }
    }
}

impl From<UserInfoError<HttpError>> for Failure {
    fn from(error: UserInfoError<HttpError>) -> Self {
        match error {
            UserInfoError::Request(error) => error.into(),
            UserInfoError::Response(status, body, _) => Self::answered(status, &body),
            error => Self::Unusable(chain(&error)),
        }
    }
}

impl From<ClaimsVerificationError> for Failure {
    fn from(error: ClaimsVerificationError) -> Self {
        let check = match error {
            ClaimsVerificationError::InvalidNonce(_) => "nonce_mismatch",
            ClaimsVerificationError::SignatureVerification(_) => "id_token_signature_invalid",
            _ => "id_token_invalid",
        };
        Self::Rejected(check, chain(&error))
    }
}
