//! The HTTP edge: the table of endpoints, and nothing of what they do.

mod accept;
mod admin;
pub mod authorize;
mod challenge;
mod check_session;
mod ciba;
mod console;
pub mod cookie;
mod credential;
mod device;
mod documents;
pub mod listen;
mod logout;
mod page;
mod par;
mod register;
pub mod reply;
pub mod request;
mod resume;
mod token;
mod tokens;
mod ui;

pub use documents::KEEP_KEYS;
use http::Method;
use warp::{Filter, filters::BoxedFilter, reply::Response};

use crate::{admission::Door, limits::Asked, server::Server};
use request::{Cors, Endpoint, Errors, endpoint};

const GET: &[Method] = &[Method::GET];
const POST: &[Method] = &[Method::POST];
const GET_POST: &[Method] = &[Method::GET, Method::POST];

/// The endpoints that clients call themselves, hottest first; each is announced as one of the
/// `mtls_endpoint_aliases` too.
fn of_clients(server: &Server) -> BoxedFilter<(Response,)> {
    let at = |methods, cors| Endpoint::of_standards(server, methods, cors);
    let none = || Vec::<String>::new();
    let one = |id: String| vec![id];
    endpoint(
        at(POST, Cors::Any).for_clients().taking_proofs().taking(token::MAX_BODY).limited(Asked::Token),
        warp::path!("token").map(none),
        token::token,
    )
    .or(endpoint(
        at(POST, Cors::No).for_clients().limited(Asked::Introspection),
        warp::path!("introspect").map(none),
        tokens::introspect,
    ))
    .unify()
    .or(endpoint(
        at(GET_POST, Cors::Any).taking_proofs().limited(Asked::UserInfo),
        warp::path!("userinfo").map(none),
        tokens::userinfo,
    ))
    .unify()
    .or(endpoint(
        at(POST, Cors::Any).for_clients().taking_proofs().limited(Asked::Par),
        warp::path!("par").map(none),
        par::par,
    ))
    .unify()
    .or(endpoint(
        at(POST, Cors::Any).for_clients().taking_proofs().limited(Asked::Device),
        warp::path!("device_authorization").map(none),
        device::authorization,
    ))
    .unify()
    .or(endpoint(
        at(POST, Cors::No).for_clients().taking_proofs().limited(Asked::Ciba),
        warp::path!("bc-authorize").map(none),
        ciba::bc_authorize,
    ))
    .unify()
    .or(endpoint(
        at(POST, Cors::Any).for_clients().limited(Asked::Revocation),
        warp::path!("revoke").map(none),
        tokens::revoke,
    ))
    .unify()
    .or(endpoint(
        at(POST, Cors::Any).limited(Asked::Register),
        warp::path!("register").map(none),
        register::create,
    ))
    .unify()
    .or(endpoint(
        at(&[Method::GET, Method::PUT, Method::DELETE], Cors::Any).limited(Asked::Register),
        warp::path!("register" / String).map(one),
        register::manage,
    ))
    .unify()
    .boxed()
}

/// What clients with certificates find at a listener of their own (RFC 8705 section 5). Nothing of it is for browsers:
/// they would ask people for certificates.
pub fn mutual(server: &Server) -> BoxedFilter<(Response,)> {
    of_clients(server).recover(reply::not_found).unify().boxed()
}

