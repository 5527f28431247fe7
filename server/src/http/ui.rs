//! The interaction API: `/ui/v1` on the private listener.

mod caller;
mod grants;
mod resources;

use http::Method;
use placet_oauth::id::Secret;
use placet_sdk::{
    grant::Object,
    interaction::{Kind, Open},
    resources::Page,
};
use serde_json::Value;
use warp::reply::Response;

use super::{reply, request::Request};
use crate::{
    config::{FrontDoor, UiConfig},
    headless,
    interaction::{
        answer::{self, Caller},
        backchannel,
    },
    openapi as description,
    outcome::Outcome,
    problem::{ApiResult, problem},
    server::Server,
    store::Paging,
};

pub(super) use grants::{grants, reports};
pub(super) use resources::{
    authorization, authorization_info, authorizations, consent, consents, list, page, query, session,
    sessions,
};

/// The header with the browser's binding (headless front door).
const BINDING: &str = "placet-browser-binding";

fn binding(request: &Request) -> Option<Secret> {
    request.header(BINDING).map(Secret::new)
}

/// The JSON object in a body.
pub(super) fn object(request: &Request) -> ApiResult<Object> {
    if !request.has_type("application/json") {
        return Err(
            problem(415, "unsupported_media_type", "the body must be of type `application/json`").into()
        );
    }
    match placet_oauth::claims::strict_json_bytes(&request.body) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(crate::problem::invalid_answer("", "wrong_type", "an object is expected")),
        Err(reason) => Err(crate::problem::invalid_answer("", "malformed", &reason)),
    }
}

/// `PUT /interactions/{id}/steps/{n}`.
pub(super) async fn step(server: Server, request: Request) -> Outcome<Response> {
    reply::api(put_step(&server, &request).await)
}

async fn put_step(server: &Server, request: &Request) -> ApiResult<Response> {
    let ui = caller::authenticate(server, request).await?;
    if !request.has_type("application/json") {
        return Err(
            problem(415, "unsupported_media_type", "the body must be of type `application/json`").into()
        );
    }
    let step: u32 = request
        .part(1)
        .parse()
        .map_err(|_| problem(404, "interaction_not_found", "a step is a number, beginning with 1"))?;
    let binding = binding(request);
    let caller = Caller { ui, binding: binding.as_ref() };
    let answered = answer::answer(server, caller, (request.part(0), step), &request.body).await?;
    let mut response = reply::object(200, &answered.prompt)?;
    if answered.replayed {
        response.headers_mut().insert("placet-replayed", http::HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// `GET` and `DELETE /interactions/{id}`.
pub(super) async fn interaction(server: Server, request: Request) -> Outcome<Response> {
    reply::api(async { one_interaction(&server, &request).await }.await)
}

async fn one_interaction(server: &Server, request: &Request) -> ApiResult<Response> {
    let ui = caller::authenticate(server, request).await?;
    let binding = binding(request);
    let caller = Caller { ui, binding: binding.as_ref() };
    if request.method == Method::DELETE {
        answer::abandon(server, caller, request.part(0)).await?;
        return Ok(reply::empty(204));
    }
    reply::object(200, &answer::current(server, caller, request.part(0)).await?)
}

/// `GET` and `PUT /interactions/{id}/data`.
pub(super) async fn data(server: Server, request: Request) -> Outcome<Response> {
    reply::api(scratch(&server, &request).await)
}

async fn scratch(server: &Server, request: &Request) -> ApiResult<Response> {
    let ui = caller::authenticate(server, request).await?;
    let binding = binding(request);
    let caller = Caller { ui, binding: binding.as_ref() };
    if request.method == Method::GET {
        return reply::object(200, &answer::data(server, caller, request.part(0)).await?);
    }
    answer::put_data(server, caller, request.part(0), object(request)?).await?;
    Ok(reply::empty(204))
}

/// `POST /interactions` (headless front door), and the list.
pub(super) async fn interactions(server: Server, request: Request) -> Outcome<Response> {
    reply::api(open_or_list(&server, &request).await)
}

async fn open_or_list(server: &Server, request: &Request) -> ApiResult<Response> {
    let ui = caller::authenticate(server, request).await?;
    if request.method == Method::GET {
        return list_waiting(server, ui, request).await;
    }
    if ui.front_door != FrontDoor::Headless {
        let detail = "this app has the redirect front door: the server opens its interactions";
        return Err(problem(403, "capability_missing", detail).into());
    }
    let members = object(request)?;
    server.limits().keep(None)?;
    let open: Open = answer::body::member(members)?;
    let key = request.header("idempotency-key").map(str::to_owned);
    let prompt = headless::open(server, ui, open, (key, &request.body)).await?;
    let mut response = reply::object(201, &prompt)?;
    if let Ok(value) = http::HeaderValue::from_str(&format!("/ui/v1/interactions/{}", prompt.id)) {
        response.headers_mut().insert(http::header::LOCATION, value);
    }
    Ok(response)
}

/// The interactions that wait for a user. Those with a browser are found by it: only those that the server itself opens
/// are listed.
async fn list_waiting(server: &Server, ui: &UiConfig, request: &Request) -> ApiResult<Response> {
    let refused = |detail: &str| problem(400, "invalid_request", detail);
    let query = resources::query(request)?;
    let kind = match query.get("kind") {
        Some("ciba") => Kind::Ciba,
        Some("device") => Kind::Device,
        _ => return Err(refused("`kind` must be `ciba` or `device`").into()),
    };
    if query.get("state").is_some_and(|state| state != "open") {
        return Err(refused("`state` must be `open`").into());
    }
    let (sub, after) = resources::list(request)?;
    let page = Paging { after: &after, limit: resources::PAGE };
    let (items, next_cursor) = backchannel::waiting(server, ui, (kind, &sub), page).await?;
    reply::object(200, &Page { items, next_cursor })
}

/// `GET /openapi.json`: the description of this API.
pub(super) async fn openapi(_: Server, _: Request) -> Outcome<Response> {
    Ok(reply::json(200, &description::interaction_api()))
}
