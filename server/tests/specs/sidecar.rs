//! A sidecar on loopback that answers what a test says, and keeps what it was asked.

use std::sync::{Arc, Mutex};

use placet_sdk::{
    Instant,
    decision::HookType,
    signature::{Secret, SignedHeaders, verify},
};
use placet_server::config::{PolicyAuth, PolicyConfig, SecretText, SigningSecret};
use reqwest::header::HeaderMap;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::harness::START;

/// What requests of the server are signed with.
pub const SIGNING_SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

type Answer = Arc<dyn Fn(&Value) -> Answered + Send + Sync>;

/// An answer of a sidecar.
#[derive(Clone, Debug)]
pub struct Answered {
    /// Its status.
    pub status: u16,
    /// Headers besides `Content-Length`, each with its line break.
    pub headers: String,
    /// Its body.
    pub body: Vec<u8>,
}

impl Answered {
    /// JSON with this status.
    pub fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            headers: "Content-Type: application/json\r\n".to_owned(),
            body: body.to_string().into(),
        }
    }

    /// No body.
    pub fn status(status: u16) -> Self {
        Self { status, headers: String::new(), body: Vec::new() }
    }
}

/// A request that a sidecar got.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Value,
}

/// A running sidecar.
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

    /// A sidecar that answers like this, whatever an answer should be.
    pub async fn answering(answer: impl Fn(&Value) -> Answered + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/decide", listener.local_addr().unwrap());
        let sidecar = Self { url, asked: Arc::default() };
        let (asked, answer): (_, Answer) = (sidecar.asked.clone(), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, asked.clone(), answer.clone()));
            }
        });
        sidecar
    }

    /// The registration of this sidecar for decisions of these types.
    pub fn policy(&self, name: &str, types: &[&str]) -> PolicyConfig {
        PolicyConfig {
            name: name.to_owned(),
            types: types.iter().map(|hook| hook.parse::<HookType>().expect("a decision point")).collect(),
            url: Some(self.url.clone()),
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

    /// What it was asked so far. Every signature was verified.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The bodies of what it was asked so far.
    pub fn requests(&self) -> Vec<Value> {
        self.asked().into_iter().map(|asked| asked.body).collect()
    }
}

/// Answers the requests of a connection, one after the other.
async fn serve(mut stream: TcpStream, asked: Arc<Mutex<Vec<Asked>>>, answer: Answer) {
    let mut read = Vec::new();
    while let Some((line, headers, body)) = request(&mut stream, &mut read).await {
        let answered = if line.starts_with("POST ") {
            assert_signed(&headers, &body);
            let body: Value = serde_json::from_slice(&body).expect("a decision request is JSON");
            asked.lock().unwrap().push(Asked { headers, body: body.clone() });
            answer(&body)
        } else {
            Answered::status(404)
        };
        let head = format!(
            "HTTP/1.1 {} x\r\n{}Content-Length: {}\r\n\r\n",
            answered.status,
            answered.headers,
            answered.body.len()
        );
        if stream.write_all(&[head.as_bytes(), &answered.body].concat()).await.is_err() {
            return;
        }
    }
}

fn assert_signed(headers: &HeaderMap, body: &[u8]) {
    let secret: Secret = SIGNING_SECRET.parse().unwrap();
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let signed = SignedHeaders::read(header).expect("a request is signed");
    // The clock of a stand is set, and moved by less than a day.
    let at = Instant(signed.timestamp.parse().expect("a timestamp"));
    assert!(at.0 >= START, "{at}");
    verify(&[secret], &signed, body, at).expect("a signature holds");
}

/// Reads a request; none if the connection ends.
async fn request(stream: &mut TcpStream, read: &mut Vec<u8>) -> Option<(String, HeaderMap, Vec<u8>)> {
    let end = loop {
        if let Some(at) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        more(stream, read).await?;
    };
    let head = String::from_utf8(read[..end].to_vec()).ok()?;
    let mut lines = head.split("\r\n");
    let line = lines.next()?.to_owned();
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let name: reqwest::header::HeaderName = name.parse().ok()?;
        headers.append(name, value.trim().parse().ok()?);
    }
    let length: usize = headers.get("content-length").map_or("0", |v| v.to_str().unwrap()).parse().ok()?;
    while read.len() < end + 4 + length {
        more(stream, read).await?;
    }
    let rest = read.split_off(end + 4 + length);
    let body = std::mem::replace(read, rest).split_off(end + 4);
    Some((line, headers, body))
}

async fn more(stream: &mut TcpStream, read: &mut Vec<u8>) -> Option<()> {
    let mut chunk = [0; 8192];
    match stream.read(&mut chunk).await {
        Ok(length) if length > 0 => {
            read.extend_from_slice(&chunk[..length]);
            Some(())
        }
        _ => None,
    }
}
