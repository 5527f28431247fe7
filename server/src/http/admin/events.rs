//! Receivers of events, and deliveries.

use http::Method;
use placet_sdk::{
    Instant,
    admin::{DeliveryEntry, EventReceiverChange, EventReceiverState, Redelivered},
    resources::Page,
};
use serde_json::json;
use warp::reply::Response;

use super::{PAGE, audit, caller, not_found};
use crate::{
    config::AdminRole,
    events::{Receiver, destination},
    http::{
        reply,
        request::Request,
        ui::{object, page, query},
    },
    interaction::answer::body,
    outcome::Outcome,
    problem::{ApiFailure, ApiResult, problem},
    server::Server,
    store::{DeliveryFilter, DeliveryRecord, Hold, Paging, PublishedEvent, Subscriber},
};

/// So many of those that were given up are attempted again in one step.
const AT_ONCE: u32 = 500;

/// `GET /event-receivers`.
pub(super) async fn receivers(server: Server, request: Request) -> Outcome<Response> {
    reply::api(list_receivers(&server, &request).await)
}

async fn list_receivers(server: &Server, request: &Request) -> ApiResult<Response> {
    caller::with(server, request, AdminRole::Read).await?;
    let holds = server.store().held_destinations().await?;
    let mut items = Vec::new();
    // In the order of the configuration.
    for config in &server.config().event_receiver {
        let receiver = server.receivers().get(&config.name).ok_or_else(not_found)?;
        items.push(state(server, receiver, &holds).await?);
    }
    reply::object(200, &Page::<EventReceiverState> { items, next_cursor: None })
}

async fn state(server: &Server, receiver: &Receiver, holds: &[Hold]) -> ApiResult<EventReceiverState> {
    let destination = destination(&receiver.config.name);
    let hold = holds.iter().find(|hold| hold.destination == destination);
    let backlog = server.store().backlog(&destination, receiver.config.max_pending.saturating_add(1)).await?;
    Ok(EventReceiverState {
        name: receiver.config.name.clone(),
        url: receiver.config.url.clone(),
        types: receiver.config.types.clone(),
        paused: hold.is_some(),
        paused_at: hold.map(|hold| Instant(hold.held_at)),
        reason: hold.map(|hold| hold.reason.clone()),
        pending: backlog.pending,
        oldest: backlog.oldest.map(Instant),
        dead: backlog.dead,
        full: backlog.pending > receiver.config.max_pending.into(),
    })
}

/// `GET` and `PATCH /event-receivers/{name}`.
pub(super) async fn receiver(server: Server, request: Request) -> Outcome<Response> {
    reply::api(one_receiver(&server, &request).await)
}

async fn one_receiver(server: &Server, request: &Request) -> ApiResult<Response> {
    let read = request.method == Method::GET;
    let by = caller::with(server, request, if read { AdminRole::Read } else { AdminRole::Events }).await?;
    let receiver = server.receivers().get(request.part(0)).ok_or_else(not_found)?;
    if !read {
        let change: EventReceiverChange = body::member(object(request)?)?;
        let (name, to) = (&receiver.config.name, destination(&receiver.config.name));
        let what = if change.paused { "event_receiver.paused" } else { "event_receiver.resumed" };
        let event = audit(server, (what, name), &by, json!({ "receiver": name }))?;
        if change.paused {
            let reason = format!("paused by {}", by.recorded());
            let hold = Hold { destination: to, held_at: server.now(), reason };
            server.store().hold_destination(hold, vec![event]).await?;
        } else {
            server.store().release_destination(&to, vec![event]).await?;
            server.deliver_soon();
        }
    }
    let holds = server.store().held_destinations().await?;
    reply::object(200, &state(server, receiver, &holds).await?)
}

/// `POST /event-receivers/{name}:redeliver`: everything for it that was given up.
pub(super) async fn redeliver_all(server: Server, request: Request) -> Outcome<Response> {
    reply::api(all_again(&server, &request).await)
}

async fn all_again(server: &Server, request: &Request) -> ApiResult<Response> {
    let by = caller::with(server, request, AdminRole::Events).await?;
    let receiver = server.receivers().get(request.part(0)).ok_or_else(not_found)?;
    let (name, now) = (&receiver.config.name, server.now());
    let due = (now, now + i64::from(receiver.config.retry_for));
    let mut count = 0;
    loop {
        let record = || audit(server, ("delivery.redelivered", name), &by, json!({ "receiver": name }));
        // One record for the whole of it.
        let events = if count == 0 { vec![record()?] } else { Vec::new() };
        let again = server.store().redeliver_to(&destination(name), due, AT_ONCE, events).await?;
        count += again;
        if again < u64::from(AT_ONCE) {
            break;
        }
    }
    server.deliver_soon();
    reply::object(200, &Redelivered { count })
}

