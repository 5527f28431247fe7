//! What comes next: gathers the facts of an interaction and asks the pure rule.

use placet_oauth::{
    authorization::{
        AuthFacts, AuthReason as Reason, ConsentState, Demand, Progress, Prompt as PromptValue, Step,
        next_step,
    },
    client::SubjectType,
};
use placet_sdk::interaction::{
    AccountMode, AccountPrompt, AcrDemand, AuthPrompt, AuthReason, Body, ConfirmPrompt, Delivery,
    DeliveryMethod, LogoutScope, Outcome as ResponseOutcome, ResponsePrompt, Summary,
};

use super::{
    consent, prompt,
    session::{self, Session},
    state::{Accepted, Consented, Denied, State, Ticket},
};
use crate::{
    client::Client,
    outcome::{Fault, Outcome},
    random,
    seal::hex,
    server::Server,
    store::ConsentRecord,
};

/// Kind of the digests of resume tickets.
pub const TICKET: &str = "ticket";

/// What comes next.
#[derive(Debug)]
pub enum Next {
    /// The login app is asked; `state.prompt` says what.
    Ask,
    /// Everything is known: the response can be made.
    Finish,
}

/// Brings the state to what comes next. Nothing is stored.
pub async fn advance(server: &Server, client: Option<&Client>, state: &mut State) -> Outcome<Next> {
    if state.denied.is_some() {
        return Ok(Next::Finish);
    }
    match client {
        Some(client) if state.request.is_some() => advance_authorization(server, client, state).await,
        _ => Ok(advance_logout(server, client, state)),
    }
}

async fn advance_authorization(server: &Server, client: &Client, state: &mut State) -> Outcome<Next> {
    let current = current_session(server, client, state).await?;
    let facts = match &state.accepted {
        Some(accepted) => Some(accepted_facts(accepted, server.now())),
        None => current.as_ref().map(Session::facts),
    };
    if let Some(facts) = &facts
        && state.consent_of.as_ref().is_some_and(|sub| *sub != facts.sub)
    {
        // Another user than the one who was asked: whatever was granted, this one did not grant it.
        state.consented = None;
        state.consent_of = None;
    }
    let (request, _) = state.authorization_request()?;
    let mut demand = demand(state)?;
    // Clients may see pairwise subjects: what is demanded is compared as this client sees it.
    if let (Some(facts), Some(_)) = (&facts, &demand.sub) {
        if names(server, client, state, &facts.sub) {
            demand.sub = Some(facts.sub.clone());
        } else if client.metadata.subject_type == Some(SubjectType::Pairwise) {
            // Nobody: else a client that guesses the local subject would be told that the guess is right.
            demand.sub = Some(String::new());
        }
    }
    let remembered = match &facts {
        Some(facts) => consent::remembered(server, client, request, &facts.sub).await?,
        None => None,
    };
    let consent_state = match (&state.consented, consent::reasons(client, request, remembered.as_ref())) {
        (Some(_), _) => ConsentState::Given,
        (None, reasons) if reasons.is_empty() => ConsentState::NotNeeded,
        _ => ConsentState::Needed,
    };
    let had_sessions = state.sessions_over || !state.sessions.is_empty();
    let progress = Progress {
        prompts_allowed: !request.prompt.contains(&PromptValue::None),
        facts: facts.as_ref(),
        fresh: state.accepted.is_some(),
        session_over: (facts.is_none() && had_sessions).then_some(Reason::SessionExpired),
        demand: &demand,
        consent: consent_state,
        now: server.now(),
    };
    match next_step(&progress) {
        Step::Refuse(code, description) => {
            deny(state, code.as_str(), description);
            Ok(Next::Finish)
        }
        Step::Authenticate(reasons) => {
            // A new answer is needed: what was accepted before does not count.
            state.accepted = None;
            ask_auth(server, client, state, (&reasons, current.as_ref(), &demand)).await?;
            Ok(Next::Ask)
        }
        Step::AskConsent => {
            let sub = facts.map(|f| f.sub).unwrap_or_default();
            state.consent_of = Some(sub.clone());
            ask_consent(server, client, state, (&sub, remembered.as_ref(), current.as_ref()))?;
            Ok(Next::Ask)
        }
        Step::Respond => {
            state.consent_of = facts.map(|f| f.sub);
            if state.consented.is_none() {
                let (request, _) = state.authorization_request()?;
                let grant = consent::everything(request);
                state.consented = Some(Consented { asked: false, grant, remember: None });
            }
            Ok(Next::Finish)
        }
    }
}

fn advance_logout(server: &Server, client: Option<&Client>, state: &mut State) -> Next {
    if state.confirmed.is_some() {
        return Next::Finish;
    }
    let mut choices = vec![LogoutScope::Session, LogoutScope::Subject];
    if client.is_some() {
        choices.insert(0, LogoutScope::Client);
    }
    let confirm = ConfirmPrompt {
        what: "logout".to_owned(),
        warn: Vec::new(),
        choices,
        default: Some(LogoutScope::Session),
    };
    let info = client.map(|c| c.info(&[]));
    state.prompt = prompt::of_state(server, state, info, None, Body::Confirm { confirm });
    Next::Ask
}

