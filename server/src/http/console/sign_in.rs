//! Coming and going: by a link that an admin was given, once.

use askama::Template;
use http::Method;
use placet_oauth::id::Secret;
use warp::reply::Response;

use super::{
    access::{Page, Visit, cookie_line, form, session},
    frame::{answer, page, style_path},
};
use crate::{
    console,
    http::{admin::caller, cookie, reply, request::Request, ui::query},
    outcome::Outcome,
    problem::ApiFailure,
    server::Server,
};

#[derive(Template)]
#[template(path = "console/sign_in.html")]
struct SignIn<'a> {
    style: String,
    issuer: &'a str,
    link: Option<&'a str>,
    /// Why nobody is signed in.
    sorry: Option<&'a str>,
}

/// `GET /console`.
pub(super) async fn home(server: Server, request: Request) -> Outcome<Response> {
    let there = Visit::any(&server, &request).map(|_| reply::see_other("/console/flows"));
    answer(&request, there)
}

/// `GET` and `POST /console/sign-in`. Opening a link uses nothing up: programs that look ahead open links, too. Sending the
/// form of its page does.
pub(super) async fn sign_in(server: Server, request: Request) -> Outcome<Response> {
    let shown = if request.method == Method::GET { ask(&server, &request) } else { enter(&server, &request) };
    answer(&request, shown)
}

fn ask(server: &Server, request: &Request) -> Page<Response> {
    caller::check_host(server, request)?;
    let query = query(request)?;
    let link = query.get("link").filter(|link| !link.is_empty());
    if link.is_none() && Visit::any(server, request).is_ok() {
        return Ok(reply::see_other("/console/flows"));
    }
    let template = SignIn { style: style_path(), issuer: server.issuer(), link, sorry: None };
    Ok(page(200, &template)?)
}

fn enter(server: &Server, request: &Request) -> Page<Response> {
    caller::check_host(server, request)?;
    server.limits().may_try(request.peer, "console").map_err(ApiFailure::from)?;
    let form = form(server, request)?;
    let link = Secret::new(form.get("link").unwrap_or_default());
    let Some((admin, secret)) = console::enter(server, &link)? else {
        server.limits().failure(request.peer, "console");
        let sorry = "This link was used before, or its two minutes are over.";
        let template =
            SignIn { style: style_path(), issuer: server.issuer(), link: None, sorry: Some(sorry) };
        return Ok(page(403, &template)?);
    };
    if let Some(old) = session(server, request) {
        console::leave(server, &old);
    }
    tracing::info!(admin, peer = %request.peer, "an admin entered the console");
    let mut response = reply::see_other("/console/flows?done=signed-in");
    cookie::set(&mut response, &cookie_line(server, Some(&secret)));
    Ok(response)
}

/// `POST /console/sign-out`.
pub(super) async fn sign_out(server: Server, request: Request) -> Outcome<Response> {
    answer(&request, leave(&server, &request))
}

fn leave(server: &Server, request: &Request) -> Page<Response> {
    Visit::any(server, request)?.form()?;
    if let Some(secret) = session(server, request) {
        console::leave(server, &secret);
    }
    let mut response = reply::see_other("/console/sign-in");
    cookie::set(&mut response, &cookie_line(server, None));
    Ok(response)
}
