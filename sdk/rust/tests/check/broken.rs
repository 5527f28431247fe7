//! A sidecar that can be broken in one way: a sound one, with somebody in between.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use placet_sdk::{
    Instant,
    decision::strict_json,
    policy::{Secret, Settings, serve},
    signature::{SignedHeaders, sign, verify},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use warp::{Filter as _, reply::Response};

use crate::sound::{RESPONSE, SECRET, Sound, now, secret};

/// The way in which a sidecar is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    NotADecision,
    AnotherId,
    MindsUnknownMembers,
    UnknownTypeIsNotFound,
    MalformedIsAFailure,
    AnyContentType,
    TakesANameTwice,
    TakesAnyDepth,
    BeyondTheLimits,
    WithoutWhatIsRequired,
    AnotherErrorCode,
    AnswersGet,
    Late,
    TakesUnsigned,
    TakesAnySecret,
    TakesAnyTime,
    TrimsBeforeVerifying,
    LooksAtOneSignature,
    ReflectsTheSecret,
    Redirects,
    TellsTheSecret,
    BelievesHeaders,
    DecidesAnewEachTime,
    ShedsLoad,
    StumblesOverBrokenConnections,
    ActsInEveryMode,
    CallsItselfOtherwise,
    DecidesWhatItDoesNotList,
    NeedsMoreThanItSays,
}

/// A sidecar that runs until the test ends.
pub(crate) struct Broken {
    pub(crate) url: String,
    pub(crate) probe: String,
}

struct Between {
    fault: Fault,
    inner: String,
    http: reqwest::Client,
    acted: AtomicU32,
    decided: AtomicU32,
    under_way: AtomicUsize,
    stumbled: AtomicBool,
}

