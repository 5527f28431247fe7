//! Asking the policies of a grant, and what their answer means at the token endpoint.

use placet_oauth::error::{ErrorCode, OAuthError};
use placet_sdk::{
    decision::{Challenge, GrantFacts, GrantLimits, Limits, Proposal},
    grant::{Grant, Object},
};

use crate::{
    outcome::{Fault, Outcome},
    policy::{Decided, Question, ceiling, denial},
    server::Server,
};

/// What policies made of a grant.
#[derive(Debug)]
pub(super) struct Settled {
    /// The grant, within its limits.
    pub(super) grant: Grant,
    /// Extra members of the answer.
    pub(super) extra: Object,
}

/// Asks the policies of a grant. `proposed` is what a bare allow leads to.
pub(super) async fn decide(
    server: &Server,
    mut question: Question,
    facts: GrantFacts,
    (proposed, limits): (Grant, GrantLimits),
) -> Outcome<Settled> {
    question.request.grant = Some(facts);
    question.request.proposal =
        Proposal { grant: Some(proposed), token_response: Some(Object::new()), ..Proposal::default() };
    question.request.limits =
        Limits { grant: Some(limits), token_response: Some(ceiling::token_response()), ..Limits::default() };
    match server.policies().decide(question).await? {
        Decided::Allow(allowed) => Ok(Settled {
            grant: allowed.proposal.grant.ok_or_else(|| Fault::new("policy", "a decision left no grant"))?,
            extra: allowed.proposal.token_response.unwrap_or_default(),
        }),
        Decided::Deny(error) => Err(denial(&error).into()),
        Decided::Challenge(challenge) => Err(challenged(&challenge).into()),
    }
}

/// Nobody is at hand at the token endpoint: the client has to send the user to log in.
fn challenged(challenge: &Challenge) -> OAuthError {
    let text = match challenge {
        Challenge::StepUp { .. } => "a stronger or fresher authentication of the user is needed",
        Challenge::Consent { .. } => "the user has to consent again",
        Challenge::SelectAccount { .. } => "the user has to choose an account",
        Challenge::Prompt { .. } => "the user has to answer a page first",
    };
    OAuthError::new(ErrorCode::InteractionRequired, text)
}
