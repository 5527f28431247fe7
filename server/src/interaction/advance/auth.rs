//! Who the user is: the facts at hand, what is demanded of them, and the prompt if they do not suffice.

use placet_oauth::{
    authorization::{
        AuthFacts, AuthReason as Reason, ConsentState, Demand, Progress, Prompt as PromptValue, Step,
        next_step, shortfalls,
    },
    client::SubjectType,
};
use placet_sdk::interaction::{
    AccountMode, AccountPrompt, AcrDemand, AmrDemand, AuthPrompt, AuthReason, Body,
};

use super::Next;
use crate::{
    client::Client,
    interaction::{
        prompt,
        session::{self, Session},
        state::{Accepted, State},
        steer,
    },
    outcome::{Fault, Outcome},
    server::Server,
};

/// What came of looking at the user.
pub(super) enum Who {
    /// This one, well enough authenticated.
    Known(Box<Standing>),
    /// The user has to be asked, or the request is refused.
    Stop(Next),
}

/// The authentication that an interaction stands on.
pub(super) struct Standing {
    /// The authentication.
    pub(super) accepted: Accepted,
    /// The session of this browser, if there is one.
    pub(super) current: Option<Session>,
    facts: AuthFacts,
    demand: Demand,
}

impl Standing {
    /// What comes next, now that it is known whether the user has to consent.
    pub(super) fn next(&self, server: &Server, state: &State, consent: ConsentState) -> Result<Step, Fault> {
        let request = state.request()?;
        Ok(next_step(&Progress {
            prompts_allowed: !request.prompt.contains(&PromptValue::None),
            facts: Some(&self.facts),
            fresh: state.accepted.is_some(),
            session_over: None,
            demand: &self.demand,
            consent,
            now: server.now(),
        }))
    }
}

/// Looks whether the user is known well enough.
pub(super) async fn who(server: &Server, client: &Client, state: &mut State) -> Outcome<Who> {
    let current = current_session(server, client, state).await?;
    let facts = match &state.accepted {
        Some(accepted) => Some(accepted_facts(accepted, server.now())),
        None => current.as_ref().map(Session::facts),
    };
    if let Some(facts) = &facts {
        if state.consent_of.as_ref().is_some_and(|sub| *sub != facts.sub) {
            // Another user than the one who was asked: whatever was granted, this one did not grant it.
            state.consented = None;
            state.consent_of = None;
        }
        steer::only_for(state, &facts.sub);
    }
    let request = state.request()?;
    let demand = demand_of(server, client, state, facts.as_ref())?;
    let had_sessions = state.sessions_over || !state.sessions.is_empty();
    let over = if steer::step_up_sub(state).is_some() {
        Some(Reason::PolicyStepUp)
    } else {
        had_sessions.then_some(Reason::SessionExpired)
    };
    let progress = Progress {
        prompts_allowed: !request.prompt.contains(&PromptValue::None),
        facts: facts.as_ref(),
        fresh: state.accepted.is_some(),
        session_over: over.filter(|_| facts.is_none()),
        demand: &demand,
        consent: ConsentState::NotNeeded,
        now: server.now(),
    };
    match next_step(&progress) {
        Step::Refuse(code, description) => {
            super::deny(state, code.as_str(), description);
            Ok(Who::Stop(Next::Finish))
        }
        Step::Authenticate(reasons) => {
            // A new answer is needed: what was accepted before does not count.
            state.accepted = None;
            ask(server, client, state, (&reasons, current.as_ref(), &demand)).await?;
            Ok(Who::Stop(Next::Ask))
        }
        Step::AskConsent | Step::Respond => {
            let accepted = state.accepted.clone().or_else(|| current.as_ref().map(Session::accepted));
            let (Some(accepted), Some(facts)) = (accepted, facts) else {
                return Err(Fault::new("interaction", "nobody is authenticated").into());
            };
            Ok(Who::Known(Box::new(Standing { accepted, current, facts, demand })))
        }
    }
}

