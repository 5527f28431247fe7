//! The receivers of events, as they are configured.

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use placet_sdk::{
    Instant,
    decision::{HEADER_ID, HEADER_SIGNATURE, HEADER_TIMESTAMP},
    event::MEDIA_TYPE,
    signature::{Secret, sign},
};

use crate::{
    config::{Config, EventReceiverConfig},
    delivery::Attempt,
    outbound::{Endpoint, Got, SendError, Sent, Way},
    outcome::Fault,
    policy::signing_secret,
    store::{Room, Subscriber},
};

/// A connection has to stand within this time: receivers may be far away.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A receiver has to answer within this time.
const TIMEOUT: Duration = Duration::from_secs(10);
/// What the destinations of deliveries to receivers begin with.
const DESTINATION: &str = "receiver:";

/// The receivers of events.
#[derive(Default)]
pub struct Receivers(HashMap<String, Receiver>);

/// A receiver of events.
pub struct Receiver {
    /// What the configuration says of it.
    pub config: EventReceiverConfig,
    endpoint: Endpoint,
    url: String,
    secrets: Vec<Secret>,
    room: Arc<Room>,
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("name", &self.config.name).finish_non_exhaustive()
    }
}

/// The destination of deliveries to the receiver of this name.
pub fn destination(name: &str) -> String {
    format!("{DESTINATION}{name}")
}

/// The name of the receiver that deliveries to this destination are for.
pub fn receiver_of(destination: &str) -> Option<&str> {
    destination.strip_prefix(DESTINATION)
}

impl Receivers {
    /// Reads their files and makes their clients.
    ///
    /// # Errors
    ///
    /// A file cannot be used.
    pub fn new(config: &Config) -> Result<Self, Fault> {
        let made =
            config.event_receiver.iter().map(|config| Ok((config.name.clone(), Receiver::new(config)?)));
        made.collect::<Result<_, Fault>>().map(Self)
    }

    /// The receiver of this name.
    pub fn get(&self, name: &str) -> Option<&Receiver> {
        self.0.get(name)
    }

    /// All of them, in no order.
    pub fn all(&self) -> impl Iterator<Item = &Receiver> {
        self.0.values()
    }

    /// How the store knows them.
    pub fn subscribers(&self) -> Vec<Subscriber> {
        self.all().map(Receiver::subscriber).collect()
    }
}

impl Receiver {
    fn new(config: &EventReceiverConfig) -> Result<Self, Fault> {
        let auth = &config.auth;
        let broken = |e: Fault| Fault::new("event_receiver", format!("`{}`: {e}", config.name));
        let secrets = [
            signing_secret(auth.sign.secret.as_ref(), auth.sign.secret_file.as_deref()).map_err(broken)?,
            signing_secret(auth.sign.previous.as_ref(), auth.sign.previous_file.as_deref())
                .map_err(broken)?,
        ];
        let endpoint = Endpoint::new(&Way {
            url: &config.url,
            mtls: &auth.mtls,
            bearer_file: auth.bearer_file.as_deref(),
            peer_uid: auth.peer_uid,
            connect_timeout: CONNECT_TIMEOUT,
        });
        let endpoint = endpoint.map_err(broken)?;
        Ok(Self {
            url: endpoint.through().map_or_else(|| config.url.clone(), ToString::to_string),
            endpoint,
            config: config.clone(),
            secrets: secrets.into_iter().flatten().collect(),
            room: Arc::default(),
        })
    }

    fn subscriber(&self) -> Subscriber {
        Subscriber {
            destination: destination(&self.config.name),
            types: self.config.types.clone(),
            retry_for: self.config.retry_for.into(),
            room: Arc::clone(&self.room),
        }
    }

    /// Whether more is kept for it.
    pub fn room(&self) -> &Room {
        &self.room
    }

    /// Sends it the event with this id.
    ///
    /// # Errors
    ///
    /// A header cannot be written: trouble of our own.
    pub async fn send(&self, id: &str, now: i64, body: Vec<u8>) -> Result<Attempted, Fault> {
        let headers = self.headers(id, Instant(now), &body).map_err(|e| Fault::new("event", e))?;
        let sent = Sent {
            method: Method::POST,
            url: &self.url,
            headers,
            body: body.into(),
            timeout: TIMEOUT,
            // The status is all that counts.
            max_answer: 0,
        };
        Ok(judged(&self.endpoint.send(sent).await))
    }

    fn headers(&self, id: &str, now: Instant, body: &[u8]) -> Result<HeaderMap, http::Error> {
        let mut headers = HeaderMap::new();
        let mut add = |name: &'static str, value: &str| -> Result<(), http::Error> {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value)?);
            Ok(())
        };
        add("content-type", MEDIA_TYPE)?;
        add(HEADER_ID, id)?;
        add(HEADER_TIMESTAMP, &now.0.to_string())?;
        if !self.secrets.is_empty() {
            // During a change of the secret both sign, until the receiver knows the new one.
            let signatures: Vec<_> = self.secrets.iter().map(|secret| sign(secret, id, now, body)).collect();
            add(HEADER_SIGNATURE, &signatures.join(" "))?;
        }
        Ok(headers)
    }
}

/// What came of sending an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempted {
    /// It was taken, or may be another time.
    Told(Attempt),
    /// The receiver wants no more events (410, Standard Webhooks).
    Gone,
}

/// Any 2xx counts; everything else may be another time. Redirects are not followed: whoever can redirect does not get
/// the events of another.
fn judged(got: &Result<Got, SendError>) -> Attempted {
    let failed = |reason: String, after| Attempted::Told(Attempt::Failed { reason, after });
    match got {
        Ok(Got { status: 200..=299, .. }) => Attempted::Told(Attempt::Delivered),
        Ok(Got { status: 410, .. }) => Attempted::Gone,
        Ok(Got { status, headers, .. }) => {
            let after = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
            failed(format!("the receiver answered with the status {status}"), after)
        }
        Err(error) => failed(error.to_string(), None),
    }
}
