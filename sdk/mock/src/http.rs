//! One listener: the interaction API below `/ui/v1`, and the mock's own pages.

mod api;
mod pages;
mod reply;
mod resources;

use std::{convert::Infallible, time::Duration};

use ::http::{HeaderMap, Method, StatusCode, header};
use bytes::{BufMut as _, BytesMut};
use futures_util::{Stream, StreamExt as _, pin_mut};
use warp::{Buf, Filter, filters::BoxedFilter, path::FullPath, reply::Response};

use crate::{problem::problem, state::Shared};

/// Bodies larger than this are refused.
const MAX_BODY: usize = 128 * 1024;
/// A body has to come within this time.
const BODY_TIMEOUT: Duration = Duration::from_secs(15);

/// A request.
#[derive(Debug)]
struct Request {
    method: Method,
    /// The path, in pieces.
    path: Vec<String>,
    query: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Request {
    /// The only value of a header; none if it is absent, repeated or not text.
    fn header(&self, name: impl header::AsHeaderName) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let first = values.next()?.to_str().ok()?;
        values.next().is_none().then_some(first)
    }

    /// A piece of the path.
    fn part(&self, at: usize) -> &str {
        self.path.get(at).map(String::as_str).unwrap_or_default()
    }

    /// The first value of a parameter of the query.
    fn parameter(&self, name: &str) -> Option<String> {
        parameter(&self.query, name)
    }

    /// The value of a cookie.
    fn cookie(&self, name: &str) -> Option<&str> {
        let lines = self.headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
        let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}

/// The first value of a parameter.
fn parameter(query: &str, name: &str) -> Option<String> {
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

/// Everything that the mock serves.
pub(crate) fn routes(state: &Shared) -> BoxedFilter<(Response,)> {
    let state = state.clone();
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    warp::method()
        .and(warp::path::full())
        .and(query)
        .and(warp::header::headers_cloned())
        .and(warp::body::stream())
        .then(move |method, path: FullPath, query, headers, body| {
            let state = state.clone();
            let path = path.as_str().split('/').skip(1).map(str::to_owned).collect();
            async move {
                let body = match tokio::time::timeout(BODY_TIMEOUT, collect(body)).await {
                    Ok(Ok(body)) => body,
                    Ok(Err(refused)) => return refused,
                    Err(_) => return reply::problem(&problem(408, "invalid_request", "no body came").into()),
                };
                answer(&state, &Request { method, path, query, headers, body })
            }
        })
        .recover(|_| async {
            Ok::<_, Infallible>(reply::problem(&problem(404, "not_found", "there is nothing here").into()))
        })
        .unify()
        .boxed()
}

async fn collect(body: impl Stream<Item = Result<impl Buf, warp::Error>>) -> Result<Vec<u8>, Response> {
    pin_mut!(body);
    let mut whole = BytesMut::new();
    while let Some(part) = body.next().await {
        let part =
            part.map_err(|_| reply::problem(&problem(400, "invalid_request", "the body broke off").into()))?;
        if whole.len() + part.remaining() > MAX_BODY {
            let refused = problem(413, "payload_too_large", "bodies have at most 128 KiB");
            return Err(reply::problem(&refused.into()));
        }
        whole.put(part);
    }
    Ok(whole.to_vec())
}

fn answer(state: &Shared, request: &Request) -> Response {
    let parts: Vec<&str> = request.path.iter().map(String::as_str).collect();
    let response = match parts.as_slice() {
        ["ui", "v1", rest @ ..] => api::answer(state, request, rest),
        _ => pages::answer(state, request, &parts),
    };
    let level_of = |status: StatusCode| status.is_client_error() || status.is_server_error();
    let (method, path, status) = (&request.method, request.path.join("/"), response.status());
    if level_of(status) {
        tracing::warn!("{method} /{path} {}", status.as_u16());
    } else {
        tracing::info!("{method} /{path} {}", status.as_u16());
    }
    response
}
