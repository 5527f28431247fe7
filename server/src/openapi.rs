//! The OpenAPI 3.1 description of the interaction API, generated from the wire types.

use serde_json::{Value, json};

use crate::schemas;

/// The description.
pub fn interaction_api() -> Value {
    let schemas: serde_json::Map<String, Value> =
        schemas::all().into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect();
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Placet interaction API", "version": "1" },
        "paths": {},
        "components": { "schemas": schemas }
    })
}
