//! What comes next: gathers the facts of an interaction and asks the pure rule.

mod auth;

pub use auth::{current_session, demand, fell_short};

use placet_oauth::{
    authorization::{ConsentState, Prompt as PromptValue, Step},
    error::ErrorCode,
};
use placet_sdk::{
    grant::Grant,
    interaction::{
        Body, ConfirmPrompt, ConsentReason, CustomPrompt, Delivery, DeliveryMethod, Kind, LogoutScope,
        Outcome as ResponseOutcome, ResponsePrompt, Summary,
    },
};

use self::auth::{Standing, Who};
use super::{
    consent, device, prompt,
    session::Session,
    state::{Consented, Denied, State, Ticket},
    steer::{self, Said},
};
use crate::{
    client::Client,
    ledger::note,
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
    if state.kind == Kind::Logout {
        return Ok(advance_logout(server, client, state));
    }
    if state.device.is_some()
        && let Some(next) = device::ask(server, client, state)?
    {
        return Ok(next);
    }
    let client = client.ok_or_else(|| Fault::new("interaction", "a request of nobody"))?;
    advance_authorization(server, client, state).await
}

async fn advance_authorization(server: &Server, client: &Client, state: &mut State) -> Outcome<Next> {
    // A challenge leads back to the beginning, where it becomes a prompt or a refusal; their number is limited.
    loop {
        let standing = match auth::who(server, client, state).await? {
            Who::Known(standing) => standing,
            Who::Stop(next) => return Ok(next),
        };
        let about = (&standing.accepted, standing.current.as_ref());
        if let Some(page) = steer::page(state).cloned() {
            return ask_page(server, client, state, (page, &standing));
        }
        match steer::evaluate(server, client, state, about).await? {
            Said::Go => {}
            Said::Again => continue,
            Said::Denied => return Ok(Next::Finish),
        }
        match settle_consent(server, client, state, &standing).await? {
            Consent::Settled => {}
            Consent::Stop(next) => return Ok(next),
            Consent::Late => continue,
        }
        match steer::approve(server, client, state, about).await? {
            Said::Again => {}
            Said::Go | Said::Denied => return Ok(Next::Finish),
        }
    }
}

/// What came of looking at the consent.
enum Consent {
    /// It is known what is granted.
    Settled,
    /// The user has to be asked, or the request is refused.
    Stop(Next),
    /// By now the authentication is too old.
    Late,
}

/// Asks for consent, or notes what is granted without asking.
async fn settle_consent(
    server: &Server,
    client: &Client,
    state: &mut State,
    standing: &Standing,
) -> Outcome<Consent> {
    let sub = &standing.accepted.sub;
    let request = state.request()?;
    let offer = steer::offer(state, request);
    let remembered = consent::remembered(server, client, &offer, sub).await?;
    // Whoever asks without a browser proves nothing of the user: only the user's own yes does.
    let forced = steer::asks_consent(state) || state.ciba.is_some();
    let consent = match &state.consented {
        Some(consented) if consented.asked || !forced => ConsentState::Given,
        None if !forced
            && consent::reasons(server, client, request, (&offer, remembered.as_ref())).is_empty() =>
        {
            ConsentState::NotNeeded
        }
        _ => ConsentState::Needed,
    };
    match standing.next(server, state, consent)? {
        Step::Refuse(code, description) => {
            deny(state, code.as_str(), description);
            Ok(Consent::Stop(Next::Finish))
        }
        Step::Authenticate(_) => Ok(Consent::Late),
        Step::AskConsent => {
            state.consent_of = Some(sub.clone());
            ask_consent(server, client, state, (sub, remembered.as_ref(), standing.current.as_ref()))?;
            Ok(Consent::Stop(Next::Ask))
        }
        Step::Respond => {
            if state.consented.is_none() {
                let grant = Grant {
                    scope: offer.scope.clone(),
                    resources: offer.resources.clone(),
                    authorization_details: consent::details::silently(
                        server,
                        request,
                        (&offer, remembered.as_ref()),
                    ),
                    claims: offer.claims.clone(),
                    ..Grant::default()
                };
                state.consented = Some(Consented { asked: false, grant, remember: None });
            }
            state.consent_of = Some(sub.clone());
            Ok(Consent::Settled)
        }
    }
}

/// The page that a policy asked for.
fn ask_page(
    server: &Server,
    client: &Client,
    state: &mut State,
    (custom, standing): (CustomPrompt, &Standing),
) -> Outcome<Next> {
    let request = state.request()?;
    if request.prompt.contains(&PromptValue::None) {
        deny(state, ErrorCode::InteractionRequired.as_str(), "the user has to answer a page");
        return Ok(Next::Finish);
    }
    let info = client.info(&request.ui_locales);
    let session = standing.current.as_ref().filter(|session| session.record.sub == standing.accepted.sub);
    let session = session.map(Session::info);
    state.prompt = prompt::of_state(server, state, Some(info), session, Body::Custom { custom });
    Ok(Next::Ask)
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
    note(|noted| noted.refused(error, description));
    state.denied = Some(Denied { error: error.to_owned(), description: description.to_owned(), uri: None });
}

fn ask_consent(
    server: &Server,
    client: &Client,
    state: &mut State,
    (sub, remembered, current): (&str, Option<&ConsentRecord>, Option<&Session>),
) -> Outcome<()> {
    let request = state.request()?;
    let offer = steer::offer(state, request);
    let mut consent = consent::prompt(server, client, request, (sub, remembered, &offer));
    steer::explain(state, &mut consent);
    if consent.reasons.is_empty() {
        consent.reasons.push(ConsentReason::Always);
    }
    let consent = Box::new(consent);
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
            scope: steer::approved_scope(state)
                .unwrap_or_else(|| consented.grant.scope.clone().unwrap_or_default()),
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
