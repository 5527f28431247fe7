//! JSON in documents. A comment before each block says what holds it to what is so:
//!
//! ```text
//! <!-- json: NAME -->            the schema `sdk/schemas/1/NAME.json`
//! <!-- json: part of NAME -->    the same, without members at its top
//! <!-- json: client metadata --> or `cases`, `scenario`: what the program reads that reads such JSON
//! <!-- json: file NAME -->       the file of this name beside the document says the same
//! <!-- json: its own, REASON --> nothing does
//! <!-- walk: answer -->          `docs/walk` compares it with what the command before it printed
//! ```

use std::path::{Path, PathBuf};

use placet_oauth::client::ClientMetadata;
use placet_sdk::check::CaseFile;
use serde_json::{Map, Value};

use crate::{Block, documents, parts, read, root};

/// Documents that are made from types and the examples of `sdk/schemas`.
const GENERATED: [&str; 2] = ["docs/protocol.md", "docs/admin.md"];

#[test]
fn json_in_documents_is_what_it_is_said_to_be() {
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for document in documents() {
        let generated = GENERATED.iter().any(|path| document == Path::new(path));
        for block in parts(&read(&document)).1 {
            if block.language != "json" {
                continue;
            }
            seen += 1;
            let looked = if !generated {
                look(&document, &block)
            } else if examples().contains(&parsed(&block)) {
                Ok(())
            } else {
                Err("it is none of the examples in `sdk/schemas`".to_owned())
            };
            if let Err(error) = looked {
                wrong.push(format!("{}:{}: {error}", document.display(), block.line));
            }
        }
    }
    assert!(wrong.is_empty(), "JSON that is not so:\n{}", wrong.join("\n"));
    assert!(seen > 80, "only {seen} blocks of JSON were found");
}

fn parsed(block: &Block) -> Value {
    serde_json::from_str(&block.body).unwrap_or(Value::Null)
}

/// The published examples, each of which `schemas.rs` holds against its schema.
fn examples() -> Vec<Value> {
    let folder = root().join("sdk/schemas/1/examples");
    let files = std::fs::read_dir(folder).expect("there are examples");
    files
        .map(|file| file.expect("an example has a name").path())
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .map(|path| json(&path))
        .collect()
}

fn json(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn look(document: &Path, block: &Block) -> Result<(), String> {
    let value: Value = serde_json::from_str(&block.body).map_err(|error| error.to_string())?;
    let mark = block.mark.as_deref().unwrap_or_default();
    if mark == "walk: answer" {
        return Ok(());
    }
    let Some(what) = mark.strip_prefix("json: ") else {
        return Err("no comment before it says what it is, see server/tests/documents/json.rs".to_owned());
    };
    match what {
        "client metadata" => {
            let members = value.as_object().cloned().unwrap_or_default();
            ClientMetadata::from_json(members).map(drop).map_err(|error| error.to_string())
        }
        "cases" => serde_json::from_value::<CaseFile>(value).map(drop).map_err(|error| error.to_string()),
        "scenario" => valid(&json(&root().join("sdk/mock/scenario.schema.json")), &value),
        _ if what.starts_with("its own, ") => Ok(()),
        _ => match (what.strip_prefix("file "), what.strip_prefix("part of ")) {
            (Some(name), _) => same(&beside(document, name), &value),
            (_, Some(name)) => valid(&part(strict(schema(name))), &value),
            _ => valid(&strict(schema(what)), &value),
        },
    }
}

fn beside(document: &Path, name: &str) -> PathBuf {
    root().join(document.parent().expect("a document lies in a folder")).join(name)
}

fn same(path: &Path, value: &Value) -> Result<(), String> {
    if json(path) == *value { Ok(()) } else { Err(format!("{} says something else", path.display())) }
}

fn schema(name: &str) -> Value {
    json(&root().join(format!("sdk/schemas/1/{name}.json")))
}

fn valid(schema: &Value, value: &Value) -> Result<(), String> {
    let validator = jsonschema::validator_for(schema).expect("a published schema is a schema");
    let wrong: Vec<String> =
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
}

/// The schema of an excerpt: nothing at its top has to be there.
fn part(mut schema: Value) -> Value {
    schema.as_object_mut().expect("a schema is an object").remove("required");
    schema
}

/// A schema that refuses members it does not name. Readers have to pass over them; a document has no business with them.
fn strict(schema: Value) -> Value {
    match schema {
        Value::Array(items) => items.into_iter().map(strict).collect(),
        Value::Object(members) => {
            let closed = closable(&members);
            let mut members: Map<String, Value> = members
                .into_iter()
                .map(|(name, value)| {
                    let branches = COMPOSED.contains(&name.as_str());
                    let value = if branches { branches_of(value) } else { strict(value) };
                    (name, value)
                })
                .collect();
            if closed {
                members.insert("additionalProperties".to_owned(), Value::Bool(false));
            }
            Value::Object(members)
        }
        other => other,
    }
}

/// What makes one schema of several; each of these knows but a part of the members.
const COMPOSED: [&str; 3] = ["oneOf", "anyOf", "allOf"];

fn closable(members: &Map<String, Value>) -> bool {
    members.get("properties").is_some_and(Value::is_object)
        && !COMPOSED.iter().chain(&["additionalProperties", "$ref"]).any(|name| members.contains_key(*name))
}

fn branches_of(schemas: Value) -> Value {
    let Value::Array(schemas) = schemas else { return schemas };
    schemas
        .into_iter()
        .map(|schema| match schema {
            Value::Object(members) => {
                members.into_iter().map(|(name, value)| (name, strict(value))).collect::<Map<_, _>>().into()
            }
            other => other,
        })
        .collect()
}

#[test]
fn a_member_that_the_schema_does_not_know_is_found() {
    let block = |body: &str, mark: &str| Block {
        line: 1,
        language: "json".to_owned(),
        body: body.to_owned(),
        mark: Some(mark.to_owned()),
    };
    let document = Path::new("README.md");
    let right = r#"{"id": "dec_1", "decision": "allow"}"#;
    assert_eq!(look(document, &block(right, "json: decision")), Ok(()));
    for (body, mark) in [
        (right, "json decision"),
        (r#"{"id": "dec_1", "decision": "allow", "reasons": {}}"#, "json: decision"),
        (r#"{"id": "dec_1", "decision": "allow", "reason": {"kode": "x"}}"#, "json: decision"),
        (r#"{"decision": "allow"}"#, "json: decision"),
        (r#"{"id": "dec_1", "decision": "perhaps"}"#, "json: part of decision"),
        (r#"{"cases": [{"name": "x"}]}"#, "json: cases"),
        (r#"{"redirect_uris": "https://app.example"}"#, "json: client metadata"),
        (right, "json: file rustfmt.json"),
    ] {
        let looked = std::panic::catch_unwind(|| look(document, &block(body, mark)));
        assert!(!matches!(looked, Ok(Ok(()))), "{mark}: {body}");
    }
}
