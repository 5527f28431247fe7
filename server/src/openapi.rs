//! The OpenAPI 3.1 descriptions of the APIs behind the private listener, generated from the wire types and tables of
//! operations.

mod admin;
mod interaction;
mod members;
mod operation;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::problem::MEANINGS;

pub use members::MEMBER_CODES;
pub use operation::{Access, Body, Operation, Success};

/// The description of the interaction API.
pub fn interaction_api() -> Value {
    interaction::api().describe()
}

/// The operations of the interaction API.
pub fn interaction_operations() -> Vec<&'static Operation> {
    interaction::api().operations
}

/// The description of the admin API.
pub fn admin_api() -> Value {
    admin::api().describe()
}

/// The operations of the admin API.
pub fn admin_operations() -> Vec<&'static Operation> {
    admin::api().operations
}

/// An API, as far as it differs from the other one.
struct Api {
    operations: Vec<&'static Operation>,
    title: &'static str,
    summary: &'static str,
    about: &'static str,
    server: &'static str,
    tags: Value,
    bearer: &'static str,
    schemas: Map<String, Value>,
    parameters: Value,
    headers: Value,
}

impl Api {
    fn describe(self) -> Value {
        let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
        for operation in &self.operations {
            paths.entry(operation.path).or_default().insert(operation.method.to_owned(), describe(operation));
        }
        json!({
            "openapi": "3.1.0",
            "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
            "info": {
                "title": self.title,
                "version": "1",
                "summary": self.summary,
                "description": self.about,
                "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
            },
            "servers": [{
                "url": self.server,
                "description": "The private listener (`private_listen`) with its default address",
            }],
            "security": [{ "bearer": [] }],
            "tags": self.tags,
            "paths": paths,
            "components": {
                "schemas": self.schemas,
                "securitySchemes": {
                    "bearer": { "type": "http", "scheme": "bearer", "description": self.bearer },
                },
                "parameters": self.parameters,
                "headers": self.headers,
            },
        })
    }
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
    match operation.access {
        Access::Open => described["security"] = json!([]),
        Access::Bearer => {}
        Access::Role(role) => described["x-placet-role"] = json!(role),
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

/// A parameter in the path that is the id of something, with its prefix and the length of the rest.
fn id(name: &str, (prefix, length): (&str, u32), of: &str) -> Value {
    json!({
        "name": name, "in": "path", "required": true, "description": format!("Id of {of}, `{prefix}_…`"),
        "schema": { "type": "string", "pattern": format!("^{prefix}_[A-Za-z0-9_-]{{{length}}}$") },
    })
}

/// The parameter `sub` of lists.
fn whose() -> Value {
    json!({
        "name": "sub", "in": "query", "required": true, "description": "The local subject of the user",
        "schema": { "type": "string", "minLength": 1, "maxLength": 255 },
    })
}

/// The parameter `cursor` of lists.
fn cursor() -> Value {
    json!({
        "name": "cursor", "in": "query", "description": "The `next_cursor` of the page before",
        "schema": { "type": "string", "maxLength": 64 },
    })
}

/// A header of answers.
fn header(description: &str, schema: &Value) -> Value {
    json!({ "description": description, "schema": schema })
}

/// The headers that answers of every API have, by name.
fn common_headers() -> Value {
    json!({
        "Placet-Request-Id":
            header("Finds the server's log lines of this request", &json!({ "type": "string" })),
        "Cache-Control": header("No answer of this API may be kept", &json!({ "const": "no-store" })),
        "Retry-After": header("Seconds to wait", &json!({ "type": "string", "pattern": "^[0-9]+$" })),
        "WWW-Authenticate": header("`Bearer`", &json!({ "type": "string" })),
    })
}
