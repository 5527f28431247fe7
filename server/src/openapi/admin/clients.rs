//! Clients.

use super::{LIST, ONE};
use crate::{
    config::AdminRole,
    openapi::operation::{Access, Body, Operation, Success, done, ok},
};

const READ: Access = Access::Role(AdminRole::Read);
const CHANGE: Access = Access::Role(AdminRole::Clients);

const fn tagged(status: u16, description: &'static str) -> Success {
    Success { status, description, body: Some(Body::Type("ClientEntry")), headers: &["ETag"] }
}

/// The operations.
pub(super) const ALL: [Operation; 6] = [
    Operation {
        path: "/clients",
        method: "get",
        id: "listClients",
        tag: "clients",
        summary: "List clients",
        description: "In order of their ids; those of the configuration come before all others, on the first page.",
        parameters: &["client-cursor"],
        body: None,
        success: ok("A page of clients", "PageOfClientEntry"),
        refusals: &LIST,
        access: READ,
    },
    Operation {
        path: "/clients",
        method: "post",
        id: "createClient",
        tag: "clients",
        summary: "Register a client",
        description: "What is checked is what is checked of clients in the configuration. If the client authenticates \
            by a secret, the answer shows it, this once.",
        parameters: &[],
        body: Some(Body::Type("ClientWrite")),
        success: tagged(201, "Registered"),
        refusals: &[(409, "client_exists")],
        access: CHANGE,
    },
    Operation {
        path: "/clients/{client}",
        method: "get",
        id: "readClient",
        tag: "clients",
        summary: "Read a client",
        description: "Its secret is not shown.",
        parameters: &["client"],
        body: None,
        success: tagged(200, "The client"),
        refusals: &ONE,
        access: READ,
    },
    Operation {
        path: "/clients/{client}",
        method: "put",
        id: "replaceClient",
        tag: "clients",
        summary: "Replace metadata and settings of a client",
        description: "What is left out goes back to its default. A client that begins to authenticate by a secret gets \
            one, and the answer shows it, this once.",
        parameters: &["client", "If-Match"],
        body: Some(Body::Type("ClientWrite")),
        success: tagged(200, "Replaced"),
        refusals: &[ONE[0], (409, "client_configured"), (412, "changed_meanwhile")],
        access: CHANGE,
    },
    Operation {
        path: "/clients/{client}",
        method: "delete",
        id: "deleteClient",
        tag: "clients",
        summary: "Delete a client",
        description: "Its authorizations, tokens and remembered consents end with it, at once.",
        parameters: &["client", "If-Match"],
        body: None,
        success: done(204, "Deleted"),
        refusals: &[ONE[0], (409, "client_configured"), (412, "changed_meanwhile")],
        access: CHANGE,
    },
    Operation {
        path: "/clients/{client}/secret",
        method: "post",
        id: "renewClientSecret",
        tag: "clients",
        summary: "Make another secret for a client",
        description: "The old one ends at once. The answer shows the new one, this once.",
        parameters: &["client", "If-Match"],
        body: None,
        success: tagged(200, "The client with its new secret"),
        refusals: &[ONE[0], (409, "client_configured"), (409, "no_secret"), (412, "changed_meanwhile")],
        access: CHANGE,
    },
];
