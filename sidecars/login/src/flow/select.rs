//! The account chooser.

use askama::Template;
use http::StatusCode;
use placet_sdk::interaction::{
    Answer, AuthAnswer, AuthPrompt, Candidate, Prompt, SessionAction, SessionAnswer,
};
use warp::reply::Response;

use super::{Next, login, strength};
use crate::{
    form::Form,
    page::{self, Binding, Shell},
    step::Step,
    visit::Visit,
};

#[derive(Template)]
#[template(path = "select.html")]
struct SelectPage<'a> {
    shell: Shell<'a>,
    form: Binding,
    accounts: Vec<Account>,
    other: String,
    /// What a policy says.
    message: Option<&'a str>,
}

struct Account {
    session: String,
    name: String,
    detail: String,
    initial: String,
}

/// The page.
pub(super) fn page(visit: &Visit, prompt: &Prompt, auth: &AuthPrompt) -> Response {
    let shell = Shell::new(visit, Some(prompt));
    let account = |candidate: &Candidate| {
        let user = visit.app.directory.by_sub(&candidate.sub);
        let name = user.as_ref().map_or(candidate.sub.as_str(), |user| user.display_name(shell.t.tag));
        let detail = user.as_ref().map(|user| user.email().unwrap_or(&user.username));
        Account {
            session: candidate.session_id.clone(),
            initial: name.chars().next().map(|c| c.to_uppercase().collect()).unwrap_or_default(),
            name: name.to_owned(),
            detail: detail.unwrap_or_default().to_owned(),
        }
    };
    let page = SelectPage {
        accounts: auth.account.candidates.iter().map(account).collect(),
        other: Step::Login.href(&prompt.id),
        message: auth.message.as_deref(),
        form: Binding::new(visit, prompt),
        shell,
    };
    page::send(visit, StatusCode::OK, &page.shell.nonce, &page)
}

/// Goes on with the chosen session, or asks for the password of its account.
pub(super) fn decide(visit: &Visit, prompt: &Prompt, auth: &AuthPrompt, form: &Form) -> Next {
    let session = form.get("account");
    let chosen = auth.account.candidates.iter().find(|c| Some(c.session_id.as_str()) == session);
    let Some(candidate) = chosen else {
        return Next::Page(page(visit, prompt, auth));
    };
    if !strength::suffices(candidate, auth) {
        return Next::Page(page::redirect(visit, &login::href(&prompt.id, session)));
    }
    Next::from(Answer::Auth(AuthAnswer {
        sub: candidate.sub.clone(),
        authenticated_at: Some(candidate.authenticated_at),
        acr: candidate.acr.clone(),
        amr: candidate.amr.clone(),
        session: SessionAnswer {
            action: SessionAction::Reuse,
            id: Some(candidate.session_id.clone()),
            claims: visit.app.directory.by_sub(&candidate.sub).map(|user| user.session_claims()),
            ..SessionAnswer::default()
        },
    }))
}
