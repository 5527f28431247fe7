//! Sessions, consents and authorizations, for account pages.

use http::Method;
use placet_oauth::{id::Subject, params::Params};
use placet_sdk::{
    Instant,
    interaction::{ClientInfo, SessionInfo},
    resources::{AuthorizationInfo, ConsentInfo, Page},
};
use serde_json::json;
use warp::reply::Response;

use super::caller;
use crate::{
    config::Capability,
    events,
    http::{reply, request::Request},
    interaction::session::Session,
    outcome::{Fault, Outcome},
    problem::{ApiResult, problem},
    server::Server,
    store::{AuthorizationRecord, ConsentRecord, Paging},
    token::Authorized,
};

const SESSIONS: (Capability, &str) = (Capability::Sessions, "sessions");
const AUTHORIZATIONS: (Capability, &str) = (Capability::Authorizations, "authorizations");
/// Entries of a page.
pub(super) const PAGE: u32 = 50;

/// The parameters of a query.
pub(in crate::http) fn query(request: &Request) -> ApiResult<Params> {
    Params::parse(request.query.as_bytes())
        .map_err(|e| problem(400, "invalid_request", &e.description).into())
}

/// Whose entries, after which.
pub(in crate::http) fn list(request: &Request) -> ApiResult<(String, String)> {
    let query = query(request)?;
    let sub = query.require("sub").map_err(|e| problem(400, "invalid_request", &e.description))?;
    if Subject::parse(sub).is_none() {
        let detail = "`sub` has 1 to 255 characters without control characters";
        return Err(problem(400, "invalid_request", detail).into());
    }
    let cursor = query.get("cursor").unwrap_or_default();
    if !cursor.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b)) {
        return Err(
            problem(400, "invalid_request", "`cursor` is the `next_cursor` of the page before").into()
        );
    }
    Ok((sub.to_owned(), cursor.to_owned()))
}

/// A page of these records; there is a next one if this one is full.
pub(in crate::http) fn page<R, T>(
    records: Vec<R>,
    id: impl Fn(&R) -> &str,
    item: impl Fn(R) -> Result<T, Fault>,
) -> ApiResult<Page<T>> {
    let full = records.len() >= PAGE as usize;
    let next_cursor = records.last().filter(|_| full).map(|r| id(r).to_owned());
    let items = records.into_iter().map(item).collect::<Result<Vec<T>, Fault>>()?;
    Ok(Page { items, next_cursor })
}

fn not_found() -> crate::problem::ApiFailure {
    problem(404, "not_found", "there is nothing of this id").into()
}

/// `GET` and `DELETE /sessions?sub=`.
pub(in crate::http) async fn sessions(server: Server, request: Request) -> Outcome<Response> {
    reply::api(async { all_sessions(&server, &request).await }.await)
}

async fn all_sessions(server: &Server, request: &Request) -> ApiResult<Response> {
    if request.method == Method::GET {
        return list_sessions(server, request).await;
    }
    caller::with(server, request, SESSIONS).await?;
    let (sub, _) = list(request)?;
    server.store().end_sessions_of(&sub, "ui", server.now(), Vec::new()).await?;
    server.deliver_soon();
    server.policies().flush_subject(&sub);
    Ok(reply::empty(204))
}

async fn list_sessions(server: &Server, request: &Request) -> ApiResult<Response> {
    caller::with(server, request, SESSIONS).await?;
    let (sub, after) = list(request)?;
    let records =
        server.store().sessions_of(&sub, Paging { after: &after, limit: PAGE }, server.now()).await?;
    let found: Page<SessionInfo> = page(records, |r| r.id.as_str(), |r| Ok(Session::read(r)?.info()))?;
    reply::object(200, &found)
}

/// `GET` and `DELETE /sessions/{id}`.
pub(in crate::http) async fn session(server: Server, request: Request) -> Outcome<Response> {
    reply::api(one_session(&server, &request).await)
}

async fn one_session(server: &Server, request: &Request) -> ApiResult<Response> {
    caller::with(server, request, SESSIONS).await?;
    let id = request.part(0);
    let live = crate::interaction::session::live(server, id).await?.ok_or_else(not_found)?;
    if request.method == Method::GET {
        return reply::object(200, &live.info());
    }
    let event =
        events::event(server, "session.ended", id, &json!({ "sub": live.record.sub, "initiator": "ui" }))?;
    server.store().end_session(id, server.now(), vec![event]).await?;
    server.deliver_soon();
    server.policies().flush_subject(&live.record.sub);
    Ok(reply::empty(204))
}

