//! The headless front door: the login app is the authorization endpoint and opens interactions itself.

use placet_oauth::id::Secret;
use placet_sdk::{
    grant::Parameters,
    interaction::{Body, Delivery, DeliveryMethod, ErrorPrompt, Kind, Open, Outcome, Prompt, RequestMethod},
};
use sha2::{Digest as _, Sha256};

use crate::{
    authorize::{Refusal, already_answered, validate},
    config::UiConfig,
    interaction::{
        LogoutState, Origin,
        open::{self, Opened, Visitor},
        session,
    },
    ledger::note,
    logout::{self, LogoutRequest},
    outcome::{Failure, Fault},
    problem::{ApiResult, invalid_answer, problem},
    server::Server,
    store::{Digest, ReplyRecord},
};

/// How long the answer to an idempotent request is remembered, in seconds.
const REMEMBERED: i64 = 60;
/// Bindings shorter than this can be guessed.
const MIN_BINDING: usize = 22;

/// Opens an interaction with the raw request of a browser. With an `Idempotency-Key`, a repetition of the same request
/// gets the same prompt.
pub async fn open(
    server: &Server,
    ui: &UiConfig,
    open: Open,
    (key, raw): (Option<String>, &[u8]),
) -> ApiResult<Prompt> {
    let Some(key) = key else { return begin(server, ui, open).await };
    if key.len() > 255 {
        return Err(problem(400, "invalid_request", "`Idempotency-Key` has at most 255 characters").into());
    }
    let digest = server.root().digest("idempotency", &Secret::new(format!("{} {key}", ui.name)));
    let request = Digest(Sha256::digest(raw).into());
    if let Some(known) = remembered(server, (digest, request)).await? {
        return Ok(known);
    }
    let prompt = begin(server, ui, open).await?;
    let plain = serde_json::to_vec(&prompt).map_err(|e| Fault::new("answer", e))?;
    let sealed = server.root().seal(server.random(), "reply", &plain)?;
    let reply = ReplyRecord { key: digest, request, sealed, expires_at: server.now() + REMEMBERED };
    match server.store().remember_reply(reply, server.now()).await? {
        None => Ok(prompt),
        Some(first) => read(server, &first, request),
    }
}

async fn remembered(server: &Server, (key, request): (Digest, Digest)) -> ApiResult<Option<Prompt>> {
    // A probe that expires at once: it stores nothing that counts and gives what is there.
    let probe = ReplyRecord { key, request, sealed: Vec::new(), expires_at: server.now() };
    let known = server.store().remember_reply(probe, server.now()).await?;
    known.map(|known| read(server, &known, request)).transpose()
}

fn read(server: &Server, known: &ReplyRecord, request: Digest) -> ApiResult<Prompt> {
    if known.request != request {
        let detail = "this `Idempotency-Key` was used for another request";
        return Err(problem(422, "idempotency_conflict", detail).into());
    }
    let plain = server
        .root()
        .open("reply", &known.sealed)
        .ok_or_else(|| Fault::new("reply record", "it does not open"))?;
    Ok(serde_json::from_slice(&plain).map_err(|e| Fault::new("reply record", e))?)
}

async fn begin(server: &Server, ui: &UiConfig, open: Open) -> ApiResult<Prompt> {
    let binding =
        open.browser.binding.as_deref().filter(|b| (MIN_BINDING..=255).contains(&b.len())).ok_or_else(
            || {
                invalid_answer(
                    "/browser/binding",
                    "missing",
                    "a secret of this browser with 22 to 255 characters is expected",
                )
            },
        )?;
    let visitor = Visitor {
        handles: open.browser.sessions.iter().take(session::MAX_PER_BROWSER).map(Secret::new).collect(),
        binding: Some(Secret::new(binding)),
        browser_state: None,
        // What is not an address is nothing that a policy could judge.
        origin: Origin::new(
            open.browser.ip.as_deref().and_then(|ip| ip.parse().ok()),
            open.browser.user_agent.as_deref(),
        ),
    };
    match open.kind {
        Kind::Authorization => authorization(server, ui, &visitor, &open).await,
        Kind::Logout => log_out(server, ui, &visitor, &open).await,
        Kind::Device => connect(server, ui, &visitor, &open).await,
        Kind::Ciba => {
            Err(invalid_answer("/kind", "not_supported", "`authorization`, `device` or `logout` is expected"))
        }
    }
}

fn raw(open: &Open) -> ApiResult<&[u8]> {
    let request = open
        .request
        .as_ref()
        .ok_or_else(|| invalid_answer("/request", "missing", "the raw request is expected"))?;
    let (text, pointer) = match request.method {
        RequestMethod::Get => (&request.query, "/request/query"),
        RequestMethod::Post => (&request.form, "/request/form"),
    };
    let text = text
        .as_deref()
        .ok_or_else(|| invalid_answer(pointer, "missing", "the raw parameters are expected"))?;
    Ok(text.as_bytes())
}

