//! Clients.

use http::{HeaderValue, Method, header};
use placet_oauth::{
    client::ClientMetadata,
    id::{ClientId, Secret},
};
use placet_sdk::{
    Instant,
    admin::{ClientEntry, ClientWrite},
    resources::Page,
};
use serde_json::json;
use warp::reply::Response;

use super::{
    PAGE, audit,
    caller::{self, Admin},
    not_found, percent_decoded,
    resources::cursor,
};
use crate::{
    client::{self, Client, profile},
    config::{AdminRole, ClientSettings, contradiction, is_secret},
    http::{reply, request::Request, ui::object},
    outcome::{Fault, Outcome},
    problem::{ApiResult, invalid_answer, problem},
    random,
    server::Server,
};

/// `GET` and `POST /clients`.
pub(super) async fn clients(server: Server, request: Request) -> Outcome<Response> {
    reply::api(list_or_create(&server, &request).await)
}

async fn list_or_create(server: &Server, request: &Request) -> ApiResult<Response> {
    if request.method == Method::POST {
        let by = caller::with(server, request, AdminRole::Clients).await?;
        return create(server, request, &by).await;
    }
    caller::with(server, request, AdminRole::Read).await?;
    reply::object(200, &client_page(server, &cursor(request)?).await?)
}

/// Clients in order of their ids, after that one.
pub(in crate::http) async fn client_page(server: &Server, after: &str) -> ApiResult<Page<ClientEntry>> {
    let mut items = Vec::new();
    if after.is_empty() {
        // Those of the configuration are few, and come first.
        for client in &server.config().clients {
            let client = server.client(&client.client_id).await?;
            items.extend(client.map(|client| entry(server, &client)));
        }
    }
    let records = server.store().clients(after, PAGE).await?;
    let next_cursor = records.last().filter(|_| records.len() >= PAGE as usize).map(|r| r.client_id.clone());
    for record in records {
        items.push(entry(server, &Client::from_record(record)?));
    }
    Ok(Page { items, next_cursor })
}

async fn create(server: &Server, request: &Request, by: &Admin<'_>) -> ApiResult<Response> {
    let write = read(server, request)?;
    let id = match &write.client_id {
        Some(id) if ClientId::parse(id).is_some() => id.clone(),
        Some(_) => return Err(invalid_answer("/client_id", "invalid", "1 to 255 printable characters")),
        None => random::id(server.random(), "")?,
    };
    let brought = write.client_secret.clone();
    let (metadata, settings) = checked(server, write)?;
    let mut client = Client {
        id: id.clone(),
        metadata,
        settings,
        secret: None,
        sealed_secret: None,
        registration: None,
        created_at: server.now(),
        generation: 1,
        from_document: false,
        profiles: Vec::new(),
        shortcomings: Vec::new(),
    };
    let secret = settle(server, &mut client, brought)?;
    let event = audit(server, ("client.registered", &id), by, json!({ "client_id": id }))?;
    let taken =
        server.is_configured(&id) || !server.store().insert_client(client.to_record()?, vec![event]).await?;
    if taken {
        return Err(problem(409, "client_exists", "there is a client of this id").into());
    }
    server.forget_client(&id).await;
    answer(201, server, &client, secret.as_ref())
}

/// `GET`, `PUT` and `DELETE /clients/{id}`.
pub(super) async fn client(server: Server, request: Request) -> Outcome<Response> {
    reply::api(one(&server, &request).await)
}

async fn one(server: &Server, request: &Request) -> ApiResult<Response> {
    if request.method == Method::GET {
        caller::with(server, request, AdminRole::Read).await?;
        let client = server.client(&client_id(request)?).await?.ok_or_else(not_found)?;
        return answer(200, server, &client, None);
    }
    let by = caller::with(server, request, AdminRole::Clients).await?;
    let id = &client_id(request)?;
    let mut client = stored(server, request, id).await?;
    if request.method == Method::DELETE {
        let event = audit(server, ("client.deleted", id), &by, json!({ "client_id": id }))?;
        server.store().delete_client(id, server.now(), vec![event]).await?;
        server.forget_client(id).await;
        server.learn_of_revocations().await;
        return Ok(reply::empty(204));
    }
    let write = read(server, request)?;
    if write.client_id.as_deref().is_some_and(|other| other != id) {
        return Err(invalid_answer("/client_id", "unexpected", "the id of a client cannot be changed"));
    }
    let brought = write.client_secret.clone();
    (client.metadata, client.settings) = checked(server, write)?;
    let secret = settle(server, &mut client, brought)?;
    let event = audit(server, ("client.updated", id), &by, json!({ "client_id": id }))?;
    store(server, &mut client, event).await?;
    answer(200, server, &client, secret.as_ref())
}

/// Keeps the secret that was brought along, or gives a new one where the client needs one.
fn settle(server: &Server, client: &mut Client, brought: Option<String>) -> ApiResult<Option<Secret>> {
    let Some(text) = brought else { return Ok(client.settle_secret(server.root(), server.random())?) };
    let refused = |text: &str| Err(invalid_answer("/client_secret", "invalid", text));
    if !client.auth_method().needs_secret() {
        return refused("a client that authenticates without a secret has none");
    }
    let secret = Secret::new(text.as_str());
    if !is_secret(&text) || !client.is_long_enough(&secret) {
        return refused(
            "32 to 1024 printable characters that nobody else knows, and as many as its algorithms want",
        );
    }
    client.keep_secret(&secret, server.root(), server.random())?;
    Ok(None)
}

