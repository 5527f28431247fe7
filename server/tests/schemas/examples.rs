//! The examples are what the schemas and the types say, and what must be refused is.

use std::{collections::BTreeMap, fs};

use jsonschema::Validator;
use placet_sdk::{
    grant::Grant,
    interaction::{Answer, Open, Prompt},
    problem::Problem,
    resources::{AuthorizationInfo, ConsentInfo, DirectGrant, DirectGrantTokens, Page, Report, SessionList},
};
use placet_server::schemas;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::published::path;

const EXAMPLES: &str = "sdk/schemas/1/examples";

/// The examples in a folder: the name of the file, the name of its schema, the content.
pub(super) fn read(folder: &str) -> Vec<(String, &'static str, Value)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(path(folder)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let Some(stem) = name.strip_suffix(".json") else { continue };
        let schema = schemas::all()
            .into_iter()
            .map(|(schema, _)| schema)
            .filter(|schema| stem == *schema || stem.starts_with(&format!("{schema}-")))
            .max_by_key(|schema| schema.len())
            .unwrap_or_else(|| panic!("{name} begins with the name of no schema"));
        let text = fs::read_to_string(entry.path()).unwrap();
        found.push((stem.to_owned(), schema, serde_json::from_str(&text).unwrap()));
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

/// The examples that hold.
pub(super) fn all() -> Vec<(String, &'static str, Value)> {
    read(EXAMPLES)
}

fn validators() -> BTreeMap<&'static str, Validator> {
    let built = |schema: &Value| {
        jsonschema::meta::validate(schema).unwrap();
        jsonschema::options().should_validate_formats(true).build(schema).unwrap()
    };
    schemas::all().into_iter().map(|(name, schema)| (name, built(&schema))).collect()
}

/// What the type behind a schema makes of a value: the value as it would be written.
fn as_type(schema: &str, value: &Value) -> Result<Value, String> {
    match schema {
        "prompt" => through::<Prompt>(value),
        "answer" => through::<Answer>(value),
        "open" => through::<Open>(value),
        "grant" => through::<Grant>(value),
        "problem" => through::<Problem>(value),
        "session-list" => through::<SessionList>(value),
        "consent-list" => through::<Page<ConsentInfo>>(value),
        "authorization-list" => through::<Page<AuthorizationInfo>>(value),
        "direct-grant" => through::<DirectGrant>(value),
        "direct-grant-tokens" => through::<DirectGrantTokens>(value),
        "report" => through::<Report>(value),
        other => Err(format!("no type is known for `{other}`")),
    }
}

fn through<T: DeserializeOwned + Serialize>(value: &Value) -> Result<Value, String> {
    let read: T = serde_json::from_value(value.clone()).map_err(|e| e.to_string())?;
    serde_json::to_value(read).map_err(|e| e.to_string())
}

#[test]
fn every_example_is_what_its_schema_and_its_type_say() {
    let validators = validators();
    let examples = all();
    assert!(examples.len() >= 30, "only {} examples are there", examples.len());
    for (name, schema, example) in examples {
        let validator = &validators[schema];
        if let Err(error) = validator.validate(&example) {
            panic!("{name}: {error} at `{}`", error.instance_path());
        }
        let written = as_type(schema, &example).unwrap_or_else(|e| panic!("{name}: {e}"));
        if let Err(error) = validator.validate(&written) {
            panic!("{name} as written: {error} at `{}`", error.instance_path());
        }
        assert_subset(&name, &example, &written);
    }
}

/// Nothing of an example is lost on the way through its type.
fn assert_subset(name: &str, example: &Value, written: &Value) {
    match (example, written) {
        (Value::Object(members), Value::Object(others)) => {
            for (key, member) in members {
                // An empty list or object may be left out.
                let Some(other) = others.get(key) else {
                    assert!(*member == Value::Array(Vec::new()), "{name}: `{key}` is lost");
                    continue;
                };
                assert_subset(name, member, other);
            }
        }
        _ => assert_eq!(example, written, "{name}"),
    }
}

#[test]
fn every_type_of_prompt_and_answer_has_an_example() {
    let examples = all();
    let has = |schema: &str, kind: &str| examples.iter().any(|(_, s, e)| *s == schema && e["type"] == kind);
    for kind in ["user_code", "confirm", "auth", "consent", "custom", "response", "error"] {
        assert!(has("prompt", kind), "prompt {kind}");
    }
    for kind in ["user_code", "confirm", "auth", "consent", "custom", "deny"] {
        assert!(has("answer", kind), "answer {kind}");
    }
}

#[test]
fn what_must_be_refused_is_refused_by_schema_and_type() {
    let validators = validators();
    let refused = read(&format!("{EXAMPLES}/refused"));
    assert!(refused.len() >= 15, "only {} examples are there", refused.len());
    for (name, schema, example) in refused {
        assert!(!validators[schema].is_valid(&example), "the schema takes {name}");
        assert!(as_type(schema, &example).is_err(), "the type takes {name}");
    }
}

#[test]
fn schemas_refuse_what_only_the_server_could_see_otherwise() {
    let validators = validators();
    let examples: BTreeMap<String, Value> = all().into_iter().map(|(name, _, value)| (name, value)).collect();
    let changed = |name: &str, pointer: &str, value: Value| {
        let mut example = examples[name].clone();
        *example.pointer_mut(pointer).unwrap_or_else(|| panic!("{name}{pointer}")) = value;
        example
    };
    let long = "x".repeat(256);
    for (schema, name, pointer, value) in [
        ("prompt", "prompt-auth-first", "/id", "ia_8Qk3vN1mTz5yWc0RrB7uXg".into()),
        ("prompt", "prompt-auth-first", "/step", 0.into()),
        ("prompt", "prompt-auth-first", "/client/name", Value::Null),
        ("answer", "answer-auth-shortest", "/sub", "".into()),
        ("answer", "answer-auth-shortest", "/sub", long.into()),
        ("answer", "answer-deny", "/error_description", "déclinée".into()),
        ("answer", "answer-consent-tokens", "/remember/mode", "always".into()),
        ("open", "open-authorization", "/browser/binding", "short".into()),
        ("problem", "problem-step_conflict", "/status", 200.into()),
        ("problem", "problem-step_conflict", "/code", "Step Conflict".into()),
    ] {
        assert!(
            !validators[schema].is_valid(&changed(name, pointer, value.clone())),
            "{name}{pointer}: {value}"
        );
    }
}
