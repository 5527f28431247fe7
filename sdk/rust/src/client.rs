//! Clients of the APIs behind the private listener: of the interaction API, for login apps, and of the admin API.

mod admin;

pub use admin::AdminClient;

use std::time::Duration;

use reqwest::{Method, StatusCode, header};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use crate::{
    grant::Object,
    interaction::{Answer, Open, Prompt},
    problem::Problem,
    resources::{AuthorizationInfo, ConsentInfo, Page, Report, SessionList},
};

/// Answers larger than this are refused.
const MAX_ANSWER: usize = 1 << 20;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server refused; `Problem::code` says why.
    #[error("{} ({}): {}", .0.title, .0.code, .0.detail.as_deref().unwrap_or("no detail"))]
    Refused(Box<Problem>),
    /// The server could not be reached, or did not answer in time.
    #[error("the server cannot be reached: {0}")]
    Unreachable(#[source] reqwest::Error),
    /// The answer was not what the contract says.
    #[error("unexpected answer: {0}")]
    Unexpected(String),
}

impl Error {
    /// The problem's stable code, where the server refused.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(problem) => Some(&problem.code),
            _ => None,
        }
    }
}

/// Who is called, and as whom.
#[derive(Clone)]
struct Caller {
    http: reqwest::Client,
    base: String,
    token: String,
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Caller").field("base", &self.base).finish_non_exhaustive()
    }
}

/// A client of the interaction API; cheap to clone.
#[derive(Clone, Debug)]
pub struct UiClient(Caller);

impl UiClient {
    /// A client for the API at `base` (`http://127.0.0.1:8081/ui/v1`), authenticated by the bearer `token`.
    pub fn new(base: &str, token: &str) -> Result<Self, Error> {
        Caller::new(base, token).map(Self)
    }

    /// The current prompt; safe to repeat.
    pub async fn current(&self, id: &str) -> Result<Prompt, Error> {
        self.0.call(Method::GET, &format!("/interactions/{}", segment(id)), None::<&()>).await
    }

    /// What waits for a user without a browser: interactions of this kind, `ciba`.
    pub async fn waiting(&self, kind: &str, sub: &str) -> Result<Page<Prompt>, Error> {
        let path = format!("/interactions?kind={}&sub={}&state=open", segment(kind), segment(sub));
        self.0.call(Method::GET, &path, None::<&()>).await
    }

    /// Opens an interaction (headless front door).
    pub async fn open(&self, open: &Open) -> Result<Prompt, Error> {
        self.0.call(Method::POST, "/interactions", Some(open)).await
    }

    /// Answers the prompt of `step` and gives the next one. Sending the same answer again gives the same prompt.
    pub async fn answer(&self, id: &str, step: u32, answer: &Answer) -> Result<Prompt, Error> {
        self.0.call(Method::PUT, &format!("/interactions/{}/steps/{step}", segment(id)), Some(answer)).await
    }

    /// Stores scratch state with the interaction (at most 8 KiB); prompts show it as `data`.
    pub async fn put_data(&self, id: &str, data: &Object) -> Result<(), Error> {
        self.0.send(Method::PUT, &format!("/interactions/{}/data", segment(id)), Some(data)).await.map(drop)
    }

    /// Abandons an interaction silently.
    pub async fn abandon(&self, id: &str) -> Result<(), Error> {
        self.0.send(Method::DELETE, &format!("/interactions/{}", segment(id)), None::<&()>).await.map(drop)
    }

    /// The live sessions of a user; `cursor` is the `next_cursor` of the page before.
    pub async fn sessions(&self, sub: &str, cursor: Option<&str>) -> Result<SessionList, Error> {
        self.0.call(Method::GET, &of_user("/sessions", sub, cursor), None::<&()>).await
    }

    /// Ends a session.
    pub async fn end_session(&self, id: &str) -> Result<(), Error> {
        self.0.send(Method::DELETE, &format!("/sessions/{}", segment(id)), None::<&()>).await.map(drop)
    }

    /// Ends all sessions of a user.
    pub async fn end_sessions(&self, sub: &str) -> Result<(), Error> {
        self.0.send(Method::DELETE, &format!("/sessions?sub={}", segment(sub)), None::<&()>).await.map(drop)
    }

    /// The remembered consents of a user; `cursor` is the `next_cursor` of the page before.
    pub async fn consents(&self, sub: &str, cursor: Option<&str>) -> Result<Page<ConsentInfo>, Error> {
        self.0.call(Method::GET, &of_user("/consents", sub, cursor), None::<&()>).await
    }

    /// Withdraws a consent: every authorization granted under it ends.
    pub async fn delete_consent(&self, id: &str) -> Result<(), Error> {
        self.0.send(Method::DELETE, &format!("/consents/{}", segment(id)), None::<&()>).await.map(drop)
    }

    /// The authorizations of a user; `cursor` is the `next_cursor` of the page before.
    pub async fn authorizations(
        &self,
        sub: &str,
        cursor: Option<&str>,
    ) -> Result<Page<AuthorizationInfo>, Error> {
        self.0.call(Method::GET, &of_user("/authorizations", sub, cursor), None::<&()>).await
    }

    /// Revokes an authorization and its tokens.
    pub async fn revoke_authorization(&self, id: &str) -> Result<(), Error> {
        self.0.send(Method::DELETE, &format!("/authorizations/{}", segment(id)), None::<&()>).await.map(drop)
    }

    /// Reports a fact that the server cannot see.
    pub async fn report(&self, report: &Report) -> Result<(), Error> {
        self.0.send(Method::POST, "/reports", Some(report)).await.map(drop)
    }
}

impl Caller {
    fn new(base: &str, token: &str) -> Result<Self, Error> {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(10))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(Error::Unreachable)?;
        Ok(Self { http, base: base.trim_end_matches('/').to_owned(), token: token.to_owned() })
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<T, Error> {
        let bytes = self.send(method, path, body).await?;
        serde_json::from_slice(&bytes).map_err(|e| Error::Unexpected(e.to_string()))
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<Vec<u8>, Error> {
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(&self.token)
            .header(header::ACCEPT, "application/json, application/problem+json");
        if let Some(body) = body {
            request = request.json(body);
        }
        let mut response = request.send().await.map_err(Error::Unreachable)?;
        let status = response.status();
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(Error::Unreachable)? {
            if bytes.len() + chunk.len() > MAX_ANSWER {
                return Err(Error::Unexpected("the answer is too large".to_owned()));
            }
            bytes.extend_from_slice(&chunk);
        }
        if status.is_success() { Ok(bytes) } else { Err(refusal(status, &bytes)) }
    }
}

fn refusal(status: StatusCode, bytes: &[u8]) -> Error {
    match serde_json::from_slice::<Problem>(bytes) {
        Ok(problem) if !problem.code.is_empty() => Error::Refused(Box::new(problem)),
        _ => Error::Unexpected(json!({ "status": status.as_u16() }).to_string()),
    }
}

fn of_user(path: &str, sub: &str, cursor: Option<&str>) -> String {
    let more = cursor.map(|cursor| format!("&cursor={}", segment(cursor))).unwrap_or_default();
    format!("{path}?sub={}{more}", segment(sub))
}

/// Percent-encodes everything that is not unreserved (RFC 3986), so that an id is always one path segment.
fn segment(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(byte.into());
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}