/// The session of this browser that the interaction builds on: the demanded user's, else the one used last.
pub async fn current_session(
    server: &Server,
    client: &Client,
    state: &State,
) -> Result<Option<Session>, Fault> {
    let wanted = |sub: &str| {
        steer::step_up_sub(state).is_none_or(|wanted| wanted == sub) && names(server, client, state, sub)
    };
    for id in &state.sessions {
        if let Some(session) = session::live(server, id).await?
            && wanted(&session.record.sub)
        {
            return Ok(Some(session));
        }
    }
    // No session of the demanded user: the one used last shows that another user is signed in.
    match state.sessions.first() {
        Some(id) => session::live(server, id).await,
        None => Ok(None),
    }
}

/// Whether the request allows this user: it names nobody, or this one.
fn names(server: &Server, client: &Client, state: &State, sub: &str) -> bool {
    let seen = || client.subject(sub, server.root().pairwise_salt());
    state.demanded_sub.as_ref().is_none_or(|demanded| *demanded == seen())
}

/// What is demanded of the authentication of this user.
fn demand_of(
    server: &Server,
    client: &Client,
    state: &State,
    facts: Option<&AuthFacts>,
) -> Result<Demand, Fault> {
    let mut demand = demand(state)?;
    // Clients may see pairwise subjects: what is demanded is compared as this client sees it.
    if let (Some(facts), Some(_)) = (facts, &demand.sub) {
        if names(server, client, state, &facts.sub) {
            demand.sub = Some(facts.sub.clone());
        } else if client.metadata.subject_type == Some(SubjectType::Pairwise) {
            // Nobody: else a client that guesses the local subject would be told that the guess is right.
            demand.sub = Some(String::new());
        }
    }
    if let Some(ciba) = &state.ciba {
        demand.sub = Some(ciba.sub.clone());
    }
    if let Some(sub) = steer::step_up_sub(state) {
        // A policy asks for more of this user, whom the request allows: it was asked about nobody else.
        demand.sub = Some(sub.to_owned());
    }
    let request = state.request()?;
    let config = server.config();
    // RFC 9470 section 5: a value that was asked for is necessary, lest a client go around in circles between a resource
    // that refuses its token and a server that issues the same again. What nobody here claims to know stays a wish
    // (OpenID Connect Core section 5.5.1.1), and so does what a policy put in the place of what was asked for.
    demand.acr_essential |= demand.acr_values == request.acr_values
        && demand.acr_values.iter().any(|value| config.acr_values.contains(value));
    let asked = config.ui.iter().find(|ui| ui.name == state.ui);
    demand.acr_reach = asked.and_then(|ui| ui.max_acr.clone());
    Ok(demand)
}

/// Whether an authentication falls short of what is demanded, although it sufficed before: the session was renewed by
/// another interaction meanwhile, and with less. Its age was judged when somebody was last asked.
pub fn fell_short(
    server: &Server,
    client: &Client,
    state: &State,
    accepted: &Accepted,
) -> Result<bool, Fault> {
    let request = state.request()?;
    let facts = accepted_facts(accepted, server.now());
    let demand = demand_of(server, client, state, Some(&facts))?;
    let waived = |reason: &Reason| match reason {
        Reason::MaxAgeExceeded | Reason::SessionExpired => true,
        Reason::AcrInsufficient => request.prompt.contains(&PromptValue::None) && !demand.acr_essential,
        _ => false,
    };
    let missing = shortfalls(&facts, &demand, state.accepted.is_some(), server.now());
    Ok(!missing.iter().all(waived))
}

fn accepted_facts(accepted: &Accepted, now: i64) -> AuthFacts {
    AuthFacts {
        sub: accepted.sub.clone(),
        authenticated_at: accepted.authenticated_at.min(now),
        acr: accepted.acr.clone(),
        amr: accepted.amr.clone(),
        satisfies_until: None,
    }
}

