//! Receivers of events, and servers that tell them.

use std::sync::{
    Arc,
    atomic::{AtomicU16, Ordering},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use openssl::{hash::MessageDigest, pkey::PKey, sign::Signer};
use placet_server::{
    config::{EventReceiverConfig, ReceiverAuth, SecretText, SigningSecret},
    delivery,
    store::{DeliveryFilter, DeliveryRecord, Paging},
};
use serde_json::Value;

use super::{
    harness::Stand,
    sidecar::{Answered, Asked, SIGNING_SECRET, Sidecar},
};

/// The first page of a list.
pub const ALL: Paging<'_> = Paging { after: "", limit: 100 };

/// A receiver whose answers a test sets.
#[derive(Clone)]
pub struct Receiver {
    /// The server that it is.
    pub at: Sidecar,
    status: Arc<AtomicU16>,
}

impl Receiver {
    /// A receiver that takes everything.
    pub async fn start() -> Self {
        let status = Arc::new(AtomicU16::new(204));
        let at = Sidecar::serving({
            let status = status.clone();
            move |_| Answered::status(status.load(Ordering::SeqCst)).header("Location", "/elsewhere")
        });
        Self { at: at.await, status }
    }

    /// From now on it answers with this status.
    pub fn answer(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// What it was sent.
    pub fn got(&self) -> Vec<Asked> {
        self.at.asked()
    }

    /// The types of the events that it was sent, in the order of their numbers.
    pub fn types(&self) -> Vec<String> {
        let mut events: Vec<_> = self.got().into_iter().map(|asked| asked.body).collect();
        events.sort_by_key(|event| event["data"]["sequence"].as_i64());
        events.iter().map(|event| event["type"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The events of a type that it was sent.
    pub fn events(&self, event_type: &str) -> Vec<Value> {
        let events = self.got().into_iter().map(|asked| asked.body);
        events.filter(|event| event["type"] == format!("placet.{event_type}.v1")).collect()
    }

    /// Its registration for these types.
    pub fn config(&self, name: &str, types: &[&str]) -> EventReceiverConfig {
        receiver(name, types, &self.at.url)
    }
}

/// A registration.
pub fn receiver(name: &str, types: &[&str], url: &str) -> EventReceiverConfig {
    EventReceiverConfig {
        name: name.to_owned(),
        url: url.to_owned(),
        types: types.iter().map(|&wanted| wanted.to_owned()).collect(),
        auth: ReceiverAuth {
            sign: SigningSecret {
                secret: Some(SecretText(SIGNING_SECRET.to_owned())),
                ..SigningSecret::default()
            },
            ..ReceiverAuth::default()
        },
        ..EventReceiverConfig::default()
    }
}

/// Attempts what is due now.
pub async fn deliver(stand: &Stand) -> usize {
    delivery::round(&stand.server).await.unwrap()
}

/// The deliveries of events that wait, or that were given up.
pub async fn kept(stand: &Stand, dead: bool) -> Vec<DeliveryRecord> {
    let filter = DeliveryFilter { dead, kind: "event".to_owned(), ..DeliveryFilter::default() };
    stand.server.store().deliveries(&filter, ALL).await.unwrap()
}

/// The signature that a request should have by a secret, made without the code of this project.
pub fn signature(secret: &str, asked: &Asked) -> String {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let key = PKey::hmac(&key).unwrap();
    let mut signer = Signer::new(MessageDigest::sha256(), &key).unwrap();
    let header = |name: &str| asked.headers[name].to_str().unwrap();
    signer.update(format!("{}.{}.", header("webhook-id"), header("webhook-timestamp")).as_bytes()).unwrap();
    signer.update(&asked.raw).unwrap();
    format!("v1,{}", STANDARD.encode(signer.sign_to_vec().unwrap()))
}
