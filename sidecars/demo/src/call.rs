//! The call centre: a client that asks for users who are elsewhere, and waits for their answer.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    ambient,
    app::{App, Browser},
    failure::Failure,
    provider::{Answered, Asked, Tokens},
};

/// A request of this browser.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) hint: String,
    pub(crate) message: String,
    asked: Asked,
    next: Instant,
    /// What came of it, once somebody answered.
    pub(crate) outcome: Option<Result<Box<Tokens>, Failure>>,
}

impl Call {
    /// Seconds until it is worth to ask again.
    pub(crate) fn wait(&self) -> u64 {
        self.asked.interval
    }

    /// Seconds that the user has at most.
    pub(crate) fn life(&self) -> u64 {
        self.asked.expires_in
    }
}

impl App {
    /// The browser of this cookie, or a new one.
    pub(crate) fn caller(&self, cookie: Option<String>) -> (String, String) {
        let known = cookie.and_then(|cookie| {
            self.browsers.with(&cookie, |browser| browser.csrf.clone()).map(|csrf| (cookie, csrf))
        });
        known.unwrap_or_else(|| {
            let (cookie, browser) = (ambient::secret(), Browser::new());
            let csrf = browser.csrf.clone();
            self.browsers.put(cookie.clone(), browser);
            (cookie, csrf)
        })
    }

    /// Asks for a user.
    pub(crate) async fn call(&self, cookie: &str, (hint, message): (String, String)) -> Result<(), Failure> {
        let asked = self.provider.ask(&hint, &message).await?;
        let next = Instant::now() + Duration::from_secs(asked.interval);
        let call = Call { hint, message, asked, next, outcome: None };
        self.browsers.with(cookie, |browser| browser.call = Some(call));
        Ok(())
    }

    /// The request of this browser. If it is time, the provider is asked what became of it.
    pub(crate) async fn look(&self, cookie: &str) -> Option<Call> {
        let call = self.browsers.with(cookie, |browser| browser.call.clone()).flatten()?;
        if call.outcome.is_some() || Instant::now() < call.next {
            return Some(call);
        }
        let answered = self.provider.answered(&call.asked.auth_req_id).await;
        let changed = |browser: &mut Browser| {
            let call = browser.call.as_mut()?;
            match answered {
                Ok(Answered::Waiting(too_often)) => {
                    // CIBA Core section 11: at least five seconds more, from now on.
                    call.asked.interval += if too_often { 5 } else { 0 };
                    call.next = Instant::now() + Duration::from_secs(call.asked.interval);
                }
                Ok(Answered::Tokens(tokens)) => call.outcome = Some(Ok(tokens)),
                Err(failure) => call.outcome = Some(Err(failure)),
            }
            Some(call.clone())
        };
        self.browsers.with(cookie, changed).flatten()
    }

    /// Forgets it.
    pub(crate) fn hang_up(&self, cookie: &str) {
        self.browsers.with(cookie, |browser| browser.call = None);
    }
}
