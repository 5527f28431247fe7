//! `authorization.request`: the request is valid, and nobody was asked anything yet.

use placet_oauth::{
    authorization::{AuthorizationRequest, Prompt},
    error::OAuthError,
};
use placet_sdk::decision::{
    AuthorizationRequestSection, DemandLimits, DemandProposal, GrantLimits, HookType, Limits,
    ProofOfPossession, Proposal,
};

use super::facts;
use crate::{
    client::Client,
    config::FrontDoor,
    interaction::{
        advance, consent, prompt,
        session::Session,
        state::{Door, State},
    },
    outcome::{Fault, Outcome},
    policy::{self, Decided, ceiling},
    server::Server,
    token::{Authorized, family_wanted},
};

const HOOK: HookType = HookType::AuthorizationRequest;

/// From where an authorization request comes.
pub(in crate::interaction) enum Seen<'a> {
    /// From a browser, with these sessions.
    Browser(&'a [Session]),
    /// From its client, which pushes it and proves this.
    Client(Option<ProofOfPossession>),
}

/// Asks the policies of `authorization.request` about a state that was just made. A refusal is recorded in the state, and
/// given.
pub(in crate::interaction) async fn request(
    server: &Server,
    client: &Client,
    state: &mut State,
    seen: Seen<'_>,
) -> Outcome<Option<OAuthError>> {
    if !server.policies().asks(HOOK) {
        return Ok(None);
    }
    let mut question = facts::begin(server, HOOK, client, state)?;
    let request = state.request()?;
    let latest = match seen {
        Seen::Browser(sessions) => sessions.first(),
        Seen::Client(pop) => {
            "par".clone_into(&mut question.request.request.endpoint);
            question.request.pop = pop;
            None
        }
    };
    question.request.session = latest.map(Session::shown);
    question.request.authorization_request = Some(AuthorizationRequestSection {
        request: prompt::request_info(server, request, &state.arrival),
        session_present: latest.is_some(),
    });
    let everything = consent::everything(request);
    let proposed = {
        let probe = Authorized { grant: everything.clone(), ..Authorized::default() };
        let tokens = (family_wanted(client, &probe), request.is_openid());
        ceiling::effective(server, client, everything.clone(), tokens)
    };
    let (demand, demand_limits) = demand(server, state, request)?;
    question.request.limits = Limits {
        demand: Some(demand_limits),
        grant: Some(GrantLimits {
            enrichable: server.details().enrichable(),
            ..ceiling::narrow_only(server, client, &proposed)
        }),
        ..Limits::default()
    };
    question.request.proposal =
        Proposal { demand: Some(demand.clone()), grant: Some(proposed.clone()), ..Proposal::default() };
    let result = match server.policies().decide(question).await? {
        Decided::Allow(allowed) => allowed.proposal,
        Decided::Deny(error) => {
            super::deny(state, &error);
            return Ok(Some(crate::policy::denial(&error)));
        }
        Decided::Challenge(_) => {
            return Err(Fault::new("policy", "`authorization.request` cannot be challenged").into());
        }
    };
    let grant = result.grant.ok_or_else(|| Fault::new("policy", "a decision left no grant"))?;
    let raised = result.demand.ok_or_else(|| Fault::new("policy", "a decision left no demand"))?;
    if let Some(ui) = raised.ui.as_ref().filter(|ui| **ui != state.ui) {
        state.ui.clone_from(ui);
    }
    let login = state.request()?.prompt.contains(&Prompt::Login);
    let steered = state.steered.get_or_insert_default();
    steered.offer =
        if grant == proposed { None } else { Some(policy::settled(&everything, &proposed, &grant)?) };
    // `prompt=login` is demanded by the request itself.
    let raised = DemandProposal { force_auth: raised.force_auth && !login, ui: demand.ui.clone(), ..raised };
    steered.demand = (raised != DemandProposal { force_auth: false, ..demand.clone() }).then_some(raised);
    Ok(None)
}

/// What the request demands, and how a policy may raise it.
fn demand(
    server: &Server,
    state: &State,
    request: &AuthorizationRequest,
) -> Result<(DemandProposal, DemandLimits), Fault> {
    let demand = advance::demand(state)?;
    let uis = match state.door {
        // The login app that opened an interaction holds its browser: no other can go on.
        Door::Headless | Door::Backchannel => vec![state.ui.clone()],
        Door::Redirect => {
            let same = server.config().ui.iter().filter(|ui| ui.front_door == FrontDoor::Redirect);
            same.map(|ui| ui.name.clone()).collect()
        }
    };
    let limits = DemandLimits {
        // An essential claim names what the client accepts, and nothing else.
        acr_values: if demand.acr_essential { demand.acr_values.clone() } else { Vec::new() },
        max_age: demand.max_age,
        uis,
    };
    let proposal = DemandProposal {
        acr_values: demand.acr_values,
        acr_essential: demand.acr_essential,
        max_age: demand.max_age,
        force_auth: request.prompt.contains(&Prompt::Login),
        ui: Some(state.ui.clone()),
    };
    Ok((proposal, limits))
}
