//! Requests that wait for a user who is elsewhere (OpenID CIBA): a small page for the phone, where the user sees what is
//! asked and answers it.
//!
//! Whoever opens it gives the password, and the browser then holds a cookie for a quarter of an hour. No browser is bound to such an
//! interaction: the page answers only what the list of this very user holds.

mod pass;

use askama::Template;
use bytes::Bytes;
use http::StatusCode;
use placet_sdk::{
    Instant,
    interaction::{
        Answer, AuthAnswer, AuthPrompt, Body, DenyAnswer, DenyError, Kind, Prompt, SessionAction,
        SessionAnswer,
    },
};
use warp::reply::Response;

use crate::{
    directory::User,
    failure::{Failure, Retry},
    flow::{
        login::{self, Check},
        strength,
    },
    form::Form,
    page::{self, Client, Shell},
    step::Step,
    visit::Visit,
};

/// The path.
pub(crate) const PATH: &str = "approve";

pub(crate) use self::pass::name as cookie;

#[derive(Template)]
#[template(path = "approve_sign_in.html")]
struct SignInPage<'a> {
    shell: Shell<'a>,
    csrf: String,
    username: &'a str,
    error: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "approve.html")]
struct ApprovePage<'a> {
    shell: Shell<'a>,
    csrf: String,
    name: String,
    requests: Vec<Request>,
}

/// A request as the page shows it.
struct Request {
    id: String,
    client: Client,
    title: String,
    message: Option<String>,
    wants: Vec<String>,
}

/// `GET /approve`.
pub(crate) async fn show(visit: Visit) -> Response {
    let Some(user) = pass::user(&visit) else { return sign_in_page(&visit, None) };
    match list(&visit, &user).await {
        Ok(response) => response,
        Err(failure) => failed(&visit, failure),
    }
}

/// `POST /approve`.
pub(crate) async fn submit(visit: Visit, body: Bytes) -> Response {
    let form = match Form::parse(&body) {
        Ok(form) if visit.is_form => form,
        _ => return Failure::Malformed.respond(&visit, Retry::None),
    };
    match act(&visit, &form).await {
        Ok(response) => response,
        Err(failure) => failed(&visit, failure),
    }
}

fn failed(visit: &Visit, failure: Failure) -> Response {
    failure.respond(visit, Retry::Link(format!("/{PATH}")))
}

fn back(visit: &Visit) -> Response {
    page::redirect(visit, &format!("/{PATH}"))
}

async fn act(visit: &Visit, form: &Form) -> Result<Response, Failure> {
    let user = pass::user(visit);
    let sub = user.as_deref().map(|user| user.sub.as_str());
    // Before anything is done: only a form that this very browser was shown, for this very user, counts.
    if visit.is_new || visit.is_cross_site || !pass::accepts(visit, sub, form.text("csrf")) {
        return Err(Failure::Forgery);
    }
    let Some(user) = user else { return sign_in(visit, form).await };
    if form.text("action") == "sign-out" {
        let mut response = back(visit);
        page::add_cookie(&mut response, &pass::none(visit));
        return Ok(response);
    }
    // What was answered on another device meanwhile, or has expired, is not in the list any more.
    let waiting = visit.app.api.waiting("ciba", &user.sub).await?.items;
    let Some(prompt) = waiting.into_iter().find(|prompt| prompt.id == form.text("id")) else {
        return Ok(back(visit));
    };
    match form.text("action") {
        "deny" => {
            let denial = DenyAnswer { error: Some(DenyError::AccessDenied), ..DenyAnswer::default() };
            visit.app.api.answer(&prompt.id, prompt.step, &Answer::Deny(denial)).await?;
            Ok(back(visit))
        }
        "review" => review(visit, &user, &prompt).await,
        _ => Err(Failure::Malformed),
    }
}

/// To the page of consent. The password that opened this page is the authentication, if that is strong and fresh enough;
/// else the login page asks for more.
async fn review(visit: &Visit, user: &User, prompt: &Prompt) -> Result<Response, Failure> {
    let next = match &prompt.body {
        Body::Auth { auth } => match answer(visit, user, auth) {
            Some(answer) => visit.app.api.answer(&prompt.id, prompt.step, &answer).await?,
            None => prompt.clone(),
        },
        _ => prompt.clone(),
    };
    Ok(page::redirect(visit, &Step::of(&next).href(&next.id)))
}

