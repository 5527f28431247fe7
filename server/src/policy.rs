//! The decision API: at each decision point the server proposes, states its limits, asks, checks the answer, and only
//! then goes on.
//!
//! A caller fills a [`Question`] and hands it to [`Policies::decide`]. Nothing is consumed and no transaction is open
//! while a policy is asked.

pub mod ceiling;
mod facts;
mod question;

pub use facts::{client_facts, request_facts};
pub use question::Question;

use placet_sdk::decision::{Challenge, HookType, PolicyError, Proposal};

use placet_oauth::error::{ErrorCode, ErrorExtension, OAuthError};

use crate::outcome::Outcome;

/// What the policies of a decision point made of a question.
#[derive(Clone, Debug, PartialEq)]
pub enum Decided {
    /// Go on with this, which is within the limits.
    Allow(Box<Proposal>),
    /// Refuse with this error; its code is one that the type allows.
    Deny(PolicyError),
    /// Something is needed of the user first.
    Challenge(Challenge),
}

/// The error that a client is shown when a policy denies.
pub fn denial(error: &PolicyError) -> OAuthError {
    let known = ErrorCode::parse(&error.code);
    let code = known.unwrap_or(ErrorCode::AccessDenied);
    let text =
        error.description.clone().unwrap_or_else(|| "a policy of this server refused the request".to_owned());
    OAuthError::new(code, text).with_extension(ErrorExtension {
        code: known.is_none().then(|| error.code.clone()),
        uri: error.uri.clone(),
        members: Vec::new(),
    })
}

/// The policies that are registered.
#[derive(Debug, Default)]
pub struct Policies {}

impl Policies {
    /// Whether an enforced policy is registered for a decision point.
    pub fn has(&self, _hook: HookType) -> bool {
        false
    }

    /// Whether a claims source owns this claim, in whatever language.
    pub fn owns_claim(&self, _name: &str) -> bool {
        false
    }

    /// Asks the policies of the question's type in their order. Without any, the proposal stands.
    ///
    /// # Errors
    ///
    /// A fault, answered with 503, if a policy fails and its registration does not say otherwise.
    #[allow(clippy::unused_async, reason = "policies are asked over the network")]
    pub async fn decide(&self, question: Question) -> Outcome<Decided> {
        Ok(Decided::Allow(Box::new(question.request.proposal)))
    }
}
