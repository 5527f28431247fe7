//! Somebody who signs users in, redeems codes and refreshes, and takes note of what came of it.

use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

/// The bearer of the login app.
pub const UI: &str = "ui-token-of-the-login-app-under-fault-0123456789";
/// The bearer of the admin.
pub const ADMIN: &str = "admin-token-of-the-operator-under-fault-0123456789";
/// The secret of the clients.
pub const SECRET: &str = "secret-of-the-clients-under-fault-0123456789";
/// Who they are to everybody.
pub const ISSUER: &str = "https://op.test";
const CALLBACK: &str = "https://client.test/callback";
const BINDING: &str = "binding-of-the-browser-under-fault-0123456789";

/// What came back.
#[derive(Clone, Debug)]
pub enum Answer {
    /// An answer with this status and body.
    Got(u16, Value),
    /// None: the connection was refused or broke.
    Lost,
}

impl Answer {
    /// The body of a success.
    pub fn success(&self) -> Option<&Value> {
        match self {
            Self::Got(200..=299, body) => Some(body),
            _ => None,
        }
    }

    /// Whether nobody is blamed: no answer, or one that says that the server has trouble of its own.
    pub fn is_trouble(&self) -> bool {
        matches!(self, Self::Lost | Self::Got(502..=504, _))
    }

    /// The status and the error code.
    pub fn refusal(&self) -> (u16, &str) {
        match self {
            Self::Got(status, body) => (*status, body["error"].as_str().unwrap_or_default()),
            Self::Lost => (0, "lost"),
        }
    }
}

/// A caller of one server.
#[derive(Clone)]
pub struct Caller {
    http: Client,
    /// The base URL of the public listener, or of what stands before it.
    pub public: String,
    /// That of the private one.
    pub private: String,
}

fn http() -> Client {
    Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(60))
        .build()
        .expect("an HTTP client")
}

impl Caller {
    /// One who calls these two.
    pub fn new(public: String, private: String) -> Self {
        Self { http: http(), public, private }
    }

    /// Sends a request.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let Ok(response) = request.send().await else { return Answer::Lost };
        let status = response.status().as_u16();
        // Half an answer is none.
        match response.bytes().await {
            Ok(bytes) => Answer::Got(status, serde_json::from_slice(&bytes).unwrap_or(Value::Null)),
            Err(_) => Answer::Lost,
        }
    }

    /// Posts a form as this client.
    pub async fn post(&self, path: &str, client: &str, form: &[(&str, &str)]) -> Answer {
        let url = format!("{}{path}", self.public);
        self.send(self.http.post(url).basic_auth(client, Some(SECRET)).form(form)).await
    }

    /// Gets a document.
    pub async fn get(&self, url: &str) -> Answer {
        self.send(self.http.get(url)).await
    }

    /// Calls the private listener.
    pub async fn call(&self, token: &str, method: Method, path: &str, body: &Value) -> Answer {
        let request = self.http.request(method, format!("{}{path}", self.private)).bearer_auth(token);
        let request = request.header("placet-browser-binding", BINDING);
        self.send(if body.is_null() { request } else { request.json(body) }).await
    }

    /// Whether it is ready.
    pub async fn is_ready(&self) -> bool {
        self.get(&format!("{}/readyz", self.private)).await.success().is_some()
    }

    /// Waits until the proxy is told that it is not ready: the database may have answered somebody a moment before it went.
    pub async fn until_unready(&self) {
        let told = async {
            while self.is_ready().await {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), told).await.expect("the proxy is told");
    }

    /// Signs this user in to a client of the operator, which asks for nobody's consent; gives the code.
    pub async fn code(&self, client: &str, sub: &str) -> Result<String, Answer> {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([
                ("client_id", client),
                ("redirect_uri", CALLBACK),
                ("response_type", "code"),
                ("scope", "openid offline_access"),
                ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
                ("code_challenge_method", "S256"),
            ])
            .finish();
        let open = json!({
            "kind": "authorization", "request": { "method": "GET", "query": query },
            "browser": { "binding": BINDING, "sessions": [] },
        });
        let opened = self.call(UI, Method::POST, "/ui/v1/interactions", &open).await;
        let Some(prompt) = opened.success() else { return Err(opened) };
        let path =
            format!("/ui/v1/interactions/{}/steps/{}", prompt["id"].as_str().unwrap_or(""), prompt["step"]);
        let auth = json!({ "type": "auth", "sub": sub, "acr": "urn:placet:acr:pwd", "amr": ["pwd"] });
        let answered = self.call(UI, Method::PUT, &path, &auth).await;
        let uri = answered.success().and_then(|body| body["response"]["delivery"]["uri"].as_str());
        let uri = uri.and_then(|uri| url::Url::parse(uri).ok());
        let code = uri.and_then(|uri| {
            uri.query_pairs().find(|(name, _)| name == "code").map(|(_, code)| code.into_owned())
        });
        code.ok_or(answered)
    }

    /// Redeems a code.
    pub async fn redeem(&self, client: &str, code: &str) -> Answer {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
        ];
        self.post("/token", client, &form).await
    }

    /// Refreshes.
    pub async fn refresh(&self, client: &str, token: &str) -> Answer {
        self.post("/token", client, &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    /// What introspection says: active or not, or what went wrong.
    pub async fn is_active(&self, client: &str, token: &str) -> Result<bool, Answer> {
        let answer = self.post("/introspect", client, &[("token", token)]).await;
        answer.success().and_then(|body| body["active"].as_bool()).ok_or(answer)
    }
}

/// A text of an answer.
pub fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no `{name}` in {value}")).to_owned()
}
