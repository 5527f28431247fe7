//! Revocation of everything of a user, of a client, or of somebody who acts.

use crate::{
    config::AdminRole,
    openapi::operation::{Access, Body, Operation, done},
};

const REVOKE: Access = Access::Role(AdminRole::Revoke);

/// The operations.
pub(super) const ALL: [Operation; 2] = [
    Operation {
        path: "/revocations",
        method: "post",
        id: "revoke",
        tag: "accounts",
        summary: "Revoke everything of a user, of a client, of somebody who acts, or of everybody",
        description: "Exactly one member says whose. `sub`: all sessions and authorizations of a user, and those in which \
            the user acts. `client_id`: all authorizations and tokens of a client, and those in which it takes part; the \
            sessions of users live. `actor`: what a user or a client got while acting for others. `everybody` is \
            true: all sessions, authorizations and tokens that there are, in batches; after an error, ask again. What was \
            exchanged for any of it ends too. Nobody is disabled: what is granted from now on counts.",
        parameters: &[],
        body: Some(Body::Type("Revocation")),
        success: done(204, "Revoked; also if there was nothing"),
        refusals: &[],
        access: REVOKE,
    },
    Operation {
        path: "/global-token-revocation",
        method: "post",
        id: "revokeGlobally",
        tag: "accounts",
        summary: "Revoke everything of a user (Global Token Revocation)",
        description: "The request of draft-parecki-oauth-global-token-revocation, for identity providers and incident \
            management that found an account to be in wrong hands. The subject identifier (RFC 9493) has the format \
            `iss_sub` with the issuer of this server, or `opaque`; both name the local subject. The same as a revocation \
            by `sub`: the user has to sign in again.",
        parameters: &[],
        body: Some(Body::Type("GlobalRevocation")),
        success: done(204, "Revoked; also if there was nothing"),
        refusals: &[(400, "invalid_request"), (404, "not_found")],
        access: REVOKE,
    },
];
