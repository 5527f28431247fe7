//! Keys.

use super::ONE;
use crate::{
    config::AdminRole,
    openapi::operation::{Access, Operation, ok},
};

const CHANGE: Access = Access::Role(AdminRole::Keys);

/// The operations.
pub(super) const ALL: [Operation; 3] = [
    Operation {
        path: "/keys",
        method: "get",
        id: "listKeys",
        tag: "keys",
        summary: "List the keys",
        description: "By algorithm, the newest first; on one page.",
        parameters: &[],
        body: None,
        success: ok("The keys", "PageOfKeyEntry"),
        refusals: &[],
        access: Access::Role(AdminRole::Read),
    },
    Operation {
        path: "/keys:rotate",
        method: "post",
        id: "rotateKeys",
        tag: "keys",
        summary: "Stage a successor for every key",
        description: "It is published at once, and works once others had time to see it. Where a successor waits already, \
            there is no second one.",
        parameters: &[],
        body: None,
        success: ok("The keys as they are now", "PageOfKeyEntry"),
        refusals: &[],
        access: CHANGE,
    },
    Operation {
        path: "/keys/{kid}:revoke",
        method: "post",
        id: "revokeKey",
        tag: "keys",
        summary: "Revoke a key",
        description: "What it signed counts no more, and what was encrypted with it is opened no more, at once. If it was the \
            one at work, a new one works at once.",
        parameters: &["kid"],
        body: None,
        success: ok("The keys as they are now", "PageOfKeyEntry"),
        refusals: &ONE,
        access: CHANGE,
    },
];