/// `GET /deliveries`.
pub(super) async fn deliveries(server: Server, request: Request) -> Outcome<Response> {
    reply::api(list(&server, &request).await)
}

async fn list(server: &Server, request: &Request) -> ApiResult<Response> {
    caller::with(server, request, AdminRole::Read).await?;
    let (filter, after) = filter(request)?;
    let records = server.store().deliveries(&filter, Paging { after: &after, limit: PAGE }).await?;
    reply::object(200, &page(records, |r| r.id.as_str(), |r| Ok(entry(r)))?)
}

/// The filter that a query is. What it cannot mean is refused: a list that ignores a filter misleads.
fn filter(request: &Request) -> ApiResult<(DeliveryFilter, String)> {
    let query = query(request)?;
    let wrong = |detail: String| ApiFailure::from(problem(400, "invalid_request", &detail));
    let text = |name: &str, value: &str| match value {
        value if value.is_empty() || value.len() > 255 || value.chars().any(char::is_control) => {
            Err(wrong(format!("`{name}` has 1 to 255 characters without control characters")))
        }
        value => Ok(value.to_owned()),
    };
    let (mut filter, mut after) = (DeliveryFilter::default(), String::new());
    for (name, value) in query.iter() {
        match (name, value) {
            ("dead", "true") => filter.dead = true,
            ("dead", "false") => filter.dead = false,
            ("dead", _) => return Err(wrong("`dead` is `true` or `false`".to_owned())),
            ("kind", value) => filter.kind = text(name, value)?,
            ("destination", value) => filter.destination = text(name, value)?,
            ("cursor", value) => after = text(name, value)?,
            (other, _) => return Err(wrong(format!("`{other}` is no parameter of this resource"))),
        }
    }
    Ok((filter, after))
}

/// A delivery as it is shown. Of what is sent only what is no secret of anybody: an event says what it is.
fn entry(record: DeliveryRecord) -> DeliveryEntry {
    let event: Option<PublishedEvent> =
        (record.kind == Subscriber::KIND).then(|| serde_json::from_slice(&record.payload).ok()).flatten();
    let (event_id, event_type, event_subject) =
        event.map(|event| (Some(event.id), Some(event.event_type), Some(event.subject))).unwrap_or_default();
    DeliveryEntry {
        dead: record.dead_at.is_some(),
        next_at: record.dead_at.is_none().then_some(Instant(record.next_at)),
        id: record.id,
        kind: record.kind,
        destination: record.destination,
        attempts: record.attempts,
        created_at: Instant(record.created_at),
        expires_at: Instant(record.expires_at),
        dead_at: record.dead_at.map(Instant),
        reason: record.reason,
        event_id,
        event_type,
        event_subject,
    }
}

/// `GET` and `DELETE /deliveries/{id}`.
pub(super) async fn delivery(server: Server, request: Request) -> Outcome<Response> {
    reply::api(one(&server, &request).await)
}

async fn one(server: &Server, request: &Request) -> ApiResult<Response> {
    let read = request.method == Method::GET;
    let by = caller::with(server, request, if read { AdminRole::Read } else { AdminRole::Events }).await?;
    let record = found(server, request.part(0)).await?;
    if read {
        return reply::object(200, &entry(record));
    }
    let data = json!({ "kind": record.kind, "destination": record.destination });
    let event = audit(server, ("delivery.dropped", &record.id), &by, data)?;
    if server.store().drop_delivery(&record.id, vec![event]).await? {
        Ok(reply::empty(204))
    } else {
        Err(not_found())
    }
}

async fn found(server: &Server, id: &str) -> ApiResult<DeliveryRecord> {
    if id.chars().any(char::is_control) {
        return Err(not_found());
    }
    server.store().delivery(id).await?.ok_or_else(not_found)
}

/// `POST /deliveries/{id}:redeliver`.
pub(super) async fn redeliver(server: Server, request: Request) -> Outcome<Response> {
    reply::api(again(&server, &request).await)
}

async fn again(server: &Server, request: &Request) -> ApiResult<Response> {
    let by = caller::with(server, request, AdminRole::Events).await?;
    let record = found(server, request.part(0)).await?;
    let now = server.now();
    let data = json!({ "kind": record.kind, "destination": record.destination });
    let event = audit(server, ("delivery.redelivered", &record.id), &by, data)?;
    // As long as it was attempted the first time.
    let due = (now, now + (record.expires_at - record.created_at).max(0));
    if !server.store().redeliver(&record.id, due, vec![event]).await? {
        return Err(problem(409, "under_way", "the delivery is attempted right now").into());
    }
    server.deliver_soon();
    Ok(reply::empty(204))
}
