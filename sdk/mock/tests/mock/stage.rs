//! A mock, and a browser with an app in one: what the tests need of both.

use std::{fs, path::PathBuf};

use jsonschema::Validator;
use placet_mock::{DEVELOPMENT_TOKEN, Mock, Settings};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, header, redirect};
use serde_json::Value;

/// Where the app of the tests would be; nobody listens there.
pub(crate) const UI: &str = "http://localhost:9/login";

/// A mock that serves.
pub(crate) struct Stage {
    pub(crate) http: Client,
    pub(crate) base: String,
    token: String,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: header::HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// Status and code of a refusal, which is a proper problem document.
    pub(crate) fn problem(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let body = self.json();
        valid("problem", &body);
        (self.status.as_u16(), body["code"].as_str().unwrap().to_owned())
    }
}

pub(crate) fn settings(scenarios: &[&str]) -> Settings {
    Settings {
        listen: "127.0.0.1:0".parse().unwrap(),
        ui: UI.parse().unwrap(),
        issuer: None,
        scenarios: scenarios.iter().map(|name| (*name).to_owned()).collect(),
        token: DEVELOPMENT_TOKEN.to_owned(),
        capabilities: ["set_tokens", "sessions", "authorizations", "report"].map(str::to_owned).to_vec(),
        headless: false,
    }
}

/// Checks a document against its published schema.
pub(crate) fn valid(schema: &str, document: &Value) {
    let errors: Vec<String> = validator(schema).iter_errors(document).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{schema}: {errors:?}: {document:#}");
}

fn validator(name: &str) -> Validator {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../schemas/1/{name}.json"));
    let schema: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
}

impl Stage {
    pub(crate) async fn start() -> Self {
        Self::with(settings(&["all"])).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        let token = settings.token.clone();
        let mock = Mock::bind(settings).await.unwrap();
        let base = format!("http://{}", mock.address().unwrap());
        tokio::spawn(mock.run(std::future::pending()));
        let http = Client::builder().redirect(redirect::Policy::none()).no_proxy().build().unwrap();
        Self { http, base, token }
    }

    pub(crate) async fn send(&self, request: RequestBuilder) -> Reply {
        let response: Response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        Reply { status, headers, text: response.text().await.unwrap() }
    }

    /// Reads a page of the mock.
    pub(crate) async fn page(&self, path: &str) -> Reply {
        self.send(self.http.get(format!("{}{path}", self.base))).await
    }

    /// Starts a scenario, and gives the id that the app gets and the browser's cookie.
    pub(crate) async fn begin(&self, scenario: &str) -> (String, String) {
        let sent = self.page(&format!("/start/{scenario}")).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text);
        let location = sent.header("location");
        let rest = location.strip_prefix(UI).unwrap_or_else(|| panic!("{location}"));
        let rest = rest.strip_prefix("?interaction=").unwrap();
        let (id, issuer) = rest.split_once("&iss=").unwrap();
        assert!(id.starts_with("ia_") && id.len() == 41, "{id}");
        assert!(issuer.starts_with("http%3A%2F%2Flocalhost%3A"), "{issuer}");
        let cookie = sent.header("set-cookie").split(';').next().unwrap().to_owned();
        (id.to_owned(), cookie)
    }

    /// A call of the interaction API.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}/ui/v1{path}", self.base)).bearer_auth(&self.token)
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        self.send(self.request(Method::DELETE, path)).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Reply {
        self.send(self.request(Method::PUT, path).json(body)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// Answers a step.
    pub(crate) async fn answer(&self, id: &str, step: u64, body: &Value) -> Reply {
        self.put(&format!("/interactions/{id}/steps/{step}"), body).await
    }

    /// What the mock says about a run.
    pub(crate) async fn report(&self, id: &str) -> Value {
        self.page(&format!("/runs/{id}.json")).await.json()
    }

    /// Follows the last prompt back to the mock.
    pub(crate) async fn back(&self, prompt: &Value, cookie: &str) -> Reply {
        let uri = prompt["response"]["delivery"]["uri"].as_str().unwrap();
        let path = &uri[uri.find("/resume").unwrap()..];
        self.send(self.http.get(format!("{}{path}", self.base)).header(header::COOKIE, cookie)).await
    }
}
