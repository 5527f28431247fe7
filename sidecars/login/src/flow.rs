//! The walk through an interaction: show the page of the current prompt, send its answer, go on.

mod confirm;
mod consent;
mod custom;
mod ending;
pub(crate) mod login;
pub(crate) mod second;
mod select;
mod setup;
mod signup;
pub(crate) mod strength;

use bytes::Bytes;
use placet_sdk::{
    client::Error,
    interaction::{Answer, AuthReason, Body, DenyAnswer, DenyError, Prompt, Reason},
};
use warp::reply::Response;

use crate::{
    approve,
    failure::{Failure, Retry},
    form::Form,
    page,
    step::{Step, is_interaction},
    visit::Visit,
};

/// What a form leads to.
enum Next {
    /// An answer for the server.
    Answer(Box<Answer>),
    /// Another page of this app.
    Page(Response),
}

impl From<Answer> for Next {
    fn from(answer: Answer) -> Self {
        Self::Answer(Box::new(answer))
    }
}

/// `GET /`: where the server sends the browser.
pub(crate) async fn enter(visit: Visit) -> Response {
    match find(&visit).await {
        Ok((prompt, _)) => go(&visit, &prompt),
        Err((failure, retry)) => failure.respond(&visit, retry),
    }
}

/// `GET` of a page. What waits for a user who is elsewhere is shown to that user only.
pub(crate) async fn show(step: Step, visit: Visit) -> Response {
    match find(&visit).await {
        Ok((prompt, query)) if step.serves(&prompt) => match approve::is_of_another(&visit, &prompt).await {
            Ok(false) => render(step, &visit, &prompt, &query),
            Ok(true) => approve::enter(&visit),
            Err(failure) => failure.respond(&visit, Retry::enter(&prompt.id)),
        },
        Ok((prompt, _)) => go(&visit, &prompt),
        Err((failure, retry)) => failure.respond(&visit, retry),
    }
}

/// `POST` of a page's form.
pub(crate) async fn submit(step: Step, visit: Visit, body: Bytes) -> Response {
    let form = match visit.form(&body) {
        Ok(form) => form,
        Err(failure) => return failure.respond(&visit, Retry::None),
    };
    match answer(step, &visit, &form).await {
        Ok(response) => response,
        Err(failure) => failure.respond(&visit, Retry::of(step, &form)),
    }
}

/// The interaction that the address names, and the parameters of the address.
async fn find(visit: &Visit) -> Result<(Prompt, Form), (Failure, Retry)> {
    let query = Form::parse(visit.query.as_bytes()).map_err(|_| (Failure::Malformed, Retry::None))?;
    let id = query.text("interaction").to_owned();
    if id.is_empty() {
        return Err((Failure::Nothing, Retry::None));
    }
    if !is_interaction(&id) {
        return Err((Failure::Unknown, Retry::None));
    }
    match visit.app.api.current(&id).await {
        Ok(prompt) => Ok((prompt, query)),
        Err(error) => Err((Failure::Api(error), Retry::enter(&id))),
    }
}

async fn answer(step: Step, visit: &Visit, form: &Form) -> Result<Response, Failure> {
    let id = form.text("interaction");
    let number: u32 = form.text("step").parse().map_err(|_| Failure::Forgery)?;
    // Before anything is sent: only a form that this very browser was shown may cause a call.
    if visit.is_new
        || visit.is_cross_site
        || !is_interaction(id)
        || !visit.app.seal.accepts(form.text("csrf"), &visit.browser, id, number)
    {
        return Err(Failure::Forgery);
    }
    let api = &visit.app.api;
    let prompt = api.current(id).await?;
    // A form of an earlier step was answered already: a double click, or the back button.
    if prompt.step != number || !step.serves(&prompt) {
        return Ok(go(visit, &prompt));
    }
    if approve::is_of_another(visit, &prompt).await? {
        return Ok(approve::enter(visit));
    }
    let answer = match decide(step, visit, &prompt, form).await? {
        Next::Answer(answer) => answer,
        Next::Page(response) => return Ok(response),
    };
    match api.answer(id, number, &answer).await {
        Ok(next) => Ok(match second::goes_on(visit, (step, &answer), &next) {
            Some(page) => page,
            None => after(visit, &prompt, form, &next),
        }),
        Err(Error::Refused(problem)) if is_elsewhere(&problem.code) => Ok(go(visit, &api.current(id).await?)),
        Err(error) => Err(error.into()),
    }
}

