//! The HTTP client that the library speaks through.

use std::{future::Future, pin::Pin, time::Duration};

use openidconnect::{HttpRequest, HttpResponse};
use reqwest::redirect::Policy;

/// Answers larger than this are refused.
const MAX_ANSWER: usize = 256 << 10;

/// Why the provider gave no answer that could be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HttpError {
    #[error("the provider cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    #[error("the request cannot be made")]
    Request(#[source] reqwest::Error),
    #[error("the answer is larger than {MAX_ANSWER} bytes")]
    TooLarge,
}

type Answer = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send>>;

/// Calls the provider. It follows no redirects: an answer must come from whom we asked.
pub(crate) struct Http(reqwest::Client);

impl Http {
    pub(crate) fn new() -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .redirect(Policy::none())
            .timeout(Duration::from_secs(10))
            .connect_timeout(Duration::from_secs(3))
            .no_proxy()
            .build()?;
        Ok(Self(client))
    }

    /// The form in which the library takes an HTTP client.
    pub(crate) fn caller(&self) -> impl Fn(HttpRequest) -> Answer + Send + Sync + use<> {
        let client = self.0.clone();
        move |request| Box::pin(send(client.clone(), request))
    }
}

async fn send(client: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, HttpError> {
    let request = request.try_into().map_err(HttpError::Request)?;
    let mut answer = client.execute(request).await.map_err(HttpError::Unreachable)?;
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(HttpError::Unreachable)? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(HttpError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    let mut response = HttpResponse::new(body);
    *response.status_mut() = answer.status();
    *response.headers_mut() = answer.headers().clone();
    Ok(response)
}
