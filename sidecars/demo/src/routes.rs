//! The routes, and what each answers.

use std::{convert::Infallible, sync::Arc};

use bytes::Bytes;
use http::StatusCode;
use url::form_urlencoded;
use warp::{Filter, Rejection, filters::BoxedFilter, path, reject};

use crate::{
    app::{App, Browser},
    pages::{self, Answer, COOKIE},
    session::Action,
    transfer::{Next, Transfer},
};

/// The largest form that is read.
const MAX_FORM: u64 = 32 << 10;

type Cookie = Option<String>;

/// Every route of the app.
pub(crate) fn all(app: &Arc<App>) -> BoxedFilter<(Answer,)> {
    let style = path!("assets" / "style.css").and(warp::get()).then(async || pages::style()).boxed();
    let health = path!("healthz").and(warp::get()).then(async || pages::healthy()).boxed();
    start(app)
        .or(sign_in(app))
        .unify()
        .or(session(app))
        .unify()
        .or(call_centre(app))
        .unify()
        .or(transfer(app))
        .unify()
        .or(television(app))
        .unify()
        .or(style)
        .unify()
        .or(health)
        .unify()
        .recover(plain)
        .unify()
        .boxed()
}

fn start(app: &Arc<App>) -> BoxedFilter<(Answer,)> {
    warp::path::end()
        .and(warp::get())
        .and(query())
        .and(of(app))
        .then(async |query: String, app: Arc<App>, cookie: Cookie| {
            let Some(cookie) = cookie else { return pages::start(&app, false, false) };
            let signed_in = app.browsers.with(&cookie, |browser| browser.tokens.is_some()).unwrap_or(false);
            let left = field(query.as_bytes(), "state").is_some_and(|state| app.left(&cookie, &state));
            pages::start(&app, signed_in, left)
        })
        .boxed()
}

/// The routes that lead to the provider and back.
fn sign_in(app: &Arc<App>) -> BoxedFilter<(Answer,)> {
    let login = path!("login")
        .and(warp::get())
        .and(query())
        .and(of(app))
        .then(async |query: String, app: Arc<App>, cookie: Cookie| match app.login(&query, cookie).await {
            Ok((url, cookie)) => pages::with_cookie(pages::see_other(url.as_str()), &cookie, app.secure),
            Err(failure) => {
                let retry = if query.is_empty() { "/login".to_owned() } else { format!("/login?{query}") };
                pages::failed(&failure, Some(&retry))
            }
        })
        .boxed();
    // Whoever begins a sign-in here from elsewhere may post as well (OpenID Connect Core section 4); the cookie comes with a GET.
    let initiated = path!("login")
        .and(warp::post())
        .and(form())
        .then(async |form: Bytes| {
            let again = form_urlencoded::Serializer::new(String::new())
                .extend_pairs(form_urlencoded::parse(&form))
                .finish();
            pages::see_other(&format!("/login?{again}"))
        })
        .boxed();
    let callback = path!("callback")
        .and(warp::get())
        .and(query())
        .and(of(app))
        .then(async |query: String, app: Arc<App>, cookie: Cookie| match app.callback(&query, cookie).await {
            Ok((cookie, step_up)) => {
                let to = if step_up && app.go_on(&cookie).await { "/transfer" } else { "/session" };
                pages::with_cookie(pages::see_other(to), &cookie, app.secure)
            }
            Err(failure) => pages::failed(&failure, None),
        })
        .boxed();
    let posted = path!("callback")
        .and(warp::post())
        .and(form())
        .and(of(app))
        .then(async |form: Bytes, app: Arc<App>, _cookie: Cookie| match app.keep_posted(&form) {
            Ok(location) => pages::see_other(&location),
            Err(failure) => pages::failed(&failure, None),
        })
        .boxed();
    login.or(initiated).unify().or(callback).unify().or(posted).unify().boxed()
}

