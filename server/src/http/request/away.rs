//! Requests for which there is no room even in the line.

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, Method, header};
use warp::reply::Response;

use super::{Cors, Endpoint, knows};
use crate::{
    admission::{Admission, Shed},
    http::reply,
};

/// The answer to a request for which there is no room, and who says when it is given. Those who are sent away must not cost what is
/// missing for the others: nothing is looked at but where they come to, and whether from a page of another origin. People are
/// sent away later, in their language.
pub(super) fn at_once(
    endpoint: &Endpoint,
    (method, headers): (&Method, &HeaderMap),
    id: &str,
) -> Option<(Response, Arc<Admission>)> {
    let admission = endpoint.server.admission(endpoint.door?);
    if endpoint.pages || !knows(endpoint.methods, method) || !admission.is_full() {
        return None;
    }
    let metrics = endpoint.server.metrics().http();
    metrics.shed(&endpoint.name, Shed::Full);
    let mut response = reply::busy(endpoint.errors);
    if endpoint.cors == Cors::Any && headers.contains_key(header::ORIGIN) {
        reply::allow_any_origin(&mut response);
    }
    reply::set_request_id(&mut response, id);
    metrics.answered(&endpoint.name, response.status().as_u16(), Duration::ZERO);
    tracing::debug!(id, endpoint = %endpoint.name, "sent away: too many wait");
    Some((response, Arc::clone(admission)))
}
