//! What a challenge does to an interaction, and what it adds to what is demanded of the user.

use placet_oauth::authorization::Demand;
use placet_sdk::{decision::Challenge, grant::Object, interaction::CustomPrompt};

use super::{
    Said,
    record::{ForcedConsent, Select, StepUp},
};
use crate::{
    interaction::{advance, state::State},
    outcome::{Fault, Outcome},
    server::Server,
};

/// Challenges of an interaction at most.
const MAX_CHALLENGES: u32 = 5;
/// Parameters of a page, in bytes of JSON.
const MAX_PARAMS: usize = 8 * 1024;

/// Records a challenge that a policy raised about the user `sub`. Nothing that was allowed before counts any more.
pub(super) fn raise(server: &Server, state: &mut State, sub: &str, challenge: Challenge) -> Outcome<Said> {
    super::look_again(state);
    let before = state.steered.get_or_insert_default().step_up.take();
    // What the request itself demands, and `authorization.request`; a later challenge replaces an earlier one.
    let demanded = advance::demand(state)?;
    let steered = state.steered.get_or_insert_default();
    steered.step_up.clone_from(&before);
    steered.challenges += 1;
    if steered.challenges > MAX_CHALLENGES {
        advance::deny(state, "access_denied", "the policies of this server asked for too much");
        return Ok(Said::Denied);
    }
    match challenge {
        Challenge::StepUp { acr_values, amr_values, max_age, message } => {
            if demanded.acr_essential
                && !acr_values.is_empty()
                && !acr_values.iter().any(|acr| demanded.acr_values.contains(acr))
            {
                let text = "the request and a policy of this server demand different authentications";
                advance::deny(state, "unmet_authentication_requirements", text);
                return Ok(Said::Denied);
            }
            let before = before.unwrap_or_default();
            let age = max_age.map(|age| i64::try_from(age).unwrap_or(i64::MAX));
            let not_before = age.map_or(0, |age| server.now().saturating_sub(age));
            let mut methods = before.amr_values;
            methods.extend(
                amr_values.into_iter().filter(|method| !methods.contains(method)).collect::<Vec<_>>(),
            );
            steered.step_up = Some(StepUp {
                sub: Some(sub.to_owned()),
                acr_values: if acr_values.is_empty() { before.acr_values } else { acr_values },
                amr_values: methods,
                max_age: max_age.or(before.max_age),
                not_before: not_before.max(before.not_before),
                message,
            });
            steered.select = None;
            authenticate(state);
        }
        Challenge::SelectAccount { message } => {
            steered.select = Some(Select { message });
            if let Some(step_up) = &mut steered.step_up {
                step_up.sub = None;
            }
            authenticate(state);
        }
        Challenge::Consent { scope, message } => {
            steered.consent = Some(ForcedConsent { scope, message });
            state.consented = None;
        }
        Challenge::Prompt { name, params, message } => {
            steered.page = Some(CustomPrompt { name, params: bounded(params)?, message });
        }
    }
    Ok(Said::Again)
}

/// A new authentication is needed: the one that was accepted does not count.
fn authenticate(state: &mut State) {
    state.accepted = None;
    state.attempt = 0;
}

fn bounded(params: Object) -> Result<Object, Fault> {
    let size = serde_json::to_vec(&params).map_or(usize::MAX, |bytes| bytes.len());
    if size > MAX_PARAMS {
        return Err(Fault::new(
            "policy",
            format!("the parameters of a page have at most {MAX_PARAMS} bytes"),
        ));
    }
    Ok(params)
}

/// Raises a demand by what policies ask for.
pub(in crate::interaction) fn raised(state: &State, mut demand: Demand) -> Demand {
    let Some(steered) = &state.steered else { return demand };
    if let Some(proposal) = &steered.demand {
        demand.acr_values.clone_from(&proposal.acr_values);
        demand.acr_essential |= proposal.acr_essential;
        demand.max_age = proposal.max_age.into_iter().chain(demand.max_age).min();
        if proposal.force_auth {
            demand.step_up = Some(state.opened_at);
        }
    }
    if let Some(step_up) = &steered.step_up {
        if !step_up.acr_values.is_empty() {
            let both = |acr: &String| !demand.acr_essential || demand.acr_values.contains(acr);
            demand.acr_values = step_up.acr_values.iter().filter(|acr| both(acr)).cloned().collect();
            demand.acr_essential = true;
        }
        demand.amr.clone_from(&step_up.amr_values);
        demand.step_up = demand.step_up.max(Some(step_up.not_before));
    }
    demand.select_account |= steered.select.is_some();
    demand
}
