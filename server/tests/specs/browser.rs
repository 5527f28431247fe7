//! A browser without a window, and answers as they are read.

use std::collections::BTreeMap;

use reqwest::{Client, Response, StatusCode, header, redirect};
use serde_json::Value;

use super::{CALLBACK, CHALLENGE, Stand};

/// A client that follows nothing.
pub fn http_client() -> Client {
    Client::builder().redirect(redirect::Policy::none()).no_proxy().build().unwrap()
}

/// Parameters of a response.
pub type Params = BTreeMap<String, String>;

/// An answer that was read.
#[derive(Debug)]
pub struct Reply {
    /// Status.
    pub status: u16,
    /// Headers.
    pub headers: header::HeaderMap,
    /// Body as text.
    pub text: String,
    /// Body as JSON, null if it is none.
    pub json: Value,
}

impl Reply {
    /// Reads an answer.
    pub async fn read(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Self { status, headers, text, json }
    }

    /// A header.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }

    /// The OAuth error code or problem code.
    pub fn error(&self) -> &str {
        self.json["error"].as_str().or(self.json["code"].as_str()).unwrap_or("")
    }

    /// The id of the interaction in a redirect to the login app.
    pub fn interaction(&self) -> String {
        let location = self.header("location");
        assert!(location.starts_with("https://login.example/start?"), "{self:?}");
        query(location)["interaction"].clone()
    }

    /// The parameters of a redirect to the client, in query or fragment.
    pub fn params(&self) -> Params {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{self:?}");
        query(self.header("location"))
    }
}

/// The parameters in a URL's query or fragment.
pub fn query(url: &str) -> Params {
    let (_, query) = url.split_once(['?', '#']).unwrap_or_default();
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

/// The claims of a JWT, unverified.
pub fn claims(jwt: &str) -> Value {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(jwt.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

/// A browser: keeps cookies, follows nothing.
#[derive(Clone, Debug)]
pub struct Browser {
    /// Its cookies.
    pub cookies: BTreeMap<String, String>,
    http: Client,
    language: Option<&'static str>,
}

impl Browser {
    /// A fresh browser.
    pub fn new() -> Self {
        Self { cookies: BTreeMap::new(), http: http_client(), language: None }
    }

    /// One whose user reads this language best (`Accept-Language`).
    pub fn speaking(language: &'static str) -> Self {
        Self { language: Some(language), ..Self::new() }
    }

    /// Gets a page.
    pub async fn get(&mut self, url: &str) -> Reply {
        let request = self.http.get(url);
        self.send(request).await
    }

    /// Posts a form.
    pub async fn post(&mut self, url: &str, form: &[(&str, &str)]) -> Reply {
        let request = self.http.post(url).form(form);
        self.send(request).await
    }

    async fn send(&mut self, request: reqwest::RequestBuilder) -> Reply {
        let line: Vec<String> = self.cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
        let request = match self.language {
            Some(language) => request.header(header::ACCEPT_LANGUAGE, language),
            None => request,
        };
        let response = request.header(header::COOKIE, line.join("; ")).send().await.unwrap();
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            let text = cookie.to_str().unwrap();
            let (name, value) = text.split(';').next().unwrap().split_once('=').unwrap();
            if text.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Reply::read(response).await
    }

    /// Sends an authorization request of a client: `code`, `openid`, PKCE, unless `extra` says otherwise (an empty
    /// value leaves a parameter out).
    pub async fn authorize(&mut self, stand: &Stand, client: &str, extra: &[(&str, &str)]) -> Reply {
        let mut asked = vec![("client_id", client)];
        asked.extend_from_slice(extra);
        let params = request(&asked);
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
        self.get(&format!("{}/authorize?{query}", stand.issuer)).await
    }
}

/// The parameters of the usual request, with those of `extra` over them; an empty value leaves one out.
pub fn request<'a>(extra: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut params: BTreeMap<&str, &str> = [
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid email"),
        ("state", "the-state"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]
    .into();
    params.extend(extra.iter().copied());
    params.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}