/// Records a refusal.
pub fn deny(state: &mut State, error: &str, description: &str) {
    state.denied = Some(Denied { error: error.to_owned(), description: description.to_owned() });
}

/// The session of this browser that the interaction builds on: the demanded user's, else the one used last.
pub async fn current_session(
    server: &Server,
    client: &Client,
    state: &State,
) -> Result<Option<Session>, Fault> {
    for id in &state.sessions {
        if let Some(session) = session::live(server, id).await?
            && names(server, client, state, &session.record.sub)
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

fn accepted_facts(accepted: &Accepted, now: i64) -> AuthFacts {
    AuthFacts {
        sub: accepted.sub.clone(),
        authenticated_at: accepted.authenticated_at.min(now),
        acr: accepted.acr.clone(),
        amr: accepted.amr.clone(),
        satisfies_until: None,
    }
}

/// What the request demands of an authentication.
pub fn demand(state: &State) -> Result<Demand, Fault> {
    let (request, _) = state.authorization_request()?;
    let (acr_values, acr_essential) =
        request.claims.acr().unwrap_or_else(|| (request.acr_values.clone(), false));
    let create = request.prompt.contains(&PromptValue::Create);
    let login = request.prompt.contains(&PromptValue::Login);
    Ok(Demand {
        max_age: request.max_age,
        acr_values,
        acr_essential,
        sub: state.demanded_sub.clone(),
        not_before: (login || create).then_some(state.opened_at),
        select_account: request.prompt.contains(&PromptValue::SelectAccount),
        create,
        amr: Vec::new(),
    })
}

async fn ask_auth(
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
    let fixed =
        demand.sub.clone().filter(|_| client.metadata.subject_type != Some(SubjectType::Pairwise)).or_else(
            || {
                current
                    .map(|s| s.record.sub.clone())
                    .filter(|sub| demand.sub.is_some() && names(server, client, state, sub))
            },
        );
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
        .max(demand.not_before);
    let auth = AuthPrompt {
        reasons: shown,
        attempt: state.attempt,
        account: AccountPrompt { mode, sub: fixed, candidates },
        acr: (!demand.acr_values.is_empty()).then(|| AcrDemand {
            values: demand.acr_values.clone(),
            essential: demand.acr_essential,
            current: current.and_then(|s| s.doc.acr.clone()),
        }),
        amr: None,
        max_age: demand.max_age,
        not_before: not_before.map(placet_sdk::Instant),
        create: demand.create || demand.sub.is_none(),
    };
    let locales = state.authorization_request()?.0.ui_locales.clone();
    let session = current.map(Session::info);
    state.prompt = prompt::of_state(server, state, Some(client.info(&locales)), session, Body::Auth { auth });
    Ok(())
}

fn ask_consent(
    server: &Server,
    client: &Client,
    state: &mut State,
    (sub, remembered, current): (&str, Option<&ConsentRecord>, Option<&Session>),
) -> Outcome<()> {
    let (request, _) = state.authorization_request()?;
    let consent = Box::new(consent::prompt(server, client, request, (sub, remembered)));
    let locales = request.ui_locales.clone();
    let session = current.filter(|s| s.record.sub == sub).map(Session::info);
    state.prompt =
        prompt::of_state(server, state, Some(client.info(&locales)), session, Body::Consent { consent });
    Ok(())
}

/// The last prompt in the redirect door: the browser takes a one-time ticket back to `/resume`. Nothing has taken
/// effect yet.
pub fn send_back(server: &Server, client: Option<&Client>, state: &mut State) -> Result<(), Fault> {
    let ticket = random::secret(server.random())?;
    state.ticket =
        Some(Ticket { digest: hex(&server.root().digest(TICKET, &ticket).0), issued_at: server.now() });
    let uri = format!("{}/resume?i={}&t={}", server.issuer(), state.id, ticket.expose());
    let delivery = Delivery { method: DeliveryMethod::Redirect, uri: Some(uri), fields: None };
    let body = Body::Response { response: response(state, delivery) };
    let info = client.map(|c| c.info(&[]));
    state.prompt = prompt::of_state(server, state, info, None, body);
    Ok(())
}

/// The section of a response prompt.
pub fn response(state: &State, delivery: Delivery) -> ResponsePrompt {
    let denied = state.denied.as_ref();
    let summary = match (&state.accepted, &state.consented) {
        (Some(accepted), Some(consented)) if denied.is_none() => Some(Summary {
            authorization_id: None,
            sub: accepted.sub.clone(),
            scope: consented.grant.scope.clone().unwrap_or_default(),
        }),
        _ => None,
    };
    ResponsePrompt {
        outcome: if denied.is_some() { ResponseOutcome::Error } else { ResponseOutcome::Success },
        error: denied.map(|d| d.error.clone()),
        error_description: denied.map(|d| d.description.clone()),
        delivery,
        session: None,
        summary,
        logout: None,
    }
}

/// The contract's name of a reason.
pub fn reason(reason: Reason) -> AuthReason {
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
