//! What policies say in an interaction: before anybody is asked, when the user is known, and when the user consented.
//!
//! A policy is asked only when what it would be told has changed since it last allowed. Whatever it says is recorded in
//! the state; the state is stored by whoever called, so that a policy which fails leaves everything as it was.

mod approve;
mod backchannel;
mod challenge;
mod device;
mod evaluate;
mod facts;
mod offer;
mod record;
mod request;

use placet_sdk::{
    decision::{Freedom, GrantLimits, HookType, PolicyError},
    grant::{Grant, Object},
    interaction::{ConsentPrompt, ConsentReason, CustomPrompt, Status},
};

use super::{
    advance,
    state::{Accepted, State},
};
use crate::{
    client::Client,
    policy::ceiling::{self, MAX_CLAIMS_CONTEXT, MAX_DATA},
    server::Server,
};

pub(crate) use approve::direct;
pub(super) use approve::{Granted, approve, granted};
pub(super) use backchannel::backchannel;
pub(super) use challenge::raised;
pub(crate) use device::device_request;
pub(super) use device::offered;
pub(super) use evaluate::evaluate;
pub(super) use offer::offer;
pub use record::{Origin, Steered};
pub(super) use request::{Seen, request};

/// The decision points of an authorization.
const HOOKS: [HookType; 3] =
    [HookType::AuthorizationRequest, HookType::InteractionEvaluate, HookType::InteractionApprove];

/// What is left to do after policies were asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// Go on.
    Go,
    /// Something is demanded of the user first: look again at what comes next.
    Again,
    /// The request is refused; the state says with what.
    Denied,
}

/// Notes where the browser came from, if a policy will want to know.
pub(super) fn note_origin(server: &Server, state: &mut State, origin: &Origin) {
    if HOOKS.into_iter().any(|hook| server.policies().asks(hook)) {
        state.steered.get_or_insert_default().origin = origin.clone();
    }
}

/// A new answer of the user: what policies allowed before, they allowed without knowing it.
pub(super) fn look_again(state: &mut State) {
    if let Some(steered) = &mut state.steered {
        steered.approved = None;
        if let Some(evaluated) = &mut steered.evaluated {
            evaluated.basis = None;
        }
    }
}

/// A new consent: what was approved was another one.
pub(super) fn look_again_at_grant(state: &mut State) {
    if let Some(steered) = &mut state.steered {
        steered.approved = None;
    }
}

/// Another user than the one whom policies were asked about: nothing that was said, asked or answered then counts for
/// this one.
pub(super) fn only_for(state: &mut State, sub: &str) {
    let Some(steered) = &mut state.steered else { return };
    if steered.sub.as_ref().is_some_and(|known| known != sub) {
        steered.sub = None;
        steered.results.clear();
        steered.page = None;
        steered.evaluated = None;
        steered.approved = None;
        state.consented = None;
        state.consent_of = None;
    }
}

/// Whether a policy wants the user to be asked, whatever is remembered.
pub(super) fn asks_consent(state: &State) -> bool {
    state.steered.as_ref().is_some_and(|steered| {
        steered.consent.is_some() || steered.evaluated.as_ref().is_some_and(|evaluated| evaluated.ask)
    })
}

/// How long the session may live that the sign-in makes or renews.
pub(super) fn session_limits(state: &State) -> placet_sdk::decision::SessionProposal {
    let evaluated = state.steered.as_ref().and_then(|steered| steered.evaluated.as_ref());
    evaluated.and_then(|evaluated| evaluated.session).unwrap_or_default()
}

/// Whose authentication a challenge demands.
pub(super) fn step_up_sub(state: &State) -> Option<&str> {
    state.steered.as_ref()?.step_up.as_ref()?.sub.as_deref()
}

/// How old the authentication might be when a challenge demanded it, in seconds.
pub(super) fn step_up_max_age(state: &State) -> Option<u64> {
    state.steered.as_ref()?.step_up.as_ref()?.max_age
}

/// What a policy says on the page where the user authenticates.
pub(super) fn auth_message(state: &State) -> Option<String> {
    let steered = state.steered.as_ref()?;
    let of_select = steered.select.as_ref().and_then(|select| select.message.clone());
    of_select.or_else(|| steered.step_up.as_ref().and_then(|step_up| step_up.message.clone()))
}

/// Adds to the page of consent what a policy says, and what it wants to be seen again.
pub(super) fn explain(state: &State, prompt: &mut ConsentPrompt) {
    if asks_consent(state) {
        prompt.reasons.push(ConsentReason::Policy);
    }
    let Some(forced) = state.steered.as_ref().and_then(|steered| steered.consent.as_ref()) else { return };
    prompt.message.clone_from(&forced.message);
    for item in &mut prompt.scope {
        if forced.scope.is_empty() || forced.scope.contains(&item.value) {
            item.status = Status::New;
        }
    }
}

/// The page that is to be shown next.
pub(super) fn page(state: &State) -> Option<&CustomPrompt> {
    state.steered.as_ref()?.page.as_ref()
}

/// Takes the result of the page that was shown.
pub(super) fn take_result(state: &mut State, name: String, result: Object) {
    if let Some(steered) = &mut state.steered {
        steered.page = None;
        steered.results.insert(name, result.into());
    }
    look_again(state);
}

/// The scope that was approved, if a policy approves.
pub(super) fn approved_scope(state: &State) -> Option<Vec<String>> {
    state.steered.as_ref()?.approved.as_ref()?.grant.scope.clone()
}

fn deny(state: &mut State, error: &PolicyError) -> Said {
    let shown = crate::policy::denial(error);
    advance::deny(state, shown.shown_code(), &shown.description);
    if let Some(denied) = &mut state.denied {
        denied.uri.clone_from(&error.uri);
    }
    Said::Denied
}

/// What may be made of a grant that a user is about to give. Another subject is for policies with
/// `allow_impersonation` alone, which the question says.
fn limits(server: &Server, client: &Client, proposed: &Grant) -> GrantLimits {
    GrantLimits {
        sub: Freedom::Settable,
        act: Freedom::Settable,
        max_data_bytes: MAX_DATA,
        max_claims_context_bytes: MAX_CLAIMS_CONTEXT,
        ..ceiling::narrow_only(server, client, proposed)
    }
}

/// What a decision rests on.
fn basis(accepted: &Accepted) -> record::Basis {
    record::Basis {
        sub: accepted.sub.clone(),
        authenticated_at: accepted.authenticated_at,
        acr: accepted.acr.clone(),
        amr: accepted.amr.clone(),
    }
}
