//! The sidecar that is checked, as a server talks to it.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use bytes::Bytes;
use http::{HeaderMap, Method};
use reqwest::{Certificate, Client, Identity, redirect::Policy, tls::Version};
use serde_json::Value;
use tokio::time::Instant;

use super::{CheckError, Options};
use crate::{
    clock,
    decision::{
        DecisionRequest, HEADER_ID, HEADER_SIGNATURE, HEADER_TIMEOUT, HEADER_TIMESTAMP, HookType,
        MAX_ANSWER_BYTES, PROTOCOL,
    },
    signature::{Secret, sign},
};

/// How long the kit waits: much longer than a server, so that what is late is told from what never comes.
const PATIENCE: Duration = Duration::from_secs(20);
/// What the kit sends as secrets of a user; they must not come back.
const USER_SECRETS: [&str; 2] = ["conformance-password-7c1e", "conformance-otp-492816"];

/// A sidecar.
pub(super) struct Sidecar {
    pub(super) http: Client,
    /// Its URL: its id.
    pub(super) url: String,
    /// Where decisions are asked.
    pub(super) endpoint: String,
    pub(super) secret: Secret,
    timeout_ms: Option<u32>,
    bearer: Option<String>,
    needles: Vec<Vec<u8>>,
    noted: Mutex<Noted>,
}

/// What was seen on the side, in whatever answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Noted {
    pub(super) redirects: Vec<String>,
    pub(super) leaks: Vec<String>,
}

/// A message to a sidecar, which can be spoiled before it is sent.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) method: Method,
    pub(super) url: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
}

/// What came back.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) took: Duration,
}

impl Message {
    /// With another value of a header.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.retain(|(other, _)| *other != name);
        self.headers.push((name, value.into()));
        self
    }

    /// Without the headers.
    pub(super) fn without(mut self, names: &[&str]) -> Self {
        self.headers.retain(|(name, _)| !names.contains(name));
        self
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| *other == name).map(|(_, value)| value.as_str())
    }

    /// Signed anew, by this secret, `off` seconds from now.
    pub(super) fn signed(self, secret: &Secret, off: i64) -> Self {
        let id = self.header(HEADER_ID).unwrap_or_default().to_owned();
        let at = clock::now().plus(off);
        let signature = sign(secret, &id, at, &self.body);
        self.with(HEADER_TIMESTAMP, at.0.to_string()).with(HEADER_SIGNATURE, signature)
    }
}

impl Answer {
    /// The body as JSON; null if it is none.
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The answer in short, for a sentence.
    pub(super) fn shown(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        let short: String = text.chars().take(120).filter(|c| !c.is_control()).collect();
        if short.is_empty() { self.status.to_string() } else { format!("{} `{short}`", self.status) }
    }
}

impl Sidecar {
    pub(super) fn new(options: &Options) -> Result<Self, CheckError> {
        let refused = |error: reqwest::Error| CheckError::Options(error.to_string());
        let mut http = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .timeout(PATIENCE)
            .tls_version_min(Version::TLS_1_2);
        if let Some(pem) = &options.ca {
            http = http.add_root_certificate(Certificate::from_pem(pem).map_err(refused)?);
        }
        if let Some((certificate, key)) = &options.identity {
            http = http.identity(Identity::from_pkcs8_pem(certificate, key).map_err(refused)?);
        }
        let url = options.url.clone();
        let endpoint = match url.strip_prefix("unix://") {
            Some(place) => {
                let (socket, path) = place.split_once(':').unwrap_or((place, "/"));
                http = http.unix_socket(socket);
                format!("http://localhost{path}")
            }
            None if url.starts_with("http://") || url.starts_with("https://") => url.clone(),
            None => return Err(CheckError::Options(format!("`{url}` is not the URL of a sidecar"))),
        };
        let needles = [Some(&options.secret), options.response_secret.as_ref()].into_iter().flatten();
        let needles = needles.flat_map(|secret| written(secret.bytes()));
        let needles = needles.chain(options.bearer.iter().map(|bearer| bearer.clone().into_bytes()));
        let needles = needles.chain(USER_SECRETS.map(|secret| secret.as_bytes().to_vec())).collect();
        Ok(Self {
            http: http.build().map_err(refused)?,
            url,
            endpoint,
            secret: options.secret.clone(),
            timeout_ms: options.timeout_ms,
            bearer: options.bearer.clone(),
            needles,
            noted: Mutex::default(),
        })
    }