/// The interaction went on without this form.
fn is_elsewhere(code: &str) -> bool {
    matches!(code, "step_conflict" | "step_ahead" | "type_mismatch")
}

async fn decide(step: Step, visit: &Visit, prompt: &Prompt, form: &Form) -> Result<Next, Failure> {
    let refused = form.get("action") == Some("deny");
    match &prompt.body {
        Body::Auth { auth } if refused => Ok(strength::refusal(auth, &visit.app.means).into()),
        Body::Auth { .. } if form.get("action") == Some("unmet") => Ok(strength::unmet().into()),
        Body::Auth { auth } => match step {
            Step::Select => Ok(select::decide(visit, prompt, auth, form)),
            Step::Signup => signup::decide(visit, prompt, auth, form).await,
            Step::Totp => second::decide(visit, prompt, auth, form).await,
            Step::Setup => setup::decide(visit, prompt, auth, form).await,
            _ => login::decide(visit, prompt, auth, form).await,
        },
        Body::Confirm { confirm } => confirm::decide(confirm, form).map(Next::from),
        Body::UserCode { .. } | Body::Consent { .. } if refused => Ok(declined().into()),
        Body::UserCode { .. } => Ok(confirm::user_code(form).into()),
        Body::Consent { consent } => consent::decide(consent, form).map(Next::from),
        Body::Custom { custom } => custom::decide(custom, form).map(Next::from),
        Body::Response { .. } | Body::Error { .. } => Ok(Next::Page(go(visit, prompt))),
    }
}

/// Where an accepted answer leads.
fn after(visit: &Visit, before: &Prompt, form: &Form, next: &Prompt) -> Response {
    match (&before.body, &next.body) {
        (Body::UserCode { .. }, Body::UserCode { user_code }) => {
            confirm::wrong_code(visit, next, user_code.attempts_left)
        }
        // The chosen session did not suffice: ask for the password of that account.
        (Body::Auth { .. }, Body::Auth { auth })
            if auth.reasons.contains(&AuthReason::AnswerInsufficient) && form.get("account").is_some() =>
        {
            page::redirect(visit, &login::href(&next.id, form.get("account")))
        }
        _ => go(visit, next),
    }
}

/// To the page of the current prompt, or out of this app.
fn go(visit: &Visit, prompt: &Prompt) -> Response {
    match &prompt.body {
        Body::Response { response } => ending::deliver(visit, prompt, response),
        _ => page::redirect(visit, &Step::of(prompt).href(&prompt.id)),
    }
}

fn render(step: Step, visit: &Visit, prompt: &Prompt, query: &Form) -> Response {
    match &prompt.body {
        Body::Auth { auth } => match step {
            Step::Select => select::page(visit, prompt, auth),
            Step::Signup => signup::page(visit, prompt),
            Step::Totp => second::page(visit, prompt, auth),
            // It begins with a password.
            Step::Setup => page::redirect(visit, &Step::Login.href(&prompt.id)),
            _ => login::page(visit, prompt, auth, query),
        },
        Body::Consent { consent } => consent::page(visit, prompt, consent),
        Body::Confirm { confirm } => confirm::page(visit, prompt, confirm),
        Body::UserCode { .. } => confirm::code_page(visit, prompt),
        Body::Custom { custom } => custom::page(visit, prompt, custom),
        Body::Response { response } => ending::deliver(visit, prompt, response),
        Body::Error { error } => ending::error(visit, prompt, error),
    }
}

/// The user does not want to go on.
fn declined() -> Answer {
    Answer::Deny(DenyAnswer {
        error: Some(DenyError::AccessDenied),
        error_description: Some("the user declined the request".to_owned()),
        reason: Some(Reason { code: "user_cancelled".to_owned(), detail: None }),
    })
}