/// `GET /consents?sub=`.
pub(in crate::http) async fn consents(server: Server, request: Request) -> Outcome<Response> {
    reply::api(list_consents(&server, &request).await)
}

async fn list_consents(server: &Server, request: &Request) -> ApiResult<Response> {
    caller::with(server, request, AUTHORIZATIONS).await?;
    let (sub, after) = list(request)?;
    let records =
        server.store().consents_of(&sub, Paging { after: &after, limit: PAGE }, server.now()).await?;
    let mut found = page(records, |r| r.id.as_str(), |r| Ok(consent_info(r)))?;
    for item in &mut found.items {
        (item.client, item.sign_in_uri) = shown(server, &item.client_id).await?;
        item.client_name = item.client.as_ref().and_then(|client| client.name.clone());
    }
    reply::object(200, &found)
}

/// A client as its users may see it, and where they begin a sign-in there.
async fn shown(server: &Server, client_id: &str) -> Result<(Option<ClientInfo>, Option<String>), Fault> {
    let client = server.client(client_id).await?;
    let link = client.as_ref().and_then(|client| client.metadata.login_link(server.issuer()));
    Ok((client.map(|client| client.info(&[])), link))
}

fn consent_info(record: ConsentRecord) -> ConsentInfo {
    let authorization_details = record.authorization_details();
    ConsentInfo {
        id: record.id,
        sub: record.sub,
        client_id: record.client_id,
        client_name: None,
        client: None,
        sign_in_uri: None,
        scope: record.scope,
        claims: record.claims,
        authorization_details,
        granted_at: Instant(record.granted_at),
        expires_at: record.expires_at.map(Instant),
    }
}

/// `DELETE /consents/{id}`.
pub(in crate::http) async fn consent(server: Server, request: Request) -> Outcome<Response> {
    reply::api(delete_consent(&server, &request).await)
}

async fn delete_consent(server: &Server, request: &Request) -> ApiResult<Response> {
    caller::with(server, request, AUTHORIZATIONS).await?;
    let id = request.part(0);
    let event = events::event(server, "consent.revoked", id, &json!({ "by": "ui" }))?;
    if server.store().delete_consent(id, server.now(), vec![event]).await? {
        server.policies().flush_all();
        Ok(reply::empty(204))
    } else {
        Err(not_found())
    }
}

/// `GET /authorizations?sub=`.
pub(in crate::http) async fn authorizations(server: Server, request: Request) -> Outcome<Response> {
    reply::api(list_authorizations(&server, &request).await)
}

async fn list_authorizations(server: &Server, request: &Request) -> ApiResult<Response> {
    caller::with(server, request, AUTHORIZATIONS).await?;
    let (sub, after) = list(request)?;
    let paging = Paging { after: &after, limit: PAGE };
    let records = server.store().authorizations_of(&sub, paging, server.now()).await?;
    let mut found = page(records, |r| r.id.as_str(), authorization_info)?;
    for item in &mut found.items {
        (item.client, item.sign_in_uri) = shown(server, &item.client_id).await?;
    }
    reply::object(200, &found)
}

/// An authorization as the APIs show it.
pub(in crate::http) fn authorization_info(record: AuthorizationRecord) -> Result<AuthorizationInfo, Fault> {
    let authorized = Authorized::read(&record)?;
    Ok(AuthorizationInfo {
        id: record.id,
        sub: record.sub,
        client_id: record.client_id,
        client: None,
        sign_in_uri: None,
        scope: authorized.scope().to_vec(),
        authorization_details: authorized.details().to_vec(),
        created_at: Instant(record.created_at),
        expires_at: Instant(record.expires_at),
        session_id: record.session_id,
    })
}

/// `DELETE /authorizations/{id}`.
pub(in crate::http) async fn authorization(server: Server, request: Request) -> Outcome<Response> {
    reply::api(delete_authorization(&server, &request).await)
}

async fn delete_authorization(server: &Server, request: &Request) -> ApiResult<Response> {
    caller::with(server, request, AUTHORIZATIONS).await?;
    let id = request.part(0);
    let event = events::event(server, "authorization.revoked", id, &json!({ "reason": "ui" }))?;
    if server.store().revoke_authorization(id, server.now(), vec![event]).await? {
        server.policies().flush_all();
        Ok(reply::empty(204))
    } else {
        Err(not_found())
    }
}
