//! The addresses of this app.

use std::{convert::Infallible, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use warp::{
    Filter,
    filters::BoxedFilter,
    reject::Rejection,
    reply::{Reply, Response},
};

use crate::{account, app::App, approve, brand::Asset, failure, flow, page, step::Step, visit::Visit};

/// The largest form.
const MAX_FORM: u64 = 64 * 1024;

/// All addresses.
pub(crate) fn all(app: &Arc<App>) -> impl Filter<Extract = (Response,), Error = Infallible> + Clone + use<> {
    let root = warp::path::end().and(warp::get()).and(visit(app)).then(flow::enter).boxed();
    let health = warp::path!("healthz").and(warp::get()).map(|| "ok\n".into_response()).boxed();
    let approve = own_page(app, approve::PATH, approve::show, approve::submit);
    let account = own_page(app, account::PATH, account::show, account::submit);
    let own = root.or(health).unify().or(approve).unify().or(account).unify().boxed();
    let pages = Step::ALL
        .into_iter()
        .fold(own, |routes, step| routes.or(show(app, step)).unify().or(submit(app, step)).unify().boxed());
    let lost = visit(app).map(move |visit: Visit| {
        let t = visit.text(None);
        failure::plain(&visit, StatusCode::NOT_FOUND, t.not_found_title, t.not_found)
    });
    let lost = warp::get().and(lost).boxed();
    pages.or(assets(app)).unify().or(lost).unify().boxed().recover(refuse).unify()
}

fn show(app: &Arc<App>, step: Step) -> BoxedFilter<(Response,)> {
    warp::path(step.name())
        .and(warp::path::end())
        .and(warp::get())
        .and(visit(app))
        .then(move |visit| flow::show(step, visit))
        .boxed()
}

fn submit(app: &Arc<App>, step: Step) -> BoxedFilter<(Response,)> {
    warp::path(step.name())
        .and(warp::path::end())
        .and(warp::post())
        .and(warp::body::content_length_limit(MAX_FORM))
        .and(visit(app))
        .and(warp::body::bytes())
        .then(move |visit, body: Bytes| flow::submit(step, visit, body))
        .boxed()
}

/// A page that belongs to no interaction.
fn own_page<S, A, F, G>(app: &Arc<App>, path: &'static str, show: S, submit: A) -> BoxedFilter<(Response,)>
where
    S: Fn(Visit) -> F + Clone + Send + Sync + 'static,
    A: Fn(Visit, Bytes) -> G + Clone + Send + Sync + 'static,
    F: Future<Output = Response> + Send + 'static,
    G: Future<Output = Response> + Send + 'static,
{
    let path = || warp::path(path).and(warp::path::end());
    let show = path().and(warp::get()).and(visit(app)).then(show).boxed();
    let submit = path()
        .and(warp::post())
        .and(warp::body::content_length_limit(MAX_FORM))
        .and(visit(app))
        .and(warp::body::bytes())
        .then(submit)
        .boxed();
    show.or(submit).unify().boxed()
}

fn visit(app: &Arc<App>) -> impl Filter<Extract = (Visit,), Error = Infallible> + Clone + use<> {
    let app = Arc::clone(app);
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    warp::header::headers_cloned()
        .and(query)
        .and(warp::addr::remote())
        .map(move |headers: HeaderMap, query, peer| Visit::new(Arc::clone(&app), &headers, query, peer))
}

/// Files that are the same for everybody.
fn assets(app: &Arc<App>) -> BoxedFilter<(Response,)> {
    let file = |app: &Arc<App>, name: &'static str, make: fn(&App) -> Option<Asset>| {
        let app = Arc::clone(app);
        warp::path("assets")
            .and(warp::path(name))
            .and(warp::path::end())
            .and(warp::get())
            .map(move || asset(make(&app)))
            .boxed()
    };
    let style = file(app, "style.css", |app| {
        Some(Asset { media_type: "text/css; charset=utf-8", bytes: app.brand.style.clone().into_bytes() })
    });
    let icon = file(app, "icon.svg", |app| {
        Some(Asset { media_type: "image/svg+xml", bytes: app.brand.icon.clone().into_bytes() })
    });
    let logo = file(app, "logo", |app| app.brand.logo.clone());
    style.or(icon).unify().or(logo).unify().boxed()
}

fn asset(file: Option<Asset>) -> Response {
    let Some(Asset { media_type, bytes }) = file else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut response = bytes.into_response();
    for (name, value) in [
        (header::CONTENT_TYPE, media_type),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // A picture is a document too when it is opened by itself.
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; sandbox"),
    ] {
        page::put(&mut response, name, value);
    }
    response
}

/// Refusals of the framework: other methods, forms without a length or too large.
async fn refuse(rejection: Rejection) -> Result<Response, Infallible> {
    let status = if rejection.find::<warp::reject::PayloadTooLarge>().is_some() {
        StatusCode::PAYLOAD_TOO_LARGE
    } else if rejection.find::<warp::reject::LengthRequired>().is_some() {
        StatusCode::LENGTH_REQUIRED
    } else if rejection.is_not_found() {
        StatusCode::NOT_FOUND
    } else if rejection.find::<warp::reject::MethodNotAllowed>().is_some() {
        StatusCode::METHOD_NOT_ALLOWED
    } else {
        tracing::error!(?rejection, "a request was refused for a reason that has no answer");
        StatusCode::INTERNAL_SERVER_ERROR
    };
    let mut response = status.into_response();
    if status == StatusCode::METHOD_NOT_ALLOWED {
        page::put(&mut response, header::ALLOW, "GET, POST");
    }
    Ok(response)
}
