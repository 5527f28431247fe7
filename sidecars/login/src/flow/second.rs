//! The second factor: the code of an authenticator app, after the password or beside a session that has it.

use std::sync::{Arc, PoisonError};

use askama::Template;
use http::{StatusCode, header};
use placet_sdk::interaction::{AccountMode, Answer, AuthPrompt, Body, Prompt};
use tokio::{task, time::Instant};
use warp::reply::Response;

use super::{
    Next, login, setup,
    strength::{self, Need, Second},
};
use crate::{
    directory::{DirectoryError, User},
    failure::Failure,
    form::Form,
    page::{self, Binding, Shell},
    proof::Proof,
    step::Step,
    totp::Key,
    visit::Visit,
};

#[derive(Template)]
#[template(path = "totp.html")]
struct CodePage<'a> {
    shell: Shell<'a>,
    form: Binding,
    /// What a policy says.
    message: Option<&'a str>,
    error: Option<&'static str>,
    who: String,
    /// What stands for the password that was given; absent where the session does.
    proof: Option<String>,
    other: Option<String>,
}

/// What the page shows besides the prompt.
struct Shown<'a> {
    user: &'a User,
    proof: Option<String>,
    error: Option<&'static str>,
    status: StatusCode,
}

/// The page, where nothing but a second factor is missing; else the one that begins with the password.
pub(super) fn page(visit: &Visit, prompt: &Prompt, auth: &AuthPrompt) -> Response {
    match of_session(visit, prompt, auth) {
        Some(user) => {
            show(visit, prompt, auth, Shown { user: &user, proof: None, error: None, status: StatusCode::OK })
        }
        None => page::redirect(visit, &Step::Login.href(&prompt.id)),
    }
}

/// The user whose session has the first factor, where the second one is all that is asked for.
pub(super) fn of_session(visit: &Visit, prompt: &Prompt, auth: &AuthPrompt) -> Option<Arc<User>> {
    let session = prompt.session.as_ref()?;
    let allowed = match auth.account.mode {
        AccountMode::Fixed => auth.account.sub.as_ref() == Some(&session.sub),
        AccountMode::Any => true,
        AccountMode::Select => false,
    };
    let fresh = auth.not_before.is_none_or(|limit| session.authenticated_at >= limit);
    let first = session.amr.iter().any(|method| method == "pwd");
    if !(allowed && fresh && first && strength::only_strength(auth)) {
        return None;
    }
    let user = visit.app.directory.by_sub(&session.sub)?;
    let has = Second::of(&user, &visit.app.means);
    let both = matches!(strength::need(auth, &visit.app.means, has), Ok(Need::Both(_)));
    (both && has == Second::Enrolled).then_some(user)
}

/// The page, where a password that was given just now turns out not to be enough: a policy asks for more of this user. The
/// password need not be typed again.
pub(super) fn goes_on(visit: &Visit, (step, answer): (Step, &Answer), next: &Prompt) -> Option<Response> {
    let (Answer::Auth(given), Body::Auth { auth }) = (answer, &next.body) else { return None };
    let password = matches!(step, Step::Login | Step::Signup) && given.amr.iter().any(|m| m == "pwd");
    let allowed = auth.account.mode != AccountMode::Select
        && auth.account.sub.as_ref().is_none_or(|sub| *sub == given.sub);
    if !(password && allowed && strength::only_strength(auth)) {
        return None;
    }
    let user = visit.app.directory.by_sub(&given.sub)?;
    let means = &visit.app.means;
    let both = matches!(strength::need(auth, means, Second::of(&user, means)), Ok(Need::Both(_)));
    let remember = given.session.persistent.unwrap_or(false);
    both.then(|| ask(visit, next, auth, (&user, remember)))
}

/// Asks for the second factor of a user who gave the password, or has one set up.
pub(super) fn ask(
    visit: &Visit,
    prompt: &Prompt,
    auth: &AuthPrompt,
    (user, remember): (&User, bool),
) -> Response {
    let proof = Proof { sub: user.sub.clone(), remember, at: visit.app.clock.now(), setup: None };
    if Second::of(user, &visit.app.means) == Second::Enrolled {
        let proof = Some(proof.write(visit, prompt));
        return show(visit, prompt, auth, Shown { user, proof, error: None, status: StatusCode::OK });
    }
    setup::begin(visit, prompt, (user, proof))
}

fn show(visit: &Visit, prompt: &Prompt, auth: &AuthPrompt, shown: Shown<'_>) -> Response {
    let shell = Shell::new(visit, Some(prompt));
    let page = CodePage {
        message: auth.message.as_deref(),
        error: shown.error,
        who: shown.user.display_name(shell.t.tag).to_owned(),
        proof: shown.proof,
        other: (auth.account.mode != AccountMode::Fixed).then(|| login::href_of_another(&prompt.id)),
        form: Binding::new(visit, prompt),
        shell,
    };
    page::send(visit, shown.status, &page.shell.nonce, &page)
}

