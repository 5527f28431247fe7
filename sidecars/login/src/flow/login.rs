//! The sign-in page.

use std::{sync::Arc, time::Duration};

use askama::Template;
use http::{StatusCode, header};
use placet_sdk::{
    interaction::{
        AccountMode, Answer, AuthAnswer, AuthPrompt, AuthReason, Prompt, SessionAction, SessionAnswer,
    },
    resources::{Report, ReportType},
};
use tokio::time::Instant;
use warp::reply::Response;

use super::{
    Next, second,
    strength::{self, Need, Second},
};
use crate::{
    app::App,
    directory::{User, normal},
    failure::Failure,
    form::{Form, escape},
    page::{self, Binding, Shell},
    password::MAX_PASSWORD,
    step::Step,
    visit::Visit,
};

/// Longer names are nobody's.
const MAX_NAME: usize = 255;

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage<'a> {
    shell: Shell<'a>,
    form: Binding,
    reason: Option<&'static str>,
    /// What a policy says.
    message: Option<&'a str>,
    error: Option<&'static str>,
    username: String,
    /// How the only account that may answer is called; then the username cannot be changed.
    account_name: Option<String>,
    /// The session that the user chose, of several.
    account: Option<&'a str>,
    remember: bool,
    signup: Option<String>,
    other: Option<String>,
}

#[derive(Template)]
#[template(path = "unmet.html")]
struct UnmetPage<'a> {
    shell: Shell<'a>,
    form: Binding,
    lead: &'static str,
    /// What a policy says.
    message: Option<&'a str>,
}

/// What the page shows besides the prompt.
#[derive(Default)]
struct State<'a> {
    account: Option<&'a str>,
    username: Option<&'a str>,
    remember: bool,
    error: Option<&'static str>,
    status: StatusCode,
}

/// The address of the page, for one of the accounts of the chooser.
pub(super) fn href(interaction: &str, account: Option<&str>) -> String {
    let page = Step::Login.href(interaction);
    match account {
        Some(session) => format!("{page}&account={}", escape(session)),
        None => page,
    }
}

/// The address of the page for whoever is not the one who is signed in.
pub(super) fn href_of_another(interaction: &str) -> String {
    format!("{}&another=1", Step::Login.href(interaction))
}

/// The page, fresh; the one of the second factor, where nothing else is missing.
pub(super) fn page(visit: &Visit, prompt: &Prompt, auth: &AuthPrompt, query: &Form) -> Response {
    let (account, another) = (query.get("account"), query.get("another").is_some());
    if account.is_none() && !another && second::of_session(visit, prompt, auth).is_some() {
        return page::redirect(visit, &Step::Totp.href(&prompt.id));
    }
    show(visit, prompt, auth, &State { account, ..State::default() })
}

fn show(visit: &Visit, prompt: &Prompt, auth: &AuthPrompt, state: &State<'_>) -> Response {
    let shell = Shell::new(visit, Some(prompt));
    let form = Binding::new(visit, prompt);
    if strength::anybody(auth, &visit.app.means).is_err() {
        let page = UnmetPage { lead: shell.t.unmet, shell, form, message: auth.message.as_deref() };
        return page::send(visit, StatusCode::OK, &page.shell.nonce, &page);
    }
    let chosen = auth.account.candidates.iter().find(|c| Some(c.session_id.as_str()) == state.account);
    let only = match auth.account.mode {
        AccountMode::Fixed => auth.account.sub.as_deref(),
        AccountMode::Any | AccountMode::Select => chosen.map(|candidate| candidate.sub.as_str()),
    };
    let known = only.map(|sub| (sub, visit.app.directory.by_sub(sub)));
    let (username, account_name) = match &known {
        Some((_, Some(user))) => (user.username.clone(), Some(user.display_name(shell.t.tag).to_owned())),
        Some((sub, None)) => ((*sub).to_owned(), Some((*sub).to_owned())),
        None => {
            // Whoever is asked again is most likely the one who is signed in, unless another account is wanted.
            let another = auth.reasons.contains(&AuthReason::PromptSelectAccount);
            let signed_in = prompt.session.as_ref().filter(|_| !another);
            let signed_in = signed_in.and_then(|session| visit.app.directory.by_sub(&session.sub));
            let typed = state.username.or(prompt.ui.login_hint.as_deref());
            let typed = typed.or(signed_in.as_ref().map(|user| user.username.as_str())).unwrap_or_default();
            (typed.chars().take(MAX_NAME).collect(), None)
        }
    };
    let page = LoginPage {
        reason: shell.t.reason(&auth.reasons).filter(|_| state.error.is_none()),
        message: auth.message.as_deref(),
        error: state.error,
        username,
        account_name,
        account: chosen.and(state.account),
        remember: state.remember,
        signup: (auth.create && auth.account.mode != AccountMode::Fixed)
            .then(|| Step::Signup.href(&prompt.id)),
        other: chosen.map(|_| Step::Login.href(&prompt.id)),
        shell,
        form,
    };
    page::send(visit, state.status, &page.shell.nonce, &page)
}