async fn authorization(server: &Server, ui: &UiConfig, visitor: &Visitor, open: &Open) -> ApiResult<Prompt> {
    match validate(server, raw(open)?).await {
        Ok(valid) => {
            let (client, destination) = (valid.client.clone(), valid.destination.clone());
            match open::authorization(server, ui, visitor, valid).await {
                Ok(Opened::Asked(state) | Opened::Delivered(state))
                    if state.delivered.is_none() || finished(&state.prompt) =>
                {
                    Ok(state.prompt)
                }
                // Refused without asking anybody (`prompt=none`): nothing is stored, the prompt says where to go.
                Ok(Opened::Asked(state) | Opened::Delivered(state)) => {
                    let delivery = state.delivered.as_ref().map(|d| d.delivery.clone());
                    let denied = state.denied.clone();
                    Ok(refused(
                        state.prompt,
                        (denied.as_ref().map(|d| (d.error.as_str(), d.description.as_str())), delivery),
                    ))
                }
                Ok(Opened::TooLate) => by_refusal(server, Refusal::Page(already_answered())).await,
                Err(refused @ Failure::Refused(_)) => {
                    by_refusal(server, Refusal::at(&client, &destination, &refused)).await
                }
                Err(broken) => Err(broken.into()),
            }
        }
        Err(refusal) => by_refusal(server, refusal).await,
    }
}

fn finished(prompt: &Prompt) -> bool {
    prompt.body.is_terminal() && matches!(prompt.body, Body::Response { .. })
}

/// A request that is refused before an interaction begins.
async fn by_refusal(server: &Server, refusal: Refusal) -> ApiResult<Prompt> {
    let prompt = open::unopened(server, Kind::Authorization)?;
    let error = match &refusal {
        Refusal::Page(error) => Some(error),
        Refusal::ToClient(told) => Some(&told.error),
        Refusal::Fault(_) => None,
    };
    error.inspect(|error| note(|noted| noted.refused(error.code.as_str(), &error.description)));
    match refusal {
        Refusal::Fault(fault) => Err(fault.into()),
        Refusal::Page(error) => {
            let error = ErrorPrompt {
                error: error.code.as_str().to_owned(),
                error_description: error.description,
                retryable: false,
            };
            Ok(Prompt { body: Body::Error { error }, ..prompt })
        }
        Refusal::ToClient(told) => {
            let (error, delivery) = (&told.error, told.delivery(server).await?);
            Ok(refused(prompt, (Some((error.code.as_str(), &error.description)), Some(delivery))))
        }
    }
}

fn refused(prompt: Prompt, (error, delivery): (Option<(&str, &str)>, Option<Delivery>)) -> Prompt {
    let response = placet_sdk::interaction::ResponsePrompt {
        outcome: Outcome::Error,
        error: error.map(|(code, _)| code.to_owned()),
        error_description: error.map(|(_, description)| description.to_owned()),
        delivery: delivery.unwrap_or(Delivery { method: DeliveryMethod::None, uri: None, fields: None }),
        session: None,
        summary: None,
        logout: None,
    };
    Prompt { body: Body::Response { response }, ..prompt }
}

async fn connect(server: &Server, ui: &UiConfig, visitor: &Visitor, open: &Open) -> ApiResult<Prompt> {
    let code = open.user_code.as_deref().map(|code| (code, open.prefilled));
    match open::device(server, ui, visitor, code).await? {
        Opened::Asked(state) => Ok(state.prompt),
        Opened::Delivered(_) | Opened::TooLate => {
            Err(Fault::new("device", "a device was connected without anybody being asked").into())
        }
    }
}

async fn log_out(server: &Server, ui: &UiConfig, visitor: &Visitor, open: &Open) -> ApiResult<Prompt> {
    let asked = if open.initiator.as_deref() == Some("op") {
        let facts = by_operator(server, visitor, open).await?;
        Ok(LogoutRequest { client: None, facts, hint: None, parameters: Parameters::new() })
    } else {
        logout::validate(server, raw(open)?, visitor).await
    };
    let opened = match asked {
        Ok(asked) => open::logout(server, ui, visitor, asked).await,
        Err(failure) => Err(failure),
    };
    match opened {
        Ok(Opened::Asked(state) | Opened::Delivered(state)) => Ok(state.prompt),
        Ok(Opened::TooLate) => Err(Fault::new("logout", "it has no request that could be spent").into()),
        Err(Failure::Refused(error)) => {
            let prompt = open::unopened(server, Kind::Logout)?;
            let error = ErrorPrompt {
                error: error.shown_code().to_owned(),
                error_description: error.description,
                retryable: false,
            };
            Ok(Prompt { body: Body::Error { error }, ..prompt })
        }
        Err(broken) => Err(broken.into()),
    }
}

/// The user asked the login app itself: one of this browser's own sessions is meant.
async fn by_operator(server: &Server, visitor: &Visitor, open: &Open) -> ApiResult<LogoutState> {
    let sessions = session::of_browser(server, &visitor.handles).await?;
    let meant = match (&open.session_id, &open.sub) {
        (Some(id), _) => sessions.iter().find(|s| s.record.id == *id),
        (None, Some(sub)) => sessions.iter().find(|s| s.record.sub == *sub),
        (None, None) => sessions.first(),
    };
    let meant =
        meant.ok_or_else(|| invalid_answer("/session_id", "unknown", "not a session of this browser"))?;
    Ok(LogoutState {
        initiator: "op".to_owned(),
        hint_verified: false,
        session_id: Some(meant.record.id.clone()),
        sub: Some(meant.record.sub.clone()),
        clients: server.store().clients_of_session(&meant.record.id).await?,
        return_to: None,
        ui_locales: Vec::new(),
    })
}
