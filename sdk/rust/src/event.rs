//! Events: what receivers are told, as `CloudEvents` 1.0 in structured JSON.
//!
//! They are posted with the signature of Standard Webhooks; its id is that of the event, the same at every attempt.
//! Feature `signature` has [`Event::read`], which verifies before it reads.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::{
    Instant,
    grant::{Actor, Object},
};

/// The media type of an event.
pub const MEDIA_TYPE: &str = "application/cloudevents+json";

macro_rules! event_types {
    ($($(#[$doc:meta])+ $name:ident = $text:literal,)+) => {
        /// What events there are. Later versions have more.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum EventType {
            $($(#[$doc])+ $name,)+
        }

        impl EventType {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The name, without what stands around it in [`Event::event_type`].
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }
        }
    };
}

event_types! {
    /// A user signed in, in a browser that had no session of that user.
    SessionCreated = "session.created",
    /// A session goes on after another authentication.
    SessionUpgraded = "session.upgraded",
    /// A session was ended; what ended by time alone is not told.
    SessionEnded = "session.ended",
    /// One client was signed out of a session, which goes on.
    SessionLeft = "session.left",
    /// A client was granted something.
    AuthorizationGranted = "authorization.granted",
    /// What a client was granted ended, with everything issued for it.
    AuthorizationRevoked = "authorization.revoked",
    /// Somebody was put in the place of another.
    AuthorizationImpersonated = "authorization.impersonated",
    /// An admin had everything end that a user, a client or everybody had, or that somebody got while acting for others.
    AccessRevoked = "access.revoked",
    /// A remembered consent was deleted, and everything granted under it ended.
    ConsentRevoked = "consent.revoked",
    /// One access token was revoked.
    TokenRevoked = "token.revoked",
    /// What can be used once came back, and everything issued for it ended.
    TokenReuseDetected = "token.reuse_detected",
    /// A password or another credential was changed.
    CredentialChanged = "credential.changed",
    /// Nothing is issued for a user any more; sessions and authorizations ended.
    AccountDisabled = "account.disabled",
    /// Users get something again.
    AccountEnabled = "account.enabled",
    /// Somebody failed to sign in.
    LoginFailed = "login.failed",
    /// There is a new client.
    ClientRegistered = "client.registered",
    /// A client was changed.
    ClientUpdated = "client.updated",
    /// A client is gone, with everything it had.
    ClientDeleted = "client.deleted",
    /// A user is asked something that began elsewhere: in an application (CIBA), or on a device, once somebody answers for it.
    InteractionCreated = "interaction.created",
    /// A user answered everything.
    InteractionCompleted = "interaction.completed",
    /// A user or a policy refused.
    InteractionDenied = "interaction.denied",
    /// A policy could not decide.
    PolicyFailed = "policy.failed",
    /// It was decided without a policy that failed, or with an old answer of it.
    PolicyDegraded = "policy.degraded",
    /// A policy is left alone for a while, because it failed too often.
    PolicyBreakerOpened = "policy.breaker_opened",
    /// A policy in shadow would have decided otherwise.
    PolicyDiverged = "policy.diverged",
    /// An admin changed how a policy is asked.
    PolicyChanged = "policy.changed",
    /// An admin had the kept answers of a policy forgotten.
    PolicyCachePurged = "policy.cache_purged",
    /// Keys of the server were made, or changed their state.
    KeyRotated = "key.rotated",
    /// What a key signed counts no more.
    KeyRevoked = "key.revoked",
    /// Something could not be delivered to somebody: a logout token, a notification.
    DeliveryDead = "delivery.dead",
    /// An admin had something delivered again.
    DeliveryRedelivered = "delivery.redelivered",
    /// An admin had something that was to be delivered forgotten.
    DeliveryDropped = "delivery.dropped",
    /// Somebody is sent no more events for now.
    EventReceiverPaused = "event_receiver.paused",
    /// Somebody is sent events again.
    EventReceiverResumed = "event_receiver.resumed",
}

impl EventType {
    /// The type with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|known| known.as_str() == name)
    }

    /// The name as it stands in [`Event::event_type`].
    pub fn full(self) -> String {
        full_name(self.as_str())
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name of an event as it stands in [`Event::event_type`].
pub fn full_name(name: &str) -> String {
    format!("placet.{name}.v1")
}

/// What an event is of: `placet.session.ended.v1`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TypeName(pub String);

impl TypeName {
    /// The type, if this version knows it.
    pub fn known(&self) -> Option<EventType> {
        EventType::parse(self.0.strip_prefix("placet.")?.strip_suffix(".v1")?)
    }
}

impl JsonSchema for TypeName {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "EventTypeName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let all: Vec<_> = EventType::ALL.iter().map(|known| known.full()).collect();
        json_schema!({
            "type": "string",
            "pattern": "^placet\\.[a-z_]+\\.[a-z_]+\\.v[0-9]+$",
            "examples": all,
            "description": "What happened. Later versions have more; ignore those that you do not know",
        })
    }
}

/// An event, a `CloudEvent` 1.0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// `1.0`.
    pub specversion: String,
    /// Its id, `evt_…`, the same at every attempt to deliver it.
    pub id: String,
    /// The issuer.
    pub source: String,
    /// What happened.
    #[serde(rename = "type")]
    pub event_type: TypeName,
    /// When.
    pub time: Instant,
    /// What it is about: the id of a session, an authorization, a client, a key …, or the subject of a user.
    pub subject: String,
    /// `application/json`.
    pub datacontenttype: String,
    /// Where the schema of events is.
    pub dataschema: String,
    /// Ids and reasons.
    pub data: EventData,
}

/// What an event says, as far as it applies: ids and reasons, no secrets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct EventData {
    /// Of two events about the same thing the later one has the higher number.
    pub sequence: i64,
    /// The user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// The client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Who did it: `admin:` and the name of an admin, `operator:` and how, or `client`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// What began the end of a session: `rp` (a logout that a client asked for), `op` (one that began here), `ui` (the login
    /// app), `account` (it was disabled, or its credential changed), `limit` (a newer session of the user).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initiator: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The granted scope.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<Vec<String>>,
    /// How far a logout reached: `session` (one browser), `subject` (all of a user).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extent: Option<String>,
    /// The chain of actors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub act: Option<Actor>,
    /// The chain of actors before a policy changed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proposed_act: Option<Actor>,
    /// The user who really authenticated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authenticated_sub: Option<String>,
    /// The subject of the token that was exchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject_token_sub: Option<String>,
    /// The authorization of the token that was exchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject_authorization_id: Option<String>,
    /// The grant type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant_type: Option<String>,
    /// The login app that granted without a browser.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direct: Option<String>,
    /// Data of the grant, by a policy or a login app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Object>,
    /// What part of it: `secret`, `access_token`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
    /// What came back: `code`, `refresh_token`, `device_code`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artefact: Option<String>,
    /// The kind of an interaction, or of a delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// The code of its failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// How often, since the last event of this sort.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// The mode that a policy was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// The place that a policy was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<i64>,
    /// The key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// The keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kids: Option<Vec<String>>,
    /// The receiver of events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receiver: Option<String>,
    /// To whom it was to be delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// How often that was attempted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<i64>,
}

