//! Clients: who they are, and what the operator decided about them.

use askama::Template;
use placet_sdk::admin::ClientEntry;
use serde_json::Value;
use warp::reply::Response;

use super::{
    access::{Page, Visit, link},
    frame::{Frame, answer, page},
    shown::{Moment, json, word},
};
use crate::{
    config::AdminRole,
    http::{
        admin::{
            clients::{client_page, entry},
            resources::cursor,
        },
        request::Request,
    },
    outcome::Outcome,
    problem::{ApiFailure, problem},
    server::Server,
};

/// A client in the list.
struct Row {
    id: String,
    link: String,
    name: String,
    method: String,
    grants: String,
    by: &'static str,
}

#[derive(Template)]
#[template(path = "console/clients.html")]
struct ClientsPage<'a> {
    frame: Frame<'a>,
    rows: Vec<Row>,
    next: Option<String>,
}

/// `GET /console/clients`.
pub(super) async fn clients(server: Server, request: Request) -> Outcome<Response> {
    answer(&request, list(&server, &request).await)
}

async fn list(server: &Server, request: &Request) -> Page<Response> {
    let visit = Visit::of(server, request, AdminRole::Read)?;
    let found = client_page(server, &cursor(request)?).await?;
    let template = ClientsPage {
        frame: Frame::of(&visit, "clients", "Clients"),
        rows: found.items.iter().map(row).collect(),
        next: found.next_cursor.map(|cursor| link("clients", [("cursor", cursor.as_str())])),
    };
    Ok(page(200, &template)?)
}

fn row(client: &ClientEntry) -> Row {
    let grants = client.metadata.get("grant_types").and_then(Value::as_array);
    let grants: Vec<&str> = grants.into_iter().flatten().filter_map(Value::as_str).map(brief).collect();
    Row {
        id: client.client_id.clone(),
        link: link("client", [("id", client.client_id.as_str())]),
        name: client.metadata.get("client_name").map(word).unwrap_or_default(),
        method: client.metadata.get("token_endpoint_auth_method").map(word).unwrap_or_default(),
        grants: grants.join(", "),
        by: by(client),
    }
}

/// The last part of a name that is a URN.
fn brief(grant: &str) -> &str {
    grant.rsplit(':').next().unwrap_or(grant)
}

fn by(client: &ClientEntry) -> &'static str {
    match client {
        ClientEntry { configured: true, .. } => "the configuration",
        ClientEntry { self_registered: true, .. } => "itself",
        _ => "an admin",
    }
}

#[derive(Template)]
#[template(path = "console/client.html")]
struct ClientPage<'a> {
    frame: Frame<'a>,
    id: &'a str,
    by: &'static str,
    created: Option<Moment>,
    generation: i64,
    metadata: Vec<(String, String)>,
    settings: Vec<(String, String)>,
    flows: String,
    decisions: Option<String>,
}

/// `GET /console/client?id=`.
pub(super) async fn client(server: Server, request: Request) -> Outcome<Response> {
    answer(&request, one(&server, &request).await)
}

async fn one(server: &Server, request: &Request) -> Page<Response> {
    let visit = Visit::of(server, request, AdminRole::Read)?;
    let query = visit.query()?;
    let id = query.get("id").unwrap_or_default();
    let Some(client) = server.client(id).await? else {
        return Err(
            ApiFailure::from(problem(404, "not_found", "there is no such client, or it is gone")).into()
        );
    };
    let client = entry(server, &client);
    let name = client.metadata.get("client_name").and_then(Value::as_str).unwrap_or(id).to_owned();
    let members = |object: &placet_sdk::grant::Object| {
        object.iter().map(|(name, value)| (name.clone(), value_of(value))).collect()
    };
    let template = ClientPage {
        frame: Frame::of(&visit, "clients", name),
        id,
        by: by(&client),
        created: client.created_at.map(|at| Moment::of_seconds(at.0, server.now_millis())),
        generation: client.generation,
        metadata: members(&client.metadata),
        settings: members(&client.settings),
        flows: link("flows", [("client_id", id), ("all", "yes")]),
        decisions: visit.may(AdminRole::Policies).then(|| link("decisions", [("client_id", id)])),
    };
    Ok(page(200, &template)?)
}

/// A member as people read it: lists of words one a line.
fn value_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
        }
        other => json(other),
    }
}
