//! The OpenAPI 3.1 description of the interaction API, generated from the wire types and a table of operations.

mod members;
mod operations;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::{problem::MEANINGS, schemas};

pub use members::MEMBER_CODES;
pub use operations::{Body, OPERATIONS, Operation, Success};

/// What the description says of the API as a whole.
const ABOUT: &str = "The server asks, a login and consent web app answers. An *interaction* has exactly one prompt at a \
time; the app reads it, does what its `type` asks, and answers that `step`; the reply is the next prompt, until one of \
type `response` or `error` ends it. Every protocol check is the server's.\n\nJSON in UTF-8, without duplicate names. \
Members that do not apply are left out, never `null`. Instants are RFC 3339 strings in UTC; durations are seconds. \
Errors are problem documents (RFC 9457): decide by `code`. Clients of this API ignore members that they do not know; \
the server refuses those that it does not know.";

/// The description.
pub fn interaction_api() -> Value {
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for operation in &OPERATIONS {
        paths.entry(operation.path).or_default().insert(operation.method.to_owned(), describe(operation));
    }
    json!({
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "Placet interaction API",
            "version": "1",
            "summary": "Sign-in and consent in an app of your own",
            "description": ABOUT,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{
            "url": "http://127.0.0.1:8081/ui/v1",
            "description": "The private listener (`private_listen`) with its default address",
        }],
        "security": [{ "bearer": [] }],
        "tags": [
            { "name": "interactions", "description": "What a person is asked" },
            { "name": "accounts", "description": "Sessions, consents and authorizations, for account pages" },
            { "name": "facts", "description": "What an app does or knows without asking" },
            { "name": "description", "description": "This document" },
        ],
        "paths": paths,
        "components": {
            "schemas": schemas::components(),
            "securitySchemes": { "bearer": {
                "type": "http",
                "scheme": "bearer",
                "description": "The token of a `[[ui]]` registration, or an access token of this server for the \
                    audience `{issuer}/ui` whose client is named in one.",
            } },
            "parameters": parameters(),
            "headers": headers(),
        },
    })
}

fn describe(operation: &Operation) -> Value {
    let mut described = json!({
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": operation.description,
        "responses": responses(operation),
    });
    if !operation.parameters.is_empty() {
        let references = operation.parameters.iter().map(|name| reference("parameters", name));
        described["parameters"] = references.collect();
    }
    if let Some(body) = operation.body {
        described["requestBody"] =
            json!({ "required": true, "content": { "application/json": { "schema": shape(body) } } });
    }
    if operation.open {
        described["security"] = json!([]);
    }
    described
}

fn reference(kind: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{kind}/{name}") })
}

fn shape(body: Body) -> Value {
    match body {
        Body::Type(name) => reference("schemas", name),
        Body::Scratch => json!({
            "type": "object",
            "additionalProperties": true,
            "description": "Whatever the app wants to keep, at most 8 KiB of JSON",
        }),
        Body::Description => json!({ "type": "object", "required": ["openapi", "paths"] }),
    }
}

fn responses(operation: &Operation) -> Value {
    let success = &operation.success;
    let mut headers = vec!["Placet-Request-Id", "Cache-Control"];
    headers.extend(success.headers);
    let mut good = json!({ "description": success.description, "headers": named(&headers) });
    if let Some(body) = success.body {
        good["content"] = json!({ "application/json": { "schema": shape(body) } });
    }
    let mut responses = Map::from_iter([(success.status.to_string(), good)]);
    for (status, codes) in operation.problems() {
        responses.insert(status.to_string(), problem_response(status, &codes));
    }
    Value::Object(responses)
}

fn named(headers: &[&str]) -> Value {
    headers.iter().map(|name| ((*name).to_owned(), reference("headers", name))).collect::<Map<_, _>>().into()
}

fn problem_response(status: u16, codes: &[&str]) -> Value {
    let advice = |code: &str| MEANINGS.iter().find(|m| m.code == code).map_or("", |m| m.advice);
    let description: Vec<String> = codes.iter().map(|code| format!("`{code}`: {}", advice(code))).collect();
    let mut headers = vec!["Placet-Request-Id", "Cache-Control"];
    match status {
        401 => headers.push("WWW-Authenticate"),
        429 | 503 => headers.push("Retry-After"),
        _ => {}
    }
    json!({
        "description": description.join("\n\n"),
        "headers": named(&headers),
        "content": { "application/problem+json": { "schema": {
            "allOf": [
                reference("schemas", "Problem"),
                { "properties": { "status": { "const": status }, "code": { "enum": codes } } },
            ],
        } } },
    })
}

/// The parameters by name.
fn parameters() -> Value {
    let id = |name: &str, prefix: &str, length: u32, of: &str| {
        json!({
            "name": name, "in": "path", "required": true, "description": format!("Id of {of}, `{prefix}_…`"),
            "schema": { "type": "string", "pattern": format!("^{prefix}_[A-Za-z0-9_-]{{{length}}}$") },
        })
    };
    json!({
        "interaction": id("interaction", "ia", 38, "the interaction"),
        "session": id("session", "ses", 22, "the session"),
        "consent": id("consent", "cns", 22, "the remembered consent"),
        "authorization": id("authorization", "az", 22, "the authorization"),
        "step": {
            "name": "step", "in": "path", "required": true,
            "description": "The `step` of the prompt that is answered",
            "schema": { "type": "integer", "format": "uint32", "minimum": 1, "maximum": 4_294_967_295_u32 },
        },
        "sub": {
            "name": "sub", "in": "query", "required": true, "description": "The local subject of the user",
            "schema": { "type": "string", "minLength": 1, "maxLength": 255 },
        },
        "cursor": {
            "name": "cursor", "in": "query", "description": "The `next_cursor` of the page before",
            "schema": { "type": "string", "maxLength": 64 },
        },
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
    let text = |description: &str, schema: Value| json!({ "description": description, "schema": schema });
    json!({
        "Placet-Request-Id": text("Finds the server's log lines of this request", json!({ "type": "string" })),
        "Cache-Control": text("No answer of this API may be kept", json!({ "const": "no-store" })),
        "Location": text("The interaction", json!({ "type": "string" })),
        "Placet-Replayed": text(
            "`true` when this very answer had been given before: nothing happened again",
            json!({ "const": "true" }),
        ),
        "Retry-After": text("Seconds to wait", json!({ "type": "string", "pattern": "^[0-9]+$" })),
        "WWW-Authenticate": text("`Bearer`", json!({ "type": "string" })),
    })
}
