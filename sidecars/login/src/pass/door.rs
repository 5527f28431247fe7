//! The way in to a page that wants a pass, and the way out.

use std::sync::Arc;

use askama::Template;
use http::{StatusCode, header};
use warp::reply::Response;

use super::{Pass, name};
use crate::{
    csrf,
    failure::{Failure, Retry},
    flow::{
        login::{self, Check},
        second,
    },
    form::Form,
    page::{self, Shell},
    text::Text,
    visit::Visit,
};

/// A page that wants a pass.
pub(crate) struct Door {
    /// Its path.
    pub(crate) path: &'static str,
    /// Its title, and why one signs in there.
    pub(crate) words: fn(&'static Text) -> [&'static str; 2],
    /// Whether users who have a second factor give it there.
    pub(crate) both: bool,
}

/// What is behind a door.
enum Entry {
    /// The page, for whoever this is.
    Open(Pass),
    /// Something else first.
    Shut(Response),
}

#[derive(Template)]
#[template(path = "pass.html")]
struct SignInPage<'a> {
    shell: Shell<'a>,
    path: &'static str,
    title: &'static str,
    lead: &'static str,
    csrf: String,
    username: &'a str,
    error: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "pass_code.html")]
struct CodePage<'a> {
    shell: Shell<'a>,
    path: &'static str,
    csrf: String,
    who: String,
    error: Option<&'static str>,
}

/// Why a page is shown again.
struct Wrong {
    text: &'static str,
    status: StatusCode,
    /// In how many seconds it can be tried again.
    wait: Option<u64>,
}

impl Wrong {
    fn entry(text: &'static str) -> Self {
        Self { text, status: StatusCode::UNPROCESSABLE_ENTITY, wait: None }
    }

    fn too_often(text: &'static str, seconds: u64) -> Self {
        Self { text, status: StatusCode::TOO_MANY_REQUESTS, wait: Some(seconds.max(1)) }
    }
}

/// Whether a browser may see the page.
fn enter(visit: &Visit, door: &Door) -> Entry {
    match Pass::of(visit) {
        None => Entry::Shut(sign_in_page(visit, door, ("", None))),
        Some(pass) if opens(&pass, door) => Entry::Open(pass),
        Some(pass) => Entry::Shut(code_page(visit, door, (&pass, None))),
    }
}

/// Whether a form does what it says; forms to come in and to leave are answered here.
async fn submit(visit: &Visit, door: &Door, form: &Form) -> Result<Entry, Failure> {
    let pass = Pass::of(visit);
    let token = pass.as_ref().map_or_else(|| token_of_nobody(visit), |pass| pass.token(visit));
    // Before anything is done: only a form that this very browser was shown, for this very user, counts.
    if visit.is_new || visit.is_cross_site || !csrf::same(&token, form.text("csrf")) {
        return Err(Failure::Forgery);
    }
    let answer = match pass {
        None => sign_in(visit, door, form).await?,
        Some(_) if form.text("action") == "sign-out" => {
            let mut response = back(visit, door);
            page::add_cookie(&mut response, &csrf::line((name(visit.app.secure), ""), visit.app.secure, 0));
            response
        }
        Some(pass) if opens(&pass, door) => return Ok(Entry::Open(pass)),
        Some(pass) => verify(visit, door, form, pass).await?,
    };
    Ok(Entry::Shut(answer))
}

/// The pass of this browser, at whichever door it was given.
pub(crate) fn held(visit: &Visit) -> Option<Pass> {
    Pass::of(visit)
}

/// Answers `GET`, with the page of whoever has a pass.
pub(crate) async fn show(
    visit: &Visit,
    door: &Door,
    page: impl AsyncFnOnce(&Visit, &Pass) -> Result<Response, Failure>,
) -> Response {
    match enter(visit, door) {
        Entry::Open(pass) => page(visit, &pass).await.unwrap_or_else(|failure| failed(visit, door, failure)),
        Entry::Shut(response) => response,
    }
}

