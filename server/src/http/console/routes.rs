//! The table of pages.

use warp::{Filter, filters::BoxedFilter, reply::Response};

use super::{clients, decisions, flows, frame, keys, people, policies, search, sign_in, simulate};
use crate::{
    http::request::{Cors, Endpoint, Errors, endpoint},
    server::Server,
};

const GET: &[http::Method] = &[http::Method::GET];
const POST: &[http::Method] = &[http::Method::POST];
const GET_POST: &[http::Method] = &[http::Method::GET, http::Method::POST];

/// The pages under `/console`.
pub(in crate::http) fn routes(server: &Server) -> BoxedFilter<(Response,)> {
    let at = |methods| Endpoint {
        errors: Errors::Problem,
        ..Endpoint::of_standards(server, methods, Cors::No).always()
    };
    let none = || Vec::<String>::new();
    let one = |id: String| vec![id];
    let base = || warp::path("console");
    endpoint(at(GET), base().and(warp::path::end()).map(none), sign_in::home)
        .or(endpoint(at(GET_POST), base().and(warp::path!("sign-in")).map(none), sign_in::sign_in))
        .unify()
        .or(endpoint(at(POST), base().and(warp::path!("sign-out")).map(none), sign_in::sign_out))
        .unify()
        .or(endpoint(at(GET), base().and(warp::path!("assets" / String)).map(one), frame::asset))
        .unify()
        .or(endpoint(at(GET), base().and(warp::path!("search")).map(none), search::search))
        .unify()
        .or(endpoint(at(GET), base().and(warp::path!("flows")).map(none), flows::flows))
        .unify()
        .or(endpoint(at(GET), base().and(warp::path!("flows" / String)).map(one), flows::flow))
        .unify()
        .boxed()
        .or(endpoint(at(GET), base().and(warp::path!("decisions")).map(none), decisions::decisions))
        .unify()
        .or(endpoint(
            at(GET_POST),
            base().and(warp::path!("decisions" / String)).map(one),
            decisions::decision,
        ))
        .unify()
        .or(endpoint(at(GET_POST), base().and(warp::path!("policies")).map(none), policies::policies))
        .unify()
        .or(endpoint(at(GET_POST), base().and(warp::path!("simulate")).map(none), simulate::simulate))
        .unify()
        .or(endpoint(at(GET), base().and(warp::path!("clients")).map(none), clients::clients))
        .unify()
        .or(endpoint(at(GET), base().and(warp::path!("client")).map(none), clients::client))
        .unify()
        .or(endpoint(at(GET_POST), base().and(warp::path!("people")).map(none), people::people))
        .unify()
        .or(endpoint(at(GET_POST), base().and(warp::path!("keys")).map(none), keys::keys))
        .unify()
        .boxed()
}