/// The public endpoints, hottest first.
pub fn public(server: &Server) -> BoxedFilter<(Response,)> {
    let at = |methods, cors| Endpoint::of_standards(server, methods, cors);
    let none = || Vec::<String>::new();
    let one = |id: String| vec![id];
    of_clients(server)
        .or(endpoint(at(GET, Cors::Any).always(), warp::path!("jwks").map(none), documents::jwks))
        .unify()
        .or(endpoint(
            at(GET_POST, Cors::No).limited(Asked::Authorize).for_people(),
            warp::path!("authorize").map(none),
            authorize::authorize,
        ))
        .unify()
        .or(endpoint(at(GET, Cors::No).for_people(), warp::path!("resume").map(none), resume::resume))
        .unify()
        .boxed()
        .or(endpoint(
            at(GET, Cors::Any).always(),
            warp::path!(".well-known" / "openid-configuration").map(none),
            documents::discovery,
        ))
        .unify()
        .or(endpoint(
            at(GET, Cors::Any).always(),
            warp::path!(".well-known" / "oauth-authorization-server").map(none),
            documents::discovery,
        ))
        .unify()
        .or(endpoint(
            at(GET, Cors::Any).always(),
            warp::path!(".well-known" / "oauth-protected-resource" / ..)
                .and(warp::path::tail())
                .map(|rest: warp::path::Tail| vec![rest.as_str().to_owned()]),
            documents::protected_resource,
        ))
        .unify()
        .or(endpoint(
            at(GET, Cors::Any).always(),
            warp::path!(".well-known" / "placet-resource-metadata").map(none),
            documents::resource_metadata,
        ))
        .unify()
        .or(endpoint(
            at(GET, Cors::No).limited(Asked::Authorize).for_people(),
            warp::path!("device").map(none),
            device::door,
        ))
        .unify()
        .or(endpoint(
            at(POST, Cors::Any).limited(Asked::Token),
            warp::path!("challenge").map(none),
            challenge::challenge,
        ))
        .unify()
        .or(endpoint(
            at(GET_POST, Cors::No).limited(Asked::Authorize).for_people(),
            warp::path!("logout").map(none),
            logout::logout,
        ))
        .unify()
        .or(endpoint(
            at(GET, Cors::No).always(),
            warp::path!("check_session").map(none),
            check_session::frame,
        ))
        .unify()
        .or(endpoint(
            at(GET, Cors::Any).always(),
            warp::path!(".well-known" / "placet-schemas" / "1" / String).map(one),
            documents::schema,
        ))
        .unify()
        .or(endpoint(at(GET_POST, Cors::No), warp::path!("dev" / "ciba").map(none), ciba::automatic))
        .unify()
        .or(endpoint(at(GET, Cors::No).always(), warp::path!("assets" / String).map(one), page::asset))
        .unify()
        .recover(reply::not_found)
        .unify()
        .boxed()
}

/// The private endpoints: the interaction API, and what an operator's machines look at.
pub fn private(server: &Server) -> BoxedFilter<(Response,)> {
    let at = |methods| Endpoint {
        errors: Errors::Problem,
        door: Some(Door::Apps),
        ..Endpoint::of_standards(server, methods, Cors::No)
    };
    let none = || Vec::<String>::new();
    let one = |id: String| vec![id];
    let base = || warp::path("ui").and(warp::path("v1"));
    endpoint(
        at(&[Method::PUT]),
        base().and(warp::path!("interactions" / String / "steps" / String)).map(|id, step| vec![id, step]),
        ui::step,
    )
    .or(endpoint(
        at(&[Method::GET, Method::DELETE]),
        base().and(warp::path!("interactions" / String)).map(one),
        ui::interaction,
    ))
    .unify()
    .or(endpoint(
        at(&[Method::GET, Method::PUT]),
        base().and(warp::path!("interactions" / String / "data")).map(one),
        ui::data,
    ))
    .unify()
    .or(endpoint(at(GET_POST), base().and(warp::path!("interactions")).map(none), ui::interactions))
    .unify()
    .or(endpoint(
        at(&[Method::GET, Method::DELETE]),
        base().and(warp::path!("sessions")).map(none),
        ui::sessions,
    ))
    .unify()
    .or(endpoint(
        at(&[Method::GET, Method::DELETE]),
        base().and(warp::path!("sessions" / String)).map(one),
        ui::session,
    ))
    .unify()
    .boxed()
    .or(endpoint(at(GET), base().and(warp::path!("consents")).map(none), ui::consents))
    .unify()
    .or(endpoint(at(&[Method::DELETE]), base().and(warp::path!("consents" / String)).map(one), ui::consent))
    .unify()
    .or(endpoint(at(GET), base().and(warp::path!("authorizations")).map(none), ui::authorizations))
    .unify()
    .or(endpoint(
        at(&[Method::DELETE]),
        base().and(warp::path!("authorizations" / String)).map(one),
        ui::authorization,
    ))
    .unify()
    .or(endpoint(at(POST), base().and(warp::path!("grants")).map(none), ui::grants))
    .unify()
    .or(endpoint(at(POST), base().and(warp::path!("reports")).map(none), ui::reports))
    .unify()
    .or(endpoint(at(GET), base().and(warp::path!("openapi.json")).map(none), ui::openapi))
    .unify()
    .or(admin::routes(server))
    .unify()
    .boxed()
    .or(console::routes(server))
    .unify()
    .or(endpoint(at(GET).always(), warp::path!("livez").map(none), documents::livez))
    .unify()
    .or(endpoint(at(GET).always(), warp::path!("readyz").map(none), documents::readyz))
    .unify()
    .or(endpoint(at(GET).always(), warp::path!("metrics").map(none), documents::metrics))
    .unify()
    .recover(reply::no_resource)
    .unify()
    .boxed()
}
