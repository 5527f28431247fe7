//! The OpenAPI description hangs together.

use std::{collections::BTreeSet, fs, path::Path};

use placet_server::{
    openapi::{MEMBER_CODES, OPERATIONS, interaction_api},
    problem::MEANINGS,
};
use serde_json::Value;

use super::published::path;

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        Value::Object(members) => {
            if let Some(Value::String(target)) = members.get("$ref") {
                found.insert(target.clone());
            }
            members.values().for_each(|member| references(member, found));
        }
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_component_is_used() {
    let description = interaction_api();
    let mut found = BTreeSet::new();
    references(&description, &mut found);
    for target in &found {
        let pointer = target.strip_prefix('#').unwrap_or_else(|| panic!("{target} leads outside"));
        assert!(description.pointer(pointer).is_some(), "{target} leads nowhere");
    }
    for kind in ["schemas", "parameters", "headers"] {
        for name in description["components"][kind].as_object().unwrap().keys() {
            assert!(found.contains(&format!("#/components/{kind}/{name}")), "{kind}/{name} is not used");
        }
    }
}

#[test]
fn every_component_is_a_schema() {
    let description = interaction_api();
    for (name, schema) in description["components"]["schemas"].as_object().unwrap() {
        jsonschema::meta::validate(schema).unwrap_or_else(|e| panic!("{name}: {e}"));
    }
}

#[test]
fn operations_are_named_once_and_described() {
    let mut ids = BTreeSet::new();
    for operation in &OPERATIONS {
        assert!(ids.insert(operation.id), "{}", operation.id);
        assert!(!operation.summary.ends_with('.'), "{}", operation.id);
        assert!(operation.description.ends_with('.'), "{}", operation.id);
        for variable in operation.path.split('/').filter_map(|s| s.strip_prefix('{')?.strip_suffix('}')) {
            assert!(operation.parameters.contains(&variable), "{}: {variable}", operation.id);
        }
    }
}

#[test]
fn every_code_that_the_server_gives_is_explained() {
    let known: BTreeSet<&str> = MEANINGS.iter().map(|m| m.code).collect();
    assert_eq!(known.len(), MEANINGS.len());
    for operation in &OPERATIONS {
        for code in operation.problems().into_values().flatten() {
            assert!(known.contains(code), "{}: {code}", operation.id);
        }
    }
    let mut given = BTreeSet::new();
    calls(&path("server/src"), "problem(", &mut given);
    given.retain(|(status, _)| status.parse::<u16>().is_ok());
    assert!(given.len() > 10);
    for (_, code) in given {
        assert!(known.contains(code.as_str()), "`{code}` is given and not explained");
    }
}

#[test]
fn every_code_of_a_member_is_explained_and_every_explained_one_is_given() {
    let known: BTreeSet<String> = MEMBER_CODES.iter().map(|(code, _)| (*code).to_owned()).collect();
    let mut given = BTreeSet::new();
    calls(&path("server/src"), "invalid_answer(", &mut given);
    let mut given: BTreeSet<String> = given.into_iter().map(|(_, code)| code).collect();
    given.insert("capability_missing".to_owned());
    assert_eq!(known, given);
}

/// The calls of a function whose second argument is a text: the first argument, and that text.
fn calls(folder: &Path, function: &str, found: &mut BTreeSet<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            calls(&path, function, found);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for call in text.split(function).skip(1) {
            let Some((first, rest)) = call.split_once(',') else { continue };
            let second = rest.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next());
            if let Some(second) = second {
                found.insert((first.trim().to_owned(), second.to_owned()));
            }
        }
    }
}