/// `POST /clients/{id}/secret`: a new secret; the old one ends at once.
pub(super) async fn secret(server: Server, request: Request) -> Outcome<Response> {
    reply::api(rotate(&server, &request).await)
}

async fn rotate(server: &Server, request: &Request) -> ApiResult<Response> {
    let by = caller::with(server, request, AdminRole::Clients).await?;
    let id = client_id(request)?;
    let mut client = stored(server, request, &id).await?;
    if !client.auth_method().needs_secret() {
        return Err(problem(409, "no_secret", "a client that authenticates without a secret has none").into());
    }
    let secret = client.renew_secret(server.root(), server.random())?;
    let event = audit(server, ("client.updated", &id), &by, json!({ "client_id": id, "what": "secret" }))?;
    store(server, &mut client, event).await?;
    answer(200, server, &client, Some(&secret))
}

/// The id in a path.
fn client_id(request: &Request) -> ApiResult<String> {
    percent_decoded(request.part(0)).ok_or_else(not_found)
}

/// The client that a request is about, if it may be changed here and is what the caller has seen.
async fn stored(server: &Server, request: &Request, id: &str) -> ApiResult<Client> {
    if server.is_configured(id) {
        return Err(problem(409, "client_configured", "this client stands in the configuration").into());
    }
    let record = server.store().client(id).await?.ok_or_else(not_found)?;
    let client = Client::from_record(record)?;
    match request.header(header::IF_MATCH) {
        Some(seen) if seen != etag(&client) && seen != "*" => {
            Err(problem(412, "changed_meanwhile", "the client was changed since it was read").into())
        }
        _ => Ok(client),
    }
}

async fn store(server: &Server, client: &mut Client, event: crate::store::Event) -> ApiResult<()> {
    if !server.store().update_client(client.to_record()?, vec![event]).await? {
        return Err(problem(412, "changed_meanwhile", "the client was changed at the same time").into());
    }
    client.generation += 1;
    server.forget_client(&client.id).await;
    Ok(())
}

fn read(_: &Server, request: &Request) -> ApiResult<ClientWrite> {
    crate::interaction::answer::body::member(object(request)?)
}

/// What an admin registers is checked like what the operator writes into the configuration.
fn checked(server: &Server, write: ClientWrite) -> ApiResult<(ClientMetadata, ClientSettings)> {
    let settings: ClientSettings =
        serde_path_to_error::deserialize(serde_json::Value::Object(write.settings)).map_err(|e| {
            let pointer = format!("/settings/{}", e.path().to_string().replace('.', "/"));
            invalid_answer(&pointer, "invalid", &e.inner().to_string())
        })?;
    let profiles = profile::profiles_of(server.config().profile, &settings);
    let metadata = ClientMetadata::from_json(write.metadata)
        .map(|metadata| profile::complete(metadata, &profiles))
        .map_err(|e| invalid_answer("/metadata", "invalid", &e.description))?;
    metadata
        .validate(&server.config().operator_metadata_policy())
        .and_then(|()| client::check_keys(&metadata))
        .map_err(|e| invalid_answer("/metadata", "invalid", &e.description))?;
    let found = profile::shortcomings(&metadata, &settings, &profiles);
    if !found.is_empty() {
        return Err(invalid_answer("/metadata", "invalid", &found.join("; ")));
    }
    if let Some((member, wrong)) = server.config().refused_settings(&settings).first() {
        return Err(invalid_answer(&format!("/settings/{}", member.replace('.', "/")), "invalid", wrong));
    }
    if let Some(wrong) = contradiction(&metadata, &settings) {
        return Err(invalid_answer("/settings/access_token/sender_constraint", "invalid", wrong));
    }
    if let Some(wrong) = server.config().refused_resources(&settings).first() {
        return Err(invalid_answer("/settings/allowed_resources", "invalid", wrong));
    }
    Ok((metadata, settings))
}

fn etag(client: &Client) -> String {
    format!("\"{}\"", client.generation)
}

/// A client as admins see it.
pub(in crate::http) fn entry(server: &Server, client: &Client) -> ClientEntry {
    let object = |value: serde_json::Result<serde_json::Value>| {
        value.ok().and_then(|value| value.as_object().cloned()).unwrap_or_default()
    };
    ClientEntry {
        client_id: client.id.clone(),
        metadata: object(serde_json::to_value(&client.metadata)),
        settings: object(serde_json::to_value(&client.settings)),
        configured: server.is_configured(&client.id),
        self_registered: client.registration.is_some(),
        created_at: (client.created_at > 0).then_some(Instant(client.created_at)),
        generation: client.generation,
        client_secret: None,
    }
}

fn answer(status: u16, server: &Server, client: &Client, secret: Option<&Secret>) -> ApiResult<Response> {
    let mut shown = entry(server, client);
    shown.client_secret = secret.map(|secret| secret.expose().to_owned());
    let mut response = reply::object(status, &shown)?;
    let tag = HeaderValue::from_str(&etag(client)).map_err(|e| Fault::new("answer", e))?;
    response.headers_mut().insert(header::ETAG, tag);
    Ok(response)
}
