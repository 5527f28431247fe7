//! The interaction API.

mod operations;

use serde_json::{Value, json};

use super::{Api, common_headers, cursor, header, id, whose};
use crate::schemas;

/// What the description says of the API as a whole.
const ABOUT: &str = "The server asks, a login and consent web app answers. An *interaction* has exactly one prompt at a \
time; the app reads it, does what its `type` asks, and answers that `step`; the reply is the next prompt, until one of \
type `response` or `error` ends it. Every protocol check is the server's.\n\nJSON in UTF-8, without duplicate names. \
Members that do not apply are left out, never `null`. Instants are RFC 3339 strings in UTC; durations are seconds. \
Errors are problem documents (RFC 9457): decide by `code`. Clients of this API ignore members that they do not know; \
the server refuses those that it does not know.";

pub(super) fn api() -> Api {
    Api {
        operations: operations::OPERATIONS.iter().collect(),
        title: "Placet interaction API",
        summary: "Sign-in and consent in an app of your own",
        about: ABOUT,
        server: "http://127.0.0.1:8081/ui/v1",
        tags: json!([
            { "name": "interactions", "description": "What a person is asked" },
            { "name": "accounts", "description": "Sessions, consents and authorizations, for account pages" },
            { "name": "facts", "description": "What an app does or knows without asking" },
            { "name": "description", "description": "This document" },
        ]),
        bearer: "The token of a `[[ui]]` registration, or an access token of this server for the audience \
            `{issuer}/ui` whose client is named in one.",
        schemas: schemas::interaction_components(),
        parameters: parameters(),
        headers: headers(),
    }
}

/// The parameters by name.
fn parameters() -> Value {
    json!({
        "interaction": id("interaction", ("ia", 38), "the interaction"),
        "session": id("session", ("ses", 22), "the session"),
        "consent": id("consent", ("cns", 22), "the remembered consent"),
        "authorization": id("authorization", ("az", 22), "the authorization"),
        "step": {
            "name": "step", "in": "path", "required": true,
            "description": "The `step` of the prompt that is answered",
            "schema": { "type": "integer", "format": "uint32", "minimum": 1, "maximum": 4_294_967_295_u32 },
        },
        "sub": whose(),
        "cursor": cursor(),
        "kind": {
            "name": "kind", "in": "query", "required": true,
            "description": "Interactions without a browser: those of browsers are found through the browser alone",
            "schema": { "enum": ["ciba", "device"] },
        },
        "Placet-Browser-Binding": {
            "name": "Placet-Browser-Binding", "in": "header",
            "description": "Headless front door, where it is required: the `browser.binding` that the interaction was \
                opened with, read from the cookie of the browser that answers now",
            "schema": { "type": "string", "minLength": 22, "maxLength": 255 },
        },
        "Idempotency-Key": {
            "name": "Idempotency-Key", "in": "header",
            "description": "The same request with the same key gets the same prompt for ten minutes, instead of opening \
                another interaction",
            "schema": { "type": "string", "minLength": 1, "maxLength": 255 },
        },
    })
}

/// The headers of answers by name.
fn headers() -> Value {
    let mut headers = common_headers();
    headers["Location"] = header("The interaction", &json!({ "type": "string" }));
    headers["Placet-Replayed"] = header(
        "`true` when this very answer had been given before: nothing happened again",
        &json!({ "const": "true" }),
    );
    headers
}
