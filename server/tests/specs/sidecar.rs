//! A sidecar on loopback that answers what a test says, and keeps what it was asked.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use placet_sdk::{
    Instant,
    decision::HookType,
    signature::{Secret, SignedHeaders, verify},
};
use placet_server::config::{PolicyAuth, PolicyConfig, SecretText, SigningSecret};
use reqwest::header::HeaderMap;
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, UnixListener},
};

use super::harness::START;

/// What requests of the server are signed with.
pub const SIGNING_SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// What answers a request.
pub type Service = Arc<dyn Fn(&Asked) -> Answered + Send + Sync>;

/// An answer of a sidecar.
#[derive(Clone, Debug)]
pub struct Answered {
    /// Its status.
    pub status: u16,
    /// Headers besides `Content-Length`, each with its line break.
    pub headers: String,
    /// Its body.
    pub body: Vec<u8>,
    /// How long it takes.
    pub delay: Duration,
    /// The connection is closed instead.
    pub broken: bool,
}

impl Answered {
    /// JSON with this status.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::status(status).header("Content-Type", "application/json").body(body.to_string())
    }

    /// No body.
    pub fn status(status: u16) -> Self {
        Self { status, headers: String::new(), body: Vec::new(), delay: Duration::ZERO, broken: false }
    }

    /// A connection that breaks off.
    pub fn broken() -> Self {
        Self { broken: true, ..Self::status(200) }
    }

    /// An allow with this `set`, as an answer to this request.
    pub fn allow(asked: &Asked, set: &Value) -> Self {
        Self::json(200, &serde_json::json!({ "id": asked.body["id"], "decision": "allow", "set": set }))
    }

    /// With this header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.extend([name, ": ", value, "\r\n"]);
        self
    }

    /// With this body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// The bytes of the answer.
    pub fn bytes(&self) -> Vec<u8> {
        let (status, length) = (self.status, self.body.len());
        let head = format!("HTTP/1.1 {status} x\r\n{}Content-Length: {length}\r\n\r\n", self.headers);
        [head.as_bytes(), &self.body].concat()
    }

    /// After this time.
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}

/// A request that a sidecar got.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its method.
    pub method: String,
    /// Its path.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body; null if there is none.
    pub body: Value,
    /// Its body as it came.
    pub raw: Vec<u8>,
}

/// A running sidecar. It ends with the test.
#[derive(Clone)]
pub struct Sidecar {
    /// Where decisions are asked.
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Sidecar {
    /// A sidecar that answers with this decision; the id of the request is put in.
    pub async fn start(decide: impl Fn(&Value) -> Value + Send + Sync + 'static) -> Self {
        Self::answering(move |request| {
            let mut decision = decide(request);
            if decision.get("id").is_none() {
                decision["id"] = request["id"].clone();
            }
            Answered::json(200, &decision)
        })
        .await
    }

    /// A sidecar that answers like this, whatever an answer should be. It has no discovery document.
    pub async fn answering(answer: impl Fn(&Value) -> Answered + Send + Sync + 'static) -> Self {
        Self::serving(move |asked| match asked.method.as_str() {
            "POST" => {
                assert_signed(asked);
                answer(&asked.body)
            }
            _ => Answered::status(404),
        })
        .await
    }

    /// A server that answers every request like this.
    pub async fn serving(answer: impl Fn(&Asked) -> Answered + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, Arc::new(answer))
    }

    /// A server on this listener.
    pub fn on(listener: TcpListener, answer: Service) -> Self {
        let url = format!("http://{}/decide", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        tokio::spawn({
            let asked = asked.clone();
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(serve(stream, asked.clone(), answer.clone()));
                }
            }
        });
        Self { url, asked }
    }

    /// A server on a Unix socket.
    pub fn on_socket(path: &std::path::Path, answer: Service) -> Self {
        let listener = UnixListener::bind(path).unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        tokio::spawn({
            let asked = asked.clone();
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(serve(stream, asked.clone(), answer.clone()));
                }
            }
        });
        let url = format!("unix://{}", path.display());
        Self { url, asked }
    }

    /// The registration of this sidecar for decisions of these types.
    pub fn policy(&self, name: &str, types: &[&str]) -> PolicyConfig {
        policy(name, types, &self.url)
    }

    /// Forgets what it was asked so far.
    pub fn clear(&self) {
        self.asked.lock().unwrap().clear();
    }

    /// What it was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The bodies of what it was asked so far.
    pub fn requests(&self) -> Vec<Value> {
        self.asked().into_iter().filter(|asked| asked.method == "POST").map(|asked| asked.body).collect()
    }
}