/// The television.
fn television(app: &Arc<App>) -> BoxedFilter<(Answer,)> {
    let page = path!("tv")
        .and(warp::get())
        .and(of(app))
        .then(async |app: Arc<App>, cookie: Cookie| {
            pages::television(&app, app.television(cookie.as_deref()).as_ref())
        })
        .boxed();
    // To turn one on is no more than anybody can do who opens this page, so that the form needs no token.
    let on = path!("tv")
        .and(warp::post())
        .and(of(app))
        .then(async |app: Arc<App>, cookie: Cookie| match app.turn_on(cookie).await {
            Ok(cookie) => pages::with_cookie(pages::see_other("/tv"), &cookie, app.secure),
            Err(failure) => pages::failed(&failure, Some("/tv")),
        })
        .boxed();
    page.or(on).unify().boxed()
}

/// The call centre: a form, and the page that waits for an answer.
fn call_centre(app: &Arc<App>) -> BoxedFilter<(Answer,)> {
    const PAGE: &str = "/call-centre";
    let page = path!("call-centre")
        .and(warp::get())
        .and(of(app))
        .then(async |app: Arc<App>, cookie: Cookie| {
            let (cookie, csrf) = app.caller(cookie);
            let call = app.look(&cookie).await;
            pages::with_cookie(pages::call(&csrf, call.as_ref()), &cookie, app.secure)
        })
        .boxed();
    let ask = button(app, "call-centre")
        .then(async |form: Bytes, app: Arc<App>, cookie: Cookie| {
            let Some(cookie) = guarded(&app, &form, cookie) else { return forbidden() };
            let text = |name| field(&form, name).unwrap_or_default();
            match app.call(&cookie, (text("hint"), text("message"))).await {
                Ok(()) => pages::see_other(PAGE),
                Err(failure) => pages::failed(&failure, Some(PAGE)),
            }
        })
        .boxed();
    let end = path!("call-centre" / "end")
        .and(warp::post())
        .and(form())
        .and(of(app))
        .then(async |form: Bytes, app: Arc<App>, cookie: Cookie| {
            let Some(cookie) = guarded(&app, &form, cookie) else { return forbidden() };
            app.hang_up(&cookie);
            pages::see_other(PAGE)
        })
        .boxed();
    page.or(ask).unify().or(end).unify().boxed()
}

/// The session page and its buttons.
fn session(app: &Arc<App>) -> BoxedFilter<(Answer,)> {
    let page = path!("session")
        .and(warp::get())
        .and(of(app))
        .then(async |app: Arc<App>, cookie: Cookie| {
            let seen = |browser: &mut Browser| {
                let tokens = browser.tokens.clone()?;
                Some((browser.csrf.clone(), tokens, browser.outcome.clone()))
            };
            let seen = cookie.and_then(|cookie| app.browsers.with(&cookie, seen).flatten());
            match seen {
                Some((csrf, tokens, outcome)) => pages::session(&app, &csrf, &tokens, outcome.as_ref()),
                None => pages::see_other("/"),
            }
        })
        .boxed();
    let logout = button(app, "logout")
        .then(async |form: Bytes, app: Arc<App>, cookie: Cookie| {
            let Some(cookie) = guarded(&app, &form, cookie) else { return forbidden() };
            pages::see_other(app.logout(&cookie).await.as_ref().map_or("/", |url| url.as_str()))
        })
        .boxed();
    page.or(logout)
        .unify()
        .or(action(app, "refresh", Action::Refresh))
        .unify()
        .or(action(app, "userinfo", Action::UserInfo))
        .unify()
        .or(action(app, "introspect", Action::Introspect))
        .unify()
        .or(action(app, "revoke", Action::RevokeAccess))
        .unify()
        .or(action(app, "revoke-refresh", Action::RevokeRefresh))
        .unify()
        .boxed()
}

