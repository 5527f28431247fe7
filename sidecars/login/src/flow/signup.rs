//! The sign-up page.

use std::sync::Arc;

use askama::Template;
use http::{StatusCode, header};
use placet_sdk::interaction::{AuthPrompt, Prompt};
use serde_json::json;
use tokio::{task, time::Instant};
use warp::reply::Response;

use super::{
    Next,
    login::{self, Check},
    strength,
};
use crate::{
    directory::{DirectoryError, StoredHash, User},
    failure::Failure,
    form::Form,
    page::{self, Binding, Shell},
    password::MAX_PASSWORD,
    step::Step,
    text::Text,
    visit::Visit,
};

const MIN_PASSWORD: usize = 8;

#[derive(Template)]
#[template(path = "signup.html")]
struct SignupPage<'a> {
    shell: Shell<'a>,
    form: Binding,
    error: Option<&'static str>,
    username: &'a str,
    name: &'a str,
    email: &'a str,
    wrong: Wrong,
    sign_in: String,
}

/// What is wrong, field by field.
#[derive(Default, PartialEq, Eq)]
struct Wrong {
    username: Option<&'static str>,
    name: Option<&'static str>,
    email: Option<&'static str>,
    password: Option<&'static str>,
    again: Option<&'static str>,
}

/// What the user typed.
struct Input<'a> {
    username: &'a str,
    name: &'a str,
    email: &'a str,
    password: &'a str,
    again: &'a str,
}

impl<'a> Input<'a> {
    fn of(form: &'a Form) -> Self {
        Self {
            username: form.text("username").trim(),
            name: form.text("name").trim(),
            email: form.text("email").trim(),
            password: form.text("password"),
            again: form.text("password_again"),
        }
    }

    fn check(&self, t: &Text) -> Wrong {
        let named = (3..=64).contains(&self.username.len())
            && self.username.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
        let printable = |text: &str| text.len() <= 255 && !text.chars().any(char::is_control);
        let (local, host) = self.email.rsplit_once('@').unwrap_or_default();
        let mailable = !local.is_empty()
            && host.contains('.')
            && !host.starts_with('.')
            && !host.ends_with('.')
            && printable(self.email)
            && !self.email.contains(char::is_whitespace);
        Wrong {
            username: (!named).then_some(t.username_invalid),
            name: (self.name.is_empty() || !printable(self.name)).then_some(t.name_missing),
            email: (!mailable).then_some(t.email_invalid),
            password: if self.password.chars().count() < MIN_PASSWORD {
                Some(t.password_short)
            } else {
                (self.password.len() > MAX_PASSWORD).then_some(t.password_long)
            },
            again: (self.password != self.again).then_some(t.passwords_differ),
        }
    }
}

/// The page, fresh.
pub(super) fn page(visit: &Visit, prompt: &Prompt) -> Response {
    let hint = prompt.ui.login_hint.as_deref().unwrap_or_default();
    let (username, email) = if hint.contains('@') { ("", hint) } else { (hint, "") };
    let input = Input { username, name: "", email, password: "", again: "" };
    show(visit, prompt, &input, None)
}

fn show(visit: &Visit, prompt: &Prompt, input: &Input<'_>, wrong: Option<Wrong>) -> Response {
    let shell = Shell::new(visit, Some(prompt));
    let status = if wrong.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = SignupPage {
        error: wrong.is_some().then_some(shell.t.check_input),
        username: input.username,
        name: input.name,
        email: input.email,
        wrong: wrong.unwrap_or_default(),
        sign_in: Step::Login.href(&prompt.id),
        form: Binding::new(visit, prompt),
        shell,
    };
    page::send(visit, status, &page.shell.nonce, &page)
}

/// Creates the account and signs it in.
pub(super) async fn decide(
    visit: &Visit,
    prompt: &Prompt,
    auth: &AuthPrompt,
    form: &Form,
) -> Result<Next, Failure> {
    if strength::anybody(auth, &visit.app.means).is_err() {
        return Ok(strength::refusal(auth, &visit.app.means).into());
    }
    let text = visit.text(Some(prompt));
    let input = Input::of(form);
    let mut wrong = input.check(text);
    if wrong == Wrong::default() {
        match create(visit, prompt, &input).await? {
            Made::User(user) => {
                return Ok(login::after_password(visit, prompt, auth, (&user, false)));
            }
            Made::Wait(seconds) => {
                let mut response = Failure::Wait.respond(visit, crate::failure::Retry::enter(&prompt.id));
                page::put(&mut response, header::RETRY_AFTER, &seconds.to_string());
                return Ok(Next::Page(response));
            }
            Made::Taken(name) if name == crate::directory::normal(input.email) => {
                wrong.email = Some(text.email_taken);
            }
            Made::Taken(_) => wrong.username = Some(text.username_taken),
        }
    }
    Ok(Next::Page(show(visit, prompt, &input, Some(wrong))))
}

enum Made {
    User(Arc<User>),
    Taken(String),
    Wait(u64),
}

async fn create(visit: &Visit, prompt: &Prompt, input: &Input<'_>) -> Result<Made, Failure> {
    let app = &visit.app;
    // The same form once more: the account is there, its password must fit.
    if let Some(user) = app.directory.by_name(input.username)
        && app.signups.made(&prompt.id, &user.sub)
        && let Check::Right(user) = login::check(visit, input.username, Some(user), input.password).await?
    {
        return Ok(Made::User(user));
    }
    let now = Instant::now();
    if let Some(wait) = app.limits.signups.wait(&visit.address, now) {
        return Ok(Made::Wait(wait.as_secs().max(1)));
    }
    app.limits.signups.count(&visit.address, now);
    let mut user = User::new(input.username, StoredHash::new(app.passwords.hash(input.password).await?));
    for (claim, value) in [
        ("name", json!(input.name)),
        ("preferred_username", json!(input.username)),
        ("email", json!(input.email)),
        ("email_verified", json!(false)),
        ("updated_at", json!(app.clock.now())),
    ] {
        user.claims.insert(claim.to_owned(), value);
    }
    let shared = Arc::clone(app);
    let (interaction, sub) = (prompt.id.clone(), user.sub.clone());
    let made = user.clone();
    let added = task::spawn_blocking(move || {
        // Remembered first: a second copy of the form may be waiting for the directory.
        shared.signups.remember(&interaction, &sub);
        shared.directory.add(made)
    })
    .await
    .map_err(|_| Failure::Busy)?;
    match added {
        Ok(()) => {
            tracing::info!(sub = user.sub, "a user signed up");
            Ok(Made::User(Arc::new(user)))
        }
        // Two copies of the form at once: the other one was faster.
        Err(DirectoryError::Taken(_)) if is_twin(visit, prompt, input) => {
            match app.directory.by_name(input.username) {
                Some(user) => match login::check(visit, input.username, Some(user), input.password).await? {
                    Check::Right(user) => Ok(Made::User(user)),
                    Check::Wrong | Check::Wait(_) => Ok(Made::Taken(String::new())),
                },
                None => Err(Failure::Busy),
            }
        }
        Err(DirectoryError::Taken(name)) => Ok(Made::Taken(name)),
        Err(error) => {
            tracing::error!(%error, "a user could not be added");
            Err(Failure::Busy)
        }
    }
}

fn is_twin(visit: &Visit, prompt: &Prompt, input: &Input<'_>) -> bool {
    let app = &visit.app;
    app.directory.by_name(input.username).is_some_and(|user| app.signups.made(&prompt.id, &user.sub))
}
