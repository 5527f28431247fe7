//! A client of the admin API for operators' programs written in Rust.

use reqwest::Method;

use super::{Caller, Error, of_user, segment};
use crate::{
    admin::{
        ClientEntry, ClientWrite, ConsoleLink, DecisionEntry, DecisionQuery, DecisionRecord, DeliveryEntry,
        DeliveryQuery, EventReceiverChange, EventReceiverState, GlobalRevocation, KeyEntry, PolicyChange,
        PolicyState, Redelivered, Replay, Revocation, Simulation, SimulationRequest, SubjectEntry,
        SubjectWrite,
    },
    interaction::SessionInfo,
    resources::{AuthorizationInfo, Page, SessionList},
};

const NOTHING: Option<&()> = None;

/// A client of the admin API; cheap to clone. What each call needs a role for, the server's configuration says.
#[derive(Clone, Debug)]
pub struct AdminClient(Caller);

impl AdminClient {
    /// A client for the API at `base` (`http://127.0.0.1:8081/admin/v1`), authenticated by the bearer `token`.
    pub fn new(base: &str, token: &str) -> Result<Self, Error> {
        Caller::new(base, token).map(Self)
    }

    /// Clients in order of their ids; those of the configuration come with the first page. `cursor` is the
    /// `next_cursor` of the page before.
    pub async fn clients(&self, cursor: Option<&str>) -> Result<Page<ClientEntry>, Error> {
        self.0.call(Method::GET, &paged("/clients", cursor), NOTHING).await
    }

    /// A client.
    pub async fn client(&self, id: &str) -> Result<ClientEntry, Error> {
        self.0.call(Method::GET, &client_path(id), NOTHING).await
    }

    /// Registers a client; the answer alone shows its secret.
    pub async fn create_client(&self, client: &ClientWrite) -> Result<ClientEntry, Error> {
        self.0.call(Method::POST, "/clients", Some(client)).await
    }

    /// Replaces metadata and settings of a client.
    pub async fn update_client(&self, id: &str, client: &ClientWrite) -> Result<ClientEntry, Error> {
        self.0.call(Method::PUT, &client_path(id), Some(client)).await
    }

    /// Deletes a client and ends everything it has.
    pub async fn delete_client(&self, id: &str) -> Result<(), Error> {
        self.0.send(Method::DELETE, &client_path(id), NOTHING).await.map(drop)
    }

    /// Gives a client another secret; the old one ends at once.
    pub async fn renew_client_secret(&self, id: &str) -> Result<ClientEntry, Error> {
        self.0.call(Method::POST, &format!("{}/secret", client_path(id)), NOTHING).await
    }

    /// The live sessions of a user; `cursor` is the `next_cursor` of the page before.
    pub async fn sessions(&self, sub: &str, cursor: Option<&str>) -> Result<SessionList, Error> {
        self.0.call(Method::GET, &of_user("/sessions", sub, cursor), NOTHING).await
    }

    /// A live session.
    pub async fn session(&self, id: &str) -> Result<SessionInfo, Error> {
        self.0.call(Method::GET, &format!("/sessions/{}", segment(id)), NOTHING).await
    }

    /// Ends a session.
    pub async fn end_session(&self, id: &str) -> Result<(), Error> {
        self.0.send(Method::DELETE, &format!("/sessions/{}", segment(id)), NOTHING).await.map(drop)
    }

    /// The live authorizations of a user; `cursor` is the `next_cursor` of the page before.
    pub async fn authorizations(
        &self,
        sub: &str,
        cursor: Option<&str>,
    ) -> Result<Page<AuthorizationInfo>, Error> {
        self.0.call(Method::GET, &of_user("/authorizations", sub, cursor), NOTHING).await
    }

    /// A live authorization.
    pub async fn authorization(&self, id: &str) -> Result<AuthorizationInfo, Error> {
        self.0.call(Method::GET, &format!("/authorizations/{}", segment(id)), NOTHING).await
    }

    /// Ends an authorization and its tokens.
    pub async fn revoke_authorization(&self, id: &str) -> Result<(), Error> {
        self.0.send(Method::DELETE, &format!("/authorizations/{}", segment(id)), NOTHING).await.map(drop)
    }

    /// Revokes everything of a user, of a client, or of somebody who acts for others.
    pub async fn revoke(&self, whose: &Revocation) -> Result<(), Error> {
        self.0.send(Method::POST, "/revocations", Some(whose)).await.map(drop)
    }

    /// Revokes everything of a user, as identity providers ask for it.
    pub async fn revoke_globally(&self, whose: &GlobalRevocation) -> Result<(), Error> {
        self.0.send(Method::POST, "/global-token-revocation", Some(whose)).await.map(drop)
    }

    /// What is known of a subject.
    pub async fn subject(&self, sub: &str) -> Result<SubjectEntry, Error> {
        self.0.call(Method::GET, &format!("/subjects/{}", segment(sub)), NOTHING).await
    }

    /// Disables or enables a subject.
    pub async fn change_subject(&self, sub: &str, change: SubjectWrite) -> Result<SubjectEntry, Error> {
        self.0.call(Method::PUT, &format!("/subjects/{}", segment(sub)), Some(&change)).await
    }

    /// A link into the console of the process that answers, with the roles of this caller.
    pub async fn console_link(&self) -> Result<ConsoleLink, Error> {
        self.0.call(Method::POST, "/console-links", NOTHING).await
    }

