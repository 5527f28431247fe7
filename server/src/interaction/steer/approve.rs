//! `interaction.approve`: the user consented, or need not be asked, and nothing took effect yet.
//!
//! In the redirect front door everything takes effect when the browser is back. The policies are asked before that, at
//! the last answer, because a challenge needs the login app, which the browser has left by then. When it is back, what
//! they allowed still counts if it rests on the very authentication that takes effect ([`granted`]); if that changed in
//! the meantime, as when the session was renewed in another tab, they are asked again.

use placet_sdk::{
    Instant,
    decision::{
        Challenge, GrantFacts, HookType, InteractionFacts, InteractionStage, Limits, Proposal, RequestFacts,
        Requested, RequestedConsent,
    },
    grant::{Authentication, Grant},
    problem::FieldError,
};

use super::{Said, challenge, facts, offer, record::Approved};
use crate::{
    client::Client,
    interaction::{
        advance, consent,
        session::Session,
        state::{Accepted, State},
    },
    outcome::{Fault, Outcome},
    policy::{self, Decided, Question, ceiling, client_facts},
    problem::{ApiFailure, ApiResult, problem},
    server::Server,
    token::{Authorized, family_wanted},
};

const HOOK: HookType = HookType::InteractionApprove;

/// What takes effect.
#[derive(Debug)]
pub(in crate::interaction) enum Granted {
    /// This grant; its `sub`, if it has one, is another than the user's, and a policy that put it there is named.
    Grant(Box<Grant>, Option<String>),
    /// The policies have to be asked again: what they allowed rests on another authentication.
    Moved,
}

/// Asks the policies of `interaction.approve`, unless they allowed this very grant already.
pub(in crate::interaction) async fn approve(
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
    if steered.approved.as_ref().is_some_and(|approved| approved.basis == basis) {
        return Ok(Said::Go);
    }
    steered.sub = Some(accepted.sub.clone());
    let mut question = facts::begin(server, HOOK, client, state)?;
    facts::about(&mut question, state, InteractionStage::Approve, (accepted, current));
    let original = consented_grant(client, state)?;
    let request = state.request()?;
    let front_channel =
        [("id_token", request.response_type.id_token), ("token", request.response_type.token)];
    if let Some(interaction) = &mut question.request.interaction {
        interaction.front_channel = front_channel
            .into_iter()
            .filter(|(_, leaves)| *leaves)
            .map(|(name, _)| name.to_owned())
            .collect();
        interaction.consent = Some(RequestedConsent {
            scope: original.scope.clone().unwrap_or_default(),
            explicit: state.consented.as_ref().is_some_and(|consented| consented.asked),
        });
    }
    let enrichable = consent::details::enrichable(server, request, &original);
    let proposed = propose(server, client, &mut question, (&original, accepted));
    if let Some(limits) = &mut question.request.limits.grant {
        limits.enrichable = enrichable;
    }
    let allowed = match server.policies().decide(question).await? {
        Decided::Allow(allowed) => allowed,
        Decided::Deny(error) => return Ok(super::deny(state, &error)),
        Decided::Challenge(raised) => return challenge::raise(server, state, &accepted.sub, raised),
    };
    let grant = approved(allowed.proposal.grant, (&original, &proposed))?;
    let openid = grant.scope.iter().flatten().any(|value| value == "openid");
    let withheld = grant.id_token.as_ref().and_then(|settings| settings.issue) == Some(false);
    let response_type = state.request()?.response_type;
    if response_type.id_token && (withheld || !openid) {
        let text = "a policy of this server withholds the ID token that the response type needs";
        advance::deny(state, "access_denied", text);
        return Ok(Said::Denied);
    }
    let steered = state.steered.get_or_insert_default();
    let before = steered.evaluated.as_ref().and_then(|evaluated| evaluated.subject_by.clone());
    let subject_by = allowed.changed_subject_by.or(before);
    steered.approved = Some(Approved { basis, grant, subject_by });
    Ok(Said::Go)
}

/// What takes effect for this authentication.
pub(in crate::interaction) fn granted(
    server: &Server,
    client: &Client,
    state: &State,
    accepted: &Accepted,
) -> Result<Granted, Fault> {
    let basis = super::basis(accepted);
    let steered = state.steered.as_ref();
    let evaluated = steered.and_then(|steered| steered.evaluated.as_ref());
    if server.policies().has(HookType::InteractionEvaluate)
        && evaluated.is_none_or(|evaluated| evaluated.basis.as_ref() != Some(&basis))
    {
        return Ok(Granted::Moved);
    }
    match steered.and_then(|steered| steered.approved.as_ref()) {
        Some(approved) if approved.basis == basis => {
            Ok(Granted::Grant(Box::new(approved.grant.clone()), approved.subject_by.clone()))
        }
        _ if server.policies().has(HOOK) => Ok(Granted::Moved),
        _ => {
            let subject_by = evaluated.and_then(|evaluated| evaluated.subject_by.clone());
            Ok(Granted::Grant(Box::new(consented_grant(client, state)?), subject_by))
        }
    }
}