/// Answers `POST`, with what a form does for whoever has a pass.
pub(crate) async fn take(
    visit: &Visit,
    door: &Door,
    body: &[u8],
    act: impl AsyncFnOnce(&Visit, &Form, &Pass) -> Result<Response, Failure>,
) -> Response {
    let form = match visit.form(body) {
        Ok(form) => form,
        Err(failure) => return failure.respond(visit, Retry::None),
    };
    let taken = match submit(visit, door, &form).await {
        Ok(Entry::Open(pass)) => act(visit, &form, &pass).await,
        Ok(Entry::Shut(response)) => Ok(response),
        Err(failure) => Err(failure),
    };
    taken.unwrap_or_else(|failure| failed(visit, door, failure))
}

fn failed(visit: &Visit, door: &Door, failure: Failure) -> Response {
    failure.respond(visit, Retry::Link(format!("/{}", door.path)))
}

/// To the page, by GET: what is loaded again does nothing again.
pub(crate) fn back(visit: &Visit, door: &Door) -> Response {
    page::redirect(visit, &format!("/{}", door.path))
}

fn opens(pass: &Pass, door: &Door) -> bool {
    pass.both || !door.both || pass.user.totp.is_none()
}

fn token_of_nobody(visit: &Visit) -> String {
    visit.app.seal.sign("form of a sign-in", &[visit.browser.as_bytes()])
}

fn given(visit: &Visit, door: &Door, pass: &Pass) -> Response {
    let mut response = back(visit, door);
    page::add_cookie(&mut response, &pass.cookie(visit));
    response
}

async fn sign_in(visit: &Visit, door: &Door, form: &Form) -> Result<Response, Failure> {
    let name = form.text("username").trim();
    let user = visit.app.directory.by_name(name);
    let t = visit.text(None);
    let wrong = match login::check(visit, name, user, form.text("password")).await? {
        Check::Right(user) => return Ok(given(visit, door, &Pass::begin(visit, user))),
        Check::Wait(wait) => Wrong::too_often(t.wait, wait.as_secs()),
        Check::Wrong => Wrong::entry(t.bad_credentials),
    };
    Ok(sign_in_page(visit, door, (name, Some(wrong))))
}

async fn verify(visit: &Visit, door: &Door, form: &Form, pass: Pass) -> Result<Response, Failure> {
    let t = visit.text(None);
    let user = Arc::clone(&pass.user);
    let wrong = match second::check(visit, (&pass.mark(visit), 0), &user, form.text("code")).await? {
        second::Check::Right => return Ok(given(visit, door, &Pass { both: true, ..pass })),
        second::Check::Wrong => Wrong::entry(t.totp_wrong),
        second::Check::Used => Wrong::entry(t.totp_used),
        second::Check::Wait(seconds) => Wrong::too_often(t.wait, seconds),
    };
    Ok(code_page(visit, door, (&pass, Some(wrong))))
}

fn sign_in_page(visit: &Visit, door: &Door, (username, wrong): (&str, Option<Wrong>)) -> Response {
    let shell = Shell::new(visit, None);
    let [title, lead] = (door.words)(shell.t);
    let page = SignInPage {
        path: door.path,
        title,
        lead,
        csrf: token_of_nobody(visit),
        username,
        error: wrong.as_ref().map(|wrong| wrong.text),
        shell,
    };
    send(visit, &page, (&page.shell.nonce, wrong))
}

fn code_page(visit: &Visit, door: &Door, (pass, wrong): (&Pass, Option<Wrong>)) -> Response {
    let shell = Shell::new(visit, None);
    let page = CodePage {
        path: door.path,
        csrf: pass.token(visit),
        who: pass.user.display_name(shell.t.tag).to_owned(),
        error: wrong.as_ref().map(|wrong| wrong.text),
        shell,
    };
    send(visit, &page, (&page.shell.nonce, wrong))
}

fn send(visit: &Visit, page: &impl Template, (nonce, wrong): (&str, Option<Wrong>)) -> Response {
    let status = wrong.as_ref().map_or(StatusCode::OK, |wrong| wrong.status);
    let mut response = page::send(visit, status, nonce, page);
    if let Some(seconds) = wrong.and_then(|wrong| wrong.wait) {
        page::put(&mut response, header::RETRY_AFTER, &seconds.to_string());
    }
    response
}