    /// The keys.
    pub async fn keys(&self) -> Result<Page<KeyEntry>, Error> {
        self.0.call(Method::GET, "/keys", NOTHING).await
    }

    /// Stages a successor for every key.
    pub async fn rotate_keys(&self) -> Result<Page<KeyEntry>, Error> {
        self.0.call(Method::POST, "/keys:rotate", NOTHING).await
    }

    /// Ends a key at once: what it signed counts no more, and what was encrypted with it is opened no more.
    pub async fn revoke_key(&self, kid: &str) -> Result<Page<KeyEntry>, Error> {
        self.0.call(Method::POST, &format!("/keys/{}:revoke", segment(kid)), NOTHING).await
    }

    /// The policies as they are right now.
    pub async fn policies(&self) -> Result<Page<PolicyState>, Error> {
        self.0.call(Method::GET, "/policies", NOTHING).await
    }

    /// A policy as it is right now.
    pub async fn policy(&self, name: &str) -> Result<PolicyState, Error> {
        self.0.call(Method::GET, &format!("/policies/{}", segment(name)), NOTHING).await
    }

    /// Changes mode or order of a policy, until the server starts again.
    pub async fn change_policy(&self, name: &str, change: PolicyChange) -> Result<PolicyState, Error> {
        self.0.call(Method::PATCH, &format!("/policies/{}", segment(name)), Some(&change)).await
    }

    /// Forgets the kept decisions of a policy.
    pub async fn purge_policy(&self, name: &str) -> Result<(), Error> {
        self.0
            .send(Method::POST, &format!("/policies/{}/cache:purge", segment(name)), NOTHING)
            .await
            .map(drop)
    }

    /// What policies would say, without any effect.
    pub async fn simulate(&self, question: &SimulationRequest) -> Result<Simulation, Error> {
        self.0.call(Method::POST, "/policies:simulate", Some(question)).await
    }

    /// Decisions, the newest first.
    pub async fn decisions(&self, wanted: &DecisionQuery) -> Result<Page<DecisionRecord>, Error> {
        self.0.call(Method::GET, &format!("/decisions?{}", query(wanted)?), NOTHING).await
    }

    /// A decision with all that is kept of it.
    pub async fn decision(&self, id: &str) -> Result<DecisionEntry, Error> {
        self.0.call(Method::GET, &format!("/decisions/{}", segment(id)), NOTHING).await
    }

    /// The receivers of events.
    pub async fn event_receivers(&self) -> Result<Page<EventReceiverState>, Error> {
        self.0.call(Method::GET, "/event-receivers", NOTHING).await
    }

    /// A receiver of events.
    pub async fn event_receiver(&self, name: &str) -> Result<EventReceiverState, Error> {
        self.0.call(Method::GET, &format!("/event-receivers/{}", segment(name)), NOTHING).await
    }

    /// Pauses or resumes a receiver of events.
    pub async fn change_event_receiver(
        &self,
        name: &str,
        change: EventReceiverChange,
    ) -> Result<EventReceiverState, Error> {
        self.0.call(Method::PATCH, &format!("/event-receivers/{}", segment(name)), Some(&change)).await
    }

    /// Attempts all events for a receiver again that were given up.
    pub async fn redeliver_events(&self, name: &str) -> Result<Redelivered, Error> {
        self.0.call(Method::POST, &format!("/event-receivers/{}:redeliver", segment(name)), NOTHING).await
    }

    /// What waits to be delivered, or was given up.
    pub async fn deliveries(&self, wanted: &DeliveryQuery) -> Result<Page<DeliveryEntry>, Error> {
        self.0.call(Method::GET, &format!("/deliveries?{}", query(wanted)?), NOTHING).await
    }

    /// A delivery.
    pub async fn delivery(&self, id: &str) -> Result<DeliveryEntry, Error> {
        self.0.call(Method::GET, &format!("/deliveries/{}", segment(id)), NOTHING).await
    }

    /// Attempts a delivery again, at once.
    pub async fn redeliver(&self, id: &str) -> Result<(), Error> {
        self.0.send(Method::POST, &format!("/deliveries/{}:redeliver", segment(id)), NOTHING).await.map(drop)
    }

    /// Forgets a delivery.
    pub async fn drop_delivery(&self, id: &str) -> Result<(), Error> {
        self.0.send(Method::DELETE, &format!("/deliveries/{}", segment(id)), NOTHING).await.map(drop)
    }

    /// What would be decided today.
    pub async fn replay(&self, id: &str) -> Result<Replay, Error> {
        self.0.call(Method::POST, &format!("/decisions/{}:replay", segment(id)), NOTHING).await
    }
}

/// A filter as the query of a URL.
fn query(wanted: &impl serde::Serialize) -> Result<String, Error> {
    let query = serde_json::to_value(wanted).map_err(|e| Error::Unexpected(e.to_string()))?;
    let pairs = query.as_object().into_iter().flatten().map(|(name, value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!("{name}={}", segment(&text))
    });
    Ok(pairs.collect::<Vec<_>>().join("&"))
}

fn client_path(id: &str) -> String {
    format!("/clients/{}", segment(id))
}

fn paged(path: &str, cursor: Option<&str>) -> String {
    cursor.map_or_else(|| path.to_owned(), |cursor| format!("{path}?cursor={}", segment(cursor)))
}
