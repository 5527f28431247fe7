//! Asking the policies of a grant, and what their answer means at the token endpoint.

use placet_oauth::{
    error::{ErrorCode, ErrorExtension, OAuthError},
    scope::Scope,
    token_request::Asked,
};
use placet_sdk::{
    decision::{Challenge, GrantFacts, GrantLimits, HookType, Limits, Proposal, Requested},
    grant::{Grant, Object},
};

use crate::{
    outcome::{Failure, Fault, Outcome},
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
    /// The policy that put another subject in the place of an authenticated one, or took actors away.
    pub(super) changed_subject_by: Option<String>,
}

/// What a client asked for, as policies are told.
pub(super) fn requested(asked: &Asked) -> Requested {
    Requested {
        scope: asked.scope.as_ref().map(Scope::to_vec),
        resources: Some(asked.resources.clone()).filter(|resources| !resources.is_empty()),
        authorization_details: asked.details.clone(),
        ..Requested::default()
    }
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
    let about = (question.client_id.clone(), question.hook);
    match server.policies().decide(question).await? {
        Decided::Allow(allowed) => Ok(Settled {
            grant: allowed.proposal.grant.ok_or_else(|| Fault::new("policy", "a decision left no grant"))?,
            extra: allowed.proposal.token_response.unwrap_or_default(),
            changed_subject_by: allowed.changed_subject_by,
        }),
        Decided::Deny(error) => Err(denial(&error).into()),
        Decided::Challenge(challenge) => Err(challenged(server, about, &challenge).await),
    }
}

/// Nobody is at hand at the token endpoint. A client that opted in learns what to send the user to log in for
/// (RFC 9470 section 3); every other one learns what it knows how to handle.
async fn challenged(
    server: &Server,
    (client_id, hook): (Option<String>, HookType),
    challenge: &Challenge,
) -> Failure {
    let (text, members) = match challenge {
        Challenge::StepUp { acr_values, max_age, .. } => {
            let mut members = Vec::new();
            if !acr_values.is_empty() {
                members.push(("acr_values".to_owned(), acr_values.join(" ").into()));
            }
            members.extend(max_age.map(|age| ("max_age".to_owned(), age.into())));
            ("a stronger or fresher authentication of the user is needed", members)
        }
        Challenge::Consent { scope, .. } => {
            let scope = (!scope.is_empty()).then(|| ("scope".to_owned(), scope.join(" ").into()));
            ("the user has to consent again", scope.into_iter().collect())
        }
        Challenge::SelectAccount { .. } => ("the user has to choose an account", Vec::new()),
        Challenge::Prompt { .. } => {
            return Fault::new("policy", "a page cannot be shown at the token endpoint").into();
        }
    };
    let client = match client_id {
        Some(id) => server.client(&id).await,
        None => Ok(None),
    };
    let code = match client {
        Err(fault) => return fault.into(),
        Ok(Some(client)) if client.settings.interaction_required => ErrorCode::InteractionRequired,
        Ok(_) if hook == HookType::GrantRefreshToken => ErrorCode::InvalidGrant,
        Ok(_) => ErrorCode::AccessDenied,
    };
    let error = OAuthError::new(code, text);
    if code != ErrorCode::InteractionRequired {
        return error.into();
    }
    error.with_extension(ErrorExtension { members, ..ErrorExtension::default() }).into()
}