/// Checks the code.
pub(super) async fn decide(
    visit: &Visit,
    prompt: &Prompt,
    auth: &AuthPrompt,
    form: &Form,
) -> Result<Next, Failure> {
    let proof = form.get("proof").map(|field| Proof::read(visit, prompt, field));
    let (user, remember) = match proof {
        Some(Some(proof)) => (visit.app.directory.by_sub(&proof.sub), proof.remember),
        // It is too old, or of another page: the password is asked for again.
        Some(None) => (None, false),
        None => (of_session(visit, prompt, auth), false),
    };
    let begin = || Next::Page(page::redirect(visit, &Step::Login.href(&prompt.id)));
    let Some(user) = user else { return Ok(begin()) };
    let has = Second::of(&user, &visit.app.means);
    let Ok(Need::Both(class)) = strength::need(auth, &visit.app.means, has) else { return Ok(begin()) };
    if has != Second::Enrolled {
        return Ok(begin());
    }
    let text = visit.text(Some(prompt));
    let (error, status, wait) =
        match check(visit, (&prompt.id, prompt.step), &user, form.text("code")).await? {
            Check::Right => {
                let proof = login::Proof { acr: Some(class), remember, both: true, visit };
                return Ok(login::signed_in(prompt, auth, &user, proof).into());
            }
            Check::Wrong => (text.totp_wrong, StatusCode::UNPROCESSABLE_ENTITY, None),
            Check::Used => (text.totp_used, StatusCode::UNPROCESSABLE_ENTITY, None),
            Check::Wait(seconds) => (text.wait, StatusCode::TOO_MANY_REQUESTS, Some(seconds)),
        };
    let proof = form.get("proof").map(str::to_owned);
    let mut response = show(visit, prompt, auth, Shown { user: &user, proof, error: Some(error), status });
    if let Some(seconds) = wait {
        page::put(&mut response, header::RETRY_AFTER, &seconds.to_string());
    }
    Ok(Next::Page(response))
}

/// What came out of a code.
pub(crate) enum Check {
    /// It is this user's, and was not used before.
    Right,
    /// It is not.
    Wrong,
    /// It was used before: a code is good once (RFC 6238 section 5.2).
    Used,
    /// Too many were wrong before; so many seconds are left.
    Wait(u64),
}

/// Checks a code, and uses it up if it is right. The same form once more finds its own code used, and counts.
pub(crate) async fn check(
    visit: &Visit,
    at: (&str, u32),
    user: &User,
    typed: &str,
) -> Result<Check, Failure> {
    let app = &visit.app;
    // Taken before it is looked at: racing guesses are counted, all of them.
    if let Some(wait) = app.limits.by_code.take(&user.sub, Instant::now()) {
        return Ok(Check::Wait(wait.as_secs().max(1)));
    }
    let stored = user.totp.as_ref().ok_or(Failure::Busy)?;
    let opened = app.means.vault.as_ref().and_then(|vault| vault.open(&user.sub, stored.secret()));
    let Some(key) = opened.as_deref().and_then(Key::from_bytes) else {
        tracing::error!(sub = user.sub, "a second factor cannot be opened: the key file is another one");
        return Err(Failure::Busy);
    };
    let Some(step) = key.step_of(typed, app.clock.now()) else {
        tracing::info!(sub = user.sub, address = visit.address, "a code was refused");
        login::report(app, user);
        return Ok(Check::Wrong);
    };
    let (shared, secret, sub) = (Arc::clone(app), stored.secret().to_owned(), user.sub.clone());
    let form = format!("{} {} {step}", at.0, at.1);
    let spending = task::spawn_blocking(move || {
        // One at a time, so that a form that was sent twice finds what its twin did.
        let mut codes = shared.codes.lock().unwrap_or_else(PoisonError::into_inner);
        if codes.made(&form, &sub) {
            return Ok(true);
        }
        match shared.directory.use_code(&sub, (&secret, step)) {
            Ok(()) => {
                codes.remember(&form, &sub);
                Ok(true)
            }
            Err(DirectoryError::Used) => Ok(false),
            Err(error) => Err(error),
        }
    });
    match spending.await {
        Ok(Ok(true)) => {
            app.limits.by_code.forget(&user.sub);
            tracing::info!(sub = user.sub, "a code was accepted");
            Ok(Check::Right)
        }
        Ok(Ok(false)) => {
            tracing::info!(sub = user.sub, address = visit.address, "a code was used before");
            Ok(Check::Used)
        }
        Ok(Err(error)) => {
            tracing::error!(%error, "a code could not be used up");
            Err(Failure::Busy)
        }
        Err(_) => Err(Failure::Busy),
    }
}
