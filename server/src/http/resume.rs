//! `/resume`: the browser is back from the login app, and everything takes effect.

use placet_oauth::{error::OAuthError, id::Secret, params::Params};
use subtle::ConstantTimeEq as _;
use warp::reply::Response;

use super::{authorize, cookie, page, request::Request};
use crate::{
    authorize::already_answered,
    interaction::{
        State,
        advance::TICKET,
        complete::{self, Finished},
        device,
        id::{self, Read},
        open::{Visitor, binding_text},
    },
    outcome::{Failure, Outcome},
    seal::hex,
    server::Server,
    store::InteractionRecord,
};

/// Two tabs may return at once: the one that was second looks again.
const ATTEMPTS: usize = 3;

/// Completes an interaction for the browser that started it.
pub(super) async fn resume(server: Server, request: Request) -> Outcome<Response> {
    match finish(&server, &request).await {
        Ok(response) => Ok(response),
        Err(Failure::Refused(error)) => {
            let restart = restart_of(&server, &request).await;
            page::error(&request, 400, page::Stopped::Return(restart.as_deref()), &error)
        }
        Err(Failure::TooMany(wait)) => Ok(super::reply::too_many(wait)),
        Err(fault @ Failure::Fault(_)) => {
            if let Failure::Fault(fault) = &fault {
                tracing::error!(%fault, "an interaction could not be completed");
            }
            // Nothing took effect: the same URL works again within the life of its ticket.
            page::error(&request, 503, page::Stopped::Return(None), &fault.shown())
        }
    }
}

async fn finish(server: &Server, request: &Request) -> Outcome<Response> {
    let params = Params::parse(request.query.as_bytes())?;
    let (id, ticket) = (params.require("i")?, Secret::new(params.require("t")?));
    let visitor = cookie::visitor(server, request);
    for _ in 0..ATTEMPTS {
        let (state, record) = load(server, id).await?;
        check(server, &visitor, &state, &ticket).await?;
        if state.delivered.is_some() {
            return authorize::delivered(server, (request, &visitor), &state).await;
        }
        match complete::complete(server, state, record.revision).await? {
            Finished::Delivered(state) => {
                return authorize::delivered(server, (request, &visitor), &state).await;
            }
            Finished::AskAgain(state) => return Ok(authorize::ask(server, &state)),
            Finished::TooLate(state) if state.device.is_some() => return Err(device::over().into()),
            Finished::TooLate(_) => return Err(already_answered().into()),
            Finished::Conflict => {}
        }
    }
    Err(over().into())
}

/// Where the user can begin anew at the client, if it is still known whose request it was.
async fn restart_of(server: &Server, request: &Request) -> Option<String> {
    let params = Params::parse(request.query.as_bytes()).ok()?;
    let (state, _) = load(server, params.get("i")?).await.ok()?;
    let client = server.client(state.client_id.as_deref()?).await.ok()??;
    client.metadata.login_link(server.issuer())
}

async fn load(server: &Server, id: &str) -> Outcome<(Box<State>, InteractionRecord)> {
    if id::read(server.root(), id, server.now()) != Read::Genuine {
        return Err(over().into());
    }
    let record = server.store().interaction(id, server.now()).await?.ok_or_else(over)?;
    Ok((State::open(server, &record)?, record))
}

/// The result of an interaction is for the browser that started it, once, and soon. A browser with another binding
/// ends the interaction: somebody was lured here.
async fn check(server: &Server, visitor: &Visitor, state: &State, ticket: &Secret) -> Outcome<()> {
    let Some(expected) = &state.ticket else { return Err(over().into()) };
    let given = hex(&server.root().digest(TICKET, ticket).0);
    if !bool::from(given.as_bytes().ct_eq(expected.digest.as_bytes())) {
        return Err(over().into());
    }
    let binding = visitor.binding.as_ref().map(binding_text).unwrap_or_default();
    if !bool::from(binding.as_bytes().ct_eq(state.binding.as_bytes())) {
        server.store().delete_interaction(&state.id).await?;
        tracing::warn!(interaction = %state.id, "another browser than the one that started came back");
        return Err(OAuthError::invalid_request(
            "this sign-in was started in another browser, so it was ended; start again from the application",
        )
        .into());
    }
    let life = i64::from(server.config().lifetimes.resume_ticket);
    if server.now() >= expected.issued_at + life {
        return Err(over().into());
    }
    Ok(())
}

fn over() -> OAuthError {
    OAuthError::invalid_request(
        "this sign-in is over or its link is not genuine; start again from the application",
    )
}
