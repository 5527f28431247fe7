//! Sessions, authorizations and subjects.

use http::Method;
use placet_oauth::id::Subject;
use placet_sdk::{
    Instant,
    admin::{SubjectEntry, SubjectWrite},
    interaction::SessionInfo,
    resources::{AuthorizationInfo, Page},
};
use serde_json::json;
use warp::reply::Response;

use super::{
    PAGE, audit,
    caller::{self, Admin},
    not_found, percent_decoded,
};
use crate::{
    config::AdminRole,
    http::{
        reply,
        request::Request,
        ui::{authorization_info, list, object, page, query},
    },
    interaction::{
        answer::body,
        session::{Session, live},
    },
    outcome::Outcome,
    problem::{ApiResult, problem},
    server::Server,
    store::{AuthorizationRecord, Paging},
};

/// The cursor of a list that is not about a user.
pub(in crate::http) fn cursor(request: &Request) -> ApiResult<String> {
    let query = query(request)?;
    let cursor = query.get("cursor").unwrap_or_default();
    if cursor.len() > 255 || cursor.bytes().any(|b| !(b' '..=b'~').contains(&b)) {
        return Err(
            problem(400, "invalid_request", "`cursor` is the `next_cursor` of the page before").into()
        );
    }
    Ok(cursor.to_owned())
}

/// `GET /sessions?sub=`.
pub(super) async fn sessions(server: Server, request: Request) -> Outcome<Response> {
    reply::api(list_sessions(&server, &request).await)
}

async fn list_sessions(server: &Server, request: &Request) -> ApiResult<Response> {
    caller::with(server, request, AdminRole::Read).await?;
    let (sub, after) = list(request)?;
    reply::object(200, &sessions_of(server, &sub, &after).await?)
}

/// Live sessions of a user, after that one.
pub(in crate::http) async fn sessions_of(
    server: &Server,
    sub: &str,
    after: &str,
) -> ApiResult<Page<SessionInfo>> {
    let paging = Paging { after, limit: PAGE };
    let records = server.store().sessions_of(sub, paging, server.now()).await?;
    page(records, |r| r.id.as_str(), |r| Ok(Session::read(r)?.info()))
}

/// `GET` and `DELETE /sessions/{id}`.
pub(super) async fn session(server: Server, request: Request) -> Outcome<Response> {
    reply::api(one_session(&server, &request).await)
}

async fn one_session(server: &Server, request: &Request) -> ApiResult<Response> {
    let read = request.method == Method::GET;
    let by = caller::with(server, request, if read { AdminRole::Read } else { AdminRole::Revoke }).await?;
    let id = request.part(0);
    if read {
        let live = live(server, id).await?.ok_or_else(not_found)?;
        return reply::object(200, &live.info());
    }
    end_session(server, by, id).await?;
    Ok(reply::empty(204))
}

/// Ends a live session.
pub(in crate::http) async fn end_session(server: &Server, by: Admin<'_>, id: &str) -> ApiResult<()> {
    let live = live(server, id).await?.ok_or_else(not_found)?;
    let event = audit(server, ("session.ended", id), &by, json!({ "sub": live.record.sub }))?;
    server.store().end_session(id, server.now(), vec![event]).await?;
    server.deliver_soon();
    server.policies().flush_subject(&live.record.sub);
    Ok(())
}

/// `GET /authorizations?sub=`.
pub(super) async fn authorizations(server: Server, request: Request) -> Outcome<Response> {
    reply::api(list_authorizations(&server, &request).await)
}

async fn list_authorizations(server: &Server, request: &Request) -> ApiResult<Response> {
    caller::with(server, request, AdminRole::Read).await?;
    let (sub, after) = list(request)?;
    reply::object(200, &authorizations_of(server, &sub, &after).await?)
}

/// Live authorizations of a user, after that one.
pub(in crate::http) async fn authorizations_of(
    server: &Server,
    sub: &str,
    after: &str,
) -> ApiResult<Page<AuthorizationInfo>> {
    let paging = Paging { after, limit: PAGE };
    let records = server.store().authorizations_of(sub, paging, server.now()).await?;
    page(records, |r| r.id.as_str(), authorization_info)
}

/// `GET` and `DELETE /authorizations/{id}`.
pub(super) async fn authorization(server: Server, request: Request) -> Outcome<Response> {
    reply::api(one_authorization(&server, &request).await)
}

async fn one_authorization(server: &Server, request: &Request) -> ApiResult<Response> {
    let read = request.method == Method::GET;
    let by = caller::with(server, request, if read { AdminRole::Read } else { AdminRole::Revoke }).await?;
    let id = request.part(0);
    if read {
        return reply::object(200, &authorization_info(live_authorization(server, id).await?)?);
    }
    revoke_authorization(server, by, id).await?;
    Ok(reply::empty(204))
}

/// The live authorization of this id.
pub(in crate::http) async fn live_authorization(server: &Server, id: &str) -> ApiResult<AuthorizationRecord> {
    let found = known_authorization(server, id).await?;
    if found.is_live(server.now()) { Ok(found) } else { Err(not_found()) }
}

async fn known_authorization(server: &Server, id: &str) -> ApiResult<AuthorizationRecord> {
    if id.chars().any(char::is_control) {
        return Err(not_found());
    }
    server.store().authorization(id).await?.ok_or_else(not_found)
}

/// Ends a live authorization, and everything issued for it.
pub(in crate::http) async fn revoke_authorization(server: &Server, by: Admin<'_>, id: &str) -> ApiResult<()> {
    let found = known_authorization(server, id).await?;
    let data = json!({ "sub": found.sub, "client_id": found.client_id });
    let event = audit(server, ("authorization.revoked", id), &by, data)?;
    // It may be over and another one in its place, so the store says whether there was something to end.
    if !server.store().revoke_authorization(id, server.now(), vec![event]).await? {
        return Err(not_found());
    }
    server.policies().flush_subject(&found.sub);
    Ok(())
}

/// `GET` and `PUT /subjects/{sub}`.
pub(super) async fn subject(server: Server, request: Request) -> Outcome<Response> {
    reply::api(one_subject(&server, &request).await)
}

async fn one_subject(server: &Server, request: &Request) -> ApiResult<Response> {
    let read = request.method == Method::GET;
    let by = caller::with(server, request, if read { AdminRole::Read } else { AdminRole::Revoke }).await?;
    let sub = percent_decoded(request.part(0)).filter(|sub| Subject::parse(sub).is_some());
    let sub = sub.ok_or_else(not_found)?;
    if !read {
        let write: SubjectWrite = body::member(object(request)?)?;
        let name = if write.disabled { "account.disabled" } else { "account.enabled" };
        let event = audit(server, (name, &sub), &by, json!({ "sub": sub }))?;
        server.store().set_subject_disabled(&sub, write.disabled, server.now(), vec![event]).await?;
        server.deliver_soon();
        server.policies().flush_subject(&sub);
    }
    reply::object(200, &subject_entry(server, sub).await?)
}

/// What is known of a subject.
pub(in crate::http) async fn subject_entry(server: &Server, sub: String) -> ApiResult<SubjectEntry> {
    let record = server.store().subject(&sub).await?;
    let disabled_at = record.and_then(|r| r.disabled_at).map(Instant);
    Ok(SubjectEntry { sub, disabled: disabled_at.is_some(), disabled_at })
}
