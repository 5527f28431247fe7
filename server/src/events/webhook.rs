//! Events as `CloudEvents` 1.0 in structured JSON, posted to receivers.

use async_trait::async_trait;
use placet_sdk::{Instant, event::full_name};
use serde_json::{Value, json};

use super::{
    event,
    receivers::{Attempted, receiver_of},
};
use crate::{
    client::SharedClient,
    delivery::{Attempt, Kind},
    outcome::{Fault, Outcome},
    server::Server,
    store::{DeliveryRecord, Hold, PublishedEvent, Subscriber},
};

/// The pauses after the first failed attempts, in seconds; the last one goes on.
const PAUSES: [i64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// Members of `data` that name a user.
const USERS: [&str; 3] = ["sub", "authenticated_sub", "subject_token_sub"];
/// The schema of what is sent.
const SCHEMA: &str = "/.well-known/placet-schemas/1/event.json";

/// Deliveries of events to receivers.
#[derive(Clone, Copy, Debug)]
pub struct EventWebhook;

#[async_trait]
impl Kind for EventWebhook {
    fn name(&self) -> &'static str {
        Subscriber::KIND
    }

    async fn attempt(&self, server: &Server, delivery: &DeliveryRecord) -> Outcome<Attempt> {
        let failed = |reason: &str| Attempt::Failed { reason: reason.to_owned(), after: None };
        let receiver = receiver_of(&delivery.destination).and_then(|name| server.receivers().get(name));
        // While a deployment is rolled out, another process may know it.
        let Some(receiver) = receiver else { return Ok(failed("no receiver of this name is configured")) };
        let mut published: PublishedEvent =
            serde_json::from_slice(&delivery.payload).map_err(|e| Fault::new("event", e))?;
        if let Some(client_id) = &receiver.config.subjects_of {
            let Some(client) = server.client(client_id).await? else {
                return Ok(failed("there is no such client as subjects_of names"));
            };
            mask(&mut published, &client, server.root().pairwise_salt());
        }
        let id = published.id.clone();
        let body = serde_json::to_vec(&cloud_event(server.issuer(), published));
        let body = body.map_err(|e| Fault::new("event", e))?;
        match receiver.send(&id, server.now(), body).await? {
            Attempted::Told(attempt) => Ok(attempt),
            Attempted::Gone => {
                let reason = "the receiver answered with the status 410";
                hold(server, &delivery.destination, reason).await?;
                Ok(failed(reason))
            }
        }
    }

    fn pause(&self, attempts: i64, dice: u32) -> i64 {
        let nth = usize::try_from(attempts.saturating_sub(1)).unwrap_or(0).min(PAUSES.len() - 1);
        // A tenth more or less: what failed together does not come back together.
        let spread = PAUSES[nth] / 10;
        PAUSES[nth] - spread + i64::from(dice) % (2 * spread + 1)
    }
}

/// Sends a receiver nothing more, until somebody resumes it.
async fn hold(server: &Server, destination: &str, reason: &str) -> Result<(), Fault> {
    let name = receiver_of(destination).unwrap_or_default();
    let data = json!({ "receiver": name, "reason": reason });
    let paused = event(server, "event_receiver.paused", name, &data)?;
    let hold = Hold { destination: destination.to_owned(), held_at: server.now(), reason: reason.to_owned() };
    if server.store().hold_destination(hold, vec![paused]).await? {
        tracing::warn!(receiver = name, reason, "a receiver of events is paused");
    }
    Ok(())
}

/// The event as it is sent.
fn cloud_event(issuer: &str, published: PublishedEvent) -> Value {
    let mut data = published.data;
    // What does not apply is left out.
    if let Value::Object(members) = &mut data {
        members.retain(|_, value| !value.is_null());
    }
    data["sequence"] = published.sequence.into();
    json!({
        "specversion": "1.0",
        "id": published.id,
        "source": issuer,
        "type": full_name(&published.event_type),
        "time": Instant(published.at),
        "subject": published.subject,
        "datacontenttype": "application/json",
        "dataschema": format!("{issuer}{SCHEMA}"),
        "data": data,
    })
}

/// Replaces the subjects of users by those that the client sees.
fn mask(published: &mut PublishedEvent, client: &SharedClient, salt: &[u8]) {
    let shown = |sub: &str| client.subject(sub, salt);
    // Of some events the user is the subject.
    if published.data["sub"] == published.subject.as_str() {
        published.subject = shown(&published.subject);
    }
    let Value::Object(data) = &mut published.data else { return };
    for (name, value) in data {
        if let (true, Value::String(sub)) = (USERS.contains(&name.as_str()), &value) {
            *value = shown(sub).into();
        } else if matches!(name.as_str(), "act" | "proposed_act") {
            mask_actors(value, &shown);
        }
    }
}

/// The same in a chain of actors. Those that are clients stay.
fn mask_actors(act: &mut Value, shown: &impl Fn(&str) -> String) {
    let Value::Object(actor) = act else { return };
    if !actor.contains_key("client_id")
        && let Some(Value::String(sub)) = actor.get_mut("sub")
    {
        *sub = shown(sub);
    }
    if let Some(before) = actor.get_mut("act") {
        mask_actors(before, shown);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use placet_oauth::client::SubjectType;

    use super::*;
    use crate::{client::Client, config::ClientConfig};

    #[test]
    fn users_are_told_of_as_the_client_sees_them_in_chains_of_actors_too_and_clients_as_they_are() {
        let mut config = ClientConfig { client_id: "crm".to_owned(), ..ClientConfig::default() };
        config.metadata.subject_type = Some(SubjectType::Pairwise);
        config.metadata.redirect_uris = Some(vec!["https://crm.example/cb".to_owned()]);
        let client = Arc::new(Client::from_config(&config, None));
        let shown = |sub: &str| client.subject(sub, b"salt");
        assert_ne!(shown("alice"), "alice");
        let act = |alice: &str, carol: &str| json!({ "sub": alice, "act": { "sub": "gateway", "client_id": "gateway", "act": { "sub": carol } } });
        let mut told = PublishedEvent {
            id: "evt_1".to_owned(),
            event_type: "token.exchanged".to_owned(),
            subject: "alice".to_owned(),
            at: 0,
            sequence: 1,
            data: json!({
                "sub": "alice", "subject_token_sub": "bob", "client_id": "web", "act": act("alice", "carol"),
                "proposed_act": act("dave", "erin"),
            }),
        };
        mask(&mut told, &client, b"salt");
        assert_eq!(told.subject, shown("alice"));
        let expected = json!({
            "sub": shown("alice"), "subject_token_sub": shown("bob"), "client_id": "web",
            "act": act(&shown("alice"), &shown("carol")), "proposed_act": act(&shown("dave"), &shown("erin")),
        });
        assert_eq!(told.data, expected);
    }

    #[test]
    fn pauses_are_those_of_the_protocol_a_tenth_more_or_less() {
        for (attempts, pause) in [(1, 5), (2, 300), (3, 1_800), (9, 86_400), (99, 86_400)] {
            let pauses: Vec<_> =
                (0..200_000).step_by(7).map(|dice| EventWebhook.pause(attempts, dice)).collect();
            let (least, most) = (pauses.iter().min().copied(), pauses.iter().max().copied());
            assert!(least >= Some(pause - pause / 10), "{attempts}: {least:?}");
            assert!(most <= Some(pause + pause / 10), "{attempts}: {most:?}");
        }
    }
}