/// A registration for decisions of these types.
pub fn policy(name: &str, types: &[&str], url: &str) -> PolicyConfig {
    PolicyConfig {
        name: name.to_owned(),
        types: types.iter().map(|hook| hook.parse::<HookType>().expect("a decision point")).collect(),
        url: Some(url.to_owned()),
        auth: PolicyAuth {
            sign: SigningSecret {
                secret: Some(SecretText(SIGNING_SECRET.to_owned())),
                ..SigningSecret::default()
            },
            ..PolicyAuth::default()
        },
        ..PolicyConfig::default()
    }
}

/// Answers the requests of a connection, one after the other.
pub async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    asked: Arc<Mutex<Vec<Asked>>>,
    answer: Service,
) {
    let mut read = Vec::new();
    while let Some(got) = request(&mut stream, &mut read).await {
        asked.lock().unwrap().push(got.clone());
        let answered = answer(&got);
        tokio::time::sleep(answered.delay).await;
        if answered.broken {
            return;
        }
        if stream.write_all(&answered.bytes()).await.is_err() {
            return;
        }
    }
}

/// Checks that a request is signed by the server.
pub fn assert_signed(asked: &Asked) {
    let secret: Secret = SIGNING_SECRET.parse().unwrap();
    let header = |name: &str| asked.headers.get(name).and_then(|value| value.to_str().ok());
    let signed = SignedHeaders::read(header).expect("a request is signed");
    // The clock of a stand is set, and moved by less than a day.
    let at = Instant(signed.timestamp.parse().expect("a timestamp"));
    assert!(at.0 >= START, "{at}");
    verify(&[secret], &signed, &asked.raw, at).expect("a signature holds");
}

/// Reads a request; none if the connection ends.
pub async fn request(stream: &mut (impl AsyncRead + Unpin), read: &mut Vec<u8>) -> Option<Asked> {
    while !is_whole(read) {
        more(stream, read).await?;
    }
    take_request(read)
}

/// Where the head of a request ends, and the body after it.
fn parts(read: &[u8]) -> Option<(usize, usize)> {
    let end = read.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&read[..end]).ok()?;
    let mut lines = head.lines().filter_map(|line| line.split_once(':'));
    let length = lines.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length: usize = length.map_or("0", |(_, length)| length.trim()).parse().ok()?;
    Some((end, end + 4 + length))
}

/// Whether what was read holds a request.
pub fn is_whole(read: &[u8]) -> bool {
    parts(read).is_some_and(|(_, end)| read.len() >= end)
}

/// Takes the first request off what was read.
pub fn take_request(read: &mut Vec<u8>) -> Option<Asked> {
    let (head_end, end) = parts(read)?;
    let rest = read.split_off(end);
    let mut head = std::mem::replace(read, rest);
    let raw = head.split_off(head_end + 4);
    let head = String::from_utf8(head).ok()?;
    let mut lines = head.split("\r\n");
    let mut line = lines.next()?.split(' ').map(str::to_owned);
    let (method, path) = (line.next()?, line.next()?);
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let name: reqwest::header::HeaderName = name.parse().ok()?;
        headers.append(name, value.trim().parse().ok()?);
    }
    let body = serde_json::from_slice(&raw).unwrap_or(Value::Null);
    Some(Asked { method, path, headers, body, raw })
}

async fn more(stream: &mut (impl AsyncRead + Unpin), read: &mut Vec<u8>) -> Option<()> {
    let mut chunk = [0; 8192];
    match stream.read(&mut chunk).await {
        Ok(length) if length > 0 => {
            read.extend_from_slice(&chunk[..length]);
            Some(())
        }
        _ => None,
    }
}
