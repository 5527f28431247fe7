//! `interaction.evaluate`: the user is known and well enough authenticated, and was not asked for consent yet.

use placet_sdk::{
    decision::{
        ConsentLimits, ConsentProposal, GrantLimits, HookType, InteractionStage, Limits, Proposal,
        SessionLimits, SessionProposal,
    },
    grant::Grant,
    interaction::SessionAction,
};

use super::{Said, challenge, facts, record::Evaluated};
use crate::{
    client::Client,
    interaction::{
        consent,
        session::{self, Session},
        state::{Accepted, State},
    },
    outcome::{Fault, Outcome},
    policy::{self, Decided, ceiling},
    server::Server,
    token::{Authorized, family_wanted},
};

const HOOK: HookType = HookType::InteractionEvaluate;

/// Asks the policies of `interaction.evaluate` about this authentication, unless they allowed it already.
pub(in crate::interaction) async fn evaluate(
    server: &Server,
    client: &Client,
    state: &mut State,
    (accepted, current): (&Accepted, Option<&Session>),
) -> Outcome<Said> {
    if !server.policies().asks(HOOK) {
        return Ok(Said::Go);
    }
    let basis = super::basis(accepted);
    let steered = state.steered.get_or_insert_default();
    if steered.evaluated.as_ref().is_some_and(|evaluated| evaluated.basis.as_ref() == Some(&basis)) {
        return Ok(Said::Go);
    }
    steered.sub = Some(accepted.sub.clone());
    let (requested, challenged) = (steered.offer.clone(), steered.consent.is_some());
    let fresh = state.accepted.is_some();
    let mut question = facts::begin(server, HOOK, client, state)?;
    facts::about(&mut question, state, InteractionStage::Evaluate, (accepted, current));
    let request = state.request()?;
    let original = requested.unwrap_or_else(|| consent::everything(request));
    let proposed = {
        let probe = Authorized { grant: original.clone(), ..Authorized::default() };
        let tokens = (family_wanted(client, &probe), request.is_openid());
        let subject = Grant { sub: Some(accepted.sub.clone()), ..original.clone() };
        ceiling::effective(server, client, subject, tokens)
    };
    let (session, session_limits) = session_proposal(server, (accepted, fresh)).await?.unzip();
    question.impersonation = true;
    question.request.limits = Limits {
        grant: Some(GrantLimits {
            enrichable: consent::details::enrichable(server, request, &original),
            ..super::limits(server, client, &proposed)
        }),
        consent: Some(ConsentLimits { ask: true }),
        session: session_limits,
        ..Limits::default()
    };
    let remembered = consent::remembered(server, client, &original, &accepted.sub).await?;
    let reasons = consent::reasons(server, client, request, (&original, remembered.as_ref()));
    let ask = challenged || !reasons.is_empty();
    question.request.proposal = Proposal {
        grant: Some(proposed.clone()),
        consent: Some(ConsentProposal { ask }),
        session,
        ..Proposal::default()
    };
    let allowed = match server.policies().decide(question).await? {
        Decided::Allow(allowed) => allowed,
        Decided::Deny(error) => return Ok(super::deny(state, &error)),
        Decided::Challenge(raised) => return challenge::raise(server, state, &accepted.sub, raised),
    };
    let result = allowed.proposal;
    let grant = result.grant.ok_or_else(|| Fault::new("policy", "a decision left no grant"))?;
    let forced = result.consent.unwrap_or_default().ask && !ask;
    let evaluated = Evaluated {
        basis: Some(basis),
        offer: policy::settled(&original, &proposed, &grant)?,
        ask: forced,
        session: result.session.filter(|limits| Some(*limits) != session),
        subject_by: allowed.changed_subject_by,
    };
    let steered = state.steered.get_or_insert_default();
    let before = steered.evaluated.replace(evaluated);
    let same = before.is_none_or(|before| {
        steered.evaluated.as_ref().is_some_and(|now| now.offer == before.offer && now.ask == before.ask)
    });
    if !same {
        // The user consented to another offer.
        state.consented = None;
        steered.approved = None;
    }
    Ok(Said::Go)
}

/// The session that the sign-in makes or renews, and how long it may live; none if it does neither.
async fn session_proposal(
    server: &Server,
    (accepted, fresh): (&Accepted, bool),
) -> Result<Option<(SessionProposal, SessionLimits)>, Fault> {
    let lifetimes = &server.config().lifetimes;
    let (max_life, max_idle) = match (accepted.action, &accepted.session_id) {
        (SessionAction::Create, _) => (
            accepted.max_life.unwrap_or(lifetimes.session).min(lifetimes.session),
            accepted.max_idle.unwrap_or(lifetimes.session_idle).min(lifetimes.session_idle),
        ),
        (SessionAction::Reuse, Some(id)) if fresh => match session::live(server, id).await? {
            Some(old) => (
                seconds(old.record.expires_at.saturating_sub(old.record.created_at)),
                seconds(old.record.idle_seconds),
            ),
            None => return Ok(None),
        },
        _ => return Ok(None),
    };
    let auth_life = accepted.auth_life.unwrap_or(max_life).min(max_life);
    Ok(Some((
        SessionProposal { max_life: Some(max_life), max_idle: Some(max_idle), auth_life: Some(auth_life) },
        SessionLimits { max_life, max_idle, auth_life },
    )))
}

fn seconds(value: i64) -> u32 {
    u32::try_from(value.max(0)).unwrap_or(u32::MAX)
}
