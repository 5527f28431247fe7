//! The table of endpoints.

use std::str::FromStr;

use http::Method;
use warp::{Filter, filters::BoxedFilter, reply::Response};

use super::{clients, console, decisions, description, events, keys, policies, resources, revocations};
use crate::{
    http::request::{Cors, Endpoint, Errors, endpoint},
    server::Server,
};

const GET: &[Method] = &[Method::GET];
const POST: &[Method] = &[Method::POST];
const GET_POST: &[Method] = &[Method::GET, Method::POST];
const GET_PUT: &[Method] = &[Method::GET, Method::PUT];
const GET_DELETE: &[Method] = &[Method::GET, Method::DELETE];

/// The id in `{id}:replay`.
struct Replayed(String);

impl FromStr for Replayed {
    type Err = ();

    fn from_str(segment: &str) -> Result<Self, ()> {
        segment.strip_suffix(":replay").map(|id| Self(id.to_owned())).ok_or(())
    }
}

/// The id or name in `{…}:redeliver`.
struct Redelivered(String);

impl FromStr for Redelivered {
    type Err = ();

    fn from_str(segment: &str) -> Result<Self, ()> {
        segment.strip_suffix(":redeliver").map(|id| Self(id.to_owned())).ok_or(())
    }
}

/// The endpoints under `/admin/v1`.
pub(in crate::http) fn routes(server: &Server) -> BoxedFilter<(Response,)> {
    let at = |methods| Endpoint {
        errors: Errors::Problem,
        ..Endpoint::of_standards(server, methods, Cors::No).always()
    };
    let none = || Vec::<String>::new();
    let one = |id: String| vec![id];
    let base = || warp::path("admin").and(warp::path("v1"));
    endpoint(at(GET), base().and(warp::path!("openapi.json")).map(none), description)
        .or(endpoint(at(GET_POST), base().and(warp::path!("clients")).map(none), clients::clients))
        .unify()
        .or(endpoint(
            at(&[Method::GET, Method::PUT, Method::DELETE]),
            base().and(warp::path!("clients" / String)).map(one),
            clients::client,
        ))
        .unify()
        .or(endpoint(
            at(POST),
            base().and(warp::path!("clients" / String / "secret")).map(one),
            clients::secret,
        ))
        .unify()
        .or(endpoint(at(GET), base().and(warp::path!("sessions")).map(none), resources::sessions))
        .unify()
        .or(endpoint(
            at(GET_DELETE),
            base().and(warp::path!("sessions" / String)).map(one),
            resources::session,
        ))
        .unify()
        .boxed()
        .or(endpoint(at(GET), base().and(warp::path!("authorizations")).map(none), resources::authorizations))
        .unify()
        .or(endpoint(
            at(GET_DELETE),
            base().and(warp::path!("authorizations" / String)).map(one),
            resources::authorization,
        ))
        .unify()
        .or(endpoint(at(GET_PUT), base().and(warp::path!("subjects" / String)).map(one), resources::subject))
        .unify()
        .or(endpoint(at(POST), base().and(warp::path!("revocations")).map(none), revocations::revocations))
        .unify()
        .or(endpoint(
            at(POST),
            base().and(warp::path!("global-token-revocation")).map(none),
            revocations::global,
        ))
        .unify()
        .boxed()
        .or(endpoint(at(POST), base().and(warp::path!("console-links")).map(none), console::links))
        .unify()
        .or(endpoint(at(GET), base().and(warp::path!("keys")).map(none), keys::keys))
        .unify()
        .or(endpoint(at(POST), base().and(warp::path!("keys:rotate")).map(none), keys::rotate))
        .unify()
        .or(endpoint(at(POST), base().and(warp::path!("keys" / String)).map(one), keys::revoke))
        .unify()
        .boxed()
        .or(endpoint(at(GET), base().and(warp::path!("policies")).map(none), policies::policies))
        .unify()
        .or(endpoint(
            at(&[Method::GET, Method::PATCH]),
            base().and(warp::path!("policies" / String)).map(one),
            policies::policy,
        ))
        .unify()
        .or(endpoint(
            at(POST),
            base().and(warp::path!("policies" / String / "cache:purge")).map(one),
            policies::purge,
        ))
        .unify()
        .or(endpoint(at(POST), base().and(warp::path!("policies:simulate")).map(none), policies::simulate))
        .unify()
        .or(endpoint(at(GET), base().and(warp::path!("decisions")).map(none), decisions::decisions))
        .unify()
        .or(endpoint(
            at(POST),
            base().and(warp::path!("decisions" / Replayed)).map(|Replayed(id)| vec![id]),
            decisions::replay,
        ))
        .unify()
        .or(endpoint(at(GET), base().and(warp::path!("decisions" / String)).map(one), decisions::decision))
        .unify()
        .or(of_events(server))
        .unify()
        .boxed()
}

/// What is told to others, and who is told.
fn of_events(server: &Server) -> BoxedFilter<(Response,)> {
    let at = |methods| Endpoint {
        errors: Errors::Problem,
        ..Endpoint::of_standards(server, methods, Cors::No).always()
    };
    let none = || Vec::<String>::new();
    let one = |id: String| vec![id];
    let base = || warp::path("admin").and(warp::path("v1"));
    endpoint(at(GET), base().and(warp::path!("event-receivers")).map(none), events::receivers)
        .or(endpoint(
            at(POST),
            base().and(warp::path!("event-receivers" / Redelivered)).map(|Redelivered(id)| vec![id]),
            events::redeliver_all,
        ))
        .unify()
        .or(endpoint(
            at(&[Method::GET, Method::PATCH]),
            base().and(warp::path!("event-receivers" / String)).map(one),
            events::receiver,
        ))
        .unify()
        .or(endpoint(at(GET), base().and(warp::path!("deliveries")).map(none), events::deliveries))
        .unify()
        .or(endpoint(
            at(POST),
            base().and(warp::path!("deliveries" / Redelivered)).map(|Redelivered(id)| vec![id]),
            events::redeliver,
        ))
        .unify()
        .or(endpoint(
            at(GET_DELETE),
            base().and(warp::path!("deliveries" / String)).map(one),
            events::delivery,
        ))
        .unify()
        .boxed()
}
