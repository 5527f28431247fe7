//! The admin API.

mod accounts;
mod clients;
mod console;
mod events;
mod keys;
mod policies;
mod revocations;

use placet_sdk::{admin::DecisionOutcome, decision::HookType};
use serde_json::{Value, json};

use super::{
    Api, common_headers, cursor, header, id,
    operation::{Access, DESCRIPTION, Operation},
    whose,
};
use crate::schemas;

/// What the description says of the API as a whole.
const ABOUT: &str = "What an operator's programs see and change while the server runs. Each admin has a bearer and \
roles; an operation names the role that it needs (`x-placet-role`). Every change is recorded with the name of the \
admin, in the transaction of the change.\n\nThe API is not for browsers: it sends no CORS headers, and a `Host` that is \
none of its own is refused.\n\nJSON in UTF-8, without duplicate names. Members that do not apply are left out, never \
`null`. Instants are RFC 3339 strings in UTC; durations are seconds. Errors are problem documents (RFC 9457): decide by \
`code`. Clients of this API ignore members that they do not know; the server refuses those that it does not know.";

/// What all operations that need a role answer when a list cannot be read.
const LIST: [(u16, &str); 1] = [(400, "invalid_request")];
const ONE: [(u16, &str); 1] = [(404, "not_found")];

/// This very document.
const ITSELF: Operation = Operation {
    path: "/openapi.json",
    method: "get",
    id: "description",
    tag: "description",
    summary: "Read this description",
    description: "The only resource that needs no token.",
    parameters: &[],
    body: None,
    success: DESCRIPTION,
    refusals: &[(421, "misdirected_request")],
    access: Access::Open,
};

pub(super) fn api() -> Api {
    let parts: [&'static [Operation]; 8] = [
        &clients::ALL,
        &accounts::ALL,
        &revocations::ALL,
        &keys::ALL,
        &policies::ALL,
        &events::ALL,
        &console::ALL,
        &[ITSELF],
    ];
    Api {
        operations: parts.into_iter().flatten().collect(),
        title: "Placet admin API",
        summary: "Clients, sessions, authorizations, subjects, keys, policies, decisions and events, for operators",
        about: ABOUT,
        server: "http://127.0.0.1:8081/admin/v1",
        tags: json!([
            { "name": "clients", "description": "Clients and their secrets" },
            { "name": "accounts", "description": "What users have here, and whether they get any more" },
            { "name": "keys", "description": "Keys that sign, and keys that others encrypt with" },
            { "name": "policies", "description": "Policies as they are now, and trying them" },
            { "name": "decisions", "description": "What was decided, and why" },
            { "name": "events", "description": "Receivers of events, and what waits to be delivered" },
            { "name": "console", "description": "The console for operators" },
            { "name": "description", "description": "This document" },
        ]),
        bearer: "The token of an `[[admin]]` registration, or an access token of this server for the audience \
            `{issuer}/admin` that a client named in one got for itself.",
        schemas: schemas::admin_components(),
        parameters: parameters(),
        headers: headers(),
    }
}

/// The parameters by name.
fn parameters() -> Value {
    let path = |name: &str, description: &str, schema: Value| json!({ "name": name, "in": "path", "required": true, "description": description, "schema": schema });
    let filter = |name: &str, description: &str, schema: Value| json!({ "name": name, "in": "query", "description": description, "schema": schema });
    let text = || json!({ "type": "string", "maxLength": 255 });
    json!({
        "client": path(
            "client",
            "Id of the client, percent-encoded where a path cannot hold it",
            json!({ "type": "string", "minLength": 1, "maxLength": 255 }),
        ),
        "session": id("session", ("ses", 22), "the session"),
        "authorization": id("authorization", ("az", 22), "the authorization"),
        "subject": path(
            "subject",
            "The local subject of the user, percent-encoded where a path cannot hold it",
            json!({ "type": "string", "minLength": 1, "maxLength": 255 }),
        ),
        "kid": path("kid", "Id of the key", json!({ "type": "string", "pattern": "^[A-Za-z0-9_-]{22}$" })),
        "policy": path(
            "policy",
            "Name of the policy, as in the configuration",
            json!({ "type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$" }),
        ),
        "decision": id("decision", ("dec", 22), "the decision, or of a question that belongs to it"),
        "receiver": path(
            "receiver",
            "Name of the receiver, as in the configuration",
            json!({ "type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$" }),
        ),
        "delivery": id("delivery", ("dlv", 22), "the delivery"),
        "dead": filter("dead", "Those that were given up, instead of those that wait", json!({ "type": "boolean" })),
        "kind": filter("kind", "Of this kind: `event`, …", json!({ "type": "string", "minLength": 1, "maxLength": 255 })),
        "destination": filter(
            "destination",
            "To this destination; `receiver:` and a name for a receiver of events",
            json!({ "type": "string", "minLength": 1, "maxLength": 255 }),
        ),
        "delivery-cursor": filter(
            "cursor",
            "The `next_cursor` of the page before",
            json!({ "type": "string", "minLength": 1, "maxLength": 255 }),
        ),
        "sub": whose(),
        "cursor": cursor(),
        "If-Match": {
            "name": "If-Match", "in": "header",
            "description": "The `ETag` of the client as it was read: if somebody else changed it since, nothing is done",
            "schema": { "type": "string", "minLength": 1, "maxLength": 64 },
        },
        "client-cursor": filter("cursor", "The `next_cursor` of the page before", text()),
        "decision-cursor": filter(
            "cursor",
            "The `next_cursor` of the page before",
            json!({ "type": "string", "pattern": "^[0-9]{1,19}$" }),
        ),
        "type": filter("type", "Of this decision point", json!({ "enum": HookType::ALL })),
        "outcome": filter("outcome", "With this outcome", json!({ "enum": DecisionOutcome::ALL })),
        "client_id": filter("client_id", "About this client", text()),
        "about": filter("sub", "About this subject", text()),
        "asked": filter("policy", "In which this policy took part", text()),
        "trace_id": filter("trace_id", "Of this trace (W3C Trace Context)", text()),
        "limit": filter(
            "limit",
            "How many at once; 50 if that is not said",
            json!({ "type": "integer", "minimum": 1, "maximum": 200 }),
        ),
    })
}

/// The headers of answers by name.
fn headers() -> Value {
    let mut headers = common_headers();
    headers["ETag"] = header(
        "The `generation` of the client, for `If-Match`",
        &json!({ "type": "string", "pattern": "^\"[0-9]+\"$" }),
    );
    headers
}
