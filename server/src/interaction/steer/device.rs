//! `device.request`: a device asks, and no person is at hand yet.

use placet_oauth::{authorization::AuthorizationRequest, grant_type::GrantType};
use placet_sdk::{
    decision::{
        DeviceLimits, DeviceProposal, DeviceSection, GrantFacts, GrantLimits, HookType, Limits, Proposal,
        RequestFacts,
    },
    grant::Grant,
};

use super::facts;
use crate::{
    client::AuthenticatedClient,
    interaction::{consent, state::State},
    outcome::{Fault, Outcome},
    policy::{self, Decided, Question, ceiling},
    server::Server,
    token::{Authorized, family_wanted},
};

const HOOK: HookType = HookType::DeviceRequest;

/// Asks the policies of `device.request`: how long the device may wait, how often it may ask, and what may be granted;
/// none if that is all it asked for.
///
/// # Errors
///
/// What a policy refuses with.
pub(crate) async fn device_request(
    server: &Server,
    client: &AuthenticatedClient,
    request: &AuthorizationRequest,
    (asking, terms): (RequestFacts, DeviceProposal),
) -> Outcome<(DeviceProposal, Option<Grant>)> {
    if !server.policies().asks(HOOK) {
        return Ok((terms, None));
    }
    let mut question = Question::asked_by(HOOK, client, asking);
    question.request.grant = Some(GrantFacts {
        grant_type: Some(GrantType::DeviceCode.as_str().to_owned()),
        ..facts::requested_by(request)
    });
    question.request.device = Some(DeviceSection { expires_in: terms.expires_in, interval: terms.interval });
    let everything = consent::everything(request);
    let probe = Authorized { grant: everything.clone(), ..Authorized::default() };
    let tokens = (family_wanted(client, &probe), request.is_openid());
    let proposed = ceiling::effective(server, client, everything.clone(), tokens);
    question.request.limits = Limits {
        device: Some(DeviceLimits { max_expires_in: terms.expires_in, min_interval: terms.interval }),
        grant: Some(GrantLimits {
            enrichable: server.details().enrichable(),
            ..ceiling::narrow_only(server, client, &proposed)
        }),
        ..Limits::default()
    };
    question.request.proposal =
        Proposal { device: Some(terms), grant: Some(proposed.clone()), ..Proposal::default() };
    let result = match server.policies().decide(question).await? {
        Decided::Allow(allowed) => allowed.proposal,
        Decided::Deny(error) => return Err(policy::denial(&error).into()),
        Decided::Challenge(_) => {
            return Err(Fault::new("policy", "`device.request` cannot be challenged").into());
        }
    };
    let grant = result.grant.ok_or_else(|| Fault::new("policy", "a decision left no grant"))?;
    let terms = result.device.ok_or_else(|| Fault::new("policy", "a decision left no device"))?;
    let offer = if grant == proposed { None } else { Some(policy::settled(&everything, &proposed, &grant)?) };
    Ok((terms, offer))
}

/// Notes what may be granted, as policies narrowed it before anybody was asked; none if that is everything.
pub(in crate::interaction) fn offered(state: &mut State, offer: Option<Grant>) {
    if offer.is_some() || state.steered.is_some() {
        state.steered.get_or_insert_default().offer = offer;
    }
}
