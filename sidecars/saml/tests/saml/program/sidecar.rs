//! The program as a process.

use std::process::{Output, Stdio};

use placet_sdk::{Instant, signature::sign};
use reqwest::{Client, Response};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

pub(crate) const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
pub(crate) const ANSWER_SECRET: &str = "whsec_HxweHRobGBkWFxQVEhMQEQ4PDA0KCwgJBgcEBQIDAAE=";

/// A running sidecar; dropped, it is killed.
pub(crate) struct Sidecar {
    child: Child,
    pub(crate) base: String,
    pub(crate) http: Client,
}

/// The time of day.
#[allow(clippy::disallowed_methods, reason = "the program under test has a clock of its own")]
pub(crate) fn now() -> Instant {
    let now = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap();
    Instant(i64::try_from(now.as_secs()).unwrap())
}

/// What the server asks.
pub(crate) fn question(id: &str, value: &str) -> Value {
    json!({
        "protocol": "1.0", "id": id, "type": "assertion.saml2",
        "time": "2026-11-23T10:00:00.000Z", "deadline": "2026-11-23T10:00:30.000Z",
        "mode": "enforce", "attempt": 1, "issuer": "http://localhost:8080",
        "chain": {"policy": "saml", "position": 1, "of": 1},
        "request": {"endpoint": "token"}, "proposal": {},
        "limits": {"saml2_bearer": {"reserved": [], "max_bytes": 65536}},
        "raw_assertion": {
            "format": "saml2", "value": value, "clock_skew": 10,
            "audience": ["http://localhost:8080", "http://localhost:8080/token"],
            "recipient": "http://localhost:8080/token"
        }
    })
}

/// Runs the program until it ends by itself.
pub(crate) fn run_to_end(arguments: &[&str]) -> Output {
    std::process::Command::new(env!("CARGO_BIN_EXE_placet-saml"))
        .args(arguments)
        .env_clear()
        .env("PLACET_SAML_SECRET", SECRET)
        .output()
        .unwrap()
}

impl Sidecar {
    pub(crate) async fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_placet-saml"))
            .arg("serve")
            .args(arguments)
            .env_clear()
            .env("PLACET_SAML_SECRET", SECRET)
            .env("PLACET_SAML_ANSWER_SECRET", ANSWER_SECRET)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).await.unwrap();
        let base = line.trim().strip_prefix("placet-saml listens on ").expect("where it listens").to_owned();
        Self { child, base, http: Client::builder().no_proxy().build().unwrap() }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.http.get(format!("{}{path}", self.base)).send().await.unwrap()
    }

    pub(crate) async fn ask(&self, question: &Value) -> Response {
        self.asking(question).await
    }

    pub(crate) async fn answer(&self, question: &Value) -> Value {
        let response = self.ask(question).await;
        assert_eq!(response.status(), 200);
        response.json().await.unwrap()
    }

    pub(crate) fn asking(&self, question: &Value) -> impl Future<Output = Response> + Send + use<> {
        let asking = self.try_asking(question);
        async { asking.await.unwrap() }
    }

    pub(crate) fn try_asking(
        &self,
        question: &Value,
    ) -> impl Future<Output = reqwest::Result<Response>> + Send + use<> {
        self.signed(question, SECRET).send()
    }

    pub(crate) async fn ask_signed_by(&self, question: &Value, secret: &str) -> Response {
        self.signed(question, secret).send().await.unwrap()
    }

    fn signed(&self, question: &Value, secret: &str) -> reqwest::RequestBuilder {
        let body = question.to_string();
        let id = question["id"].as_str().unwrap();
        let signature = sign(&secret.parse().unwrap(), id, now(), body.as_bytes());
        self.http
            .post(format!("{}/decide", self.base))
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", now().0.to_string())
            .header("webhook-signature", signature)
            .header("placet-timeout-ms", "20000")
            .body(body)
    }

    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Asks it to end, and waits.
    pub(crate) async fn terminate(mut self) -> std::process::ExitStatus {
        let id = self.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status().await.unwrap();
        assert!(asked.success());
        self.child.wait().await.unwrap()
    }
}
