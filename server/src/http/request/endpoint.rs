//! What an endpoint is, before anybody asks it.

use std::sync::Arc;

use http::Method;

use crate::{admission::Door, limits::Asked, server::Server};

/// Bodies larger than this are refused, where an endpoint does not say otherwise.
const MAX_BODY: usize = 128 * 1024;

/// Whether scripts of other origins may call an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cors {
    /// They may, without cookies: the endpoint is made for clients that run in browsers.
    Any,
    /// They may not.
    No,
}

/// How an endpoint words what is refused before its handler is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errors {
    /// As OAuth errors (RFC 6749 section 5.2).
    OAuth,
    /// As problem documents (RFC 9457).
    Problem,
}

/// What an endpoint is.
#[derive(Clone)]
pub struct Endpoint {
    /// The server.
    pub server: Server,
    /// The methods it knows.
    pub methods: &'static [Method],
    /// Who may call it from a browser.
    pub cors: Cors,
    /// How errors look.
    pub errors: Errors,
    /// Whether it takes DPoP proofs, and tells the nonce for them.
    pub proofs: bool,
    /// Whether clients authenticate here, and are told the challenge for their next attested request.
    pub clients: bool,
    /// Larger bodies are refused, in bytes.
    pub max_body: usize,
    /// By what its requests are limited.
    pub limit: Option<Asked>,
    /// Through which door its requests come; none, where nobody is sent away: it costs no more than to say so.
    pub door: Option<Door>,
    /// Whether people see its answers.
    pub pages: bool,
    /// What it is called in metrics.
    pub name: Arc<str>,
}

impl Endpoint {
    /// One that a standard describes.
    pub fn of_standards(server: &Server, methods: &'static [Method], cors: Cors) -> Self {
        Self {
            server: server.clone(),
            methods,
            cors,
            errors: Errors::OAuth,
            proofs: false,
            clients: false,
            max_body: MAX_BODY,
            limit: None,
            door: Some(Door::Public),
            pages: false,
            name: Arc::from(""),
        }
    }

    /// Whether it is at the private listener, whose callers the operator chose.
    pub(super) fn is_private(&self) -> bool {
        self.errors == Errors::Problem
    }

    /// The same, taking bodies of this size.
    #[must_use]
    pub fn taking(self, max_body: usize) -> Self {
        Self { max_body, ..self }
    }

    /// The same, limited by the address of who asks before anything is read, and by client where the handler says so.
    #[must_use]
    pub fn limited(self, asked: Asked) -> Self {
        Self { limit: Some(asked), ..self }
    }

    /// The same, for people.
    #[must_use]
    pub fn for_people(self) -> Self {
        Self { pages: true, ..self }
    }

    /// The same, for which there is always time.
    #[must_use]
    pub fn always(self) -> Self {
        Self { door: None, ..self }
    }

    /// The same for clients that authenticate.
    #[must_use]
    pub fn for_clients(self) -> Self {
        Self { clients: true, ..self }
    }

    /// The same, taking DPoP proofs.
    #[must_use]
    pub fn taking_proofs(self) -> Self {
        Self { proofs: true, ..self }
    }
}
