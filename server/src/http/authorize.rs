//! `/authorize`: the redirect front door.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::Method;
use placet_oauth::{error::OAuthError, params::unambiguous};
use placet_sdk::interaction::Delivery;
use warp::reply::Response;

use super::{cookie, page, reply, request::Request};
use crate::{
    authorize::{self, Refusal, validate},
    interaction::{
        State,
        open::{self, Opened, Visitor},
        session,
    },
    ledger::note,
    outcome::{Failure, Outcome},
    server::Server,
    session_management,
};

/// Context under which a posted request is sealed into the URL of its own continuation.
const PARKED: &str = "parked authorization request";
/// A posted request that is larger does not fit into a URL.
const MAX_POSTED: usize = 16 * 1024;

/// Answers an authorization request (RFC 6749 section 3.1).
pub async fn authorize(server: Server, request: Request) -> Outcome<Response> {
    let raw = match request.method {
        Method::POST => return park(&server, &request),
        _ => match parked(&server, &request) {
            Some(raw) => raw,
            None => request.query.clone().into_bytes(),
        },
    };
    if let Err(wait) = server.limits().keep(Some(request.peer)) {
        return Ok(reply::too_many(wait));
    }
    let mut visitor = cookie::visitor(&server, &request);
    match begin(&server, &request, &raw, &mut visitor).await {
        Ok((response, None)) => Ok(response),
        Ok((mut response, Some(binding))) => {
            cookie::set(&mut response, &binding);
            Ok(response)
        }
        Err(Refusal::Page(error)) => page::error(&request, 400, page::Stopped::Request, &error),
        Err(Refusal::ToClient(told)) => {
            let error = &told.error;
            note(|noted| noted.refused(error.code.as_str(), &error.description));
            tracing::info!(code = error.code.as_str(), reason = %error.description, "an authorization request was refused");
            match told.delivery(&server).await {
                Ok(delivery) => page::deliver(&server, page::words(&[], &request.headers), &delivery),
                Err(failure) => broken(&failure, &request),
            }
        }
        Err(Refusal::Fault(fault)) => broken(&fault.into(), &request),
    }
}

/// Trouble, where there is nowhere safe to send the browser.
fn broken(failure: &Failure, request: &Request) -> Outcome<Response> {
    if let Failure::Fault(fault) = failure {
        tracing::error!(%fault, "an authorization request could not be answered");
    }
    let mut response = page::error(request, 503, page::Stopped::Request, &failure.shown())?;
    response.headers_mut().insert("retry-after", http::HeaderValue::from_static("2"));
    Ok(response)
}

/// A form posted by another site comes without the `SameSite=Lax` cookies. So the request is sealed into the URL of
/// a `GET` by ourselves, which has them; nothing is stored for a stranger.
fn park(server: &Server, request: &Request) -> Outcome<Response> {
    if !request.has_type("application/x-www-form-urlencoded") {
        let error =
            OAuthError::invalid_request("the body must be of type `application/x-www-form-urlencoded`");
        return page::error(request, 400, page::Stopped::Request, &error);
    }
    if request.body.len() > MAX_POSTED {
        let error = OAuthError::invalid_request("the request is too large");
        return page::error(request, 413, page::Stopped::Request, &error);
    }
    let sealed = server.root().seal(server.random(), PARKED, &request.body)?;
    let uri = format!("{}/authorize?resume={}", server.issuer(), URL_SAFE_NO_PAD.encode(sealed));
    Ok(reply::see_other(&uri))
}

fn parked(server: &Server, request: &Request) -> Option<Vec<u8>> {
    let sealed = URL_SAFE_NO_PAD.decode(unambiguous(request.query.as_bytes(), "resume")?).ok()?;
    server.root().open(PARKED, &sealed).map(|raw| raw.to_vec())
}

async fn begin(
    server: &Server,
    request: &Request,
    raw: &[u8],
    visitor: &mut Visitor,
) -> Result<(Response, Option<String>), Refusal> {
    let valid = validate(server, raw).await?;
    let (client, destination) = (valid.client.clone(), valid.destination.clone());
    let to_client = |failure: Failure| Refusal::at(&client, &destination, &failure);
    let Some(ui) = server.redirect_ui() else {
        let error = OAuthError::new(
            placet_oauth::error::ErrorCode::TemporarilyUnavailable,
            "no login app is registered with this server",
        );
        return Err(to_client(error.into()));
    };
    let binding = cookie::bind(server, visitor).map_err(|f| to_client(f.into()))?;
    let opened = open::authorization(server, ui, visitor, valid).await.map_err(&to_client)?;
    let response = match opened {
        Opened::Asked(state) => ask(server, &state),
        Opened::Delivered(state) => {
            delivered(server, (request, visitor), &state).await.map_err(&to_client)?
        }
        Opened::TooLate => return Err(Refusal::Page(authorize::already_answered())),
    };
    Ok((response, binding))
}

/// Sends the browser to the login app of an interaction.
pub(super) fn ask(server: &Server, state: &State) -> Response {
    let login_uri = server.ui(&state.ui).map(|ui| ui.login_uri.as_str()).unwrap_or_default();
    let separator = if login_uri.contains('?') { '&' } else { '?' };
    let params =
        placet_oauth::params::encode_form([("interaction", state.id.as_str()), ("iss", server.issuer())]);
    reply::see_other(&format!("{login_uri}{separator}{params}"))
}

/// Sends the browser where its interaction leads, with its cookie.
pub(super) async fn delivered(
    server: &Server,
    (request, visitor): (&Request, &Visitor),
    state: &State,
) -> Outcome<Response> {
    let nothing = Delivery { method: placet_sdk::interaction::DeliveryMethod::None, uri: None, fields: None };
    let done = state.delivered.as_ref();
    let delivery = done.map_or(&nothing, |d| &d.delivery);
    let frames = done.map(|d| d.frames.as_slice()).unwrap_or_default();
    let words = page::words(state.prompt.ui.locales.as_slice(), &request.headers);
    let mut response = if !frames.is_empty() {
        page::signing_out(server, words, (frames, delivery.uri.as_deref()))?
    } else if state.logout.is_some() && delivery.uri.is_none() {
        page::signed_out(words, state.confirmed.flatten().is_some())?
    } else if state.device.is_some() {
        page::device_answered(words, state.denied.is_none(), state.prompt.client.as_ref())?
    } else {
        page::deliver(server, words, delivery)?
    };
    if let Some(change) = done.and_then(|d| d.cookie.as_ref()) {
        cookie::set(&mut response, &cookie::session_line(server, visitor, change).await?);
    }
    if let Some(watched) = watched(server, visitor, state).await?
        && let Some(line) = cookie::state_line(server.config(), visitor, &watched)
    {
        cookie::set(&mut response, &line);
    }
    Ok(response)
}

/// What the browser's cookie shall say of its sessions from now on; none if that is as it was.
async fn watched(server: &Server, visitor: &Visitor, state: &State) -> Outcome<Option<String>> {
    if state.logout.is_none() {
        // A refusal changes no session.
        return Ok(state.consented.as_ref().and_then(|_| session_management::state_after(server, state)));
    }
    if !session_management::is_on(server.config()) {
        return Ok(None);
    }
    let left = session::of_browser(server, &visitor.handles).await?;
    let ids = left.iter().map(|session| session.record.id.as_str());
    Ok(Some(session_management::browser_state(server.root(), ids)))
}