/// The page of transfers, and the API behind it.
fn transfer(app: &Arc<App>) -> BoxedFilter<(Answer,)> {
    let page = path!("transfer")
        .and(warp::get())
        .and(of(app))
        .then(async |app: Arc<App>, cookie: Cookie| {
            let seen = |browser: &mut Browser| {
                let tokens = browser.tokens.clone()?;
                Some((browser.csrf.clone(), tokens, browser.transfer.clone()))
            };
            match cookie.and_then(|cookie| app.browsers.with(&cookie, seen).flatten()) {
                Some((csrf, tokens, transfer)) => pages::transfer(&csrf, &tokens, transfer.as_ref()),
                None => pages::see_other("/"),
            }
        })
        .boxed();
    let made = button(app, "transfer")
        .then(async |form: Bytes, app: Arc<App>, cookie: Cookie| {
            let Some(cookie) = guarded(&app, &form, cookie) else { return forbidden() };
            let of = |name| field(&form, name).unwrap_or_default();
            match app.transfer(&cookie, Transfer::new(&of("to"), &of("amount"))).await {
                Ok(Next::Page) => pages::see_other("/transfer"),
                Ok(Next::SignIn(url)) => pages::see_other(url.as_str()),
                Err(failure) => pages::failed(&failure, Some("/transfer")),
            }
        })
        .boxed();
    let api = path!("api" / "transfer")
        .and(warp::post())
        .and(form())
        .and(of(app))
        .and(warp::header::optional("authorization"))
        .then(async |body: Bytes, app: Arc<App>, _cookie: Cookie, authorization: Option<String>| {
            app.api_transfer(authorization.as_deref(), &body).await
        })
        .boxed();
    page.or(made).unify().or(api).unify().boxed()
}

fn action(app: &Arc<App>, name: &'static str, action: Action) -> BoxedFilter<(Answer,)> {
    button(app, name)
        .then(move |form: Bytes, app: Arc<App>, cookie: Cookie| async move {
            let Some(cookie) = guarded(&app, &form, cookie) else { return forbidden() };
            app.act(&cookie, action).await;
            pages::see_other("/session#result")
        })
        .boxed()
}

fn button(app: &Arc<App>, name: &'static str) -> BoxedFilter<(Bytes, Arc<App>, Cookie)> {
    warp::path(name).and(warp::path::end()).and(warp::post()).and(form()).and(of(app)).boxed()
}

/// The browser's cookie, if the form carries the token that was served to it.
fn guarded(app: &App, form: &[u8], cookie: Cookie) -> Option<String> {
    let csrf = field(form, "csrf").unwrap_or_default();
    cookie.filter(|cookie| app.guarded(cookie, &csrf))
}

fn forbidden() -> Answer {
    let lead = "The form was not served to this browser, or its session is over. Go back to the start.";
    pages::refused(StatusCode::FORBIDDEN, lead)
}

fn of(app: &Arc<App>) -> BoxedFilter<(Arc<App>, Cookie)> {
    let app = Arc::clone(app);
    warp::any().map(move || Arc::clone(&app)).and(warp::cookie::optional(COOKIE)).boxed()
}

fn query() -> BoxedFilter<(String,)> {
    warp::query::raw().or(warp::any().map(String::new)).unify().boxed()
}

fn form() -> BoxedFilter<(Bytes,)> {
    warp::body::content_length_limit(MAX_FORM).and(warp::body::bytes()).boxed()
}

fn field(form: &[u8], name: &str) -> Option<String> {
    form_urlencoded::parse(form).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

async fn plain(rejection: Rejection) -> Result<Answer, Infallible> {
    let (status, lead) = if rejection.is_not_found() {
        (StatusCode::NOT_FOUND, "There is no such page.")
    } else if rejection.find::<reject::MethodNotAllowed>().is_some() {
        (StatusCode::METHOD_NOT_ALLOWED, "This page does not take such a request.")
    } else if rejection.find::<reject::PayloadTooLarge>().is_some() {
        (StatusCode::PAYLOAD_TOO_LARGE, "The form is too large.")
    } else if rejection.find::<reject::LengthRequired>().is_some() {
        (StatusCode::LENGTH_REQUIRED, "The request does not tell how long its form is.")
    } else {
        (StatusCode::BAD_REQUEST, "The request cannot be read.")
    };
    Ok(pages::refused(status, lead))
}