fn answer(visit: &Visit, user: &User, auth: &AuthPrompt) -> Option<Answer> {
    let acr = strength::by_password(auth, &visit.app.means, user).ok()?;
    // A prompt that came back was not content with it.
    let at = pass::given_at(visit).filter(|_| auth.attempt <= 1)?;
    Some(Answer::Auth(AuthAnswer {
        sub: user.sub.clone(),
        authenticated_at: Some(Instant(at)),
        acr: acr.map(str::to_owned),
        amr: vec!["pwd".to_owned()],
        session: SessionAnswer {
            action: SessionAction::None,
            claims: Some(user.session_claims()),
            ..SessionAnswer::default()
        },
    }))
}

async fn sign_in(visit: &Visit, form: &Form) -> Result<Response, Failure> {
    let name = form.text("username").trim();
    let user = visit.app.directory.by_name(name);
    let t = visit.text(None);
    match login::check(visit, name, user, form.text("password")).await? {
        Check::Right(user) => {
            let mut response = back(visit);
            page::add_cookie(&mut response, &pass::give(visit, &user.sub));
            Ok(response)
        }
        Check::Wait(_) => Ok(sign_in_page(visit, Some((t.wait, name, StatusCode::TOO_MANY_REQUESTS)))),
        Check::Wrong => {
            Ok(sign_in_page(visit, Some((t.bad_credentials, name, StatusCode::UNPROCESSABLE_ENTITY))))
        }
    }
}

fn sign_in_page(visit: &Visit, wrong: Option<(&'static str, &str, StatusCode)>) -> Response {
    let page = SignInPage {
        shell: Shell::new(visit, None),
        csrf: pass::token(visit, None),
        username: wrong.map(|(_, name, _)| name).unwrap_or_default(),
        error: wrong.map(|(text, ..)| text),
    };
    let status = wrong.map_or(StatusCode::OK, |(.., status)| status);
    page::send(visit, status, &page.shell.nonce, &page)
}

async fn list(visit: &Visit, user: &User) -> Result<Response, Failure> {
    let waiting = visit.app.api.waiting("ciba", &user.sub).await?.items;
    let shell = Shell::new(visit, None);
    let t = shell.t;
    let requests = waiting.iter().filter_map(|prompt| {
        let client = Client::new(prompt.client.as_ref()?, visit.app.dev);
        let scope = prompt.request.as_ref().map(|request| request.scope.as_slice()).unwrap_or_default();
        Some(Request {
            id: prompt.id.clone(),
            title: t.approve.asks.say(&client.name),
            message: prompt.ciba.as_ref().and_then(|ciba| ciba.binding_message.clone()),
            wants: scope
                .iter()
                .map(|value| t.scope(value).map_or_else(|| value.clone(), |(title, _)| title.to_owned()))
                .collect(),
            client,
        })
    });
    let page = ApprovePage {
        csrf: pass::token(visit, Some(&user.sub)),
        name: user.display_name(t.tag).to_owned(),
        requests: requests.collect(),
        shell,
    };
    Ok(page::send(visit, StatusCode::OK, &page.shell.nonce, &page))
}

/// Whether the page of a prompt is not for this browser: it belongs to a request that waits for a user, and this is not
/// the page of that user. The page to sign in is for everybody.
pub(crate) async fn is_of_another(visit: &Visit, prompt: &Prompt) -> Result<bool, Failure> {
    let open = prompt.kind == Kind::Ciba && !prompt.body.is_terminal();
    if !open || matches!(prompt.body, Body::Auth { .. }) {
        return Ok(false);
    }
    let Some(user) = pass::user(visit) else { return Ok(true) };
    let waiting = visit.app.api.waiting("ciba", &user.sub).await?.items;
    Ok(!waiting.iter().any(|own| own.id == prompt.id))
}

/// To the page where the user signs in and finds what waits.
pub(crate) fn enter(visit: &Visit) -> Response {
    back(visit)
}
