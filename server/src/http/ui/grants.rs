//! `POST /grants` and `POST /reports`.

use placet_sdk::resources::{DirectGrant, Report};
use warp::reply::Response;

use super::{caller, object};
use crate::{
    config::Capability,
    direct_grant,
    http::{reply, request::Request},
    interaction::answer::body,
    outcome::Outcome,
    problem::ApiResult,
    server::Server,
};

/// `POST /grants`: tokens without a browser.
pub(in crate::http) async fn grants(server: Server, request: Request) -> Outcome<Response> {
    reply::api(grant(&server, &request).await)
}

async fn grant(server: &Server, request: &Request) -> ApiResult<Response> {
    let ui = caller::with(server, request, (Capability::DirectGrant, "direct_grant")).await?;
    let asked: DirectGrant = body::member(object(request)?)?;
    Ok(reply::json(200, &direct_grant::grant(server, ui, asked).await?.to_json()))
}

/// `POST /reports`: facts that the server cannot see; they take effect before the answer.
pub(in crate::http) async fn reports(server: Server, request: Request) -> Outcome<Response> {
    reply::api(report(&server, &request).await)
}

async fn report(server: &Server, request: &Request) -> ApiResult<Response> {
    caller::with(server, request, (Capability::Report, "report")).await?;
    let report: Report = body::member(object(request)?)?;
    direct_grant::report(server, report).await?;
    Ok(reply::empty(202))
}
