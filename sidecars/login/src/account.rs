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
    failure::Failure,
    form::Form,
    page,
    pass::{self, Door, Pass},
    visit::Visit,
};

/// The path.
pub(crate) const PATH: &str = "account";

static DOOR: Door = Door { path: PATH, words: |t| [t.account.title, t.account.enter], both: true };

/// Pages of a list that are read at most; users with more see the first ones, and what they end is taken from those.
const MOST_PAGES: usize = 50;

/// `GET /account`.
pub(crate) async fn show(visit: Visit) -> Response {
    pass::show(&visit, &DOOR, async |visit, pass| Ok(view::page(visit, pass).await?)).await
}

/// `POST /account`.
pub(crate) async fn submit(visit: Visit, body: Bytes) -> Response {
    pass::take(&visit, &DOOR, &body, act).await
}

async fn act(visit: &Visit, form: &Form, pass: &Pass) -> Result<Response, Failure> {
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