/// Why an event is not taken.
#[cfg(feature = "signature")]
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is not from who it should be: answer 401.
    #[error(transparent)]
    Signature(#[from] crate::signature::SignatureError),
    /// It is no event: answer 400.
    #[error("this is no event: {0}")]
    Malformed(#[from] serde_json::Error),
    /// It is not the event that was signed: answer 400.
    #[error("`webhook-id` is not the id of the event")]
    Id,
}

#[cfg(feature = "signature")]
impl Event {
    /// Reads an event that was posted, once it is sure that it is signed with one of the secrets. JSON with a name twice, or
    /// nested without end, is no event. Whether it was seen before tells [`Event::id`].
    pub fn read(
        secrets: &[crate::signature::Secret],
        headers: &crate::signature::SignedHeaders<'_>,
        body: &[u8],
        now: Instant,
    ) -> Result<Self, ReadError> {
        crate::signature::verify(secrets, headers, body, now)?;
        let json = crate::decision::strict_json(body);
        let json =
            json.map_err(|violation| <serde_json::Error as serde::de::Error>::custom(violation.detail))?;
        let event: Self = serde_json::from_value(json)?;
        if event.id == headers.id { Ok(event) } else { Err(ReadError::Id) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_with_and_without_what_stands_around_them() {
        for known in EventType::ALL {
            assert_eq!(EventType::parse(known.as_str()), Some(*known));
            assert_eq!(TypeName(known.full()).known(), Some(*known));
        }
        for unknown in ["session.ended", "placet.session.ended", "placet.session.ended.v2", "placet.x.v1"] {
            assert_eq!(TypeName(unknown.to_owned()).known(), None, "{unknown}");
        }
    }

    #[cfg(feature = "signature")]
    #[test]
    fn a_signed_text_that_readers_could_take_in_two_ways_is_no_event() {
        use crate::signature::{Secret, SignedHeaders, sign};

        let secret = Secret::from_bytes([7; 32]).unwrap();
        let now = Instant(1_795_428_300);
        let read = |body: &str| {
            let signature = sign(&secret, "evt_1", now, body.as_bytes());
            let headers = SignedHeaders { id: "evt_1", timestamp: "1795428300", signature: &signature };
            Event::read(std::slice::from_ref(&secret), &headers, body.as_bytes(), now)
        };
        let event = |data: &str| {
            format!(
                r#"{{"specversion": "1.0", "id": "evt_1", "source": "https://as.example", "subject": "ses_1",
                "type": "placet.session.ended.v1", "time": "2026-11-23T12:00:00Z",
                "datacontenttype": "application/json",
                "dataschema": "https://as.example/.well-known/placet-schemas/1/event.json", "data": {data}}}"#
            )
        };
        read(&event(r#"{"sub": "alice", "sequence": 1}"#)).unwrap();
        let deep = format!(r#"{{"sequence": 1, "x": {}{}}}"#, "[".repeat(32), "]".repeat(32));
        for data in [r#"{"sequence": 1, "sub": "alice", "s\u0075b": "bob"}"#, &deep] {
            assert!(matches!(read(&event(data)), Err(ReadError::Malformed(_))), "{data}");
        }
    }
}
