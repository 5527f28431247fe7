//! The account page: where a user is signed in, and which applications have access; each can be ended.
//!
//! It is no part of an interaction: whoever opens it needs a [`pass`], with the second factor of a user who has one. What
//! a form names is looked up among what is this user's before anything ends.

mod apps;
mod sessions;
mod view;

use bytes::Bytes;
use placet_sdk::{client::Error, resources::Page};
use warp::reply::Response;

use crate::{
    failure::{Failure, Retry},
    form::Form,
    page,
    pass::{self, Door, Entry},
    visit::Visit,
};

/// The path.
pub(crate) const PATH: &str = "account";

static DOOR: Door = Door { path: PATH, words: |t| [t.account.title, t.account.enter], both: true };

/// Pages of a list that are read at most; users with more see the first ones, and what they end is taken from those.
const MOST_PAGES: usize = 50;

/// `GET /account`.
pub(crate) async fn show(visit: Visit) -> Response {
    let pass = match pass::enter(&visit, &DOOR) {
        Entry::Open(pass) => pass,
        Entry::Shut(response) => return response,
    };
    match view::page(&visit, &pass).await {
        Ok(response) => response,
        Err(error) => failed(&visit, error.into()),
    }
}

/// `POST /account`.
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

async fn act(visit: &Visit, form: &Form) -> Result<Response, Failure> {
    let pass = match pass::submit(visit, &DOOR, form).await? {
        Entry::Open(pass) => pass,
        Entry::Shut(response) => return Ok(response),
    };
    let sub = &pass.user.sub;
    let done = match form.text("action") {
        "end-session" => sessions::end(visit, sub, form.text("id")).await?,
        "end-others" => sessions::end_others(visit, sub).await?,
        "withdraw" => apps::withdraw(visit, sub, form.text("id")).await?,
        _ => return Err(Failure::Malformed),
    };
    // The page anew by GET: what is loaded again ends nothing.
    Ok(page::redirect(visit, &format!("/{PATH}?done={}", done.name())))
}

/// What a form did.
#[derive(Clone, Copy)]
enum Done {
    Ended,
    EndedOthers,
    Withdrawn,
}

impl Done {
    const ALL: [Self; 3] = [Self::Ended, Self::EndedOthers, Self::Withdrawn];

    fn name(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::EndedOthers => "ended-others",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// What the address says was done.
    fn said(visit: &Visit) -> Option<Self> {
        let query = Form::parse(visit.query.as_bytes()).ok()?;
        Self::ALL.into_iter().find(|done| done.name() == query.text("done"))
    }
}

/// What is gone already is as good as ended.
fn gone(ended: Result<(), Error>) -> Result<(), Error> {
    match ended {
        Err(Error::Refused(problem)) if problem.status == 404 => Ok(()),
        other => other,
    }
}

/// All pages of a list.
async fn all<T, F>(read: impl Fn(Option<String>) -> F) -> Result<Vec<T>, Error>
where
    F: Future<Output = Result<Page<T>, Error>>,
{
    let (mut all, mut cursor) = (Vec::new(), None);
    for _ in 0..MOST_PAGES {
        let page = read(cursor).await?;
        all.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    Ok(all)
}
