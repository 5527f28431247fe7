//! What an operation of an API is.

use std::collections::BTreeMap;

use crate::config::AdminRole;

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// A type of the contract, by name.
    Type(&'static str),
    /// Scratch state of a login app.
    Scratch,
    /// The OpenAPI description.
    Description,
}

/// Who may call an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody who reaches the listener.
    Open,
    /// Holders of a token of the API.
    Bearer,
    /// Admins with this role.
    Role(AdminRole),
}

/// The answer to a request that was carried out.
#[derive(Clone, Copy, Debug)]
pub struct Success {
    /// The status.
    pub status: u16,
    /// What it means.
    pub description: &'static str,
    /// Its body.
    pub body: Option<Body>,
    /// Its headers beside those that every answer has.
    pub headers: &'static [&'static str],
}

/// An operation.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// The path under that of the API.
    pub path: &'static str,
    /// The method in lower case.
    pub method: &'static str,
    /// Its name for programs.
    pub id: &'static str,
    /// The group it belongs to.
    pub tag: &'static str,
    /// A line.
    pub summary: &'static str,
    /// More.
    pub description: &'static str,
    /// Names of its parameters.
    pub parameters: &'static [&'static str],
    /// Its body.
    pub body: Option<Body>,
    /// What it answers when all is well.
    pub success: Success,
    /// What else it may answer, beside what follows from having a body and from who may call it.
    pub refusals: &'static [(u16, &'static str)],
    /// Who may call it.
    pub access: Access,
}

impl Operation {
    /// Every problem it may answer with: the codes by status.
    pub fn problems(&self) -> BTreeMap<u16, Vec<&'static str>> {
        const BODY: [(u16, &str); 3] =
            [(413, "payload_too_large"), (415, "unsupported_media_type"), (422, "invalid_answer")];
        const TOKEN: [(u16, &str); 2] = [(401, "unauthorized"), (503, "unavailable")];
        const ADMIN: [(u16, &str); 3] =
            [(403, "role_missing"), (421, "misdirected_request"), (429, "too_many_requests")];
        let of_body: &[(u16, &str)] = if self.body.is_some() { &BODY } else { &[] };
        let of_token: &[(u16, &str)] = if self.access == Access::Open { &[] } else { &TOKEN };
        let of_admin: &[(u16, &str)] = if matches!(self.access, Access::Role(_)) { &ADMIN } else { &[] };
        let mut problems: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
        for &(status, code) in of_body.iter().chain(of_token).chain(of_admin).chain(self.refusals) {
            problems.entry(status).or_default().push(code);
        }
        problems
    }
}

/// A success with a body of this type.
pub(super) const fn ok(description: &'static str, body: &'static str) -> Success {
    Success { status: 200, description, body: Some(Body::Type(body)), headers: &[] }
}

/// A success without a body.
pub(super) const fn done(status: u16, description: &'static str) -> Success {
    Success { status, description, body: None, headers: &[] }
}

/// The description itself.
pub(super) const DESCRIPTION: Success =
    Success { status: 200, description: "This document", body: Some(Body::Description), headers: &[] };