/// What the request, and policies beyond it, demand of an authentication.
pub fn demand(state: &State) -> Result<Demand, Fault> {
    let request = state.request()?;
    let (acr_values, acr_essential) = match request.claims.acr() {
        Some((values, essential)) if essential || request.acr_values.is_empty() => (values, essential),
        _ => (request.acr_values.clone(), false),
    };
    let create = request.prompt.contains(&PromptValue::Create);
    let login = request.prompt.contains(&PromptValue::Login);
    let demand = Demand {
        max_age: request.max_age,
        acr_values,
        acr_essential,
        acr_reach: None,
        sub: state.demanded_sub.clone(),
        not_before: (login || create).then_some(state.opened_at),
        select_account: request.prompt.contains(&PromptValue::SelectAccount),
        create,
        amr: Vec::new(),
        step_up: None,
    };
    Ok(steer::raised(state, demand))
}

async fn ask(
    server: &Server,
    client: &Client,
    state: &mut State,
    (reasons, current, demand): (&[Reason], Option<&Session>, &Demand),
) -> Outcome<()> {
    let mut candidates = Vec::new();
    if demand.select_account {
        for id in &state.sessions {
            candidates.extend(session::live(server, id).await?.map(|s| s.candidate()));
        }
    }
    // A pairwise subject says nothing to the login app, unless one of this browser's users is behind it.
    let fixed = steer::step_up_sub(state)
        .or_else(|| state.ciba.as_ref().map(|ciba| ciba.sub.as_str()))
        .map(str::to_owned)
        .or_else(|| {
            demand.sub.clone().filter(|_| client.metadata.subject_type != Some(SubjectType::Pairwise))
        })
        .or_else(|| {
            current
                .map(|s| s.record.sub.clone())
                .filter(|sub| demand.sub.is_some() && names(server, client, state, sub))
        });
    let mode = match (&fixed, demand.select_account) {
        (Some(_), _) => AccountMode::Fixed,
        (None, true) if !candidates.is_empty() => AccountMode::Select,
        _ => AccountMode::Any,
    };
    if mode != AccountMode::Select {
        candidates.clear();
    }
    let mut shown: Vec<AuthReason> = std::mem::take(&mut state.fell_short);
    shown.extend(reasons.iter().map(|r| reason(*r)).filter(|r| !shown.contains(r)).collect::<Vec<_>>());
    state.attempt += 1;
    let not_before = demand
        .max_age
        .map(|age| server.now().saturating_sub(i64::try_from(age).unwrap_or(i64::MAX)))
        .max(demand.not_before)
        .max(demand.step_up.filter(|at| *at > 0));
    let auth = AuthPrompt {
        reasons: shown,
        attempt: state.attempt,
        account: AccountPrompt { mode, sub: fixed, candidates },
        acr: (!demand.acr_values.is_empty()).then(|| AcrDemand {
            values: demand.acr_values.clone(),
            essential: demand.acr_essential,
            current: current.and_then(|s| s.doc.acr.clone()),
        }),
        amr: (!demand.amr.is_empty()).then(|| AmrDemand { values: demand.amr.clone() }),
        max_age: demand.max_age.into_iter().chain(steer::step_up_max_age(state)).min(),
        not_before: not_before.map(placet_sdk::Instant),
        create: demand.create || demand.sub.is_none(),
        message: steer::auth_message(state),
    };
    let locales = state.request()?.ui_locales.clone();
    let session = current.map(Session::info);
    state.prompt = prompt::of_state(server, state, Some(client.info(&locales)), session, Body::Auth { auth });
    Ok(())
}

/// The contract's name of a reason.
fn reason(reason: Reason) -> AuthReason {
    match reason {
        Reason::NoSession => AuthReason::NoSession,
        Reason::SessionIdle => AuthReason::SessionIdle,
        Reason::SessionExpired => AuthReason::SessionExpired,
        Reason::MaxAgeExceeded => AuthReason::MaxAgeExceeded,
        Reason::PromptLogin => AuthReason::PromptLogin,
        Reason::PromptSelectAccount => AuthReason::PromptSelectAccount,
        Reason::PromptCreate => AuthReason::PromptCreate,
        Reason::AcrInsufficient => AuthReason::AcrInsufficient,
        Reason::AmrInsufficient => AuthReason::AmrInsufficient,
        Reason::SubjectMismatch => AuthReason::SubjectMismatch,
        Reason::PolicyStepUp => AuthReason::PolicyStepUp,
        Reason::AnswerInsufficient => AuthReason::AnswerInsufficient,
    }
}
