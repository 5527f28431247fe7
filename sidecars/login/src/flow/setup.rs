//! Setting up a second factor: its secret as a QR code and to be typed, and a first code as the proof that it works.

use std::sync::Arc;

use askama::Template;
use http::{StatusCode, header};
use placet_sdk::interaction::{AuthPrompt, Prompt};
use tokio::{task, time::Instant};
use warp::reply::Response;

use super::{
    Next, login,
    strength::{self, Need, Second},
};
use crate::{
    directory::{DirectoryError, StoredTotp, User},
    failure::Failure,
    form::Form,
    page::{self, Binding, Shell},
    proof::Proof,
    qr::{self, Drawing},
    step::Step,
    totp::Key,
    visit::Visit,
};

#[derive(Template)]
#[template(path = "totp-setup.html")]
struct SetupPage<'a> {
    shell: Shell<'a>,
    form: Binding,
    error: Option<&'static str>,
    who: String,
    drawing: Option<Drawing>,
    /// For a browser on the very device that has the authenticator app.
    address: String,
    /// In groups of four, which are easier to type.
    secret: String,
    proof: String,
}

/// The page, with a fresh secret.
pub(super) fn begin(visit: &Visit, prompt: &Prompt, (user, proof): (&User, Proof)) -> Response {
    let key = Key::random();
    let proof = Proof { setup: Some(key.base32()), ..proof };
    show(visit, prompt, (user, &key, proof.write(visit, prompt)), (None, StatusCode::OK))
}

fn show(
    visit: &Visit,
    prompt: &Prompt,
    (user, key, proof): (&User, &Key, String),
    (error, status): (Option<&'static str>, StatusCode),
) -> Response {
    let shell = Shell::new(visit, Some(prompt));
    let address = key.address(shell.brand, &user.username);
    let letters: Vec<char> = key.base32().chars().collect();
    let page = SetupPage {
        error,
        who: user.display_name(shell.t.tag).to_owned(),
        drawing: qr::draw(&address),
        address,
        secret: letters.chunks(4).map(String::from_iter).collect::<Vec<_>>().join(" "),
        proof,
        form: Binding::new(visit, prompt),
        shell,
    };
    page::send(visit, status, &page.shell.nonce, &page)
}

/// Checks the first code, and keeps the secret if it is right.
pub(super) async fn decide(
    visit: &Visit,
    prompt: &Prompt,
    auth: &AuthPrompt,
    form: &Form,
) -> Result<Next, Failure> {
    let app = &visit.app;
    let begin = || Next::Page(page::redirect(visit, &Step::Login.href(&prompt.id)));
    // Only the password sets up a second factor, never a session: whoever finds a browser signed in gains nothing.
    let Some(proof) = Proof::read(visit, prompt, form.text("proof")) else { return Ok(begin()) };
    let key = proof.setup.as_deref().and_then(Key::from_base32);
    let (Some(key), Some(user), Some(vault)) = (key, app.directory.by_sub(&proof.sub), &app.means.vault)
    else {
        return Ok(begin());
    };
    let Ok(Need::Both(class)) = strength::need(auth, &app.means, Second::of(&user, &app.means)) else {
        return Ok(begin());
    };
    let text = visit.text(Some(prompt));
    let again = |error, status| {
        show(visit, prompt, (&user, &key, form.text("proof").to_owned()), (Some(error), status))
    };
    if let Some(wait) = app.limits.by_code.take(&user.sub, Instant::now()) {
        let mut response = again(text.wait, StatusCode::TOO_MANY_REQUESTS);
        page::put(&mut response, header::RETRY_AFTER, &wait.as_secs().max(1).to_string());
        return Ok(Next::Page(response));
    }
    let Some(step) = key.step_of(form.text("code"), app.clock.now()) else {
        return Ok(Next::Page(again(text.totp_setup_wrong, StatusCode::UNPROCESSABLE_ENTITY)));
    };
    let mark = format!("setup {}", key.base32());
    let stored = StoredTotp::new(vault.seal(&user.sub, key.bytes()), step);
    let (shared, sub) = (Arc::clone(app), user.sub.clone());
    let kept = task::spawn_blocking(move || {
        let mut codes = shared.codes.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // The same form once more: its secret is there already.
        if codes.made(&mark, &sub) {
            return Ok(());
        }
        shared.directory.enrol(&sub, stored).map(|()| codes.remember(&mark, &sub))
    });
    match kept.await {
        Ok(Ok(())) => {
            app.limits.by_code.forget(&user.sub);
            tracing::info!(sub = user.sub, "a second factor was set up");
            let proof = login::Proof { acr: Some(class), remember: proof.remember, both: true, visit };
            Ok(login::signed_in(prompt, auth, &user, proof).into())
        }
        // Another browser was faster: its second factor counts, and is asked for.
        Ok(Err(DirectoryError::Enrolled)) => Ok(begin()),
        Ok(Err(error)) => {
            tracing::error!(%error, "a second factor could not be kept");
            Err(Failure::Busy)
        }
        Err(_) => Err(Failure::Busy),
    }
}
