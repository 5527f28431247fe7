//! `/logout`: the `end_session_endpoint` (OpenID Connect RP-Initiated Logout 1.0).

use http::Method;
use placet_oauth::error::ErrorCode;
use warp::reply::Response;

use super::{authorize, cookie, page, reply, request::Request};
use crate::{
    interaction::open::{self, Opened},
    logout,
    outcome::{Failure, Fault, Outcome},
    server::Server,
};

/// Answers a logout request.
pub(super) async fn logout(server: Server, request: Request) -> Outcome<Response> {
    match begin(&server, &request).await {
        Ok(response) => Ok(response),
        // A refused logout changes nothing. The client is not told: to go back there would say that it was done.
        Err(Failure::Refused(error)) => {
            let status = if error.code == ErrorCode::AccessDenied { 403 } else { 400 };
            page::error(&request, status, page::Stopped::Request, &error)
        }
        Err(Failure::TooMany(wait)) => Ok(super::reply::too_many(wait)),
        Err(fault @ Failure::Fault(_)) => {
            if let Failure::Fault(fault) = &fault {
                tracing::error!(%fault, "a logout request could not be answered");
            }
            page::error(&request, 503, page::Stopped::Request, &fault.shown())
        }
    }
}

async fn begin(server: &Server, request: &Request) -> Outcome<Response> {
    if request.method == Method::POST {
        // Posted by another site, the request comes without cookies; the same as a GET has them.
        let params = request.form()?;
        return Ok(reply::see_other(&format!("{}/logout?{}", server.issuer(), params.to_form())));
    }
    let mut visitor = cookie::visitor(server, request);
    let valid = logout::validate(server, request.query.as_bytes(), &visitor).await?;
    if valid.facts.session_id.is_none()
        && crate::interaction::session::of_browser(server, &visitor.handles).await?.is_empty()
    {
        // Nobody is signed in here: there is nothing to ask and nothing to end.
        return match &valid.facts.return_to {
            Some(uri) => Ok(reply::see_other(uri)),
            None => page::signed_out(page::words(&valid.facts.ui_locales, &request.headers), true),
        };
    }
    let ui = server
        .redirect_ui()
        .ok_or_else(|| crate::outcome::Fault::new("logout", "no login app is registered with this server"))?;
    server.limits().keep(Some(request.peer))?;
    let binding = cookie::bind(server, &mut visitor)?;
    let opened = open::logout(server, ui, &visitor, valid).await?;
    let mut response = match opened {
        Opened::Asked(state) => authorize::ask(server, &state),
        Opened::Delivered(state) => authorize::delivered(server, (request, &visitor), &state).await?,
        Opened::TooLate => return Err(Fault::new("logout", "it has no request that could be spent").into()),
    };
    if let Some(line) = binding {
        cookie::set(&mut response, &line);
    }
    Ok(response)
}
