//! `ciba.request`: a client asks for a user, and somebody has to say who that is.

use placet_oauth::{grant_type::GrantType, id::Secret};
use placet_sdk::{
    decision::{
        CibaLimits, CibaProposal, CibaSection, Freedom, GrantFacts, GrantLimits, HookType, Limits, Party,
        PartySource, PartyType, Proposal, RequestFacts,
    },
    grant::Grant,
};

use super::{facts, record::Origin};
use crate::{
    ciba::Valid,
    client::AuthenticatedClient,
    interaction::{consent, state::State},
    outcome::{Fault, Outcome},
    policy::{self, Decided, Question, ceiling, denial},
    server::Server,
    token::{Authorized, family_wanted},
};

const HOOK: HookType = HookType::CibaRequest;
/// What a policy tells the login app of how to reach the user, in bytes of JSON.
const MAX_CHANNEL: u32 = 4 * 1024;

/// Asks the policies of `ciba.request`. What they leave of the grant is the offer of the interaction.
///
/// # Errors
///
/// What a policy refuses with.
pub(in crate::interaction) async fn backchannel(
    server: &Server,
    client: &AuthenticatedClient,
    state: &mut State,
    (valid, asking): (&Valid, RequestFacts),
) -> Outcome<CibaProposal> {
    let config = &server.config().ciba;
    let usual = server.config().lifetimes.auth_req_id;
    let asked = &valid.asked;
    let ciba = CibaProposal {
        sub: valid.sub.clone(),
        expires_in: asked.requested_expiry.unwrap_or(usual).min(config.max_expiry),
        interval: config.interval,
        ..CibaProposal::default()
    };
    if !server.policies().asks(HOOK) {
        return Ok(ciba);
    }
    let steered = state.steered.get_or_insert_default();
    steered.origin =
        Origin { ip: asking.remote.as_ref().and_then(|remote| remote.ip.parse().ok()), user_agent: None };
    let mut question = Question::asked_by(HOOK, client, asking);
    let request = &mut question.request;
    request.grant = Some(GrantFacts {
        grant_type: Some(GrantType::Ciba.as_str().to_owned()),
        ..facts::requested_by(&asked.request)
    });
    request.subject = valid.sub.as_ref().map(|sub| Party {
        sub: sub.clone(),
        party_type: PartyType::User,
        source: PartySource::LoginHint,
        claims: None,
    });
    request.ciba = Some(CibaSection {
        hint: valid.hint.clone(),
        binding_message: asked.binding_message.clone(),
        user_code: asked.user_code.as_ref().map(|code: &Secret| code.expose().to_owned()),
        requested_expiry: asked.requested_expiry,
        acr_values: asked.request.acr_values.clone(),
        delivery: valid.mode.as_str().to_owned(),
        request_context: asked.request_context.clone(),
    });
    if valid.sub.is_none() {
        request.requires = vec!["/ciba/sub".to_owned()];
    }
    let everything = consent::everything(&asked.request);
    let proposed = propose(server, client, &everything);
    request.limits = Limits {
        grant: Some(GrantLimits {
            enrichable: server.details().enrichable(),
            ..ceiling::narrow_only(server, client, &proposed)
        }),
        ciba: Some(CibaLimits {
            // An ID token says who the user is: nobody is put in the place of somebody else.
            sub: if valid.sub.is_some() { Freedom::Fixed } else { Freedom::Settable },
            max_expires_in: config.max_expiry,
            min_interval: config.interval,
            max_channel_bytes: MAX_CHANNEL,
        }),
        ..Limits::default()
    };
    request.proposal = Proposal { grant: Some(proposed.clone()), ciba: Some(ciba), ..Proposal::default() };
    let result = match server.policies().decide(question).await? {
        Decided::Allow(allowed) => allowed.proposal,
        Decided::Deny(error) => return Err(denial(&error).into()),
        Decided::Challenge(_) => {
            return Err(Fault::new("policy", "`ciba.request` cannot be challenged").into());
        }
    };
    let grant = result.grant.ok_or_else(|| Fault::new("policy", "a decision left no grant"))?;
    if grant != proposed {
        let offer = policy::settled(&everything, &proposed, &grant)?;
        state.steered.get_or_insert_default().offer = Some(offer);
    }
    let settled = result.ciba.ok_or_else(|| Fault::new("policy", "a decision left no request"))?;
    if settled.expires_in == 0 {
        return Err(Fault::new("policy", "`ciba.request`: a request that is over at once").into());
    }
    Ok(settled)
}

fn propose(server: &Server, client: &AuthenticatedClient, everything: &Grant) -> Grant {
    let probe = Authorized { grant: everything.clone(), ..Authorized::default() };
    ceiling::effective(server, client, everything.clone(), (family_wanted(client, &probe), true))
}