struct Incoming {
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Broken {
    pub(crate) async fn start(fault: Fault) -> Self {
        let outer = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let inner = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", outer.local_addr().unwrap());
        let between = Arc::new(Between {
            fault,
            inner: format!("http://{}", inner.local_addr().unwrap()),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            acted: AtomicU32::new(0),
            decided: AtomicU32::new(0),
            under_way: AtomicUsize::new(0),
            stumbled: AtomicBool::new(false),
        });
        let settings =
            Settings::new(&url, secret(SECRET)).unwrap().response_secret(secret(RESPONSE)).unwrap();
        tokio::spawn(serve(Sound).listener(settings, inner, std::future::pending()));
        let all = warp::any()
            .map(move || between.clone())
            .and(warp::method())
            .and(warp::path::full())
            .and(warp::header::headers_cloned())
            .and(warp::body::stream())
            .then(async |between: Arc<Between>, method, path: warp::path::FullPath, headers, body| {
                match collect(body).await {
                    Some(body) => {
                        let path = path.as_str().to_owned();
                        between.pass(Incoming { method, path, headers, body }).await
                    }
                    None => between.stumble(),
                }
            });
        tokio::spawn(warp::serve(all).incoming(outer).run());
        Self { probe: format!("{url}/probe"), url }
    }
}

async fn collect(body: impl Stream<Item = Result<impl Buf, warp::Error>>) -> Option<Bytes> {
    let mut body = std::pin::pin!(body);
    let mut whole = BytesMut::new();
    while let Some(part) = body.next().await {
        let mut part = part.ok()?;
        whole.extend_from_slice(&part.copy_to_bytes(part.remaining()));
    }
    Some(whole.freeze())
}

fn answer(status: u16, body: impl Into<Bytes>) -> Response {
    let mut response = Response::new(body.into().into());
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    response
}

impl Incoming {
    fn text(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    fn set(&mut self, name: &'static str, value: &str) {
        self.headers.insert(name, HeaderValue::from_str(value).unwrap());
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    fn asks(&self) -> bool {
        self.method == Method::POST && !self.body.is_empty()
    }

    /// Whether it is signed by this secret, at whatever time it says.
    fn signed_by(&self, secret: &Secret) -> bool {
        let headers = SignedHeaders {
            id: self.text("webhook-id"),
            timestamp: self.text("webhook-timestamp"),
            signature: self.text("webhook-signature"),
        };
        let at = Instant(headers.timestamp.parse().unwrap_or_default());
        verify(std::slice::from_ref(secret), &headers, &self.body, at).is_ok()
    }

    /// Signs it as it should be, so that the sound sidecar takes it.
    fn sign(&mut self) {
        let id = self.json()["id"].as_str().unwrap_or("dec_1").to_owned();
        let at = now();
        let signature = sign(&secret(SECRET), &id, at, &self.body);
        self.set("webhook-id", &id);
        self.set("webhook-timestamp", &at.0.to_string());
        self.set("webhook-signature", &signature);
    }
}

impl Between {
    fn stumble(&self) -> Response {
        self.stumbled.store(true, Ordering::SeqCst);
        answer(400, "")
    }

    async fn pass(&self, mut incoming: Incoming) -> Response {
        if incoming.path == "/probe" {
            return answer(200, self.acted.load(Ordering::SeqCst).to_string());
        }
        let under_way = self.under_way.fetch_add(1, Ordering::SeqCst);
        let response = if let Some(response) = self.refuse(&incoming, under_way).await {
            response
        } else {
            self.before(&mut incoming);
            let forwarded = self.forward(&incoming).await;
            self.after(&incoming, forwarded)
        };
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        response
    }

    /// What the sound sidecar never sees.
    async fn refuse(&self, incoming: &Incoming, under_way: usize) -> Option<Response> {
        let get = !incoming.asks() && !incoming.path.contains("well-known");
        match self.fault {
            Fault::MindsUnknownMembers if incoming.json().get("kit_future").is_some() => {
                Some(answer(400, ""))
            }
            Fault::AnswersGet if get => Some(answer(200, "{}")),
            Fault::Redirects if get => {
                let mut response = answer(302, "");
                response.headers_mut().insert("location", HeaderValue::from_static("/login"));
                Some(response)
            }
            Fault::ShedsLoad if incoming.asks() => {
                tokio::time::sleep(Duration::from_millis(50)).await;
                (under_way > 10).then(|| answer(503, ""))
            }
            Fault::StumblesOverBrokenConnections if self.stumbled.load(Ordering::SeqCst) => {
                Some(answer(500, ""))
            }
            Fault::Late if incoming.json().pointer("/limits/claims/names") == Some(&json!([])) => {
                let budget: u64 = incoming.text("placet-timeout-ms").parse().unwrap();
                tokio::time::sleep(Duration::from_millis(budget * 9 / 10)).await;
                None
            }
            _ => None,
        }
    }

    fn before(&self, incoming: &mut Incoming) {
        match self.fault {
            Fault::AnyContentType => incoming.set("content-type", "application/json"),
            Fault::TakesANameTwice if strict_json(&incoming.body).is_err() && !incoming.json().is_null() => {
                // As `JSON.parse` reads it: the last one counts.
                incoming.body = serde_json::to_vec(&incoming.json()).unwrap().into();
                incoming.sign();
            }
            Fault::TakesAnyDepth if incoming.json().get("kit_deep").is_some() => {
                let mut shallow = incoming.json();
                shallow.as_object_mut().unwrap().remove("kit_deep");
                incoming.body = shallow.to_string().into();
                incoming.sign();
            }
            Fault::TakesUnsigned
                if matches!(incoming.text("webhook-signature"), "" | "v1,") && incoming.asks() =>
            {
                incoming.sign();
            }
            Fault::TakesAnySecret => {
                let other: Vec<u8> = (0u8..32).map(|byte| byte ^ 0x5a).collect();
                if incoming.signed_by(&Secret::from_bytes(other).unwrap()) {
                    incoming.sign();
                }
            }
            Fault::TakesAnyTime if incoming.signed_by(&secret(SECRET)) => {
                let at = now();
                let signature = sign(&secret(SECRET), incoming.text("webhook-id"), at, &incoming.body);
                incoming.set("webhook-timestamp", &at.0.to_string());
                incoming.set("webhook-signature", &signature);
            }
            Fault::TrimsBeforeVerifying => {
                incoming.body = incoming.body.slice(..incoming.body.trim_ascii_end().len());
            }
            Fault::LooksAtOneSignature => {
                let first =
                    incoming.text("webhook-signature").split(' ').next().unwrap_or_default().to_owned();
                incoming.set("webhook-signature", &first);
            }
            Fault::BelievesHeaders => {
                for name in ["placet-type", "placet-issuer"] {
                    incoming.headers.remove(name);
                }
            }
            _ => {}
        }
    }

    async fn forward(&self, incoming: &Incoming) -> (u16, HeaderMap, Bytes) {
        let mut headers = incoming.headers.clone();
        for name in ["host", "content-length", "transfer-encoding", "connection"] {
            headers.remove(name);
        }
        let url = format!("{}{}", self.inner, incoming.path);
        let request = self.http.request(incoming.method.clone(), url).headers(headers);
        let response = request.body(incoming.body.clone()).send().await.unwrap();
        (response.status().as_u16(), response.headers().clone(), response.bytes().await.unwrap())
    }

    fn after(
        &self,
        incoming: &Incoming,
        (mut status, mut headers, body): (u16, HeaderMap, Bytes),
    ) -> Response {
        let mut said: Value = serde_json::from_slice(&body).unwrap_or_default();
        let asked = incoming.json();
        let hook = asked["type"].as_str().unwrap_or_default();
        let allowed = said["decision"] == "allow";
        match self.fault {
            Fault::NotADecision if hook == "claims.source" => said["tags"] = json!("none"),
            Fault::AnotherId if status == 200 && incoming.asks() => said["id"] = json!("dec_other"),
            Fault::UnknownTypeIsNotFound if hook == "kit.unknown" => status = 404,
            Fault::MalformedIsAFailure if incoming.asks() && asked.is_null() => status = 500,
            Fault::BeyondTheLimits if allowed && hook == "grant.token_exchange" => {
                said["set"]["grant"]["scope"] = json!(["admin"]);
            }
            Fault::WithoutWhatIsRequired if allowed && hook == "grant.password" => said["set"] = json!({}),
            Fault::AnotherErrorCode if said["decision"] == "deny" => said["error"]["code"] = json!("teapot"),
            Fault::DecidesAnewEachTime if allowed => {
                said["tags"] = json!({"count": self.decided.fetch_add(1, Ordering::SeqCst).to_string()});
            }
            Fault::ActsInEveryMode if incoming.asks() => {
                self.acted.fetch_add(1, Ordering::SeqCst);
            }
            Fault::CallsItselfOtherwise if said.get("sidecar").is_some() => {
                said["sidecar"]["id"] = json!("https://other.example");
            }
            Fault::DecidesWhatItDoesNotList if status == 501 && hook != "kit.unknown" => {
                (status, said) = (200, json!({"id": asked["id"], "decision": "allow"}));
            }
            Fault::NeedsMoreThanItSays if said.get("sidecar").is_some() => {
                for one in said["types"].as_array_mut().unwrap() {
                    if one["type"] == "grant.token_exchange" {
                        one["needs"] = json!(["/token_exchange"]);
                    }
                }
            }
            _ => {}
        }
        let body = if said.is_null() { body } else { said.to_string().into() };
        if let Some(id) = headers.get("webhook-id").and_then(|id| id.to_str().ok()).map(ToOwned::to_owned) {
            // Whoever is in between signs what it changed, so that the signature is not what is wrong.
            let by = if self.fault == Fault::ReflectsTheSecret { SECRET } else { RESPONSE };
            let at = now();
            headers.insert("webhook-timestamp", at.0.into());
            headers.insert("webhook-signature", sign(&secret(by), &id, at, &body).parse().unwrap());
        }
        if self.fault == Fault::TellsTheSecret {
            headers.insert("x-debug", HeaderValue::from_static(&SECRET[6..]));
        }
        let mut response = answer(status, body);
        for name in ["content-type", "webhook-id", "webhook-timestamp", "webhook-signature", "x-debug"] {
            if let Some(value) = headers.get(name) {
                response.headers_mut().insert(name, value.clone());
            }
        }
        response
    }
}
