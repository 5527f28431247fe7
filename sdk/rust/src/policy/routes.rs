//! A sidecar as a `warp` filter.

use std::{sync::Arc, time::Duration};

use bytes::{Buf, BytesMut};
use futures_util::{Stream, StreamExt as _, pin_mut};
use http::{HeaderMap, Method, StatusCode};
use warp::{Filter, filters::BoxedFilter, reply::Response};

use super::{
    hooks::Policy,
    service::{MAX_REQUEST, Refusal, Reply, Service},
    settings::Settings,
};

/// How long a request may take to come in.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// The sidecar's routes, for those who have a server already: decisions at the path of its id and at `decide` below
/// it, the discovery document at `/.well-known/placet-policy`, and `healthz`. Paths below that of the id are served
/// at the root too, where a proxy has taken the path away.
///
/// The discovery document stands in the root of the server (RFC 8615), so this must not be mounted below a path.
pub fn routes<P: Policy>(policy: P, settings: Settings) -> BoxedFilter<(Response,)> {
    filter(&Arc::new(Service::new(policy, settings)))
}

pub(super) fn filter<P: Policy>(service: &Arc<Service<P>>) -> BoxedFilter<(Response,)> {
    let below = below(service.settings.path());
    let well_known = warp::path(".well-known").and(warp::path("placet-policy"));
    let document = service.clone();
    let document =
        well_known.and(below.clone()).and(warp::path::end()).and(warp::method()).map(
            move |method: Method| told(&method, || Reply::new(StatusCode::OK, document.document.clone())),
        );
    let health = below
        .clone()
        .and(warp::path("healthz"))
        .and(warp::path::end())
        .and(warp::method())
        .map(|method: Method| told(&method, || Reply::new(StatusCode::OK, r#"{"status":"ok"}"#.into())));
    let asked = service.clone();
    let decide = warp::path("decide").or(warp::any()).unify();
    let decide = below
        .and(decide)
        .and(warp::path::end())
        .and(warp::method())
        .and(warp::header::headers_cloned())
        .and(warp::body::stream())
        .then(move |method, headers, body| decide_on(asked.clone(), method, headers, body));
    document.or(health).unify().or(decide).unify().boxed()
}

/// The path of the id, or nothing.
fn below(path: &str) -> BoxedFilter<()> {
    let mut whole = warp::any().boxed();
    for name in path.split('/').filter(|name| !name.is_empty()) {
        whole = whole.and(warp::path(name.to_owned())).boxed();
    }
    whole.or(warp::any()).unify().boxed()
}

fn told(method: &Method, reply: impl FnOnce() -> Reply) -> Response {
    if matches!(*method, Method::GET | Method::HEAD) {
        return response(reply());
    }
    let mut refused = Refusal::Method.reply(None);
    refused.headers.insert(http::header::ALLOW, http::HeaderValue::from_static("GET, HEAD"));
    response(refused)
}

async fn decide_on<P: Policy>(
    service: Arc<Service<P>>,
    method: Method,
    headers: HeaderMap,
    body: impl Stream<Item = Result<impl Buf, warp::Error>>,
) -> Response {
    if method != Method::POST {
        return response(Refusal::Method.reply(None));
    }
    let body = match tokio::time::timeout(BODY_TIMEOUT, collect(body)).await {
        Ok(Ok(body)) => body.freeze(),
        Ok(Err(refusal)) => return response(refusal.reply(None)),
        Err(_) => {
            return response(Refusal::Malformed.reply(Some("the body did not come in time".to_owned())));
        }
    };
    response(service.respond(&headers, &body).await)
}

async fn collect(body: impl Stream<Item = Result<impl Buf, warp::Error>>) -> Result<BytesMut, Refusal> {
    pin_mut!(body);
    let mut whole = BytesMut::new();
    while let Some(part) = body.next().await {
        let part = part.map_err(|_| Refusal::Malformed)?;
        if whole.len() + part.remaining() > MAX_REQUEST {
            return Err(Refusal::TooLarge);
        }
        bytes::BufMut::put(&mut whole, part);
    }
    Ok(whole)
}

fn response(reply: Reply) -> Response {
    let mut response = Response::new(reply.body.into());
    *response.status_mut() = reply.status;
    *response.headers_mut() = reply.headers;
    response
}