/// Checks the password.
pub(super) async fn decide(
    visit: &Visit,
    prompt: &Prompt,
    auth: &AuthPrompt,
    form: &Form,
) -> Result<Next, Failure> {
    if strength::anybody(auth, &visit.app.means).is_err() {
        return Ok(strength::refusal(auth, &visit.app.means).into());
    }
    let name = form.text("username").trim();
    let remember = form.is_checked("remember_me");
    let text = visit.text(Some(prompt));
    let mut state =
        State { account: form.get("account"), username: Some(name), remember, ..State::default() };

    let user = visit.app.directory.by_name(name);
    let user = match check(visit, name, user, form.text("password")).await? {
        Check::Right(user) if auth.account.mode != AccountMode::Fixed => user,
        Check::Right(user) if auth.account.sub.as_ref() == Some(&user.sub) => user,
        Check::Wait(wait) => {
            state.error = Some(text.wait);
            state.status = StatusCode::TOO_MANY_REQUESTS;
            let mut response = show(visit, prompt, auth, &state);
            page::put(&mut response, header::RETRY_AFTER, &wait.as_secs().max(1).to_string());
            return Ok(Next::Page(response));
        }
        Check::Right(_) | Check::Wrong => {
            state.error = Some(text.bad_credentials);
            state.status = StatusCode::UNPROCESSABLE_ENTITY;
            return Ok(Next::Page(show(visit, prompt, auth, &state)));
        }
    };
    Ok(after_password(visit, prompt, auth, (&user, remember)))
}

/// What comes after the right password: the answer, or the second factor if it takes one.
pub(super) fn after_password(
    visit: &Visit,
    prompt: &Prompt,
    auth: &AuthPrompt,
    (user, remember): (&User, bool),
) -> Next {
    let means = &visit.app.means;
    match strength::need(auth, means, Second::of(user, means)) {
        Ok(Need::Password(acr)) => {
            signed_in(prompt, auth, user, Proof { acr, remember, both: false, visit }).into()
        }
        Ok(Need::Both(_)) => Next::Page(second::ask(visit, prompt, auth, (user, remember))),
        Err(strength::Unmet) => {
            let shell = Shell::new(visit, Some(prompt));
            let form = Binding::new(visit, prompt);
            let page = UnmetPage { lead: shell.t.unmet_yours, shell, form, message: auth.message.as_deref() };
            Next::Page(page::send(visit, StatusCode::OK, &page.shell.nonce, &page))
        }
    }
}

/// What came out of a password.
pub(crate) enum Check {
    /// It is this user's.
    Right(Arc<User>),
    /// It is not, or there is no such user.
    Wrong,
    /// Too many were wrong before.
    Wait(Duration),
}

/// Checks a password, with the same work whether or not the user exists.
pub(crate) async fn check(
    visit: &Visit,
    name: &str,
    user: Option<Arc<User>>,
    password: &str,
) -> Result<Check, Failure> {
    let app = &visit.app;
    let user = user.filter(|_| name.len() <= MAX_NAME);
    // An account counts once, by whichever of its names it is called.
    let key = user.as_ref().map_or_else(
        || if name.len() > MAX_NAME { "too long".to_owned() } else { normal(name) },
        |user| format!("sub {}", user.sub),
    );
    let now = Instant::now();
    let limits = &app.limits;
    if let Some(wait) = limits.by_name.wait(&key, now).or_else(|| limits.by_address.wait(&visit.address, now))
    {
        return Ok(Check::Wait(wait));
    }
    let fits = password.len() <= MAX_PASSWORD;
    let stored = user.as_ref().filter(|_| fits).map(|user| user.password.as_str());
    let right = app.passwords.verify(stored, if fits { password } else { "" }).await?;
    match user {
        Some(user) if right => {
            limits.by_name.forget(&key);
            tracing::info!(sub = user.sub, "a password was accepted");
            Ok(Check::Right(user))
        }
        user => {
            limits.by_name.count(&key, now);
            limits.by_address.count(&visit.address, now);
            // What was typed is not logged: it may be a password in the wrong field.
            let sub = user.as_ref().map(|user| user.sub.as_str());
            tracing::info!(sub, address = visit.address, "a password was refused");
            if let Some(user) = user {
                report(app, &user);
            }
            Ok(Check::Wrong)
        }
    }
}

/// Tells the server, without waiting: a failure of the report must not change the answer.
pub(super) fn report(app: &Arc<App>, user: &User) {
    let report = Report {
        report_type: ReportType::LoginFailed,
        sub: user.sub.clone(),
        end_sessions: false,
        reason: None,
    };
    let app = Arc::clone(app);
    tokio::spawn(async move {
        if let Err(error) = app.api.report(&report).await {
            tracing::debug!(%error, "a failed sign-in could not be reported");
        }
    });
}

/// What the sign-in established besides the user.
#[derive(Clone, Copy)]
pub(super) struct Proof<'a> {
    pub(super) acr: Option<&'a str>,
    pub(super) remember: bool,
    /// Whether a second factor was given, too.
    pub(super) both: bool,
    /// The browser.
    pub(super) visit: &'a Visit,
}

/// The answer for a user who gave the password, and a second factor if it takes one.
///
/// It names no time, so that the same form sent twice is the same answer.
pub(super) fn signed_in(prompt: &Prompt, auth: &AuthPrompt, user: &User, proof: Proof<'_>) -> Answer {
    let current = prompt.session.iter().map(|session| (&session.sub, &session.id));
    let others = auth.account.candidates.iter().map(|c| (&c.sub, &c.session_id));
    let session = current.chain(others).find(|(sub, _)| **sub == user.sub).map(|(_, id)| id.clone());
    Answer::Auth(AuthAnswer {
        sub: user.sub.clone(),
        authenticated_at: None,
        acr: proof.acr.map(str::to_owned),
        amr: strength::methods(proof.both),
        session: SessionAnswer {
            action: if session.is_some() { SessionAction::Reuse } else { SessionAction::Create },
            // A session that outlives the browser stays so.
            persistent: (proof.remember || session.is_none()).then_some(proof.remember),
            id: session,
            claims: Some(user.session_claims()),
            data: Some(proof.visit.mark_of(&user.sub)),
            ..SessionAnswer::default()
        },
    })
}
