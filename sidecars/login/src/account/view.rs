//! What the account page shows.

use askama::Template;
use http::StatusCode;
use placet_sdk::{Instant, client::Error, interaction::SessionInfo};
use warp::reply::Response;

use super::{Done, apps, sessions};
use crate::{
    page::{self, Client, Shell},
    pass::Pass,
    text::Text,
    visit::Visit,
};

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage<'a> {
    shell: Shell<'a>,
    csrf: String,
    name: String,
    done: Option<&'static str>,
    sessions: Vec<Session>,
    /// Whether there are sessions of other browsers, and what ends them.
    others: Option<&'static str>,
    apps: Vec<App>,
}

struct Session {
    id: String,
    device: String,
    address: Option<String>,
    is_here: bool,
    used: Moment,
    began: Moment,
}

struct App {
    client_id: String,
    client: Client,
    sign_in: Option<String>,
    scopes: String,
    since: Moment,
}

/// A moment, for machines and in words.
struct Moment {
    at: String,
    words: String,
}

impl Moment {
    fn ago(t: &Text, at: Instant, now: i64) -> Self {
        Self { at: at.to_string(), words: t.account.times.ago(at, now) }
    }

    fn day(t: &Text, at: Instant) -> Self {
        Self { at: at.to_string(), words: t.account.times.day(at) }
    }
}

/// The page of a user.
pub(super) async fn page(visit: &Visit, pass: &Pass) -> Result<Response, Error> {
    let sub = &pass.user.sub;
    let sessions = sessions::of(visit, sub).await?;
    let apps = apps::of(visit, sub).await?;
    let shell = Shell::new(visit, None);
    let t = shell.t;
    let sessions: Vec<_> = sessions.iter().map(|session| shown(t, visit, session)).collect();
    let here = sessions.iter().filter(|session| session.is_here).count();
    let others = if here == 0 { t.account.end_all } else { t.account.end_others };
    let page = AccountPage {
        csrf: pass.token(visit),
        name: pass.user.display_name(t.tag).to_owned(),
        done: Done::said(visit).map(|done| match done {
            Done::Ended => t.account.ended,
            Done::EndedOthers => t.account.ended_others,
            Done::Withdrawn => t.account.withdrawn,
        }),
        others: (here < sessions.len() && sessions.len() > 1).then_some(others),
        sessions,
        apps: apps.into_iter().map(|app| shown_app(t, app)).collect(),
        shell,
    };
    Ok(page::send(visit, StatusCode::OK, &page.shell.nonce, &page))
}

fn shown(t: &Text, visit: &Visit, session: &SessionInfo) -> Session {
    let device = sessions::known(session, "device").unwrap_or(t.account.unknown_device);
    let used = session.last_used_at.unwrap_or(session.authenticated_at);
    Session {
        id: session.id.clone(),
        device: device.to_owned(),
        address: sessions::known(session, "address").map(str::to_owned),
        is_here: sessions::is_here(visit, session),
        used: Moment::ago(t, used, visit.app.clock.now()),
        began: Moment::day(t, session.created_at.unwrap_or(session.authenticated_at)),
    }
}

fn shown_app(t: &Text, app: apps::App) -> App {
    let title = |value: &String| t.scope(value).map_or_else(|| value.clone(), |(title, _)| title.to_owned());
    App {
        scopes: app.scope.iter().map(title).collect::<Vec<_>>().join(" · "),
        since: Moment::day(t, app.since),
        client_id: app.client_id,
        client: app.client,
        sign_in: app.sign_in,
    }
}
