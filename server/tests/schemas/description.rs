//! The OpenAPI descriptions hang together.

use std::{collections::BTreeSet, fs, path::Path};

use placet_server::{
    openapi::{
        Access, MEMBER_CODES, Operation, admin_api, admin_operations, interaction_api, interaction_operations,
    },
    problem::MEANINGS,
};
use serde_json::Value;

use super::published::path;

fn descriptions() -> [Value; 2] {
    [interaction_api(), admin_api()]
}

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
    for description in descriptions() {
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
}

#[test]
fn every_component_is_a_schema() {
    for description in descriptions() {
        for (name, schema) in description["components"]["schemas"].as_object().unwrap() {
            jsonschema::meta::validate(schema).unwrap_or_else(|e| panic!("{name}: {e}"));
        }
    }
}

/// The names in braces of a path.
fn variables(path: &str) -> Vec<&str> {
    path.split('{').skip(1).map(|rest| rest.split('}').next().unwrap()).collect()
}

#[test]
fn operations_are_named_once_and_described() {
    for (operations, description) in
        [(interaction_operations(), interaction_api()), (admin_operations(), admin_api())]
    {
        let mut ids = BTreeSet::new();
        for operation in operations {
            assert!(ids.insert(operation.id), "{}", operation.id);
            assert!(!operation.summary.ends_with('.'), "{}", operation.id);
            assert!(operation.description.ends_with('.'), "{}", operation.id);
            for variable in variables(operation.path) {
                assert!(operation.parameters.contains(&variable), "{}: {variable}", operation.id);
            }
            let tags = description["tags"].as_array().unwrap();
            assert!(tags.iter().any(|tag| tag["name"] == operation.tag), "{}", operation.tag);
        }
    }
}

#[test]
fn every_operation_of_the_admin_api_but_its_description_names_its_role() {
    let described = admin_api();
    for operation in admin_operations() {
        let shown = &described["paths"][operation.path][operation.method];
        match operation.access {
            Access::Role(role) => assert_eq!(shown["x-placet-role"], serde_json::json!(role)),
            Access::Open => assert_eq!(operation.id, "description"),
            Access::Bearer => panic!("{} needs no role", operation.id),
        }
    }
}

#[test]
fn every_code_that_the_server_gives_is_explained() {
    let known: BTreeSet<&str> = MEANINGS.iter().map(|m| m.code).collect();
    assert_eq!(known.len(), MEANINGS.len());
    let codes = |operation: &&Operation| operation.problems().into_values().flatten().collect::<Vec<_>>();
    let mut told: BTreeSet<&str> = interaction_operations().iter().flat_map(codes).collect();
    told.extend(admin_operations().iter().flat_map(codes));
    // The answer of every path to a method that it does not have.
    told.insert("method_not_allowed");
    assert_eq!(told, known);
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