    /// How long the sidecar has to answer.
    pub(super) fn budget(&self, hook: HookType) -> Duration {
        Duration::from_millis(self.timeout_ms.unwrap_or(hook.default_timeout_ms()).into())
    }

    /// The message that a server sends with this request.
    pub(super) fn message(&self, request: &DecisionRequest) -> Message {
        let body = serde_json::to_value(request).unwrap_or_default();
        self.raw(&body, self.budget(request.hook))
    }

    /// The message with whatever body, as if it were a request.
    pub(super) fn raw(&self, body: &Value, budget: Duration) -> Message {
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let message = Message {
            method: Method::POST,
            url: self.endpoint.clone(),
            headers: vec![
                ("content-type", "application/json".to_owned()),
                ("accept", "application/json".to_owned()),
                (HEADER_ID, text("id")),
                (HEADER_TIMEOUT, budget.as_millis().to_string()),
                ("placet-protocol", PROTOCOL.to_owned()),
                ("placet-type", text("type")),
                ("placet-issuer", text("issuer")),
                ("x-request-id", text("id")),
            ],
            body: body.to_string().into_bytes(),
        };
        message.signed(&self.secret, 0)
    }

    pub(super) async fn ask(&self, request: &DecisionRequest) -> Result<Answer, String> {
        self.send(self.message(request)).await
    }

    /// A GET of a page.
    pub(super) async fn get(&self, url: &str) -> Result<Answer, String> {
        let url = url.to_owned();
        self.send(Message { method: Method::GET, url, headers: Vec::new(), body: Vec::new() }).await
    }

    pub(super) async fn send(&self, message: Message) -> Result<Answer, String> {
        let begin = Instant::now();
        let mut request = self.http.request(message.method, &message.url).body(message.body);
        for (name, value) in message.headers {
            request = request.header(name, value);
        }
        if let Some(bearer) = &self.bearer {
            request = request.bearer_auth(bearer);
        }
        let mut response = request.send().await.map_err(|error| told(&error))?;
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(|error| told(&error))? {
            body.extend_from_slice(&part);
            // A byte more than an answer may have is enough to see that it is too large.
            if body.len() > MAX_ANSWER_BYTES {
                break;
            }
        }
        let answer = Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: body.into(),
            took: begin.elapsed(),
        };
        self.note(&message.url, &answer);
        Ok(answer)
    }

    fn note(&self, url: &str, answer: &Answer) {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        if (300..400).contains(&answer.status) {
            noted.redirects.push(format!("{url} is answered with {}", answer.status));
        }
        let holds = |text: &[u8]| {
            self.needles.iter().any(|needle| text.windows(needle.len()).any(|part| part == needle))
        };
        if holds(&answer.body) {
            noted.leaks.push(format!("a secret stands in the body of an answer with {}", answer.status));
        }
        for (name, value) in &answer.headers {
            if holds(value.as_bytes()) {
                noted.leaks.push(format!("a secret stands in the header `{name}`"));
            }
        }
    }

    pub(super) fn noted(&self) -> Noted {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for list in [&mut noted.redirects, &mut noted.leaks] {
            list.sort_unstable();
            list.dedup();
        }
        noted
    }
}

/// The ways in which a secret may be written.
fn written(bytes: &[u8]) -> Vec<Vec<u8>> {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let hex: String = digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect();
    vec![
        bytes.to_vec(),
        STANDARD_NO_PAD.encode(bytes).into_bytes(),
        URL_SAFE_NO_PAD.encode(bytes).into_bytes(),
        hex.to_ascii_uppercase().into_bytes(),
        hex.into_bytes(),
    ]
}

/// The error with its causes; the URL in it is known.
fn told(error: &reqwest::Error) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    let last = causes.last().map(ToString::to_string);
    match last {
        _ if error.is_timeout() => format!("there is no answer within {} s", PATIENCE.as_secs()),
        Some(cause) => cause,
        None => error.to_string(),
    }
}