/// What the user granted, within what policies offered.
fn consented_grant(client: &Client, state: &State) -> Result<Grant, Fault> {
    let request = state.request()?;
    let consented =
        state.consented.as_ref().ok_or_else(|| Fault::new("interaction", "a grant without consent"))?;
    offer::combined(client, request, &offer::offer(state, request), &consented.grant)
}

/// Fills in what a bare allow leads to, and what may be set instead.
fn propose(
    server: &Server,
    client: &Client,
    question: &mut Question,
    (original, accepted): (&Grant, &Accepted),
) -> Grant {
    let mut grant = original.clone();
    grant.sub.get_or_insert_with(|| accepted.sub.clone());
    grant.authentication = Some(Authentication {
        authenticated_at: Some(Instant(accepted.authenticated_at)),
        acr: accepted.acr.clone(),
        amr: Some(accepted.amr.clone()),
    });
    let probe = Authorized { grant: original.clone(), ..Authorized::default() };
    let wanted = original.id_token.as_ref().and_then(|settings| settings.issue).unwrap_or(true);
    let tokens = (family_wanted(client, &probe), probe.scope().contains("openid") && wanted);
    let proposed = ceiling::effective(server, client, grant, tokens);
    question.impersonation = true;
    question.request.limits =
        Limits { grant: Some(super::limits(server, client, &proposed)), ..Limits::default() };
    question.request.proposal = Proposal { grant: Some(proposed.clone()), ..Proposal::default() };
    proposed
}

/// The grant that was approved. Its `sub` is there only if it is another than the user's.
fn approved(result: Option<Grant>, (original, proposed): (&Grant, &Grant)) -> Result<Grant, Fault> {
    let result = result.ok_or_else(|| Fault::new("policy", "a decision left no grant"))?;
    let mut grant = policy::settled(original, proposed, &result)?;
    grant.authentication = None;
    Ok(grant)
}

/// Asks the policies of `interaction.approve` about a grant without a browser, which would become the authorization
/// `id`; a policy that put another subject in the place of the user is named. Nobody is at hand, so that a challenge is
/// a refusal.
pub(crate) async fn direct(
    server: &Server,
    client: &Client,
    id: &str,
    ((accepted, session), original): ((&Accepted, Option<&Session>), Grant),
) -> ApiResult<(Grant, Option<String>)> {
    if !server.policies().asks(HOOK) {
        return Ok((original, None));
    }
    let asking = RequestFacts {
        endpoint: "ui".to_owned(),
        received_at: Some(placet_sdk::InstantMillis(server.now_millis())),
        ..RequestFacts::default()
    };
    let mut question = Question::new(HOOK, Some((client, client_facts(client, false))), asking);
    let scope = original.scope.clone().unwrap_or_default();
    question.request.grant = Some(GrantFacts {
        grant_type: None,
        authorization_id: Some(id.to_owned()),
        requested: Requested {
            scope: Some(scope.clone()),
            resources: original.resources.clone().filter(|resources| !resources.is_empty()),
            authorization_details: original.authorization_details.clone(),
            ..Requested::default()
        },
    });
    question.request.subject = Some(facts::user(&accepted.sub, Some(&accepted.claims)));
    question.request.session = session.map(Session::shown);
    question.request.interaction = Some(InteractionFacts {
        id: id.to_owned(),
        kind: "direct".to_owned(),
        stage: InteractionStage::Approve,
        challenges: 0,
        consent: Some(RequestedConsent { scope, explicit: false }),
        results: placet_sdk::grant::Object::new(),
        front_channel: Vec::new(),
        device: None,
        ciba: None,
    });
    let proposed = propose(server, client, &mut question, (&original, accepted));
    let (code, detail) = match server.policies().decide(question).await? {
        Decided::Allow(allowed) => {
            let grant = approved(allowed.proposal.grant, (&original, &proposed))?;
            return Ok((grant, allowed.changed_subject_by));
        }
        Decided::Deny(error) => {
            let shown = crate::policy::denial(&error);
            (shown.shown_code().to_owned(), shown.description)
        }
        Decided::Challenge(challenge) => ("interaction_required".to_owned(), needed(&challenge).to_owned()),
    };
    Err(refused(code, detail))
}

fn refused(code: String, detail: String) -> ApiFailure {
    let mut refused = problem(403, "policy_denied", &detail);
    refused.errors = vec![FieldError { pointer: String::new(), code, detail }];
    refused.into()
}

fn needed(challenge: &Challenge) -> &'static str {
    match challenge {
        Challenge::StepUp { .. } => "a stronger or fresher authentication of the user is needed",
        Challenge::Consent { .. } => "the user has to consent",
        Challenge::SelectAccount { .. } => "the user has to choose an account",
        Challenge::Prompt { .. } => "the user has to answer a page first",
    }
}
