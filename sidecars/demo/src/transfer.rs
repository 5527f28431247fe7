//! The page where money is moved: what the API refuses leads to a stronger sign-in, and then back here.

use bytes::Bytes;
use http::{Response, StatusCode, header};
use serde_json::{Value, json};
use url::Url;

use crate::{
    app::{App, Browser},
    failure::Failure,
    resource::StepUp,
};

/// A transfer that the user asked for.
#[derive(Clone)]
pub(crate) struct Transfer {
    pub(crate) to: String,
    pub(crate) amount: String,
    /// What the API answered so far, the first answer first.
    pub(crate) answers: Vec<Answered>,
}

/// An answer of the API, worth showing.
#[derive(Clone)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    /// The header `WWW-Authenticate`.
    pub(crate) challenge: Option<String>,
    pub(crate) body: Value,
}

/// What comes after a transfer was tried.
pub(crate) enum Next {
    /// The page tells how it went.
    Page,
    /// The user signs in again, as the API wants it.
    SignIn(Url),
}

impl Transfer {
    /// Reads the form; what it lacks is filled in.
    pub(crate) fn new(to: &str, amount: &str) -> Self {
        let short = |text: &str, otherwise: &str| match text.trim() {
            "" => otherwise.to_owned(),
            text => text.chars().take(70).collect(),
        };
        Self { to: short(to, "Cheshire Cat"), amount: short(amount, "100.00"), answers: Vec::new() }
    }
}

impl App {
    /// Tries a transfer. If the API wants a better authentication, the user is sent for one, once.
    pub(crate) async fn transfer(&self, cookie: &str, mut transfer: Transfer) -> Result<Next, Failure> {
        let tokens = self.browsers.with(cookie, |browser| browser.tokens.clone()).flatten();
        let Some(tokens) = tokens else { return Ok(Next::Page) };
        let body = json!({ "to": transfer.to, "amount": transfer.amount }).to_string();
        let authorization = format!("Bearer {}", tokens.access.secret());
        // The API is a part of this program; others would be called over HTTP, and see and answer the same.
        let answer = self.api_transfer(Some(&authorization), body.as_bytes()).await;
        let wanted = StepUp::of(&answer).filter(|_| transfer.answers.is_empty());
        transfer.answers.push(Answered::new(&answer));
        self.browsers.with(cookie, |browser| browser.transfer = Some(transfer));
        let Some(step_up) = wanted else { return Ok(Next::Page) };
        let (url, _) = self.begin(&step_up.query(&tokens.scope), Some(cookie.to_owned()), true).await?;
        Ok(Next::SignIn(url))
    }

    /// Goes on with the transfer that a sign-in was made for; whether there was one.
    pub(crate) async fn go_on(&self, cookie: &str) -> bool {
        // A transfer that succeeded, or was refused a second time, is over.
        let waiting = |browser: &mut Browser| browser.transfer.clone().filter(Transfer::waits);
        let Some(transfer) = self.browsers.with(cookie, waiting).flatten() else { return false };
        // It cannot fail: a second challenge leads to the page.
        let _ = self.transfer(cookie, transfer).await;
        true
    }
}

impl Transfer {
    /// Whether a better authentication is under way for it.
    fn waits(&self) -> bool {
        self.answers.len() == 1 && self.answers[0].status == StatusCode::UNAUTHORIZED.as_u16()
    }

    /// Whether it was made.
    pub(crate) fn done(&self) -> bool {
        self.answers.last().is_some_and(|answer| answer.status == StatusCode::OK.as_u16())
    }
}

impl Answered {
    fn new(answer: &Response<Bytes>) -> Self {
        let challenge = answer.headers().get(header::WWW_AUTHENTICATE).and_then(|v| v.to_str().ok());
        Self {
            status: answer.status().as_u16(),
            challenge: challenge.map(str::to_owned),
            body: serde_json::from_slice(answer.body()).unwrap_or_default(),
        }
    }
}
