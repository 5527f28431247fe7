//! The console.

use crate::{
    config::AdminRole,
    openapi::operation::{Access, Body, Operation, Success},
};

/// The operations.
pub(super) const ALL: [Operation; 1] = [Operation {
    path: "/console-links",
    method: "post",
    id: "linkToConsole",
    tag: "console",
    summary: "Get a link into the console",
    description: "Whoever opens it first, within two minutes, is signed in to the console of this very process with the \
        roles of the caller. It is a credential: hand it to a browser, and to nobody else.",
    parameters: &[],
    body: None,
    success: Success {
        status: 201,
        description: "The link",
        body: Some(Body::Type("ConsoleLink")),
        headers: &[],
    },
    refusals: &[],
    access: Access::Role(AdminRole::Read),
}];
