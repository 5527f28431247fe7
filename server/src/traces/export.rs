//! Telling a collector, by OTLP over HTTP in its JSON encoding.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::{Value, json};
use tokio::{
    sync::{mpsc, oneshot},
    time,
};

use super::span::{Ended, Said};
use crate::{
    config::TracesConfig,
    metrics::TraceMeter,
    outbound::{Endpoint, Sent, Way},
    outcome::Fault,
};

/// So many spans are told at once.
const BATCH: usize = 512;
/// No span waits for longer before it is told.
const EVERY: Duration = Duration::from_secs(5);
/// A collector has to take spans within this time.
const TIMEOUT: Duration = Duration::from_secs(10);
/// A connection to it has to stand within this time.
const CONNECT: Duration = Duration::from_secs(2);

/// What comes to the exporter.
#[derive(Debug)]
pub(super) enum Message {
    /// A span.
    Ended(Box<Ended>),
    /// Somebody waits until everything before this was told.
    Flush(oneshot::Sender<()>),
}

/// What tells a collector.
pub(super) struct Exporter {
    endpoint: Endpoint,
    url: String,
    resource: Value,
    meter: TraceMeter,
}

impl Exporter {
    /// The one that the configuration describes; none if there is no collector.
    pub(super) fn new(config: &TracesConfig, meter: TraceMeter) -> Result<Option<Self>, Fault> {
        let Some(url) = config.url() else { return Ok(None) };
        let endpoint = Endpoint::new(&Way {
            url: &url,
            mtls: &config.mtls,
            bearer_file: config.bearer_file.as_deref(),
            peer_uid: None,
            connect_timeout: CONNECT,
        })?;
        let url = endpoint.through().map_or(url, ToString::to_string);
        let resource = json!({ "attributes": [
            attribute("service.name", &config.service_name.clone().into()),
            attribute("service.version", &env!("CARGO_PKG_VERSION").into()),
        ] });
        Ok(Some(Self { endpoint, url, resource, meter }))
    }

    /// Tells of what comes, until nobody is there any more from whom something could come.
    pub(super) async fn run(self, mut queue: mpsc::Receiver<Message>) {
        let mut waiting = Vec::new();
        let mut tick = time::interval(EVERY);
        tick.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                message = queue.recv() => match message {
                    Some(Message::Ended(ended)) => {
                        waiting.push(*ended);
                        if waiting.len() >= BATCH {
                            self.tell(&mut waiting).await;
                        }
                    }
                    Some(Message::Flush(done)) => {
                        self.tell(&mut waiting).await;
                        let _ = done.send(());
                    }
                    None => return self.tell(&mut waiting).await,
                },
                _ = tick.tick() => self.tell(&mut waiting).await,
            }
        }
    }

    /// Tells of all that waits. Whatever comes of it, it waits no more.
    async fn tell(&self, waiting: &mut Vec<Ended>) {
        if waiting.is_empty() {
            return;
        }
        let spans: Vec<_> = waiting.drain(..).map(|ended| span(&ended)).collect();
        let count = u64::try_from(spans.len()).unwrap_or(u64::MAX);
        let scope = json!({ "name": "placet", "version": env!("CARGO_PKG_VERSION") });
        let body = json!({ "resourceSpans": [
            { "resource": self.resource, "scopeSpans": [{ "scope": scope, "spans": spans }] },
        ] });
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let sent = Sent {
            method: Method::POST,
            url: &self.url,
            headers,
            body: Bytes::from(body.to_string()),
            timeout: TIMEOUT,
            max_answer: 0,
        };
        let failed = match self.endpoint.send(sent).await {
            Ok(got) if (200..300).contains(&got.status) => None,
            Ok(got) => Some(format!("the collector answered with the status {}", got.status)),
            Err(error) => Some(error.to_string()),
        };
        match failed {
            None => self.meter.exported(count),
            Some(error) => {
                tracing::debug!(%error, count, "the collector was not told of spans");
                self.meter.dropped(count);
            }
        }
    }
}

fn span(ended: &Ended) -> Value {
    let attributes: Vec<_> = ended.attributes.iter().map(|(name, said)| attribute(name, said)).collect();
    let link = |link: &super::Remote| json!({ "traceId": link.trace, "spanId": link.span });
    let mut span = json!({
        "traceId": ended.trace,
        "spanId": ended.id,
        "name": ended.name,
        "kind": ended.kind as u8,
        "startTimeUnixNano": ended.from.to_string(),
        "endTimeUnixNano": ended.until.to_string(),
        "attributes": attributes,
        "links": ended.link.iter().map(link).collect::<Vec<_>>(),
        "status": if ended.failed { json!({ "code": 2 }) } else { json!({}) },
    });
    if let Some(parent) = &ended.parent {
        span["parentSpanId"] = parent.as_str().into();
    }
    span
}

fn attribute(name: &str, said: &Said) -> Value {
    let value = match said {
        Said::Text(text) => json!({ "stringValue": text }),
        // Numbers of 64 bits are texts in the JSON of protocol buffers.
        Said::Number(number) => json!({ "intValue": number.to_string() }),
    };
    json!({ "key": name, "value": value })
}
