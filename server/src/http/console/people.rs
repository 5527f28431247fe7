//! What users have here: sessions and authorizations, and ending them.

use askama::Template;
use http::Method;
use placet_oauth::id::Subject;
use placet_sdk::{Instant, interaction::SessionInfo, resources::AuthorizationInfo};
use warp::reply::Response;

use super::{
    access::{Page, Visit, link},
    frame::{Frame, answer, page},
    shown::Moment,
};
use crate::{
    config::AdminRole,
    http::{
        admin::resources::{
            authorizations_of, end_session, revoke_authorization, sessions_of, subject_entry,
        },
        reply,
        request::Request,
    },
    outcome::Outcome,
    problem::{ApiFailure, problem},
    server::Server,
};

/// A browser in which the user is signed in.
struct SessionShown {
    session: SessionInfo,
    began: Option<Moment>,
    used: Option<Moment>,
    ends: Option<Moment>,
    authenticated: Moment,
    how: String,
}

impl SessionShown {
    fn of(session: SessionInfo, now: i64) -> Self {
        let moment = |seconds: Instant| Moment::of_seconds(seconds.0, now);
        let how: Vec<&str> = session.acr.iter().chain(&session.amr).map(String::as_str).collect();
        Self {
            began: session.created_at.map(moment),
            used: session.last_used_at.map(moment),
            ends: session.expires_at.map(moment),
            authenticated: moment(session.authenticated_at),
            how: how.join(", "),
            session,
        }
    }
}

/// What the user granted to a client.
struct AuthorizationShown {
    authorization: AuthorizationInfo,
    client: String,
    granted: Moment,
    ends: Moment,
    scope: String,
}

/// What there is of a user.
struct Person {
    sub: String,
    disabled: Option<Moment>,
    sessions: Vec<SessionShown>,
    authorizations: Vec<AuthorizationShown>,
    more_sessions: Option<String>,
    more_authorizations: Option<String>,
    flows: String,
    decisions: Option<String>,
}

#[derive(Template)]
#[template(path = "console/people.html")]
struct PeoplePage<'a> {
    frame: Frame<'a>,
    person: Option<Person>,
    may_end: bool,
}

/// `GET` and `POST /console/people`.
pub(super) async fn people(server: Server, request: Request) -> Outcome<Response> {
    let shown = match request.method {
        Method::POST => end(&server, &request).await,
        _ => show(&server, &request).await,
    };
    answer(&request, shown)
}

async fn show(server: &Server, request: &Request) -> Page<Response> {
    let visit = Visit::of(server, request, AdminRole::Read)?;
    let query = visit.query()?;
    let text = |name: &str| query.get(name).unwrap_or_default();
    let person = match text("sub").trim() {
        "" => None,
        sub => Some(person(&visit, sub, (text("sessions"), text("authorizations"))).await?),
    };
    let template = PeoplePage {
        frame: Frame::of(&visit, "people", "Users"),
        person,
        may_end: visit.may(AdminRole::Revoke),
    };
    Ok(page(200, &template)?)
}

async fn person(visit: &Visit<'_>, sub: &str, (sessions, authorizations): (&str, &str)) -> Page<Person> {
    let (server, now) = (visit.server, visit.server.now_millis());
    if Subject::parse(sub).is_none() {
        let detail = "a subject has 1 to 255 characters without control characters";
        return Err(ApiFailure::from(problem(400, "invalid_request", detail)).into());
    }
    let entry = subject_entry(server, sub.to_owned()).await?;
    let sessions = sessions_of(server, sub, sessions).await?;
    let authorizations = authorizations_of(server, sub, authorizations).await?;
    let moment = |seconds: i64| Moment::of_seconds(seconds, now);
    let more = |name: &'static str, cursor: Option<String>| {
        cursor.map(|cursor| link("people", [("sub", sub), (name, cursor.as_str())]))
    };
    Ok(Person {
        disabled: entry.disabled_at.map(|at| moment(at.0)),
        more_sessions: more("sessions", sessions.next_cursor),
        more_authorizations: more("authorizations", authorizations.next_cursor),
        sessions: sessions.items.into_iter().map(|session| SessionShown::of(session, now)).collect(),
        authorizations: authorizations
            .items
            .into_iter()
            .map(|authorization| AuthorizationShown {
                client: link("client", [("id", authorization.client_id.as_str())]),
                granted: moment(authorization.created_at.0),
                ends: moment(authorization.expires_at.0),
                scope: authorization.scope.join(" "),
                authorization,
            })
            .collect(),
        flows: link("flows", [("sub", sub), ("all", "yes")]),
        decisions: visit.may(AdminRole::Policies).then(|| link("decisions", [("sub", sub)])),
        sub: entry.sub,
    })
}

async fn end(server: &Server, request: &Request) -> Page<Response> {
    let visit = Visit::of(server, request, AdminRole::Revoke)?;
    let form = visit.form()?;
    let sub = form.get("sub").unwrap_or_default();
    let done = match (form.get("session"), form.get("authorization")) {
        (Some(id), None) => {
            end_session(server, visit.by(), id).await?;
            "session-ended"
        }
        (None, Some(id)) => {
            revoke_authorization(server, visit.by(), id).await?;
            "authorization-revoked"
        }
        _ => {
            let detail = "the form names nothing that could be ended";
            return Err(ApiFailure::from(problem(400, "invalid_request", detail)).into());
        }
    };
    Ok(reply::see_other(&link("people", [("sub", sub), ("done", done)])))
}
